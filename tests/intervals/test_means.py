import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmkit.errors import DataError
from rmkit.intervals import means
from rmkit.intervals.means import (
    Interval,
    bootstrap_over_prompts,
    over_seeds_and_prompts,
    paired_difference,
    resampled_means,
    smallest_detectable,
    t_over_seeds,
)

RNG = np.random.default_rng(0)
PAIRS_P = RNG.integers(1, 6, size=60)
VALUE_KP = RNG.normal(size=(3, 60))


def bootstrap(value_kp, pairs_p=PAIRS_P, seed=0, **options):
    return bootstrap_over_prompts(value_kp, pairs_p, rng=np.random.default_rng(seed), **options)


def test_the_estimate_is_the_mean_over_pairs():
    by_pair = np.repeat(VALUE_KP[0], PAIRS_P)
    interval = bootstrap(VALUE_KP[0])[0]
    np.testing.assert_allclose(interval.estimate, by_pair.mean())
    assert interval.low < interval.estimate < interval.high
    assert (interval.units, interval.level, interval.reason) == (60, 0.95, None)


def test_resampled_means_are_those_of_a_loop_over_the_same_draws():
    mean_bk = resampled_means(VALUE_KP, PAIRS_P, rng=np.random.default_rng(3), n_resamples=7)
    drawn_bp = np.random.default_rng(3).integers(60, size=(7, 60))
    expected_bk = [
        [np.concatenate([[value_p[p]] * PAIRS_P[p] for p in drawn_p]).mean() for value_p in VALUE_KP]
        for drawn_p in drawn_bp
    ]
    np.testing.assert_allclose(mean_bk, expected_bk)


def test_blocks_bound_the_memory_and_change_nothing(monkeypatch):
    whole = bootstrap(VALUE_KP)
    monkeypatch.setattr("rmkit.intervals.means.BLOCK_BYTES", 16 * 60 * 7)  # seven resamples at a time
    in_blocks = bootstrap(VALUE_KP)
    for one, other in zip(whole, in_blocks, strict=True):
        np.testing.assert_allclose([one.low, one.high], [other.low, other.high])


