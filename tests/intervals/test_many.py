"""p-values that say what their intervals say, and Holm's correction by its definition."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import norm, ttest_1samp

from rmkit.intervals.correlations import correlation_over_models
from rmkit.intervals.many import holm, p_value
from rmkit.intervals.means import Interval, bootstrap_over_prompts, over_seeds_and_prompts, t_over_seeds

NUMBER = st.floats(-1e6, 1e6, allow_subnormal=False)


def interval(estimate, low, high, *, level=0.95, df=None, on_z=False):
    return Interval(estimate, low, high, level, "whatever", "by hand", 5, None, df, on_z)


@given(st.lists(NUMBER, min_size=4, max_size=4), st.booleans(), st.one_of(st.none(), st.floats(1, 100)), st.booleans())
def test_below_one_minus_level_exactly_where_the_interval_leaves_the_threshold_out(numbers, at_end, df, on_z):
    *three, threshold = np.tanh(np.array(numbers) / 1e6) if on_z else numbers
    low, estimate, high = sorted(three)
    threshold = low if at_end else threshold
    p = p_value(interval(estimate, low, high, df=df, on_z=on_z), threshold)
    assert 0 <= p <= 1
    assert (p < 1 - 0.95) == (threshold < low or threshold > high)


@given(st.floats(-0.9, 0.9), st.floats(0.01, 1), st.floats(-2, 2), st.floats(-2, 2))
def test_the_farther_the_threshold_the_smaller_the_p_value(estimate, width, first, second):
    assume(first * second >= 0 and abs(first) < abs(second))
    near, far = (p_value(interval(estimate, estimate - width, estimate + width), estimate + x) for x in (first, second))
    assert near >= far


@pytest.mark.parametrize("threshold", [0.0, 0.3, 2.0])
def test_over_seeds_it_is_the_t_test(threshold):
    value_s = np.random.default_rng(0).normal(0.4, 1, 7)
    assert p_value(t_over_seeds(value_s), threshold) == pytest.approx(ttest_1samp(value_s, threshold).pvalue)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5])
def test_over_seeds_and_prompts_it_is_a_t_test(threshold):
    """Seeds that do not matter leave the t-test over prompts; prompts that do not matter, the one over seeds."""
    value_sp = np.random.default_rng(1).normal(0.2, 1, (6, 40))
    no_seeds = value_sp - value_sp.mean(axis=1, keepdims=True) + 0.2
    p = p_value(over_seeds_and_prompts(no_seeds), threshold)
    assert p == pytest.approx(ttest_1samp(no_seeds.mean(axis=0), threshold).pvalue)
    seeds_alone = np.random.default_rng(2).normal(0.2, 1, (6, 1)) + 1e-9 * value_sp
    p = p_value(over_seeds_and_prompts(seeds_alone), threshold)
    assert p == pytest.approx(ttest_1samp(seeds_alone.mean(axis=1), threshold).pvalue, rel=1e-6)


def test_of_one_correlation_it_is_the_test_on_fishers_z():
    rng = np.random.default_rng(0)
    quality_m = rng.normal(size=40)
    measured_mp, earned_mq = (quality_m[:, None] + rng.normal(size=(40, 60)) for _ in range(2))
    found = correlation_over_models(measured_mp, earned_mq, statistic="kendall", rng=rng)
    error = (np.arctanh(found.high) - np.arctanh(found.estimate)) / norm.ppf(0.975)
    z = (np.arctanh(found.estimate) - np.arctanh(0.6)) / error
    assert p_value(found, 0.6) == pytest.approx(2 * norm.sf(abs(z)))


def test_of_a_bootstrap_it_is_near_the_t_test():
    """Near: a tenth in standard errors, which is a third of a p-value of 0.002."""
    value_p = np.random.default_rng(3).normal(0.12, 1, 400)
    (found,) = bootstrap_over_prompts(value_p, np.ones(400), rng=np.random.default_rng(0))
    errors = norm.isf(p_value(found, 0.0) / 2)
    assert errors == pytest.approx(norm.isf(ttest_1samp(value_p, 0).pvalue / 2), rel=0.1)


def test_without_an_interval_there_is_none():
    assert np.isnan(p_value(t_over_seeds(np.array([1.0])), 0.0))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_rejects_what_every_set_of_statements_with_it_rejects(p_values):
    """Holm's is the closed test: of every set that a statement is in, Bonferroni rejects that all of it is so."""
    sets = [s for n in range(1, len(p_values) + 1) for s in itertools.combinations(range(len(p_values)), n)]
    expected = [
        max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in sets if i in s) for i in range(len(p_values))
    ]
    np.testing.assert_allclose(holm(p_values), expected)


def test_a_statement_without_a_test_does_not_count():
    np.testing.assert_array_equal(holm([0.02, np.nan, 0.03]), [0.04, np.nan, 0.04])
    assert len(holm([])) == 0
    assert np.isnan(holm([np.nan])).all()
