"""Fits that begin with the weights of an earlier one."""

import numpy as np
import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.reward_models.mlp.bradley_terry import MLPBradleyTerry
from rmkit.reward_models.mlp.classifier import MLPClassifier
from rmkit.reward_models.protocol import StartsWarm
from rmkit.reward_models.registry import REWARD_MODELS, build
from tests.reward_models.mlp.small_heads import FULL_BATCH, PROCEDURES, SMALL, TRAIN, VALIDATION, WORLD, fitted, streams
from tests.reward_models.worlds import PlantedWorld, subset, swapped

WAYS = PROCEDURES | {"full_batch": FULL_BATCH}
every_way = pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)


def warm(previous, train=TRAIN, validation=VALIDATION, *, embedding_rd=WORLD.embedding_rd, seed=5, **options):
    rng_s = streams(train.n_sets, seed)
    return MLPBradleyTerry(**options).fit_from(previous, embedding_rd, train, validation, rng_s=rng_s)


def test_which_heads_can_begin_from_an_earlier_fit():
    able = [name for name in REWARD_MODELS if isinstance(build(name), StartsWarm)]
    assert able == ["mlp_bt", "mlp_clf"]


def test_a_first_step_goes_no_further_from_the_predecessor_than_adam_steps():
    previous = fitted(MLPBradleyTerry, **FULL_BATCH)
    moved = warm(previous, **FULL_BATCH | {"max_steps": 1})
    for before, after in zip(previous.layers_, moved.layers_, strict=True):
        assert 0 < np.abs(after - before).max() < 1.001e-3  # the learning rate
    cold = fitted(MLPBradleyTerry, **FULL_BATCH | {"max_steps": 1}, seed=5)
    assert np.abs(cold.layers_[0] - previous.layers_[0]).max() > 0.1


@every_way
def test_each_fit_begins_with_its_own_predecessor_which_stays_as_it_was(options):
    previous = fitted(MLPBradleyTerry, **options)
    before = [layer.copy() for layer in previous.layers_]
    both = warm(previous, **options).score(WORLD.embedding_rd)
    for layer, kept in zip(previous.layers_, before, strict=True):
        np.testing.assert_array_equal(layer, kept)
    turned = [1, 0]
    rng_s = [streams(2, 5)[s] for s in turned]
    exchanged = MLPBradleyTerry(**options).fit_from(
        previous.only(np.array(turned)), WORLD.embedding_rd, subset(TRAIN, turned), subset(VALIDATION, turned),
        rng_s=rng_s,
    )  # fmt: skip
    exchanged_sr = exchanged.score(WORLD.embedding_rd)[turned]
    np.testing.assert_allclose(exchanged_sr, both, atol=0.02 * both.std())
    assert not np.allclose(warm(previous.only(np.array(turned)), **options).score(WORLD.embedding_rd), both, atol=0.1)


@every_way
def test_a_model_may_go_on_from_itself(options):
    previous = fitted(MLPBradleyTerry, **options)
    expected = warm(previous, **options).score(WORLD.embedding_rd)
    again = previous.fit_from(previous, WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=streams(2, 5))
    assert again is previous
    np.testing.assert_array_equal(again.score(WORLD.embedding_rd), expected)


def test_what_was_learned_is_kept_where_a_cold_fit_has_too_few_steps():
    """30 steps on a tenth of the pairs that the predecessor had: judged on responses that neither has seen."""
    world = PlantedWorld.make(3, n_responses=1200)
    seen = PlantedWorld(world.embedding_rd[:600], world.reward_r[:600])
    (many, validation), (few, _) = (seen.sets([size] * 8, seed=size) for size in (600, 60))
    options = FULL_BATCH | {"max_steps": 300}
    previous = MLPBradleyTerry(**options).fit(seen.embedding_rd, many, validation, rng_s=streams(8))
    brief = options | {"max_steps": 30}
    warmed = warm(previous, few, validation, embedding_rd=seen.embedding_rd, **brief)
    cold = MLPBradleyTerry(**brief).fit(seen.embedding_rd, few, validation, rng_s=streams(8, 5))

    def agreement(model):
        reward_sr = model.score(world.embedding_rd[600:])
        return np.array([np.corrcoef(reward_r, world.reward_r[600:])[0, 1] for reward_r in reward_sr])

    gain_s = agreement(warmed) - agreement(cold)
    assert gain_s.mean() > 3 * gain_s.std(ddof=1) / np.sqrt(8)


def test_sound_training_keeps_what_it_begins_with_where_nothing_is_better():
    previous = fitted(MLPBradleyTerry, **SMALL)
    harmful = SMALL | {"learning_rate": 0.3}
    same = warm(previous, swapped(TRAIN), VALIDATION, **harmful)  # labels that are all wrong, and long steps
    assert same.steps_s_.tolist() == [0, 0]
    np.testing.assert_array_equal(same.score(WORLD.embedding_rd), previous.score(WORLD.embedding_rd))
    np.testing.assert_allclose(same.validation_log_loss_s_, previous.validation_log_loss_s_, rtol=1e-6)
    better = warm(previous, **SMALL)
    assert (better.validation_log_loss_s_ <= previous.validation_log_loss_s_ * (1 + 1e-6)).all()


def test_inputs_are_centred_and_scaled_as_they_were_for_the_predecessor():
    previous = fitted(MLPBradleyTerry, **SMALL, precision="float32")
    moved_rd = 3 * WORLD.embedding_rd.astype(np.float32) + 1
    model = warm(previous, embedding_rd=moved_rd, **SMALL)
    np.testing.assert_array_equal(model.center_d_, previous.center_d_)
    assert (model.scale_, model.precision_) == (previous.scale_, "float32")
    assert warm(previous, **SMALL, precision="bfloat16").precision_ == "bfloat16"


@pytest.mark.parametrize(
    ("previous", "options", "said"),
    [
        (build("linear_bt"), {}, "mlp_bt: a fit begins from a fitted mlp_bt, not from LinearBradleyTerry"),
        (MLPBradleyTerry(), {}, "mlp_bt: a fit begins from a fitted mlp_bt, not from one that is not fitted"),
        (fitted(MLPClassifier, max_steps=1), SMALL, "mlp_bt: name is mlp_bt, but mlp_clf in the fit to begin from"),
        (fitted(MLPBradleyTerry, max_steps=1), FULL_BATCH, "procedure is full_batch, but sound in the fit"),
        (fitted(MLPBradleyTerry, max_steps=1), {"hidden": (5,)}, r"hidden is \(5,\), but \(32, 16\) in the fit"),
        (fitted(MLPBradleyTerry, max_steps=1), SMALL | {"activation": "gelu"}, "activation is gelu, but relu in"),
    ],
)
def test_a_predecessor_whose_weights_mean_something_else_is_refused(previous, options, said):
    with pytest.raises(ParamsError, match=said):
        warm(previous, **options)


def test_a_predecessor_of_other_sets_or_dimensions_is_refused():
    previous = fitted(MLPBradleyTerry, max_steps=1)
    with pytest.raises(DataError, match="2 training sets but 1 fits to begin from; each needs one"):
        warm(previous.only(np.array([0])), **SMALL)
    with pytest.raises(DataError, match="embedding_rd has 7 dimensions; the model was fitted on 8"):
        warm(previous, embedding_rd=WORLD.embedding_rd[:, :7], **SMALL)
