import time

import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmkit.errors import DataError
from rmkit.intervals import correlations
from rmkit.intervals.correlations import CORRELATIONS, correlation_difference, correlation_over_models

SCIPY = {"kendall": scipy_stats.kendalltau, "spearman": scipy_stats.spearmanr, "pearson": scipy_stats.pearsonr}
RNG = np.random.default_rng(0)
QUALITY = RNG.normal(size=(48, 1))
METRIC = QUALITY + RNG.normal(size=(48, 50))
OUTCOME = QUALITY + RNG.normal(size=(48, 1)) + RNG.normal(size=(48, 40))
FAVOURED = METRIC + 3 * RNG.normal(size=(48, 1)) * RNG.normal(size=50)  # prompts move models with a trait together
WORSE = QUALITY + 3 * RNG.normal(size=(48, 1)) + RNG.normal(size=(48, 40))


def interval_of(metric_mp=METRIC, outcome_mq=OUTCOME, *, statistic="pearson", seed=0, **options):
    return correlation_over_models(
        metric_mp, outcome_mq, statistic=statistic, rng=np.random.default_rng(seed), **options
    )


def difference_of(first_mq, second_mq, *, metric_mp=METRIC, statistic="pearson", seed=0, **options):
    rng = np.random.default_rng(seed)
    return correlation_difference(metric_mp, first_mq, second_mq, statistic=statistic, rng=rng, **options)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_correlations_by_rows_are_scipys_ties_included(statistic):
    first_bm, second_bm = RNG.integers(6, size=(2, 30, 20)).astype(float)
    expected_b = [SCIPY[statistic](first_m, second_m)[0] for first_m, second_m in zip(first_bm, second_bm, strict=True)]
    np.testing.assert_allclose(CORRELATIONS[statistic](first_bm, second_bm), expected_b)
    assert np.isnan(CORRELATIONS[statistic](np.full(20, 0.1), second_bm[0]))


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_the_estimate_is_the_correlation_of_the_means_and_the_interval_holds_it(statistic):
    interval = interval_of(statistic=statistic)
    assert interval.estimate == pytest.approx(SCIPY[statistic](METRIC.mean(1), OUTCOME.mean(1))[0])
    assert -1 < interval.low < interval.estimate < interval.high < 1
    assert (interval.units, interval.estimand, interval.reason) == (48, correlations.NEW_MODELS_NEW_PROMPTS, None)


def test_where_prompts_add_nothing_it_is_fishers_interval():
    """400 models from a normal population: the error of z is 1 / sqrt(M - 3), whatever the correlation."""
    first_m, second_m = np.random.default_rng(3).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=400).T
    interval = interval_of(np.tile(first_m[:, None], 30), np.tile(second_m[:, None], 30))
    expected = scipy_stats.pearsonr(first_m, second_m).confidence_interval()
    np.testing.assert_allclose([interval.low, interval.high], expected, atol=0.02)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_a_models_own_noise_is_counted_once_and_what_prompts_do_to_all_is_added(statistic):
    """Noise of each model alone is in the spread of the means already; a trait that prompts favour moves many at once."""
    rng = np.random.default_rng(4)
    quality_m, trait_m = rng.normal(size=(2, 60, 1))
    own_mp = 3 * rng.normal(size=(60, 50))
    metric_mp, outcome_mq = quality_m + own_mp, np.repeat(quality_m + 0.5 * rng.normal(size=(60, 1)), 30, axis=1)
    favour_p = rng.normal(size=50)
    favour_p -= favour_p.mean()  # so that the means stay what they are
    alone = interval_of(np.repeat(metric_mp.mean(axis=1, keepdims=True), 50, axis=1), outcome_mq, statistic=statistic)
    own, shared = (
        interval_of(mp, outcome_mq, statistic=statistic) for mp in (metric_mp, metric_mp + 9 * trait_m * favour_p)
    )
    assert own.estimate == pytest.approx(alone.estimate) == pytest.approx(shared.estimate)
    assert own.high - own.low < 1.1 * (alone.high - alone.low)
    assert shared.high - shared.low > 1.4 * (alone.high - alone.low)


