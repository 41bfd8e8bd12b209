import functools
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmkit.comparisons import PairSets
from rmkit.errors import DataError, ResultError
from rmkit.reward_models.mlp_bt import MLPBradleyTerry
from rmkit.reward_models.mlp_clf import MLPClassifier
from rmkit.reward_models.mlp_training import (
    BestSoFar,
    Minibatches,
    Running,
    absorbed,
    initial_layers,
    pair_log_loss,
    pair_rewards,
    rewards,
    rows_of,
)
from tests.reward_models.test_every_head import FLOAT_DRIFT
from tests.reward_models.worlds import PlantedWorld, subset, swapped

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 150))
BOTH = np.arange(2)  # of two fits, those that are running

every_loss = pytest.mark.parametrize("head", [MLPBradleyTerry, MLPClassifier])


def streams(n_fits, seed=0):
    return np.random.default_rng(seed).spawn(n_fits)


def fitted(head, train=TRAIN, validation=VALIDATION, **options):
    rng = np.random.default_rng(0)
    return head(**options).fit(WORLD.embedding_rd, train, validation, rng_s=rng.spawn(train.n_sets))


def test_the_rewards_are_those_of_a_sequential_torch_module():
    layers = initial_layers(streams(3), (8, 6, 5, 1))
    input_snd = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 10, 8)).astype(np.float32))
    for s in range(3):
        module = torch.nn.Sequential(
            torch.nn.Linear(8, 6),
            torch.nn.ReLU(),
            torch.nn.Linear(6, 5),
            torch.nn.ReLU(),
            torch.nn.Linear(5, 1, bias=False),
        )
        with torch.no_grad():
            for parameter, layer in zip(module.parameters(), layers, strict=True):
                parameter.copy_(layer[s].T if layer.shape[1] > 1 else layer[s, 0])
        torch.testing.assert_close(rewards(layers, input_snd)[s], module(input_snd[s]).squeeze(-1))


@every_loss
def test_the_loss_has_the_gradient_of_finite_differences(head):
    embedding_ud = torch.from_numpy(np.random.default_rng(2).normal(size=(12, 4)))
    chosen_sm, rejected_sm = np.random.default_rng(3).permutation(12).reshape(2, 2, 3)
    center_sd, scale_s = embedding_ud[:2], torch.tensor([0.5, 2.0], dtype=torch.float64)

    def loss(*layers):
        reward_sm = pair_rewards(absorbed(list(layers), center_sd, scale_s), embedding_ud, chosen_sm, rejected_sm)
        return pair_log_loss(head.observed_logits(*reward_sm), torch.ones_like(reward_sm[0]))

    layers = [layer.detach().double().requires_grad_() for layer in initial_layers(streams(2), (4, 3, 1))]
    assert torch.autograd.gradcheck(loss, layers)


def test_absorbed_layers_give_the_same_rewards_on_embeddings_as_they_come():
    layers = initial_layers(streams(2), (8, 6, 1))
    x_rd, center_sd, scale_s = (
        torch.randn(7, 8, generator=torch.Generator().manual_seed(0)),
        torch.ones(2, 8),
        torch.tensor([0.5, 3.0]),
    )
    standardised_srd = (x_rd - center_sd[:, None]) / scale_s[:, None, None]
    torch.testing.assert_close(
        rewards(absorbed(layers, center_sd, scale_s), x_rd.expand(2, -1, -1)), rewards(layers, standardised_srd)
    )


def test_rewards_start_near_zero_and_each_fit_elsewhere():
    layers = initial_layers(streams(2), (128, 64, 1))
    start_sr = rewards(
        layers, torch.from_numpy(np.random.default_rng(0).normal(size=(1, 50, 128))).float().expand(2, -1, -1)
    )
    assert start_sr.abs().max() < 0.15
    assert not torch.allclose(start_sr[0], start_sr[1])


