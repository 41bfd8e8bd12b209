"""The annotation-quality table, the inequality between pools for any rewards, and exact averages against loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.label_theory import (
    quality_at_normal_gaps,
    quality_between,
    quality_by_pool,
    quality_of_normal_rewards,
)
from rmkit.errors import DataError

BY_VARIANCE = {1: (0.6749, 0.7252), 2: (0.7251, 0.7780), 4: (0.7781, 0.8280), 10: (0.8428, 0.8833)}


@pytest.mark.parametrize("variance", BY_VARIANCE)
def test_the_printed_table_is_that_of_a_difference_with_the_rewards_variance(variance):
    printed, of_two_rewards = BY_VARIANCE[variance]
    assert quality_at_normal_gaps(1.0, np.sqrt(variance)) == pytest.approx(printed, abs=2e-4)
    assert quality_of_normal_rewards(1.0, np.sqrt(variance)) == pytest.approx(of_two_rewards, abs=1e-4)
    assert quality_of_normal_rewards(np.sqrt(variance), 1.0) == pytest.approx(of_two_rewards, abs=1e-4)
    reward_m2 = np.random.default_rng(0).normal(scale=np.sqrt(variance), size=(400_000, 2))
    drawn = 1 - Annotator(1.0).expected_error(reward_m2)
    assert quality_of_normal_rewards(1.0, np.sqrt(variance)) == pytest.approx(drawn, abs=1e-3)


REWARDS = st.lists(st.floats(-20, 20), min_size=1, max_size=8)  # a value that comes twice is twice as likely


@given(one=REWARDS, other=REWARDS, beta=st.floats(0.01, 100) | st.just(np.inf))
@settings(max_examples=300, deadline=None)
def test_pairs_across_two_laws_are_labelled_no_worse_than_pairs_within_them(one, other, beta):
    across = quality_between(one, other, beta)
    within = (quality_between(one, one, beta) + quality_between(other, other, beta)) / 2
    assert across >= within - 1e-12


@given(rewards=REWARDS, beta=st.floats(0.01, 100))
@settings(max_examples=100, deadline=None)
def test_equal_laws_gain_nothing(rewards, beta):
    assert quality_between(rewards, rewards[::-1], beta) == pytest.approx(quality_between(rewards, rewards, beta))


@pytest.mark.parametrize("beta", [0.5, 3.0, np.inf])
def test_the_averages_by_pool_are_those_of_a_loop_over_all_pairs(beta):
    gold_pk = np.random.default_rng(1).normal(size=(4, 3)).round(1) + np.arange(4)[:, None] / 2
    gold_pk[0, 1] = gold_pk[0, 0]
    found = quality_by_pool(gold_pk, beta)

    def mean(pairs):
        gap_m = np.abs([x - y for x, y in pairs])
        return np.where(gap_m > 0, 1.0 if np.isinf(beta) else expit(min(beta, 1e3) * gap_m), 0.5).mean()

    assert found.within == pytest.approx(mean([pair for own in gold_pk for pair in itertools.permutations(own, 2)]))
    assert found.independent == pytest.approx(mean([pair for own in gold_pk for pair in itertools.product(own, own)]))
    sides = itertools.permutations(gold_pk, 2)
    assert found.across == pytest.approx(mean([pair for one, other in sides for pair in itertools.product(one, other)]))
    assert found.across >= found.independent


def test_two_different_responses_of_one_prompt_may_be_clearer_than_across():
    """Two prompts with the responses 0 and 1 each: within, never equal; across, every other pair is."""
    found = quality_by_pool(np.array([[0.0, 1.0], [0.0, 1.0]]), np.inf)
    assert (found.within, found.independent, found.across) == (1.0, 0.75, 0.75)


def test_gold_amiss_is_one_line():
    with pytest.raises(DataError, match=r"^gold rewards: shape \(1, 3\); it must be \(prompts, K\) with at least two"):
        quality_by_pool(np.zeros((1, 3)), 1.0)
    with pytest.raises(DataError, match=r"^gold rewards: prompt 1, response 0 has nan; it must be a finite number$"):
        quality_by_pool(np.array([[0.0, 1.0], [np.nan, 1.0]]), 1.0)
