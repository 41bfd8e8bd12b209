"""Annotators against their integral, against many draws, and where gold rewards are equal."""

import numpy as np
import pytest
from scipy.special import expit

from rmkit.annotation.annotators import Annotator, Draws
from rmkit.annotation.habits import Habits, crowd
from rmkit.annotation.label_quality import realised_error
from rmkit.errors import DataError
from tests.annotation.odd_annotators import GOLD, LENGTH, ODD, RNG


@pytest.mark.parametrize("beta", [0.5, 1.0, 10.0, np.inf])
def test_labels_follow_their_chance(beta):
    annotator = Annotator(beta, scale=1.3)
    label_m = annotator.label(GOLD, np.random.default_rng(1))
    assert label_m.dtype == np.int8
    error = np.sqrt(0.25 / len(GOLD))
    assert abs(label_m.mean() - annotator.prefers_first(GOLD).mean()) < 4 * error
    assert abs(realised_error(label_m, GOLD) - annotator.expected_error(GOLD)) < 4 * error
    other_m = annotator.label(GOLD, np.random.default_rng(2))
    assert abs((label_m == other_m).mean() - annotator.expected_agreement(GOLD)) < 4 * error


def test_the_chance_is_the_sigmoid_of_the_scaled_gap():
    found = Annotator(2.0, scale=4.0).prefers_first(np.array([[1.0, 0.0], [0.0, 6.0]]))
    np.testing.assert_allclose(found, expit([0.5, -3.0]))


def test_errors_that_the_paper_states_come_out_of_the_integral():
    """38% and 5% for the ends of the six levels, with gaps of standard deviation 1.25."""
    expected = {0.5: 0.382, 0.7: 0.343, 1.0: 0.293, 3.0: 0.136, 5.0: 0.086, 10.0: 0.044}
    for beta, error in expected.items():
        assert Annotator(beta).error_at_normal_gaps(1.25) == pytest.approx(error, abs=1.5e-3)
    many = np.stack([np.random.default_rng(3).normal(scale=1.25, size=400_000), np.zeros(400_000)], axis=1)
    assert Annotator(1.0).expected_error(many) == pytest.approx(Annotator(1.0).error_at_normal_gaps(1.25), abs=1e-3)
    assert Annotator(3.0, scale=3.0).error_at_normal_gaps(1.25) == pytest.approx(
        Annotator(1.0).error_at_normal_gaps(1.25)
    )


def test_without_noise_labels_are_the_gold_order_and_an_even_coin_on_ties():
    annotator = Annotator(np.inf)
    assert annotator.expected_error(GOLD) == annotator.error_at_normal_gaps(1.0) == 0
    assert annotator.accuracy_ceiling(GOLD) == annotator.expected_agreement(GOLD) == 1
    assert realised_error(annotator.label(GOLD, RNG), GOLD) == 0
    tied = np.zeros((4000, 2))
    assert 0.45 < annotator.label(tied, np.random.default_rng(0)).mean() < 0.55
    assert annotator.accuracy_ceiling(tied) == annotator.expected_agreement(tied) == 0.5
    assert np.isnan(annotator.expected_error(tied))
    assert np.isnan(realised_error(np.ones(4000), tied))


def test_no_reward_beats_the_ceiling_and_gold_reaches_it():
    annotator = Annotator(1.0)
    chance_m = annotator.prefers_first(GOLD)
    gold_right = np.where(GOLD[:, 0] > GOLD[:, 1], chance_m, 1 - chance_m).mean()
    assert gold_right == pytest.approx(annotator.accuracy_ceiling(GOLD))
    for _ in range(20):
        guess_m = RNG.random(len(GOLD)) < 0.5
        assert np.where(guess_m, chance_m, 1 - chance_m).mean() < annotator.accuracy_ceiling(GOLD)


def test_a_sharper_annotator_errs_on_a_part_of_the_same_pairs():
    """Common random numbers: whoever is right at a low beta stays right at a higher one."""
    right = [
        (Annotator(beta).label(GOLD, np.random.default_rng(5)) == 1) == (GOLD[:, 0] > GOLD[:, 1])
        for beta in (0.5, 1.0, 5.0)
    ]
    assert right[0].mean() < right[1].mean() < right[2].mean()
    assert (right[0] <= right[1]).all()
    assert (right[1] <= right[2]).all()


