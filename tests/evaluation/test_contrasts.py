from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError, ResultError
from rmkit.evaluation.against_gold import evaluate_against_gold
from rmkit.evaluation.contrasts import contrast, in_group, minus_strategy, paired_differences
from rmkit.evaluation.curves import gold_curves, learning_curves
from rmkit.evaluation.on_pairs import evaluate_pairs
from tests.active.small_settings import TEST_GOLD, history
from tests.evaluation.seeds import FITS, SEEDS, evaluation, seed


def test_a_contrast_cancels_what_is_hard_for_both_and_finds_the_planted_difference():
    interval = contrast(SEEDS, "accuracy", {"annotations": "most"}, {"annotations": "fewest"})
    alone = gold_curves(SEEDS, ["accuracy"]).iloc[0]
    assert interval.low < 1.0 < interval.high
    assert interval.high - interval.low < 0.3 * (alone["high"] - alone["low"])


def test_without_a_planted_difference_the_interval_holds_zero():
    seeds = [seed(number, effect=0.0) for number in range(5)]
    interval = contrast(seeds, Metric("best_of_n", 4), {"reward_model": "a"}, {"reward_model": "random"})
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
    with pytest.raises(ResultError, match="have no 'ndcg', but accuracy, best_of_n"):
        gold_curves(SEEDS, ["ndcg"])
    other = replace(SEEDS[0], fits=FITS.assign(annotations=7.0))
    with pytest.raises(ResultError, match="do not hold the same fits"):
        gold_curves([SEEDS[0], other])


def test_a_paired_difference_is_narrower_than_two_intervals_when_prompts_are_shared():
    rng = np.random.default_rng(0)
    hard_m = rng.normal(0, 3, 1000)
    margins = {name: pd.DataFrame((hard_m + shift)[None], index=[10]) for name, shift in (("a", 0.0), ("b", 0.5))}
    _, evaluations = evaluate_pairs(margins, {}, np.arange(1000))
    curves = learning_curves([evaluations]).query("metric == 'log_loss'")
    difference = paired_differences([evaluations], "b", "a").query("metric == 'log_loss'").iloc[0]
    assert difference["mean"] == pytest.approx(curves["mean"].iloc[1] - curves["mean"].iloc[0])
    assert difference["high"] < 0
    assert difference["high"] - difference["low"] < 0.5 * (curves["high"] - curves["low"]).max()


def test_a_baseline_is_held_against_every_count():
    _, evaluations = evaluation(0)
    differences = paired_differences([evaluations], "b", "coin", resamples=50).query("metric == 'accuracy'")
    assert list(differences["annotations"]) == [10, 100]
    with pytest.raises(ResultError, match="no fit of 'c' here; there are a, b, coin"):
        paired_differences([evaluations], "c", "a")


def test_a_strategy_is_held_against_another_on_the_same_prompts_and_labels():
    made = history()
    _, evaluations = evaluate_against_gold(made.fits, made.reward_fr, TEST_GOLD, np.arange(len(TEST_GOLD)), ns=[4])
    minus = minus_strategy(evaluations, "random")
    for position, fit in enumerate(minus.fits.itertuples()):
        own, other = (
            evaluations.value_fp(Metric("best_of_n", 4))[
                (made.fits["strategy"] == name) & (made.fits["annotations"] == fit.annotations)
            ]
            for name in (fit.strategy, "random")
        )
        np.testing.assert_array_equal(minus.value_fp(Metric("best_of_n", 4))[position], (own - other)[0])
    assert set(minus.fits["strategy"]) == {"entropy", "d_optimal"}
    assert not minus.values["spearman"][:2].any()  # they start from one model
    with pytest.raises(
        DataError, match=r"^evaluations: greedy has no fit of cross_prompt with 15 labels to hold again"
    ):
        minus_strategy(evaluations, "greedy")
