"""The interval of a ratio of spreads against the test of Pitman and Morgan."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rmkit.errors import DataError
from rmkit.intervals.many import p_value
from rmkit.intervals.means import smallest_detectable
from rmkit.intervals.spreads import NEW_SEEDS_THESE_PROMPTS, spread_of_world, spread_ratio, spread_ratio_over_worlds


def pairs(seed, n_seeds=12, ratio=1.0, correlation=0.5):
    normal = np.random.default_rng(seed).normal(size=(2, n_seeds))
    return ratio * normal[0], correlation * normal[0] + np.sqrt(1 - correlation**2) * normal[1]


def pitman_morgan(first_s, second_s, ratio):
    """The p-value of "the standard deviations are in this ratio": whether sum and difference correlate."""
    scaled_s = ratio * second_s
    return stats.pearsonr(first_s + scaled_s, first_s - scaled_s).pvalue


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 30), st.floats(0.2, 5), st.floats(-0.95, 0.95))
def test_the_limits_are_the_ratios_that_pitman_and_morgan_would_just_not_reject(seed, n_seeds, ratio, correlation):
    first_s, second_s = pairs(seed, n_seeds, ratio, correlation)
    found = spread_ratio(first_s, second_s)
    assert found.estimate == pytest.approx(first_s.std(ddof=1) / second_s.std(ddof=1))
    for end in (found.low, found.high):
        assert pitman_morgan(first_s, second_s, end) == pytest.approx(0.05, abs=1e-9)
    assert found.low * found.high == pytest.approx(found.estimate**2)
    assert p_value(found, 1.0) == pytest.approx(pitman_morgan(first_s, second_s, 1.0), rel=1e-6)


def test_swapping_the_two_turns_the_ratio_over_and_their_units_do_not_matter():
    first_s, second_s = pairs(3)
    one, other = spread_ratio(first_s, second_s), spread_ratio(1e3 * second_s - 7, 1e3 * first_s + 2)
    np.testing.assert_allclose([other.low, other.estimate, other.high], [1 / one.high, 1 / one.estimate, 1 / one.low])
    assert (one.estimand, one.units, one.df, one.reason) == (NEW_SEEDS_THESE_PROMPTS, 12, 10.0, None)


def test_what_could_have_been_seen_is_a_ratio_above_one():
    interval = spread_ratio(*pairs(0))
    assert 1 < smallest_detectable(interval) < np.exp(1.6 * np.log(interval.high / interval.low))


def test_several_worlds_give_the_geometric_mean_of_their_ratios():
    worlds = [pairs(seed, n_seeds) for seed, n_seeds in ((0, 10), (1, 20), (2, 12))]
    found = spread_ratio_over_worlds(*zip(*worlds, strict=True))
    ratio_w = [first_s.std() / second_s.std() for first_s, second_s in worlds]
    np.testing.assert_allclose(found.effect_w, ratio_w)
    assert found.interval.estimate == pytest.approx(stats.gmean(ratio_w))
    assert found.interval.estimand == "new seeds, these prompts, these worlds"
    alone = [spread_ratio(*world) for world in worlds]
    widths = [np.log(one.high / one.low) for one in (found.interval, *alone)]
    assert widths[0] < min(widths[1:])
    few = spread_ratio_over_worlds(*zip(*worlds, strict=True), new_worlds=True)
    assert "3 worlds are too few" in few.interval.reason
    many = [pairs(seed) for seed in range(6)]
    over_new = spread_ratio_over_worlds(*zip(*many, strict=True), new_worlds=True).interval
    log_w = [np.log(first_s.std() / second_s.std()) for first_s, second_s in many]
    np.testing.assert_allclose(np.log([over_new.low, over_new.high]), stats.ttest_1samp(log_w, 0).confidence_interval())


@pytest.mark.parametrize(
    ("first_s", "second_s", "reason"),
    [
        (np.arange(4.0), np.array([1.0, 3.0, 2.0, 5.0]), "4 seeds are too few"),
        (np.ones(6), np.arange(6.0), "all seeds gave the same number"),
        (np.arange(6.0), 3 * np.arange(6.0), "go together perfectly"),
        (np.ones(1), np.ones(1), "a spread needs two seeds"),
    ],
)
def test_spreads_that_cannot_be_compared_say_why(first_s, second_s, reason):
    found = spread_ratio(first_s, second_s)
    assert reason in found.reason
    assert np.isnan([found.low, found.high, p_value(found, 1.0)]).all()
    worlds = spread_ratio_over_worlds([pairs(0)[0], first_s], [pairs(0)[1], second_s])
    assert worlds.interval.reason.startswith("of world 2: ")


def test_unpaired_seeds_are_a_mistake():
    with pytest.raises(DataError, match="one number a seed, of the same seeds"):
        spread_of_world(np.ones(3), np.ones(4))
    with pytest.raises(DataError, match="they must be finite"):
        spread_ratio(np.array([1.0, np.nan]), np.ones(2))
