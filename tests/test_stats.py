import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmkit import stats
from rmkit.errors import DataError
from rmkit.stats import bootstrap_over_prompts, paired_difference, resampled_means

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
    monkeypatch.setattr(stats.means, "BLOCK_BYTES", 16 * 60 * 7)  # seven resamples at a time
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
    assert bootstrap(VALUE_KP[0])[0].estimand == stats.NEW_PROMPTS_THESE_FITS


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
