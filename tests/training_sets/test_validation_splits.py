"""What validates: whole pairs, whole prompts, or single rows, whose mirror images are then mostly in training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from rmkit.training_sets.pair_sets import PairSets
from rmkit.training_sets.validation_splits import (
    SPLITS,
    TRAINS,
    VALIDATES,
    AnnotationOrder,
    by_pair,
    divide,
    padded,
    rows_on,
)

N_PROMPTS, N_PAIRS = 50, 2000


def pile_of(seed, n_pairs=N_PAIRS):
    rng = np.random.default_rng(seed)
    first_m = rng.integers(0, N_PROMPTS * 100, n_pairs)
    second_m = (first_m + rng.integers(1, N_PROMPTS * 100, n_pairs)) % (N_PROMPTS * 100)
    prompt_m2 = np.stack([first_m, second_m], axis=1) // 100
    return AnnotationOrder(first_m, second_m, prompt_m2)


def divided(split, pile, count, seed=0, share=0.2):
    return divide(split, pile, share=share, rng=np.random.default_rng(seed))(count)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_four_of_five_validation_rows_have_their_mirror_in_training_and_whole_pairs_none(seed):
    pile = pile_of(seed)
    side_m2 = divided("mirrored_row", pile, N_PAIRS, seed)
    row_m, column_m = np.nonzero(side_m2 == VALIDATES)
    mirrored = side_m2[row_m, 1 - column_m] == TRAINS
    low, high = binom.ppf([1e-7, 1 - 1e-7], len(mirrored), 0.8)
    assert len(mirrored) == 800
    assert low <= mirrored.sum() <= high
    for split in ("pair", "prompt"):
        side_m2 = divided(split, pile, N_PAIRS, seed)
        assert (side_m2[:, 0] == side_m2[:, 1]).all()
        assert (side_m2 == VALIDATES).any()
        assert (side_m2 == TRAINS).any()


def test_each_row_of_the_mirrored_split_is_as_likely_to_validate_as_any_other():
    pile = pile_of(0, 10)
    held_m2 = sum(divided("mirrored_row", pile, 10, seed) == VALIDATES for seed in range(2000))
    assert held_m2.sum() == 4 * 2000
    low, high = binom.ppf([1e-6, 1 - 1e-6], 2000, 0.2)
    assert (held_m2 >= low).all()
    assert (held_m2 <= high).all()


def test_a_share_of_rows_is_rounded_up():
    for count, share, expected in ((10, 0.2, 4), (7, 0.2, 3), (5000, 0.2, 2000), (3, 1 / 3, 2)):
        assert (divided("mirrored_row", pile_of(0, 5000), count, share=share) == VALIDATES).sum() == expected


@pytest.mark.parametrize("share", [0.1, 0.2, 1 / 3, 0.5])
def test_no_pair_is_on_both_sides_even_if_it_was_asked_twice_or_turned_round(share):
    rng = np.random.default_rng(0)
    first, second = rng.permutation(200)[:100], rng.permutation(np.arange(200, 400))[:100]
    pile = AnnotationOrder(np.concatenate([first, second[:50]]), np.concatenate([second, first[:50]]))
    validates_m = divided("pair", pile, 150, share=share)[:, 0] == VALIDATES
    sides = {}
    for first, second, side in zip(pile.first_m, pile.second_m, validates_m, strict=True):
        assert sides.setdefault(frozenset([first, second]), side) == side
    assert validates_m[:100].sum() == int(100 * share + 1e-9)


def test_a_prompt_that_validates_trains_in_no_pair():
    pile = pile_of(3)
    side_m = divided("prompt", pile, N_PAIRS)[:, 0]
    trained, validated = (set(pile.prompt_m2[side_m == side].ravel()) for side in (TRAINS, VALIDATES))
    assert not trained & validated
    assert len(validated) == 0.2 * N_PROMPTS
    straddling = [len({prompt in validated for prompt in prompts}) == 2 for prompts in pile.prompt_m2]
    np.testing.assert_array_equal(side_m == -1, straddling)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(5, 30), split=st.sampled_from(list(SPLITS)))
def test_sets_hold_every_row_once_with_the_response_that_it_is_of(seed, count, split):
    pile, label_m = pile_of(seed, 30), np.random.default_rng(seed).integers(0, 2, 30)
    side_m2 = divided(split, pile, count, seed)
    for side in (TRAINS, VALIDATES):
        expected = [
            (first, second, label)
            for (on_first, on_second), first, second, label in zip(
                side_m2 == side, pile.first_m, pile.second_m, label_m[:count], strict=False
            )
            for first, second, label in [(first, second, (label, on_first, on_second))]
            if on_first or on_second
        ]
        rows = rows_on(side, side_m2, pile, label_m)
        found = zip(rows.chosen_m, rows.rejected_m, rows.held_m2, strict=True)
        for (chosen, rejected, held), (first, second, (label, on_first, on_second)) in zip(
            found, expected, strict=True
        ):
            assert {chosen: held[0], rejected: held[1]} == {first: on_first, second: on_second}
            assert chosen == (first if label else second)


def test_pairs_that_are_not_divided_need_no_weights_of_rows():
    pile, label_m = pile_of(0, 40), np.ones(40)
    for split, whole in (("pair", True), ("mirrored_row", False)):
        side_m2 = divided(split, pile, 40)
        sets = PairSets(**padded([rows_on(side, side_m2, pile, label_m) for side in (TRAINS, VALIDATES)]))
        assert (sets.row_weight_sm2 is None) == whole
        assert sets.rows_sm2.sum() == 80


@pytest.mark.parametrize("labels_per_pair", [1, 2, 5])
def test_a_share_of_the_pairs_validates_however_often_each_is_labelled(labels_per_pair):
    first_m = np.repeat(np.arange(100), labels_per_pair)
    side_m2 = by_pair(AnnotationOrder(first_m, first_m + 100), 0.2)(len(first_m))
    assert (side_m2[:, 0] == VALIDATES).mean() == pytest.approx(0.2)
    assert all(len(set(side_m2[first_m == pair, 0])) == 1 for pair in range(100))
