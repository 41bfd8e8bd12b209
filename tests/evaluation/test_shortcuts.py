"""Shortcuts: shares by hand, planted leans found, and a head that knows nothing of a trait is not accused."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.shortcuts import accuracy_by_length, leans


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def one(more_m, margin_m, **how):
    (lean,) = leans(
        {"length": np.array(more_m)}, np.array(margin_m), np.arange(len(more_m)) // how.pop("each", 1), **how
    )
    return lean


def test_shares_are_counted_by_hand_on_the_pairs_that_differ():
    lean = one([3, -1, 0, 2, np.nan, -5], [1.0, -1.0, 9.0, 0.0, 9.0, 2.0])
    assert lean.pairs == 4
    assert lean.labels.estimate == 2 / 4  # the first and the fourth
    assert lean.head.estimate == (1 + 1 + 0.5 + 0) / 4  # in the second the head prefers the other, which has more
    assert lean.excess.estimate == lean.head.estimate - lean.labels.estimate
    assert not lean.labels_lean  # four prompts have no interval


def test_weights_count_as_repetitions():
    more_m, margin_m, weight_m = [1, -1, 1], [1.0, 1.0, -1.0], np.array([3.0, 1.0, 2.0])
    lean = one(more_m, margin_m, weight_m=weight_m)
    assert lean.labels.estimate == pytest.approx(5 / 6)
    assert lean.head.estimate == pytest.approx(3 / 6)


def planted(rng, *, labels=0.0, head=0.0, n=800):
    """Length differences; labels and margins that follow them by so much."""
    length_m, truth_m = rng.normal(size=n), rng.normal(size=n)
    sign_m = np.where(truth_m + labels * length_m + rng.logistic(size=n) > 0, 1, -1)  # of the first answer
    reward_m = truth_m + labels * length_m + head * length_m + rng.normal(size=n)
    return length_m * sign_m, reward_m * sign_m


def test_leans_of_labels_and_of_the_head_are_told_apart(rng):
    of_labels = one(*planted(rng, labels=1.0))
    assert of_labels.labels_lean
    of_head = one(*planted(rng, head=1.0))
    assert of_head.head_leans
    assert not of_head.labels_lean
    neither = one(*planted(rng))
    assert not neither.labels_lean
    assert not neither.head_leans


def test_a_head_that_cannot_see_what_labels_follow_is_not_accused(rng):
    more_m, _ = planted(rng, labels=1.5)
    lean = one(more_m, rng.normal(size=len(more_m)))
    assert lean.labels_lean
    assert lean.excess.high < 0  # the difference is shown, and leads towards 1/2
    assert not lean.head_leans


def test_a_trait_that_is_disliked_can_be_leant_on_too(rng):
    more_m, margin_m = planted(rng, head=-1.5)
    assert one(more_m, margin_m).head_leans


def test_of_an_unseen_trait_only_the_labels_are_spoken_of(rng):
    (lean,) = leans({"shown first": np.ones(40)}, rng.normal(size=40), np.arange(40), unseen=("shown first",))
    assert lean.head is None
    assert lean.excess is None
    assert not lean.head_leans
    assert lean.labels.estimate == 1


def test_a_trait_in_which_no_pair_differs_is_left_out_and_a_wrong_shape_is_named():
    assert leans({"length": np.zeros(5)}, np.ones(5), np.arange(5)) == []
    with pytest.raises(DataError, match=r"length: has shape \(4,\); it must be \(5,\)"):
        leans({"length": np.ones(4)}, np.ones(5), np.arange(5))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("margin_m", np.ones((5, 1)), "must be"),
        ("prompt_m", np.arange(4), r"prompt_m: has shape \(4,\); it must be \(5,\)"),
        ("weight_m", np.ones(6), r"weight_m: has shape \(6,\); it must be \(5,\)"),
        ("weight_m", np.zeros(5), "weight_m: holds what is not above 0"),
        ("weight_m", np.full(5, np.nan), "weight_m: holds what is not above 0"),
    ],
)
def test_arrays_that_do_not_belong_together_are_named(place, value, said):
    arrays = {"margin_m": np.ones(5), "prompt_m": np.arange(5), "weight_m": np.ones(5), place: value}
    with pytest.raises(DataError, match=said):
        leans({"length": np.ones(5)}, **arrays)
    with pytest.raises(DataError, match=said):
        accuracy_by_length(np.ones(5), np.ones(5), **arrays)
    with pytest.raises(DataError, match="rejected_m: has shape"):
        accuracy_by_length(np.ones(5), np.ones(4), np.ones(5), np.arange(5))


def test_accuracy_by_length_divides_every_pair_once():
    found = accuracy_by_length(
        np.array([100, 50, 100, 96]), np.array([50, 100, 95, 100]), np.array([1.0, -1.0, 1.0, 0.0]), np.arange(4)
    )
    assert {name: (n, mean.estimate) for name, (n, mean) in found.items()} == {
        "longer preferred": (1, 1.0),
        "shorter preferred": (1, 0.0),
        "about as long": (2, 0.75),
    }


def test_labels_that_always_follow_a_trait_lean_though_they_have_no_interval(rng):
    lean = one([1] * 60, rng.normal(size=60))
    assert np.isnan(lean.labels.low)
    assert lean.labels_lean
    assert not lean.head_leans  # it prefers the longer answer less often than they do
    both = one([1, -1] * 30, [1.0] * 60)
    assert not both.labels_lean
    assert not both.head_leans  # equal on every pair
    assert not one([1] * 12, [1.0] * 12).labels_lean  # too few prompts to tell
