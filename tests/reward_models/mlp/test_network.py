import dataclasses
import json

import numpy as np
import pytest
import torch

from rmkit.errors import DataError, ParamsError
from rmkit.machine.number_formats import multiplies_bfloat16_fast
from rmkit.reward_models.mlp.bradley_terry import MLPBradleyTerry
from rmkit.reward_models.mlp.classifier import MLPClassifier
from rmkit.reward_models.mlp.embedding_table import FORMATS
from rmkit.reward_models.mlp.layers import initial_layers
from rmkit.reward_models.mlp.network import fit_together
from rmkit.training_sets.pair_sets import PairSets, ScoreSets
from tests.reward_models.mlp.small_heads import (
    DEVICE,
    FLOAT_DRIFT,
    FULL_BATCH,
    PROCEDURES,
    SMALL,
    TRAIN,
    VALIDATION,
    WORLD,
    every_loss,
    fitted,
    learned,
    streams,
)
from tests.reward_models.worlds import subset, swapped


def test_the_published_network_has_the_papers_number_of_parameters():
    layers = initial_layers(streams(1), (2048, *MLPBradleyTerry().hidden, 1))
    assert sum(layer.numel() for layer in layers) == 2_623_489


@every_loss
def test_validation_pairs_that_mislead_stop_a_fit_early(head):
    misled, led = fitted(head, TRAIN, swapped(VALIDATION)), fitted(head)
    assert (misled.steps_s_ < led.steps_s_).all()


# Many fits at once


@pytest.mark.parametrize("options", [*PROCEDURES.values(), FULL_BATCH], ids=[*PROCEDURES, "full_batch"])
def test_heads_that_are_trained_together_are_the_heads_trained_alone(options):
    together = [MLPBradleyTerry(**options), MLPClassifier(**options)]
    fit_together(together, WORLD.embedding_rd, TRAIN, VALIDATION, rngs=[streams(2), streams(2)])
    for model in together:
        alone = type(model)(**options).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=streams(2))
        expected_sr = learned(alone)
        np.testing.assert_allclose(learned(model), expected_sr, atol=FLOAT_DRIFT * expected_sr.std())


def test_heads_of_other_options_cannot_be_one_batch():
    heads = [MLPBradleyTerry(hidden=(8,)), MLPClassifier(hidden=(9,))]
    with pytest.raises(ParamsError, match=r"trained together must have equal options: .*hidden=\(8,\).*hidden=\(9,\)"):
        fit_together(heads, WORLD.embedding_rd, TRAIN, VALIDATION, rngs=[streams(2), streams(2)])


# Options


@pytest.mark.parametrize(
    "option",
    [
        {"learning_rate": 1e-2},
        {"weight_decay": 10.0},
        {"batch_pairs": 16},
        {"max_steps": 20},
        {"evaluate_every": 7},
        {"patience": 1},
        {"hidden": (8,)},
        {"activation": "gelu"},
        {"procedure": "published"},
        {"procedure": "full_batch"},
    ],
    ids=lambda option: next(iter(option)),
)
@every_loss
def test_every_option_changes_the_result(head, option):
    base = {"evaluate_every": 1, "learning_rate": 3e-2} if "patience" in option else {}  # so that a loss rises early
    changed = fitted(head, **base, **option).score(WORLD.embedding_rd)
    assert not np.allclose(changed, fitted(head, **base).score(WORLD.embedding_rd))


@every_loss
def test_bfloat16_fits_as_well_as_float32_and_says_which_it_was(head):
    models = {precision: fitted(head, precision=precision) for precision in ("float32", "bfloat16", "auto")}
    exact_sr, rounded_sr, auto_sr = (model.score(WORLD.embedding_rd) for model in models.values())
    assert not np.array_equal(exact_sr, rounded_sr)
    for one_r, other_r in zip(exact_sr, rounded_sr, strict=True):
        assert np.corrcoef(one_r, other_r)[0, 1] > 0.99
    fast = "bfloat16" if multiplies_bfloat16_fast(DEVICE) else "float32"
    assert models["auto"].precision_ == fast
    np.testing.assert_array_equal(auto_sr, models[fast].score(WORLD.embedding_rd))


def test_inputs_far_from_their_origin_are_not_rounded_unless_they_are_centred():
    far_rd = WORLD.embedding_rd.astype(np.float32) + 3  # ten spreads
    fast = "bfloat16" if multiplies_bfloat16_fast(DEVICE) else "float32"
    for embedding_rd, procedure, expected in [
        (WORLD.embedding_rd, "published", fast),
        (far_rd, "published", "float32"),
        (far_rd, "sound", fast),
    ]:
        options = {"hidden": (8,), "procedure": procedure}
        model = MLPBradleyTerry(**options).fit(embedding_rd, TRAIN, VALIDATION, rng_s=streams(2))
        assert model.precision_ == expected


@every_loss
def test_published_training_leaves_nothing_to_choose(head):
    with pytest.raises(ParamsError, match="procedure published has no learning_rate, patience to choose"):
        head(procedure="published", learning_rate=1e-2, patience=2)