def test_an_epoch_visits_every_pair_once_but_for_a_remainder():
    train = PairSets.padded([(np.arange(10), np.arange(10) + 10), (np.arange(3), np.arange(3) + 10)])
    minibatches = Minibatches.of(train, 4, streams(2))
    batches = [minibatches.draw(BOTH) for _ in range(6)]  # two batches of 4 of the 10 an epoch
    for chosen_sb, rejected_sb, weight_sb in batches:
        np.testing.assert_array_equal((rejected_sb - chosen_sb)[weight_sb > 0], 10)
        assert weight_sb.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
        assert sorted(chosen_sb[1, :3]) == [0, 1, 2]
    epochs = [np.concatenate([batches[i][0][0], batches[i + 1][0][0]]) for i in (0, 2, 4)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


@given(st.lists(st.sets(st.sampled_from(range(3)), min_size=1), min_size=1, max_size=12))
def test_a_fit_draws_the_same_minibatches_whoever_draws_beside_it(drawing):
    train = PairSets.padded([(np.arange(size), np.arange(size) + 10) for size in (10, 3, 7)])
    alone, among_others = (Minibatches.of(train, 4, streams(3)) for _ in range(2))
    for fits in drawing:
        fit_f = np.array(sorted(fits))
        together = among_others.draw(fit_f)
        for f, s in enumerate(fit_f):
            for array_1b, array_fb in zip(alone.draw(np.array([s])), together, strict=True):
                np.testing.assert_array_equal(array_1b[0], array_fb[f])


def test_the_best_weights_are_kept_until_patience_runs_out():
    layers = [torch.zeros(2, 1, 1)]
    best = BestSoFar.of(layers, patience_steps=20)
    looks = {10: (0.7, 0.7), 20: (0.5, 0.6), 30: (0.6, 0.65), 40: (0.55, 0.5), 50: (0.1, 0.6)}
    for step, log_losses in looks.items():
        layers[0][:] = step
        best.update(step, BOTH, np.array(log_losses), layers)
    assert best.step_s.tolist() == [20, 40]  # the first had stopped before step 50
    assert best.layers[0].ravel().tolist() == [20, 40]
    assert best.log_loss_s.tolist() == [0.5, 0.5]
    assert best.running(60).tolist() == [False, True]
    assert best.running(61).tolist() == [False, False]


def test_a_loss_that_is_not_a_number_names_the_fit_unless_it_has_stopped():
    layers = [torch.zeros(2, 1, 1)]
    best = BestSoFar.of(layers, patience_steps=20)
    best.update(10, BOTH, np.array([0.6, 0.6]), layers)
    with pytest.raises(ResultError, match="fit 1: validation log-loss is nan at step 20; lower learning_rate"):
        best.update(20, BOTH, np.array([0.6, np.nan]), layers)
    best.update(30, BOTH, np.array([0.6, 0.5]), layers)
    best.update(50, BOTH, np.array([np.nan, 0.4]), layers)
    assert best.step_s.tolist() == [10, 50]


def test_a_loss_that_is_not_a_number_names_the_fit_among_all_when_others_have_left():
    best = BestSoFar.of([torch.zeros(4, 1, 1)], patience_steps=20)
    with pytest.raises(ResultError, match="fit 3: validation log-loss is nan at step 10"):
        best.update(10, np.array([1, 3]), np.array([0.6, np.nan]), [torch.zeros(2, 1, 1)])


def test_an_optimiser_of_some_rows_goes_on_as_if_it_had_never_had_others():
    gradient_tsio = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4, 3, 2)))

    def stepped(optimiser, rows, steps):
        for t in steps:
            for layer in optimiser.param_groups[0]["params"]:
                layer.grad = gradient_tsio[t, rows]
            optimiser.step()

    def adamw(n_rows):
        return torch.optim.AdamW([torch.ones(n_rows, 3, 2, dtype=torch.float64, requires_grad=True)], lr=0.1)

    left, always = adamw(4), adamw(2)
    stepped(left, [0, 1, 2, 3], range(3))
    (layer,) = rows_of(left, torch.tensor([1, 3]))
    stepped(left, [1, 3], range(3, 6))
    stepped(always, [1, 3], range(6))
    torch.testing.assert_close(layer, always.param_groups[0]["params"][0])
    assert layer.requires_grad


