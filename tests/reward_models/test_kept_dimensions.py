import json

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.reward_models.collection import RewardModels
from rmkit.reward_models.kept_dimensions import KeptDimensions, seeing
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry
from rmkit.reward_models.registry import build_heads
from tests.reward_models.worlds import PlantedWorld

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 60))
D = WORLD.embedding_rd.shape[1]
AGAIN_S = np.array([0, 1, 0, 1])


def generators(n):
    return [np.random.default_rng(s) for s in range(n)]


@pytest.fixture(scope="module")
def half():
    """A linear head that sees half of the dimensions in its first two fits, and all of them in the next two."""
    head = seeing(build_heads(["linear_bt"]), [0.5, 1.0], D, np.random.default_rng(0))["linear_bt"]
    return head.fit(WORLD.embedding_rd, TRAIN.only(AGAIN_S), VALIDATION.only(AGAIN_S), rng_s=generators(4))


def test_one_share_of_everything_is_the_very_heads():
    heads = build_heads(["linear_bt"])
    assert seeing(heads, [1.0], D, np.random.default_rng(0))["linear_bt"] is heads["linear_bt"]


def test_a_head_does_not_see_what_is_not_kept(half):
    hidden = np.setdiff1d(np.arange(D), half.kept[0])
    assert len(hidden) == D - round(D / 2)
    changed_rd = WORLD.embedding_rd.copy()
    changed_rd[:, hidden] += 5.0 * np.arange(len(changed_rd), dtype=np.float32)[:, None]
    before_sr, after_sr = half.score(WORLD.embedding_rd), half.score(changed_rd)
    np.testing.assert_array_equal(before_sr[:2], after_sr[:2])
    assert np.abs(before_sr[2:] - after_sr[2:]).max() > 1e-3


def test_each_part_is_the_head_fitted_on_its_own_dimensions(half):
    for g, kept_d in enumerate(half.kept):
        alone = LinearBradleyTerry().fit(WORLD.embedding_rd[:, kept_d], TRAIN, VALIDATION, rng_s=generators(2))
        own = slice(2 * g, 2 * g + 2)
        np.testing.assert_allclose(
            half.score(WORLD.embedding_rd)[own], alone.score(WORLD.embedding_rd[:, kept_d]), rtol=1e-5
        )


def test_a_smaller_share_is_a_part_of_a_larger_one():
    head = seeing(build_heads(["linear_bt"]), [0.01, 0.3, 0.6], D, np.random.default_rng(1))["linear_bt"]
    sizes = [len(kept_d) for kept_d in head.kept]
    assert sizes == [1, round(0.3 * D), round(0.6 * D)]
    for smaller_d, larger_d in zip(head.kept, head.kept[1:], strict=False):
        assert set(smaller_d) < set(larger_d)


@pytest.mark.parametrize("order", [[3, 0, 2], [1], [0, 1, 2, 3], [2, 2]])
def test_some_fits_alone_score_as_before_in_their_order(half, order):
    some = half.only(np.array(order))
    assert some.n_fits == len(order)
    np.testing.assert_array_equal(some.score(WORLD.embedding_rd), half.score(WORLD.embedding_rd)[order])


def test_it_is_saved_and_loaded_with_the_collection(half, tmp_path):
    varied = pd.DataFrame({"annotations": [40, 60] * 2, "kept_dimensions": [0.5, 0.5, 1.0, 1.0]})
    collection = RewardModels.of({"linear_bt": half}, varied, unsaid={"kept_dimensions": 1.0})
    assert list(collection.fits["fit"]) == [
        "linear_bt-40-kept_dimensions=0.5",
        "linear_bt-60-kept_dimensions=0.5",
        "linear_bt-40",
        "linear_bt-60",
    ]
    collection.keep(np.array([True, False, True, True])).save(tmp_path / "some")
    loaded = RewardModels.load(tmp_path / "some")
    np.testing.assert_array_equal(loaded.score(WORLD.embedding_rd), half.score(WORLD.embedding_rd)[[0, 2, 3]])


def test_a_part_without_a_name_is_left_out_with_its_model(half, tmp_path):
    class Mine(LinearBradleyTerry):
        """A head that a cell defines."""

    parts = [Mine().fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=generators(2)), half.parts[1]]
    mixed = KeptDimensions(parts, [np.arange(D)] * 2, D, [2, 2])
    varied = pd.DataFrame({"annotations": [40, 60] * 2, "kept_dimensions": [0.5, 0.5, 1.0, 1.0]})
    RewardModels.of({"mine": mixed, "linear_bt": half}, varied).save(tmp_path)
    loaded = RewardModels.load(tmp_path)
    assert (list(loaded.models), loaded.not_saved) == (["linear_bt"], ("mine",))


def changed_facts(folder, **facts):
    path = folder / "model.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(about | {"facts": about["facts"] | facts}), encoding="utf-8")


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"parts": "linear"}, "parts: is 'linear'; it must be a list of heads"),
        ({"parts": ["os:system"] * 2}, "os:system: is no reward model of rmkit"),
        ({"n_dimensions": 0}, "n_dimensions: is 0; it must be a number above 0"),
        ({"n_dimensions": 2}, "dimensions must rise, from 0 to below 2"),
    ],
)
def test_a_folder_that_no_save_wrote_is_one_line(half, tmp_path, facts, says):
    half.save(tmp_path)
    changed_facts(tmp_path, **facts)
    with pytest.raises(DataError, match=says):
        KeptDimensions.load(tmp_path)


def test_bad_shares_and_sets_are_named(half):
    with pytest.raises(DataError, match=r"kept_dimensions: 1.5; a share is above 0 and at most 1"):
        seeing({}, [1.0, 1.5], D, np.random.default_rng(0))
    with pytest.raises(DataError, match="the same number for each of 2 parts"):
        half.fit(WORLD.embedding_rd, TRAIN.only([0]), VALIDATION.only([0]), rng_s=generators(1))
    with pytest.raises(DataError, match=f"the model was fitted on {D}"):
        half.score(WORLD.embedding_rd[:, 1:])
