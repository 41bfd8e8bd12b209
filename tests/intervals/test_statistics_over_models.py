import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmkit.errors import DataError
from rmkit.intervals import correlations
from rmkit.intervals.correlations import CORRELATIONS, kendall_rows, pearson_rows
from rmkit.intervals.statistics_over_models import statistic_over_models

RNG = np.random.default_rng(0)
QUALITY = RNG.normal(size=(40, 1))
FIRST = QUALITY + RNG.normal(size=(40, 50))
SECOND = QUALITY + 2 * RNG.normal(size=(40, 1)) + RNG.normal(size=(40, 30))
OUTCOME = QUALITY + 0.5 * RNG.normal(size=(40, 1)) + RNG.normal(size=(40, 60))


def gain(means):
    """How much better the first measure goes with the outcome than the second does."""
    first_m, second_m, outcome_m = means
    return pearson_rows(first_m, outcome_m) - pearson_rows(second_m, outcome_m)


def interval_of(function=gain, tables=(FIRST, SECOND, OUTCOME), *, seed=0, **options):
    return statistic_over_models(function, list(tables), rng=np.random.default_rng(seed), **options)


def test_the_mean_over_models_has_the_textbook_interval():
    """Prompts that move no model more than another cancel in no mean: here each model has its own number throughout."""
    value_m = RNG.normal(size=36)
    interval = interval_of(lambda means: means[0].mean(axis=-1), [np.tile(value_m[:, None], 20)])
    half = scipy_stats.t.ppf(0.975, 34) * value_m.std(ddof=1) / 6
    np.testing.assert_allclose([interval.low, interval.high], value_m.mean() + np.array([-half, half]))
    assert (interval.units, interval.df) == (36, 34)


def test_prompts_that_move_every_model_are_counted_in_a_mean_but_not_in_a_correlation():
    moved = FIRST + 10 * RNG.normal(size=50)

    def mean(means):
        return means[0].mean(axis=-1)

    plain, wide = (interval_of(mean, [table]) for table in (FIRST, moved))
    error = (moved.mean(axis=0).std(ddof=1) / np.sqrt(50)) ** 2 + FIRST.mean(axis=1).var(ddof=1) / 40
    assert wide.high - wide.low == pytest.approx(2 * scipy_stats.t.ppf(0.975, 38) * np.sqrt(error), rel=0.1)
    assert plain.high - plain.low < 0.5 * (wide.high - wide.low)
    one, other = (interval_of(gain, [table, SECOND, OUTCOME]) for table in (FIRST, moved))
    assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.1)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_of_a_correlation_it_is_about_as_wide_as_the_interval_made_for_it(statistic):
    rows = CORRELATIONS[statistic]
    one = interval_of(lambda means: rows(*means), [FIRST, OUTCOME])
    other = correlations.correlation_over_models(FIRST, OUTCOME, statistic=statistic, rng=np.random.default_rng(0))
    assert one.estimate == pytest.approx(other.estimate)
    assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.2)


def test_tables_on_the_same_prompts_are_resampled_together():
    """Two measures that prompts move alike: their difference moves little where prompts are shared."""
    trait_m, favour_p = RNG.normal(size=(40, 1)), RNG.normal(size=50)
    moved = [FIRST + 6 * trait_m * favour_p, FIRST + 0.1 * RNG.normal(size=FIRST.shape) + 6 * trait_m * favour_p]
    shared, apart = (interval_of(gain, [*moved, OUTCOME], prompts=prompts) for prompts in ([0, 0, 1], None))
    assert shared.estimate == apart.estimate
    assert shared.high - shared.low < 0.5 * (apart.high - apart.low)


def test_a_function_of_one_row_gets_rows_of_means_and_the_models_keep_their_order():
    seen = []

    def watched(means):
        seen.append([mean_m.shape for mean_m in means])
        return kendall_rows(means[0], means[1])

    assert interval_of(watched, [FIRST, OUTCOME], n_resamples=7).estimate == pytest.approx(
        scipy_stats.kendalltau(FIRST.mean(axis=1), OUTCOME.mean(axis=1))[0]
    )
    assert seen == [[(40,)] * 2, [(40, 39)] * 2, [(7, 40)] * 2, [(7, 40)] * 2]


def test_same_generator_same_interval():
    trait = 6 * RNG.normal(size=(40, 1)) * RNG.normal(size=50)
    tables = (FIRST + trait, SECOND, OUTCOME)
    first, again, other = (interval_of(tables=tables, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ((FIRST[:9], SECOND[:9], OUTCOME[:9]), "9 reward models are too few"),
        ((FIRST, SECOND[:, :19], OUTCOME), "19 prompts are too few"),
        ((np.ones((40, 50)), SECOND, OUTCOME), "not defined"),
        ((FIRST, FIRST, OUTCOME), "no variation is seen"),
    ],
)
def test_without_an_interval_there_is_a_reason(tables, says):
    interval = interval_of(tables=tables, prompts=[0, 0, 1] if says == "no variation is seen" else None)
    assert np.isnan([interval.low, interval.high]).all()
    assert says in interval.reason


def test_what_does_not_fit_is_named():
    hole = SECOND.copy()
    hole[3, 4] = np.nan
    with pytest.raises(DataError, match=r"tables\[1\]: every model needs"):
        interval_of(tables=(FIRST, hole, OUTCOME))
    with pytest.raises(DataError, match=r"tables\[2\] \(39, 60\)"):
        interval_of(tables=(FIRST, SECOND, OUTCOME[1:]))
    with pytest.raises(DataError, match=r"tables \[0, 1\] are on the same prompts"):
        interval_of(prompts=[0, 0, 1])
    with pytest.raises(DataError, match="2 numbers for 3 tables"):
        interval_of(prompts=[0, 1])
    with pytest.raises(DataError, match=r"it must give \(40,\)"):
        interval_of(lambda means: means[0].mean())
    with pytest.raises(DataError, match="tables: none"):
        interval_of(tables=())
