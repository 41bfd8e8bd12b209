"""The network and trainer that were released with arXiv 2502.04354, as a procedure of the networks here."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rmkit.errors import DataError, ParamsError
from rmkit.reward_models.margin_uncertainty import reward_root_of
from rmkit.reward_models.mlp.bradley_terry import MLPBradleyTerry
from rmkit.reward_models.mlp.layers import initial_layers
from rmkit.reward_models.mlp.procedures import FullBatch
from rmkit.reward_models.registry import build
from tests.reward_models.mlp.small_heads import FULL_BATCH, TRAIN, VALIDATION, WORLD, fitted, learned, streams
from tests.reward_models.worlds import centred, subset, swapped


@pytest.fixture(scope="module")
def model():
    return fitted(MLPBradleyTerry, **FULL_BATCH)


def released(sizes, seed):
    """The released network with the start that a fit of this seed has."""
    widths = itertools.pairwise(sizes[:-1])
    hidden = [layer for n_in, n_out in widths for layer in (torch.nn.Linear(n_in, n_out), torch.nn.GELU())]
    network = torch.nn.Sequential(*hidden, torch.nn.Linear(sizes[-2], 1, bias=False))
    start = initial_layers(streams(1, seed), sizes, last=1.0, last_bias=False)
    with torch.no_grad():
        for parameter, layer in zip(network.parameters(), start, strict=True):
            parameter.copy_(layer[0].T if parameter.ndim == 2 else layer[0, 0])
    return network


def test_it_is_the_released_network_and_trainer():
    """These again in plain PyTorch: BCE of the probability, Adam with its defaults, every pair at every step."""
    pairs = subset(TRAIN, [1])
    model = fitted(MLPBradleyTerry, pairs, pairs, **FULL_BATCH)
    network = released((8, *FULL_BATCH["hidden"], 1), 0)
    input_rd = torch.from_numpy(WORLD.embedding_rd.astype(np.float32))
    chosen_md, rejected_md = (input_rd[side_sm[0]] for side_sm in (pairs.chosen_sm, pairs.rejected_sm))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(FULL_BATCH["max_steps"]):
        optimiser.zero_grad()
        chance_m = torch.sigmoid(network(chosen_md) - network(rejected_md)).squeeze(-1)
        loss = F.binary_cross_entropy(chance_m, torch.ones_like(chance_m))
        loss.backward()
        optimiser.step()
    theirs_r = network(input_rd).detach().numpy()[:, 0]
    np.testing.assert_allclose(model.score(WORLD.embedding_rd)[0], theirs_r, atol=2e-3 * theirs_r.std())
    assert model.validation_log_loss_s_[0] == pytest.approx(loss.item(), rel=0.05)  # theirs is a step earlier


def test_its_loss_is_the_released_one_where_that_has_a_gradient():
    values = torch.tensor([-25.0, -2.0, 0.0, 3.0, 10.0, -100.0])
    mine, theirs = values.clone().requires_grad_(), values.clone().requires_grad_()
    loss = FullBatch(max_steps=1).nll(mine, 1)
    released_loss = F.binary_cross_entropy(torch.sigmoid(theirs), torch.ones(6), reduction="none")
    torch.testing.assert_close(loss, released_loss, rtol=1e-5, atol=1e-6)
    loss.sum().backward()
    released_loss.sum().backward()
    torch.testing.assert_close(mine.grad[:5], theirs.grad[:5], rtol=1e-4, atol=1e-6)
    assert (mine.grad[5], theirs.grad[5]) == (-1, 0)


def test_a_notebook_gets_the_released_options_by_the_procedures_name():
    head = build("mlp_bt", procedure="full_batch")
    assert (head.hidden, head.activation, head.max_steps) == ((512, 512, 512), "gelu", 1000)
    training = head._training()
    assert (training.learning_rate, training.weight_decay, training.standardises) == (1e-3, 0.0, False)
    assert training == FullBatch(max_steps=1000)


def test_there_is_no_bias_in_the_last_layer_and_the_start_is_torchs(model):
    assert [layer.shape[1:] for layer in model.layers_] == [
        (8, 32), (1, 32), (32, 24), (1, 24), (24, 16), (1, 16), (16, 1),
    ]  # fmt: skip
    start = initial_layers(streams(1), (8, *FULL_BATCH["hidden"], 1), last=1.0, last_bias=False)
    assert all(layer.abs().max() <= n**-0.5 for layer, n in zip(start, (8, 8, 32, 32, 24, 24, 16), strict=True))
    feature_srh, weight_sh = model.last_layer(WORLD.embedding_rd)
    assert (feature_srh.shape, weight_sh.shape) == ((2, 600, 16), (2, 16))
    assert (feature_srh < 0).any()  # after a GELU
    by_hand_sr = np.einsum("srh,sh->sr", feature_srh, weight_sh)
    np.testing.assert_allclose(by_hand_sr, model.score(WORLD.embedding_rd), rtol=1e-4, atol=1e-4)


def test_validation_pairs_are_measured_and_change_nothing(model):
    misled = fitted(MLPBradleyTerry, TRAIN, swapped(VALIDATION), **FULL_BATCH)
    np.testing.assert_array_equal(misled.score(WORLD.embedding_rd), model.score(WORLD.embedding_rd))
    assert (misled.validation_log_loss_s_ > model.validation_log_loss_s_ + 0.1).all()
    assert model.steps_s_.tolist() == misled.steps_s_.tolist() == [FULL_BATCH["max_steps"]] * 2


def test_the_training_pairs_as_validation_give_the_training_loss(model):
    both = fitted(MLPBradleyTerry, TRAIN, TRAIN, **FULL_BATCH)
    reward_sr = both.score(WORLD.embedding_rd)
    np.testing.assert_array_equal(reward_sr, model.score(WORLD.embedding_rd))
    for s, size in enumerate(TRAIN.sizes_s):
        margin_m = reward_sr[s, TRAIN.chosen_sm[s, :size]] - reward_sr[s, TRAIN.rejected_sm[s, :size]]
        assert both.validation_log_loss_s_[s] == pytest.approx(np.logaddexp(0, -margin_m).mean(), rel=1e-4)


def test_every_label_is_learned_by_heart():
    few = subset(TRAIN, [0])
    assert fitted(MLPBradleyTerry, few, few, **FULL_BATCH | {"max_steps": 1000}).validation_log_loss_s_[0] < 0.01


def test_fits_of_many_sizes_as_one_batch_are_the_fits_alone():
    together = centred(fitted(MLPBradleyTerry, **FULL_BATCH).score(WORLD.embedding_rd))
    for s, rng in enumerate(streams(2)):
        head = MLPBradleyTerry(**FULL_BATCH)
        alone = head.fit(WORLD.embedding_rd, subset(TRAIN, [s]), subset(VALIDATION, [s]), rng_s=[rng])
        np.testing.assert_allclose(learned(alone)[0], together[s], atol=0.02 * together[s].std())


def test_what_is_saved_scores_the_same_and_must_have_no_last_bias(model, tmp_path):
    model.save(tmp_path)
    loaded = MLPBradleyTerry.load(tmp_path)
    assert loaded == model
    np.testing.assert_array_equal(loaded.score(WORLD.embedding_rd), model.score(WORLD.embedding_rd))
    only = loaded.only(np.array([1]))
    np.testing.assert_array_equal(only.score(WORLD.embedding_rd), model.score(WORLD.embedding_rd)[1:])
    loaded.layers_.append(np.zeros((2, 1, 1), np.float32))
    loaded.save(tmp_path)
    with pytest.raises(DataError, match="layer_7: is no array of this head"):
        MLPBradleyTerry.load(tmp_path)
    del loaded.layers_[-2:]
    loaded.save(tmp_path)
    with pytest.raises(DataError, match="layer_6: is not there; fit it again"):
        MLPBradleyTerry.load(tmp_path)


def test_its_margins_have_an_uncertainty_by_the_last_layer(model):
    root_of = reward_root_of(model, 1, WORLD.embedding_rd, TRAIN)
    sd_r = np.linalg.norm(root_of(WORLD.embedding_rd), axis=1)
    assert np.isfinite(sd_r).all()
    assert (sd_r > 0).all()


def test_its_steps_and_network_can_be_chosen_and_nothing_else():
    base = fitted(MLPBradleyTerry, **FULL_BATCH).score(WORLD.embedding_rd)
    for option in ({"max_steps": 7}, {"activation": "relu"}, {"hidden": (32, 16)}):
        changed = fitted(MLPBradleyTerry, **FULL_BATCH | option)
        assert not np.allclose(changed.score(WORLD.embedding_rd), base)
    with pytest.raises(ParamsError, match="procedure full_batch has no learning_rate, patience to choose; use sound"):
        MLPBradleyTerry(procedure="full_batch", learning_rate=1e-2, patience=2)
    with pytest.raises(ParamsError, match="counts must be at least 1"):
        MLPBradleyTerry(procedure="full_batch", max_steps=0)


@pytest.mark.parametrize("procedure", ["sound", "published"])
def test_the_other_procedures_keep_their_network_and_may_have_the_other_activation(procedure):
    head = MLPBradleyTerry(procedure=procedure)
    assert (head.hidden, head.activation) == ((1024, 512), "relu")
    curved, straight = (
        fitted(MLPBradleyTerry, procedure=procedure, activation=activation) for activation in ("gelu", "relu")
    )
    assert len(curved.layers_) == 6
    assert not np.allclose(curved.score(WORLD.embedding_rd), straight.score(WORLD.embedding_rd))