def test_fits_that_stay_take_their_centre_scale_and_validation_pairs_with_them():
    _, validation = WORLD.sets((40, 90, 20, 60))
    layers = initial_layers(streams(4), (8, 6, 1))
    center_sd, scale_s = torch.arange(32.0).reshape(4, 8), torch.arange(1.0, 5.0)
    everyone = Running(np.arange(4), layers, torch.optim.AdamW(layers), center_sd, scale_s, validation)
    absorbed_before = everyone.absorbed()
    left = everyone.without_stopped(np.array([True, True, False, True]))
    left = left.without_stopped(np.array([False, True, False, True]))
    assert left.fit_f.tolist() == [1, 3]
    for before, after in zip(absorbed_before, left.absorbed(), strict=True):
        torch.testing.assert_close(after, before[[1, 3]])
    np.testing.assert_array_equal(left.validation.chosen_sm, validation.chosen_sm[[1, 3]])
    np.testing.assert_array_equal(left.validation.weight_sm, validation.weight_sm[[1, 3]])


@functools.cache
def default_model(head, **options):
    return fitted(head, **options)


@every_loss
def test_validation_pairs_that_mislead_stop_a_fit_early(head):
    misled, led = fitted(head, TRAIN, swapped(VALIDATION)), default_model(head)
    assert (misled.steps_s_ <= 20).all()
    assert (led.steps_s_ > 50).all()


@every_loss
def test_training_ends_when_every_fit_has_stopped_and_at_max_steps_at_the_latest(head):
    seen = []
    head(patience=2).fit(
        WORLD.embedding_rd,
        TRAIN,
        swapped(VALIDATION),
        rng_s=np.random.default_rng(0).spawn(TRAIN.n_sets),
        progress=lambda *at: seen.append(at),
    )
    assert seen[-2][0] < 100
    assert seen[-1] == (2000, 2000)
    assert (fitted(head, max_steps=25).steps_s_ <= 25).all()


MANY = (60, 150, 90, 400, 120)
QUICK = 3e-3  # at this learning rate the fits stop within some hundred steps, most of them at looks of their own
MANY_TRAIN, MANY_VALIDATION = WORLD.sets(MANY)


def fitted_and_drawn(monkeypatch, head, validation, **options):
    """The model, and (S,) how many steps each of its fits was computed for."""
    drawn_s, draw = np.zeros(len(MANY), np.int64), Minibatches.draw

    def counted(minibatches, fit_f):
        drawn_s[fit_f] += 1
        return draw(minibatches, fit_f)

    with monkeypatch.context() as patch:
        patch.setattr(Minibatches, "draw", counted)
        return fitted(head, MANY_TRAIN, validation, **options), drawn_s


@every_loss
def test_a_fit_is_computed_until_it_stops_and_the_last_with_one_neighbour(head, monkeypatch):
    model, drawn_s = fitted_and_drawn(monkeypatch, head, MANY_VALIDATION, learning_rate=QUICK)
    *stopped, last = np.sort(model.steps_s_ + 100)  # 10 looks, 10 steps apart
    assert len(set(stopped)) > 1  # they leave at two looks at least
    np.testing.assert_array_equal(np.sort(drawn_s), [*stopped[:-1], last, last])


@every_loss
def test_a_fit_beside_others_that_stop_earlier_or_later_is_the_fit_alone(head):
    together = fitted(head, MANY_TRAIN, MANY_VALIDATION, learning_rate=QUICK)
    for s, together_r in enumerate(together.score(WORLD.embedding_rd)):
        alone = head(learning_rate=QUICK).fit(
            WORLD.embedding_rd,
            subset(MANY_TRAIN, [s]),
            subset(MANY_VALIDATION, [s]),
            rng_s=[streams(len(MANY))[s]],
        )
        assert alone.steps_s_[0] == together.steps_s_[s]
        np.testing.assert_allclose(alone.validation_log_loss_s_[0], together.validation_log_loss_s_[s], rtol=1e-4)
        np.testing.assert_allclose(alone.score(WORLD.embedding_rd)[0], together_r, atol=FLOAT_DRIFT * together_r.std())


