"""What judgements alone say of simulated annotators: near what is known where noise is as the estimators take it."""

import numpy as np
import pytest

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.estimates_beside_truth import MOST_PAIRS, beside_truth
from rmkit.annotation.habits import Habits
from rmkit.errors import DataError

N = 400


@pytest.fixture(scope="module")
def told():
    rng = np.random.default_rng(0)
    gold_r = rng.normal(size=2 * N)
    annotators = [Annotator(beta, 1.0) for beta in (0.5, 1.0, 3.0, np.inf)]
    return beside_truth(np.arange(2 * N).reshape(-1, 2), gold_r, annotators, rng, n_annotators=4)


def test_the_sharpness_on_gold_margins_is_near_the_true_one(told):
    for beta in (0.5, 1.0, 3.0):
        assert told.loc[beta, "beta_low"] < beta < told.loc[beta, "beta_high"]
    assert told["beta_estimate"].is_monotonic_increasing


def test_noise_that_depends_on_the_pair_is_taken_for_less_of_it(told):
    finite = told.drop(index=np.inf)
    assert (finite["flip"] < finite["error"]).all()
    assert (finite["ceiling"] <= finite["ceiling_high"]).all()
    assert told["flip"].is_monotonic_decreasing
    assert told["alpha"].is_monotonic_increasing


def test_those_who_never_err_agree_always(told):
    assert told.loc[np.inf, ["error", "flip", "alpha", "ceiling"]].tolist() == [0, 0, 1, 1]


def test_a_flip_that_is_the_same_for_all_pairs_is_found():
    rng = np.random.default_rng(1)
    gold_r = rng.normal(size=2 * N)
    one = Annotator(np.inf, 1.0, habits=Habits(flip=0.2))
    row = beside_truth(np.arange(2 * N).reshape(-1, 2), gold_r, [one], rng, n_annotators=5).iloc[0]
    assert row["error"] == pytest.approx(0.2)
    assert row["flip_low"] < 0.2 < row["flip_high"]
    assert row["ceiling_low"] < row["ceiling"] < row["ceiling_high"]


def test_only_the_first_pairs_are_judged_and_equal_gold_has_no_sharpness():
    rng, annotators = np.random.default_rng(2), [Annotator(1.0, 1.0)]
    first_m2 = np.arange(2 * N).reshape(-1, 2)
    gold_r = rng.normal(size=2 * N)
    again = gold_r.copy()
    again[2 * MOST_PAIRS :] = 9.0
    same = [beside_truth(first_m2, gold, annotators, np.random.default_rng(3)) for gold in (gold_r, again)]
    assert same[0].equals(same[1])
    flat = beside_truth(first_m2, np.zeros(2 * N), annotators, rng)
    assert "beta_estimate" not in flat
    assert flat["flip"].iloc[0] > 0.3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_annotators": 0}, "n_annotators: 0; give at least 1"),
        ({"n_annotators": -1}, "n_annotators: -1; give at least 1"),
        ({"annotators": []}, "annotators: there are none"),
        ({"pairs_m2": np.array([[0.0, 1.0]])}, r"pairs_m2: has shape \(1, 2\) of float64"),
        ({"pairs_m2": np.array([0, 1])}, r"pairs_m2: has shape \(2,\)"),
    ],
)
def test_what_cannot_be_asked_is_named(change, said):
    asked = {"pairs_m2": np.array([[0, 1]]), "gold_r": np.arange(2.0), "annotators": [Annotator(1.0, 1.0)]}
    with pytest.raises(DataError, match=said):
        beside_truth(**asked | change, rng=np.random.default_rng(0))