def test_what_moves_every_model_alike_changes_nothing():
    plain, moved = interval_of(), interval_of(METRIC + 100 * RNG.normal(size=50))
    np.testing.assert_allclose([plain.low, plain.high], [moved.low, moved.high], atol=1e-6)


@pytest.mark.parametrize("statistic", ["kendall", "spearman"])
def test_rank_correlations_see_order_alone_where_prompts_add_nothing(statistic):
    metric_mp, outcome_mq = np.repeat(METRIC[:, :1], 30, axis=1), np.repeat(OUTCOME[:, :1], 30, axis=1)
    plain, bent = (interval_of(mp, outcome_mq, statistic=statistic) for mp in (metric_mp, np.exp(metric_mp)))
    assert (plain.low, plain.high) == (bent.low, bent.high)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_a_difference_is_that_of_the_two_correlations(statistic):
    first, second = (interval_of(METRIC, outcome_mq, statistic=statistic) for outcome_mq in (OUTCOME, WORSE))
    difference = difference_of(OUTCOME, WORSE, statistic=statistic)
    assert difference.estimate == pytest.approx(first.estimate - second.estimate)
    assert difference.low < difference.estimate < difference.high
    turned = difference_of(WORSE, OUTCOME, statistic=statistic)
    np.testing.assert_allclose([turned.low, turned.high], [-difference.high, -difference.low], atol=0.02)


def test_outcomes_that_share_their_errors_differ_by_less():
    """Two outcomes that are nearly one: their difference is known far better than either correlation."""
    twin = OUTCOME + 0.05 * RNG.normal(size=(48, 1))
    one, difference = interval_of(), difference_of(OUTCOME, twin)
    assert difference.high - difference.low < 0.2 * (one.high - one.low)


def test_a_higher_level_is_wider():
    for found in (interval_of, lambda level: difference_of(OUTCOME, WORSE, level=level)):
        narrow, wide = (found(level=level) for level in (0.8, 0.99))
        assert wide.low < narrow.low < narrow.high < wide.high


def test_same_generator_same_interval_other_generator_or_resamples_another():
    assert interval_of(FAVOURED, seed=1) == interval_of(FAVOURED, seed=1) != interval_of(FAVOURED, seed=2)
    assert difference_of(OUTCOME, WORSE, seed=1) != difference_of(OUTCOME, WORSE, seed=2)
    fewer = interval_of(FAVOURED, n_resamples=100)
    assert fewer.low != interval_of(FAVOURED).low
    assert fewer.method == "pearson on Fisher's z, jackknife over models, 100 resamples of prompts"


@pytest.mark.parametrize(
    ("metric_mp", "outcome_mq", "says"),
    [
        (METRIC[:14], OUTCOME[:14], "14 reward models are too few"),
        (METRIC[:, :19], OUTCOME, "19 prompts are too few"),
        (np.ones((48, 50)), OUTCOME, "nothing to correlate"),
        (METRIC, 2 * METRIC, "correlate perfectly"),
    ],
)
@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_without_an_interval_there_is_a_reason(metric_mp, outcome_mq, says, statistic):
    for interval in (
        interval_of(metric_mp, outcome_mq, statistic=statistic),
        difference_of(outcome_mq, outcome_mq[:, ::-1], metric_mp=metric_mp, statistic=statistic),
    ):
        assert np.isnan([interval.low, interval.high]).all()
        assert says in interval.reason


@pytest.mark.parametrize("statistic", ["kendall", "spearman"])
def test_an_order_that_is_nearly_perfect_has_a_finite_interval(statistic):
    """One swap of neighbours: without a model or two the order is perfect, where Fisher's z is infinite."""
    value_m, swapped_m = np.arange(30.0), np.arange(30.0)
    swapped_m[[10, 11]] = swapped_m[[11, 10]]
    interval = interval_of(np.tile(value_m[:, None], 20), np.tile(swapped_m[:, None], 20), statistic=statistic)
    assert 0.5 < interval.low < interval.estimate < interval.high <= 1