@every_loss
def test_fits_of_which_none_stops_are_computed_together_to_the_end(head, monkeypatch):
    _, drawn_s = fitted_and_drawn(monkeypatch, head, swapped(MANY_VALIDATION), max_steps=60)
    assert (drawn_s == 60).all()


@every_loss
def test_fits_that_all_stop_at_once_are_one_and_the_same(head):
    """One set of pairs, one seed, five times over."""
    same = [subset(sets, [1] * len(MANY)) for sets in (MANY_TRAIN, MANY_VALIDATION)]
    model = head(learning_rate=QUICK).fit(WORLD.embedding_rd, *same, rng_s=[np.random.default_rng(0) for _ in MANY])
    assert len(set(model.steps_s_)) == 1
    for layer_sio in model.layers_:
        np.testing.assert_allclose(layer_sio, np.broadcast_to(layer_sio[:1], layer_sio.shape), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "option",
    [
        {"learning_rate": 1e-2},
        {"weight_decay": 10.0},
        {"batch_pairs": 16},
        {"max_steps": 20},
        {"evaluate_every": 7},
        {"patience": 1},
    ],
    ids=lambda option: next(iter(option)),
)
@every_loss
def test_every_option_changes_the_result(head, option):
    base = {"evaluate_every": 1} if "patience" in option else {}  # so that a look without improvement comes early
    changed = fitted(head, **base, **option).score(WORLD.embedding_rd)
    assert not np.allclose(changed, default_model(head, **base).score(WORLD.embedding_rd))


@every_loss
def test_a_curved_reward_that_no_line_can_follow_is_learned(head):
    rng = np.random.default_rng(0)
    embedding_rd = rng.normal(size=(3000, 4)).astype(np.float16)
    reward_r = embedding_rd[:, 0].astype(float) ** 2
    first_m, second_m = rng.permutation(3000).reshape(2, 1500)
    chosen_m = np.where(reward_r[first_m] > reward_r[second_m], first_m, second_m)
    rejected_m = first_m + second_m - chosen_m
    cut = [slice(0, 800), slice(800, 1000), slice(1000, 1500)]
    train, validation = (PairSets.padded([(chosen_m[part], rejected_m[part])]) for part in cut[:2])
    model = head(learning_rate=3e-3).fit(embedding_rd, train, validation, rng_s=rng.spawn(train.n_sets))
    score_r = model.score(embedding_rd)[0]
    assert (score_r[chosen_m[cut[2]]] > score_r[rejected_m[cut[2]]]).mean() > 0.85


def test_the_last_layer_is_that_of_a_network_of_two_hidden_layers_too():
    model = fitted(MLPBradleyTerry, hidden=(7, 5), max_steps=20)
    feature_srh, weight_sh = model.last_layer(WORLD.embedding_rd)
    assert feature_srh.shape == (2, 600, 5)
    assert (feature_srh >= 0).all()  # after the ReLU
    np.testing.assert_allclose(
        np.einsum("srh,sh->sr", feature_srh, weight_sh), model.score(WORLD.embedding_rd), rtol=1e-4, atol=1e-6
    )


@every_loss
def test_a_saved_model_bears_the_name_of_its_head_and_not_of_the_other(head, tmp_path):
    fitted(head, max_steps=10).save(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["reward_model"] == head.name
    (other,) = {MLPBradleyTerry, MLPClassifier} - {head}
    with pytest.raises(DataError, match=f"holds {head.name} of format 1, expected {other.name}"):
        other.load(tmp_path)