def test_the_interval_is_scipys_where_every_prompt_has_one_pair():
    ours = bootstrap(VALUE_KP[0], np.ones(60), n_resamples=20_000)[0]
    reference = scipy_stats.bootstrap(
        (VALUE_KP[0],), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    np.testing.assert_allclose([ours.low, ours.high], reference, atol=0.02 * (ours.high - ours.low))


def test_the_interval_covers_the_truth_with_prompts_of_unequal_size():
    """4,000 data sets of 200 prompts: prompt effects, and pairs that are right or wrong around them."""
    rng, n_sets, n_prompts = np.random.default_rng(4), 4000, 200
    pairs_p = np.clip(rng.geometric(0.3, size=n_prompts), 1, 12)
    chance_np = np.clip(0.63 + 0.2 * rng.normal(size=(n_sets, n_prompts)), 0, 1)
    truth = np.clip(0.63 + 0.2 * rng.normal(size=10**6), 0, 1).mean()
    value_np = rng.binomial(pairs_p, chance_np) / pairs_p
    intervals = bootstrap_over_prompts(value_np, pairs_p, rng=rng, n_resamples=1000)
    coverage = np.mean([interval.low <= truth <= interval.high for interval in intervals])
    assert 0.93 < coverage < 0.97
    as_if_pairs_were_alone = 1.96 * np.sqrt(0.63 * 0.37 / pairs_p.sum())
    too_short = np.mean([abs(interval.estimate - truth) < as_if_pairs_were_alone for interval in intervals])
    assert too_short < 0.92  # what counting pairs instead of prompts would give


def test_a_higher_level_is_wider_and_says_so():
    narrow, wide = (bootstrap(VALUE_KP[0], level=level)[0] for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (narrow.level, wide.level) == (0.8, 0.99)


def test_an_interval_says_what_it_is_of():
    interval = bootstrap(VALUE_KP[0], estimand="these prompts, new seeds", n_resamples=100)[0]
    assert interval.estimand == "these prompts, new seeds"
    assert interval.method == "percentile bootstrap over prompts, 100 resamples"
    assert bootstrap(VALUE_KP[0])[0].estimand == means.NEW_PROMPTS_THESE_FITS


def test_same_generator_same_interval_other_generator_another():
    assert bootstrap(VALUE_KP, seed=1) == bootstrap(VALUE_KP, seed=1) != bootstrap(VALUE_KP, seed=2)


def test_a_series_has_the_interval_it_would_have_alone():
    beside, alone = bootstrap(VALUE_KP)[2], bootstrap(VALUE_KP[2])[0]
    np.testing.assert_allclose([beside.low, beside.high], [alone.low, alone.high])


def test_a_paired_difference_is_taken_within_each_resample():
    mean_bk = resampled_means(VALUE_KP[:2], PAIRS_P, rng=np.random.default_rng(5), n_resamples=500)
    difference = paired_difference(*VALUE_KP[:2], PAIRS_P, rng=np.random.default_rng(5), n_resamples=500)[0]
    low, high = np.quantile(mean_bk[:, 0] - mean_bk[:, 1], [0.025, 0.975])
    np.testing.assert_allclose([difference.low, difference.high], [low, high])


def test_what_makes_a_prompt_hard_for_both_cancels():
    hard_p = 10 * RNG.normal(size=60)
    paired = paired_difference(hard_p + VALUE_KP[0], hard_p + VALUE_KP[1], PAIRS_P, rng=np.random.default_rng(6))[0]
    alone = bootstrap(hard_p + VALUE_KP[0])[0]
    assert paired.high - paired.low < 0.3 * (alone.high - alone.low)


@pytest.mark.parametrize("n_prompts", [1, 19])
def test_too_few_prompts_give_the_estimate_and_a_reason_instead_of_an_interval(n_prompts):
    interval = bootstrap(VALUE_KP[0, :n_prompts], PAIRS_P[:n_prompts])[0]
    np.testing.assert_allclose(interval.estimate, np.average(VALUE_KP[0, :n_prompts], weights=PAIRS_P[:n_prompts]))
    assert np.isnan([interval.low, interval.high]).all()
    assert f"{n_prompts} prompts are too few" in interval.reason


def test_a_constant_series_has_a_reason_beside_one_that_varies():
    constant, varying = bootstrap(np.stack([np.full(60, 0.5), VALUE_KP[0]]))
    assert np.isnan(constant.low)
    assert "no variation" in constant.reason
    assert varying.reason is None
    assert np.isfinite(varying.low)


def test_what_sums_of_floats_leave_of_zero_is_told_as_zero_and_varies_in_nothing():
    left_p = np.where(np.arange(60) % 2, 8.3e-17, -4.2e-16)
    for value_p in (left_p, np.full(60, -4.2e-16)):
        (interval,) = bootstrap(value_p)
        assert interval.reason == "all 60 prompts have the value 0: a bootstrap sees no variation"
        assert np.isnan(interval.low)
    assert bootstrap(0.1 + left_p)[0].reason == "all 60 prompts have the value 0.1: a bootstrap sees no variation"
    assert bootstrap(1e4 * left_p + 1e-6 * VALUE_KP[0])[0].reason is None


def test_a_prompt_without_a_value_is_named():
    value_kp = VALUE_KP.copy()
    value_kp[2, 17] = np.nan
    with pytest.raises(DataError, match="prompt 17 has no value in series 2"):
        bootstrap(value_kp)


@pytest.mark.parametrize(
    ("pairs_p", "says"),
    [(np.r_[PAIRS_P[:-1], 0], r"pairs_p\[59\] is 0"), (PAIRS_P[:-1], r"\(3, 60\) and pairs_p \(59,\)")],
)
def test_pairs_that_do_not_fit_the_values_are_an_error(pairs_p, says):
    with pytest.raises(DataError, match=says):
        bootstrap(VALUE_KP, pairs_p)


@pytest.mark.parametrize("wrong", [{"level": 95}, {"n_resamples": 0}])
def test_an_impossible_request_is_an_error(wrong):
    with pytest.raises(DataError, match="must"):
        bootstrap(VALUE_KP, **wrong)


def test_series_of_other_shapes_cannot_be_paired():
    with pytest.raises(DataError, match="differ in shape"):
        paired_difference(VALUE_KP, VALUE_KP[:2], PAIRS_P, rng=np.random.default_rng(0))


@pytest.mark.parametrize("bad_s", [[], [1.0, np.nan], [[1.0, 2.0]]])
def test_seeds_are_a_row_of_finite_numbers(bad_s):
    with pytest.raises(DataError, match="one a seed"):
        t_over_seeds(bad_s)


def test_equal_numbers_have_no_interval_whatever_their_mean_rounds_to():
    value_s = np.full(7, 0.6272359522432089)  # of which numpy's mean is another number
    assert value_s.std() > 0
    assert t_over_seeds(value_s).reason == "all seeds gave the same number"


def test_t_over_seeds_is_scipys_interval():
    value_s = VALUE_KP[0, :5]
    interval = t_over_seeds(value_s)
    expected = scipy_stats.ttest_1samp(value_s, 0).confidence_interval()
    np.testing.assert_allclose([interval.low, interval.high], expected)
    assert (interval.df, interval.units) == (4, 5)


def test_a_table_in_which_only_prompts_differ_has_the_t_interval_over_prompts():
    prompt_p = VALUE_KP[0]
    interval = over_seeds_and_prompts(np.tile(prompt_p, (5, 1)))
    expected = scipy_stats.ttest_1samp(prompt_p, 0).confidence_interval()
    np.testing.assert_allclose([interval.low, interval.high], expected)


def test_a_table_in_which_seeds_matter_most_has_nearly_the_t_interval_over_seeds():
    seed_s = 100 * VALUE_KP[0, :5]
    interval = over_seeds_and_prompts(seed_s[:, None] + VALUE_KP[1])
    alone = t_over_seeds(seed_s + VALUE_KP[1].mean())
    np.testing.assert_allclose([interval.low, interval.high], [alone.low, alone.high], rtol=1e-3)
    assert interval.df == pytest.approx(4, rel=1e-3)


def test_the_variance_of_a_crossed_mean_is_right_on_average():
    """4,000 tables whose effects have known variances: the variance of their means, and the mean of their estimates."""
    rng, means, variances = np.random.default_rng(8), [], []
    for _ in range(4000):
        value_sp = 0.5 * rng.normal(size=(5, 1)) + 2 * rng.normal(size=30) + rng.normal(size=(5, 30))
        interval = over_seeds_and_prompts(value_sp)
        means.append(interval.estimate)
        variances.append(((interval.high - interval.low) / 2 / scipy_stats.t.ppf(0.975, interval.df)) ** 2)
    truth = 0.5**2 / 5 + 2**2 / 30 + 1 / 150
    np.testing.assert_allclose([np.var(means), np.mean(variances)], truth, rtol=0.07)


def test_a_prompt_that_a_seed_has_no_value_for_is_left_out_and_counted():
    value_sp = RNG.normal(size=(5, 50))
    with_holes_sp = np.insert(value_sp, [3, 20], 7.0, axis=1)
    with_holes_sp[1, 3] = with_holes_sp[:, 21] = np.nan
    interval, without = over_seeds_and_prompts(with_holes_sp), over_seeds_and_prompts(value_sp)
    assert (interval.low, interval.high, interval.units) == (without.low, without.high, 50)
    assert interval.method == without.method  # one kind of interval, whatever is left out


@pytest.mark.parametrize(
    ("value_sp", "says"),
    [
        (RNG.normal(size=(2, 100)), "2 seeds are too few"),
        (RNG.normal(size=(5, 19)), "19 prompts are too few"),
        (np.full((5, 100), 0.5), "no variation"),
        (np.full((5, 100), np.nan), "0 prompts are too few"),
    ],
)
def test_a_table_without_an_interval_says_why(value_sp, says):
    interval = over_seeds_and_prompts(value_sp)
    assert np.isnan([interval.low, interval.high]).all()
    assert says in interval.reason
    assert interval.df is None


def test_seeds_crossed_with_prompts_say_what_they_are_of_and_widen_with_the_level():
    value_sp = np.random.default_rng(5).normal(size=(5, 60))
    narrow, wide = (over_seeds_and_prompts(value_sp, level=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert narrow.estimand == means.NEW_SEEDS_NEW_PROMPTS
    assert over_seeds_and_prompts(value_sp, estimand="other").estimand == "other"


@pytest.mark.parametrize("wrong", [np.zeros(5), np.zeros((0, 5)), np.full((5, 30), np.inf)])
def test_a_table_is_seeds_by_prompts(wrong):
    with pytest.raises(DataError, match="value_sp"):
        over_seeds_and_prompts(wrong)


@pytest.mark.parametrize("n_seeds", [5, 200])
def test_the_smallest_detectable_difference_is_detected_in_four_of_five_studies(n_seeds):
    """Studies with a true mean of that size, at the spread that is known: their t intervals exclude 0 in 80%."""
    rng, error = np.random.default_rng(9), 1 / np.sqrt(n_seeds)
    half = scipy_stats.t.ppf(0.975, n_seeds - 1) * error
    true = smallest_detectable(Interval(0, -half, half, 0.95, "", "", n_seeds, df=n_seeds - 1.0))
    found = [t_over_seeds(true + rng.normal(size=n_seeds)) for _ in range(3000)]
    assert np.mean([interval.low > 0 for interval in found]) == pytest.approx(0.8, abs=0.05)


def test_without_degrees_of_freedom_the_detectable_difference_is_the_normals():
    interval = Interval(0.0, -1.0, 1.0, 0.95, "", "", 100)
    quantile = scipy_stats.norm.ppf(0.975)
    assert smallest_detectable(interval) == pytest.approx((quantile + scipy_stats.norm.ppf(0.8)) / quantile)
    assert np.isnan(smallest_detectable(Interval(0.0, np.nan, np.nan, 0.95, "", "", 1, "too few")))