@pytest.mark.parametrize(("statistic", "fewest"), [("kendall", 20), ("spearman", 20), ("pearson", 30)])
def test_a_difference_takes_more_models_than_one_correlation(statistic, fewest):
    assert interval_of(METRIC[:15], OUTCOME[:15], statistic=statistic).reason is None
    enough, few = (
        difference_of(OUTCOME[:n], WORSE[:n], metric_mp=METRIC[:n], statistic=statistic) for n in (fewest, fewest - 1)
    )
    assert enough.reason is None
    assert f"{fewest - 1} reward models are too few for a difference of {statistic}'s" in few.reason


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_models_that_share_a_draw_are_left_out_together(statistic):
    """Where prompts add nothing, the error of z is that of leaving out each of 12 draws, by a loop."""
    metric_mp, outcome_mq = np.repeat(METRIC[:, :1], 30, axis=1), np.repeat(OUTCOME[:, :1], 30, axis=1)
    cluster_m = np.random.default_rng(6).permutation(48) % 12
    found = interval_of(
        metric_mp, outcome_mq, statistic=statistic, cluster_m=np.array([f"draw {c}" for c in cluster_m])
    )
    z_c = np.arctanh([SCIPY[statistic](METRIC[cluster_m != c, 0], OUTCOME[cluster_m != c, 0])[0] for c in range(12)])
    half = scipy_stats.t.ppf(0.975, 11) * np.sqrt(11 / 12 * ((z_c - z_c.mean()) ** 2).sum())
    expected = np.tanh(np.arctanh(found.estimate) + np.array([-half, half]))
    np.testing.assert_allclose([found.low, found.high], expected)
    assert (found.df, found.units, found.estimand) == (11, 48, correlations.NEW_MODELS_NEW_PROMPTS)
    assert "jackknife over 12 draws that models share" in found.method


def test_few_draws_stay_as_they_are_and_the_interval_says_so():
    plain, told = interval_of(), interval_of(cluster_m=np.arange(48) % 9)
    assert (told.low, told.high) == (plain.low, plain.high)
    assert told.estimand == "new reward models, new prompts, these draws"
    assert "jackknife over models, whose 9 draws stay as they are" in told.method
    difference = difference_of(OUTCOME, WORSE, cluster_m=np.arange(48) % 9)
    assert difference.estimand == told.estimand


def test_models_that_share_much_of_what_they_are_leave_more_doubt():
    """Twelve draws, each of four models that hardly differ: twelve models in truth."""
    rng = np.random.default_rng(8)
    cluster_m = np.repeat(np.arange(12), 4)
    place_cq = rng.multivariate_normal([0, 0, 0], [[1, 0.6, 0.3], [0.6, 1, 0.5], [0.3, 0.5, 1]], size=12)[cluster_m]
    metric_mp, *outcomes = (place_m[:, None] + 0.1 * rng.normal(size=(48, 50)) for place_m in place_cq.T)
    for found in (
        lambda **options: interval_of(metric_mp, outcomes[0], **options),
        lambda **options: difference_of(*outcomes, metric_mp=metric_mp, **options),
    ):
        alone, together = found(), found(cluster_m=cluster_m)
        assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_two_outcomes_that_are_one_have_no_interval():
    assert "same means" in difference_of(OUTCOME, OUTCOME[:, ::-1].copy()[:, ::-1]).reason


def test_tables_that_do_not_fit_are_named():
    hole = OUTCOME.copy()
    hole[5, 7] = np.nan
    with pytest.raises(DataError, match=r"outcome_mq\[5, 7\] is nan"):
        interval_of(METRIC, hole)
    with pytest.raises(DataError, match=r"outcome_mq \(47, 40\)"):
        interval_of(METRIC, OUTCOME[1:])
    with pytest.raises(DataError, match="on the same prompts"):
        difference_of(OUTCOME, WORSE[:, 1:])
    with pytest.raises(DataError, match="level 95"):
        interval_of(level=95)
    with pytest.raises(DataError, match=r"cluster_m \(47,\)"):
        interval_of(cluster_m=np.arange(47))


def test_72_models_take_less_than_a_second():
    metric_mp, outcome_mq = RNG.normal(size=(2, 72, 50)) + RNG.normal(size=(72, 1))
    began = time.process_time()
    interval_of(metric_mp, outcome_mq, statistic="kendall")
    assert time.process_time() - began < 1