def test_cuda_that_is_not_there_is_a_mistake_of_the_parameters():
    if torch.cuda.is_available():
        assert MLPBradleyTerry(device="cuda").device == "cuda"
        return
    with pytest.raises(ParamsError, match="mlp_bt: device is cuda, and torch sees none here"):
        MLPBradleyTerry(device="cuda")


@every_loss
def test_a_row_that_is_in_validation_alone_teaches_nothing(head):
    """Rows divided: turning the losing side of pairs whose second row validates must not move a classifier's fit."""
    row_sm2 = np.ones((1, 40, 2), np.float32)
    row_sm2[0, :20, 1] = 0
    chosen_sm, rejected_sm = TRAIN.chosen_sm[:1, :40], TRAIN.rejected_sm[:1, :40]
    other_sm = rejected_sm.copy()
    other_sm[0, :20] = np.setdiff1d(np.arange(600), np.concatenate([chosen_sm, rejected_sm]))[:20]
    validation = subset(VALIDATION, [0])
    scores = [
        fitted(head, PairSets.of_rows(chosen_sm, side_sm, row_sm2), validation, precision="float32").score(
            WORLD.embedding_rd
        )
        for side_sm in (rejected_sm, other_sm)
    ]
    assert np.allclose(*scores, atol=1e-5) == (head is MLPClassifier)


# The model


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
    model = head(**SMALL | {"hidden": (64,)}).fit(embedding_rd, train, validation, rng_s=rng.spawn(1))
    score_r = model.score(embedding_rd)[0]
    assert (score_r[chosen_m[cut[2]]] > score_r[rejected_m[cut[2]]]).mean() > 0.85


@every_loss
def test_a_sound_fit_does_not_care_where_the_origin_is_nor_about_the_unit(head):
    model = fitted(head, precision="float32")
    moved_rd = 16 * (WORLD.embedding_rd.astype(np.float64) + 3)
    moved = head(**SMALL, precision="float32").fit(moved_rd, TRAIN, VALIDATION, rng_s=streams(2))
    expected_sr = learned(model)
    np.testing.assert_allclose(learned(moved, moved_rd), expected_sr, atol=FLOAT_DRIFT * expected_sr.std())


@pytest.mark.parametrize("precision", FORMATS)
@every_loss
def test_the_last_layer_is_that_of_a_network_of_two_hidden_layers_too(head, precision):
    model = fitted(head, hidden=(7, 5), max_steps=20, precision=precision)
    feature_srh, weight_sh = model.last_layer(WORLD.embedding_rd)
    assert feature_srh.shape == (2, 600, 6)
    assert (feature_srh[:, :, 5] == 1).all()  # beside the bias
    assert (feature_srh >= 0).all()  # after the ReLU
    by_hand_sr, reward_sr = np.einsum("srh,sh->sr", feature_srh, weight_sh), model.score(WORLD.embedding_rd)
    rounding = {"rtol": 1e-4, "atol": 1e-5}
    if DEVICE == "cuda" and precision == "bfloat16":  # last_layer is the processor's, which rounds other activations
        rounding = {"atol": 0.05 * reward_sr.std()}
    np.testing.assert_allclose(by_hand_sr, reward_sr, **rounding)


@every_loss
def test_scores_may_be_learned_in_place_of_pairs(head):
    position_sn = np.random.default_rng(0).permutation(600)[None]
    score_sn = WORLD.reward_r[position_sn]
    train, validation = (
        ScoreSets(position_sn[:, at], score_sn[:, at], np.ones_like(score_sn[:, at], np.float32))
        for at in (slice(0, 300), slice(300, 400))
    )
    model = head(**SMALL).fit_scores(WORLD.embedding_rd, train, validation, rng_s=streams(1))
    left_r = position_sn[0, 400:]
    assert np.corrcoef(model.score(WORLD.embedding_rd)[0, left_r], WORLD.reward_r[left_r])[0, 1] > 0.97
    assert model.validation_squared_error_s_[0] < 0.1 * WORLD.reward_r.var()
    assert not hasattr(model, "validation_log_loss_s_")


@every_loss
def test_a_saved_model_bears_the_name_of_its_head_and_not_of_the_other(head, tmp_path):
    fitted(head, max_steps=10).save(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))["reward_model"] == head.name
    (other,) = {MLPBradleyTerry, MLPClassifier} - {head}
    with pytest.raises(DataError, match=f"holds {head.name} of format 2, expected {other.name}"):
        other.load(tmp_path)


def test_an_option_that_is_not_one_of_those_there_are_is_named():
    for option in ("procedure", "activation", "precision", "device"):
        with pytest.raises(ParamsError, match=f"mlp_clf: {option}: 'best' is not one of"):
            MLPClassifier(**{option: "best"})
    assert {field.name for field in dataclasses.fields(MLPClassifier)} >= {"procedure", "precision", "device"}