def test_wrong_pairs_are_one_line():
    for beta, scale in ((0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (1.0, 0.0), (1.0, np.inf)):
        with pytest.raises(DataError, match=r"above 0"):
            Annotator(beta, scale)
    with pytest.raises(DataError, match=r"^gold rewards of pair 1: \[0.0, nan\]; both must be finite numbers$"):
        Annotator(1.0).label(np.array([[0.0, 1.0], [0.0, np.nan]]), RNG)
    for wrong in (np.zeros((0, 2)), np.zeros(4), np.zeros((3, 3))):
        with pytest.raises(DataError, match=r"it must be \(M, 2\) with at least one pair$"):
            Annotator(1.0).prefers_first(wrong)


TIMES = 40


@pytest.mark.parametrize("beta", [1.5, np.inf])
@pytest.mark.parametrize("name", ODD)
def test_what_is_expected_of_every_kind_of_annotator_comes_out_of_many_draws(name, beta):
    """Two annotators label the pile many times over; a tally of what they said is compared with what was expected."""
    annotator = Annotator(beta, 1.3, **ODD[name])
    tally = {"label": 0, "unequal": 0, "wrong": 0, "both": 0, "same": 0}
    for draw in range(TIMES):
        said, other = (
            annotator.say(GOLD, Draws.of(len(GOLD), [annotator], np.random.default_rng([draw, who])), LENGTH)
            for who in (0, 1)
        )
        truth_m = GOLD[:, 0] > GOLD[:, 1]
        both_m = said.kept_m & other.kept_m
        tally["label"] += said.kept_m.sum()
        tally["wrong"] += (said.label_m != truth_m)[said.kept_m].sum()
        tally["both"] += both_m.sum()
        tally["same"] += (said.label_m == other.label_m)[both_m].sum()
    error = 4 * np.sqrt(0.25 / tally["both"])
    assert abs(tally["wrong"] / tally["label"] - annotator.expected_error(GOLD, LENGTH)) < error
    assert abs(tally["same"] / tally["both"] - annotator.expected_agreement(GOLD, LENGTH)) < error
    assert annotator.gold_accuracy(GOLD, LENGTH) == pytest.approx(1 - annotator.expected_error(GOLD, LENGTH))
    assert annotator.gold_accuracy(GOLD, LENGTH) <= annotator.accuracy_ceiling(GOLD, LENGTH) + 1e-12
    if annotator.habits.ties == "coin":
        assert tally["label"] == TIMES * len(GOLD)
    else:
        assert tally["label"] < TIMES * len(GOLD)


@pytest.mark.parametrize("name", ODD)
def test_every_option_changes_labels(name):
    plain, odd = (
        Annotator(1.5, **options).label(GOLD, np.random.default_rng(1), LENGTH) for options in ({}, ODD[name])
    )
    assert (plain != odd).mean() > (0.005 if name.startswith("ties") else 0.03)


def test_slips_have_a_closed_form():
    """A flip turns the label round, a lapse is right half the time: on normal gaps, from the integral."""
    many = np.stack([np.random.default_rng(3).normal(scale=1.25, size=400_000), np.zeros(400_000)], axis=1)
    plain = Annotator(1.0).error_at_normal_gaps(1.25)
    for habits, expected in (
        (Habits(flip=0.1), 0.1 * (1 - plain) + 0.9 * plain),
        (Habits(lapse=0.2), 0.2 * 0.5 + 0.8 * plain),
    ):
        assert Annotator(1.0, habits=habits).expected_error(many) == pytest.approx(expected, abs=1e-3)
    dissent = Annotator(1.0, crowd=crowd(dissenting=0.25))
    assert dissent.expected_error(many) == pytest.approx(0.25 * (1 - plain) + 0.75 * plain, abs=1e-3)
    mixed = Annotator(1.0, crowd=crowd(careless=0.25, careless_beta=0.1))
    careless = Annotator(0.1).error_at_normal_gaps(1.25)
    assert mixed.expected_error(many) == pytest.approx(0.25 * careless + 0.75 * plain, abs=1e-3)


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0, 10.0])
def test_the_error_on_normal_gaps_is_the_closed_form(beta):
    gap_m = np.random.default_rng(4).normal(scale=1.25, size=400_000)
    gold_m2 = np.stack([gap_m, np.zeros_like(gap_m)], axis=1)
    label_m = Annotator(beta).label(gold_m2, np.random.default_rng(5))
    sampling = 4 * np.sqrt(0.25 / len(gap_m))
    assert abs(realised_error(label_m, gold_m2) - Annotator(beta).error_at_normal_gaps(1.25)) < sampling


def test_who_is_biased_errs_without_noise_and_gold_falls_short_of_the_ceiling():
    biased = Annotator(np.inf, habits=Habits(length_bias=0.7))
    assert biased.accuracy_ceiling(GOLD, LENGTH) == 1
    assert 0.7 < biased.gold_accuracy(GOLD, LENGTH) < 0.9
    assert biased.expected_agreement(GOLD, LENGTH) == 1


def test_a_drifting_annotator_is_as_sharp_at_the_start_and_duller_at_the_end():
    chance_m = np.abs(Annotator(2.0, habits=Habits(drift=0.1)).prefers_first(np.tile([1.0, 0.0], (3, 1))))
    np.testing.assert_allclose(chance_m, expit([2.0, 2.0 * np.sqrt(0.1), 0.2]))
