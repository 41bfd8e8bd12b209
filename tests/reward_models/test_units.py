"""Units of embeddings: neither tiny numbers nor one very wide dimension keep a head from learning what was planted."""

import functools

import numpy as np
import pytest

from rmkit.reward_models.protocol import HasLastLayer, HasUncertainty
from rmkit.reward_models.registry import REWARD_MODELS, build, reward_model_class
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.worlds import QUICK, PlantedWorld

WORLD = PlantedWorld.make(0)
EMBEDDING_RD = WORLD.embedding_rd.astype(np.float32)
CHANGES = {
    "tiny": np.full(8, 1e-6),
    "one a hundred times as wide": np.array([100, 1, 1, 1, 1, 1, 1, 1]),
    "three wide ones, each in its own unit": np.array([1e2, 1, 1, 1e3, 1, 1, 1, 1e4]),
}
SINGLE = [name for name in REWARD_MODELS if not name.endswith("_ensemble")]  # ensembles fit these


def fitted(name, embedding_rd, *, scores=False):
    head, rng_s = build(name, **QUICK.get(name, {})), [np.random.default_rng(0)]
    if scores:
        return head.fit_scores(embedding_rd, *WORLD.score_sets((300,), noise_sd=1.0), rng_s=rng_s)
    return head.fit(embedding_rd, *WORLD.sets((300,)), rng_s=rng_s)


def share_in_order(model, embedding_rd):
    """Of pairs of responses, how many it orders as the planted reward; a tie counts half."""
    reward_r = model.score(embedding_rd)[0].astype(float)
    first_m, second_m = np.random.default_rng(1).integers(0, len(reward_r), (2, 5000))
    return float(
        (
            1
            + np.sign(reward_r[first_m] - reward_r[second_m])
            * np.sign(WORLD.reward_r[first_m] - WORLD.reward_r[second_m])
        ).mean()
        / 2
    )


@functools.cache
def plain_share(name, scores):
    return share_in_order(fitted(name, EMBEDDING_RD, scores=scores), EMBEDDING_RD)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("name", "scores"), [(name, False) for name in SINGLE] + [("linear_bt", True), ("mlp_bt", True)]
)
def test_other_units_hardly_change_how_many_pairs_are_in_order(name, scores, change):
    other_rd = (EMBEDDING_RD * CHANGES[change]).astype(np.float32)
    assert share_in_order(fitted(name, other_rd, scores=scores), other_rd) > plain_share(name, scores) - 0.015


def test_float16_keeps_few_steps_of_tiny_numbers_but_networks_learn_from_them():
    """Thirty steps of 2^-24 on either side of the mean is what is left; before, every network stood at 0.5."""
    for name in ("mlp_bt", "mlp_clf"):
        tiny_rd = (EMBEDDING_RD * 1e-5).astype(np.float16)
        assert share_in_order(fitted(name, tiny_rd), tiny_rd) > 0.9


@pytest.mark.parametrize("name", ["linear_bt", "mlp_bt"])
@pytest.mark.parametrize("scores", [False, True], ids=["pairs", "scores"])
def test_units_by_dimension_are_stored_kept_by_only_and_part_of_the_last_layer(name, scores, tmp_path):
    wide_rd = (EMBEDDING_RD * CHANGES["three wide ones, each in its own unit"]).astype(np.float32)
    model = fitted(name, wide_rd, scores=scores)
    model.save(tmp_path)
    loaded = reward_model_class(name).load(tmp_path)
    np.testing.assert_array_equal(loaded.score(wide_rd), model.score(wide_rd))
    np.testing.assert_array_equal(model.only(np.array([0])).score(wide_rd), model.score(wide_rd))
    assert isinstance(loaded, HasLastLayer)
    feature_srh, weight_sh = loaded.last_layer(wide_rd[:50])
    by_hand_r = feature_srh[0].astype(float) @ weight_sh[0].astype(float)
    score_r = model.score(wide_rd[:50])[0]
    np.testing.assert_allclose(by_hand_r - by_hand_r.mean(), score_r - score_r.mean(), rtol=1e-3, atol=1e-4)
    if isinstance(loaded, HasUncertainty):
        np.testing.assert_array_equal(loaded.uncertainty(wide_rd), model.uncertainty(wide_rd))


@pytest.mark.parametrize("scores", [False, True], ids=["pairs", "scores"])
def test_the_linear_head_is_the_one_of_the_divided_embeddings(scores):
    """Dividing by the spread beforehand gives the same rewards and uncertainties: nothing is left of the wide unit."""
    wide_rd = EMBEDDING_RD * np.array([1e3, 1, 1, 1, 1, 1, 1, 1], np.float32)
    wider_rd = EMBEDDING_RD * np.array([1e5, 1, 1, 1, 1, 1, 1, 1], np.float32)
    wide, wider = fitted("linear_bt", wide_rd, scores=scores), fitted("linear_bt", wider_rd, scores=scores)
    np.testing.assert_allclose(wide.score(wide_rd), wider.score(wider_rd), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(wide.uncertainty(wide_rd), wider.uncertainty(wider_rd), rtol=1e-3)
    assert wide.l2_s_ == wider.l2_s_


def test_one_number_for_all_dimensions_stays_where_none_drowns_the_others():
    """Then nothing more is stored than before, and a fit after one that needed it forgets it."""
    head = fitted("linear_bt", EMBEDDING_RD * CHANGES["one a hundred times as wide"].astype(np.float32))
    assert head.learned()["spread_sd_"].shape == (1, 8)
    head.fit(EMBEDDING_RD, *WORLD.sets((300,)), rng_s=[np.random.default_rng(0)])
    assert "spread_sd_" not in head.learned()
    assert isinstance(fitted("mlp_bt", EMBEDDING_RD).scale_, float)


def test_fits_decide_each_for_itself():
    """One whose pairs differ widely in a dimension, beside one whose pairs hardly do."""
    embedding_rd = EMBEDDING_RD.copy()
    embedding_rd[300:, 0] *= 1e3
    rng = np.random.default_rng(2)
    pairs = [tuple(start + rng.permutation(300)[:200].reshape(2, 100)) for start in (0, 300)]
    sets = PairSets.padded(pairs)
    both = build("linear_bt").fit(embedding_rd, sets, sets, rng_s=[rng, rng])
    np.testing.assert_array_equal(both.learned()["spread_sd_"][0], np.ones(8))
    for s in (0, 1):
        one = PairSets.padded([pairs[s]])
        alone = build("linear_bt").fit(embedding_rd, one, one, rng_s=[rng])
        np.testing.assert_array_equal(alone.score(embedding_rd)[0], both.score(embedding_rd)[s])
