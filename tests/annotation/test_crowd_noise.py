"""The flip rate against enumerations of all flips; what its interval covers is in test_crowd_noise_coverage.py."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import comb

from rmkit.annotation.crowd_noise import (
    accuracy_ceiling,
    agreement_of_flips,
    flip_of_agreement,
    flip_rate,
    majority_accuracy,
    variance_of_agreements,
)
from rmkit.annotation.judgements import Judgements
from rmkit.errors import DataError


def flipped(rng, flip, n_pairs, votes, copies=1):
    """Judgements of pairs whose flips are known in law; each pair `copies` times, with the same flips."""
    truth_m = rng.random(n_pairs) < 0.5
    label_mv = (rng.random((n_pairs, votes)) < flip) != truth_m[:, None]
    label_mv = np.tile(label_mv, (copies, 1))
    pair_mv, annotator_mv = np.indices(label_mv.shape)
    return Judgements(pair_mv.ravel(), annotator_mv.ravel(), label_mv.ravel() * 1.0)


@pytest.mark.parametrize("votes", [2, 3, 5])
@pytest.mark.parametrize("flip", [0.0, 0.1, 0.37, 0.5])
def test_mean_and_variance_of_agreements_are_those_of_all_flips(votes, flip):
    chance, agreements = [], []
    for flips in itertools.product((0, 1), repeat=votes):
        wrong = sum(flips)
        chance.append(flip**wrong * (1 - flip) ** (votes - wrong))
        agreements.append(sum(one == other for one, other in itertools.combinations(flips, 2)))
    mean = np.dot(chance, agreements)
    assert comb(votes, 2) * agreement_of_flips(flip) == pytest.approx(mean)
    variance = np.dot(chance, (np.array(agreements) - mean) ** 2)
    assert variance_of_agreements(flip, np.array([votes])) == pytest.approx(variance)
    assert variance_of_agreements(flip, np.array([votes, 1, votes])) == pytest.approx(2 * variance)


@pytest.mark.parametrize("votes", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("flip", [0.0, 0.15, 0.5])
def test_the_majority_is_right_as_often_as_over_all_votes(votes, flip):
    right = 0.0
    for flips in itertools.product((0, 1), repeat=votes):
        wrong = sum(flips)
        chance = flip**wrong * (1 - flip) ** (votes - wrong)
        right += chance * ((wrong < votes / 2) + (wrong == votes / 2) / 2)
    assert majority_accuracy(flip, votes) == pytest.approx(right)


def test_the_flip_rate_undoes_the_agreement():
    flip_f = np.linspace(0, 0.5, 11)
    np.testing.assert_allclose(flip_of_agreement(agreement_of_flips(flip_f)), flip_f, atol=1e-7)
    assert flip_of_agreement(0.3) == 0.5
    labels = flipped(np.random.default_rng(0), 0.2, 4000, 3)
    assert flip_rate(labels).estimate == pytest.approx(0.2, abs=0.02)


@given(flip_n=st.lists(st.floats(0, 0.5), min_size=2, max_size=6))
def test_hard_pairs_make_the_rate_too_low_and_unlike_annotators_too_high(flip_n):
    mean = np.mean(flip_n)
    assert flip_of_agreement(np.mean(agreement_of_flips(flip_n))) <= mean + 1e-6
    between = [one * other + (1 - one) * (1 - other) for one, other in itertools.combinations(flip_n, 2)]
    assert flip_of_agreement(np.mean(between)) >= mean - 1e-6


def test_disagreement_that_clusters_in_prompts_widens_the_interval():
    labels = flipped(np.random.default_rng(1), 0.2, 400, 2, copies=9)
    whole, by_prompt = flip_rate(labels), flip_rate(labels, prompt_m=np.tile(np.arange(400), 9))
    assert whole.estimate == by_prompt.estimate
    assert (by_prompt.high - by_prompt.low) / (whole.high - whole.low) == pytest.approx(3, rel=0.15)


def test_ends_of_the_scale():
    perfect = flip_rate(flipped(np.random.default_rng(0), 0.0, 100, 2))
    assert (perfect.estimate, perfect.low) == (0, 0)
    assert 0 < perfect.high < 0.05
    noise = flip_rate(flipped(np.random.default_rng(0), 0.5, 500, 3))
    assert noise.low < noise.high == 0.5
    against = Judgements(np.repeat(np.arange(50), 2), np.tile([0, 1], 50), np.tile([0.0, 1.0], 50))
    assert "less than any flip rate allows" in flip_rate(against).reason
    assert (
        "19 prompts with two judgements are too few" in flip_rate(flipped(np.random.default_rng(0), 0.2, 19, 2)).reason
    )
    assert flip_rate(flipped(np.random.default_rng(0), 0.2, 30, 1)).reason == "no pair was judged twice"
    with pytest.raises(DataError, match=r"label_j\[1\] is a tie"):
        flip_rate(Judgements(np.zeros(2, int), np.arange(2), np.array([1, 0.5])))


def test_ceilings_follow_the_ends_of_the_interval():
    flip = flip_rate(flipped(np.random.default_rng(0), 0.15, 400, 3))
    one, three = accuracy_ceiling(flip), accuracy_ceiling(flip, 3)
    assert (one.low, one.estimate, one.high) == pytest.approx((1 - flip.high, 1 - flip.estimate, 1 - flip.low))
    assert three.low == pytest.approx(majority_accuracy(flip.high, 3))
    assert one.high < three.high
    with pytest.raises(DataError, match="votes: 0; a majority takes at least one"):
        accuracy_ceiling(flip, 0)
