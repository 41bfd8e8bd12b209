import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError
from rmkit.evaluation.contrasts import contrast, in_group
from rmkit.evaluation.curves import gold_curves
from rmkit.intervals.means import over_seeds_and_prompts

N_PROMPTS = 40
FITS = pd.DataFrame(
    {
        "fit": ["a-1", "a-2", "a-9", "random"],
        "reward_model": ["a", "a", "a", "random"],
        "annotations": [100.0, 200.0, 900.0, np.nan],
    }
)


def seed(number, effect=1.0):
    rng = np.random.default_rng(number)
    hard_p = np.random.default_rng(99).normal(size=N_PROMPTS)
    value_fp = hard_p + np.array([[0.0], [0.5], [1.0], [-1.0]]) * effect + 0.1 * rng.normal(size=(4, N_PROMPTS))
    values = {"accuracy": value_fp.astype(np.float32), "best_of_4": (2 * value_fp).astype(np.float32)}
    return Evaluations(FITS, np.arange(N_PROMPTS), np.ones(N_PROMPTS, np.float32), values)


SEEDS = [seed(number) for number in range(5)]


def test_a_row_for_each_fit_and_metric_with_n_where_there_is_one():
    curves = gold_curves(SEEDS)
    assert len(curves) == 8
    assert curves.set_index("metric")["n"].groupby(level=0).first().to_dict() == {
        "accuracy": pytest.approx(np.nan, nan_ok=True),
        "best_of_4": 4.0,
    }
    assert (curves["seeds"] == 5).all()
    assert set(curves["estimand"]) == {"new seeds, new prompts"}


def test_the_interval_is_that_of_the_table_of_seeds_and_prompts():
    row = gold_curves(SEEDS, ["accuracy"]).set_index("fit").loc["a-2"]
    interval = over_seeds_and_prompts(np.stack([one.values["accuracy"][1] for one in SEEDS]).astype(float))
    assert (row["mean"], row["low"], row["high"]) == (interval.estimate, interval.low, interval.high)


def test_one_seed_has_an_interval_for_these_fits_and_two_have_none_with_a_reason():
    assert set(gold_curves(SEEDS[:1])["estimand"]) == {"new prompts, these fits"}
    two = gold_curves(SEEDS[:2])
    assert two["low"].isna().all()
    assert two["reason"].str.contains("2 seeds are too few").all()


def test_a_contrast_cancels_what_is_hard_for_both_and_finds_the_planted_difference():
    interval = contrast(SEEDS, "accuracy", {"annotations": "most"}, {"annotations": "fewest"})
    alone = gold_curves(SEEDS, ["accuracy"]).iloc[0]
    assert interval.low < 1.0 < interval.high
    assert interval.high - interval.low < 0.3 * (alone["high"] - alone["low"])


def test_without_a_planted_difference_the_interval_holds_zero():
    seeds = [seed(number, effect=0.0) for number in range(5)]
    interval = contrast(seeds, "best_of_4", {"reward_model": "a"}, {"reward_model": "random"})
    assert interval.low < 0 < interval.high


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"annotations": "most"}, [2]),
        ({"annotations": "fewest"}, [0]),
        ({"annotations": "beyond_fewest"}, [1, 2]),
        ({"annotations": [100, 900]}, [0, 2]),
        ({"reward_model": "random"}, [3]),
        ({"reward_model": "a", "annotations": 200}, [1]),
        ({}, [0, 1, 2, 3]),
    ],
)
def test_a_group_is_named_by_values_lists_and_ends(group, expected):
    assert np.flatnonzero(in_group(FITS, group)).tolist() == expected


def test_a_group_without_fits_and_seeds_that_do_not_match_are_named():
    with pytest.raises(ResultError, match="no fit has reward_model = b"):
        contrast(SEEDS, "accuracy", {"reward_model": "b"}, {"reward_model": "a"})
    with pytest.raises(ResultError, match="fits have no column 'head'"):
        in_group(FITS, {"head": "a"})
    with pytest.raises(ResultError, match="have no 'ndcg', but accuracy, best_of_4"):
        gold_curves(SEEDS, ["ndcg"])
    other = Evaluations(FITS.assign(annotations=7.0), SEEDS[0].prompt_id_p, SEEDS[0].units_p, SEEDS[0].values)
    with pytest.raises(ResultError, match="do not hold the same fits"):
        gold_curves([SEEDS[0], other])


def test_prompts_without_anything_to_order_are_left_out():
    seeds = []
    for one in SEEDS:
        value_fp = one.values["accuracy"].copy()
        value_fp[:, 3] = np.nan
        seeds.append(Evaluations(FITS, one.prompt_id_p, one.units_p, {"accuracy": value_fp}))
    assert set(gold_curves(seeds)["prompts"]) == {N_PROMPTS - 1}
