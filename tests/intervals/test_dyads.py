import time

import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmkit.errors import DataError
from rmkit.intervals import dyads
from rmkit.intervals.correlations import CORRELATIONS
from rmkit.intervals.dyads import dyad_correlation, dyad_correlation_difference

SCIPY = {"kendall": scipy_stats.kendalltau, "spearman": scipy_stats.spearmanr, "pearson": scipy_stats.pearsonr}
RNG = np.random.default_rng(0)
N = 30  # as many as Pearson's interval takes


def tables_of(n_models, *, own=1.0, rng=RNG):
    """A measure and two outcomes: effects of golden and proxy that they share in part, and noise of each pair."""
    golden_gq, proxy_pq = rng.normal(size=(2, n_models, 4))
    shared_gp = golden_gq[:, [0]] + proxy_pq[:, 0]
    found = [
        shared_gp + golden_gq[:, [q]] + proxy_pq[:, q] + own * rng.normal(size=(n_models, n_models)) for q in (1, 2, 3)
    ]
    for table_gp in found:
        np.fill_diagonal(table_gp, np.nan)
    return found


MEASURE, OUTCOME, OTHER = tables_of(N)


def interval_of(measure_gp=MEASURE, outcome_gp=OUTCOME, *, statistic="pearson", within_golden=False, seed=0, **options):
    rng = np.random.default_rng(seed)
    return dyad_correlation(
        measure_gp, outcome_gp, statistic=statistic, within_golden=within_golden, rng=rng, **options
    )


def listed(table_gp, drawn):
    """The values of all pairs of a draw of models with repeats, as a list, by golden: copies of a model make no pair."""
    return [[table_gp[g, p] for p in drawn if p != g] for g in drawn]


def by_loops(drawn, statistic, within_golden):
    measure, outcome = listed(MEASURE, drawn), listed(OUTCOME, drawn)
    if within_golden:
        return np.mean([SCIPY[statistic](*rows)[0] for rows in zip(measure, outcome, strict=True)])
    return SCIPY[statistic](np.concatenate(measure), np.concatenate(outcome))[0]


@pytest.mark.parametrize("within_golden", [False, True])
@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_draws_of_models_are_as_a_list_of_their_pairs_written_out(statistic, within_golden):
    drawn_bf = np.random.default_rng(1).integers(N, size=(3, N))
    weight_bf = np.stack([np.bincount(drawn_f, minlength=N) for drawn_f in drawn_bf])
    found_bc = dyads.correlations_of_dyads(
        np.nan_to_num(np.stack([MEASURE, OUTCOME])), weight_bf, statistic=statistic, within_golden=within_golden
    )
    expected_b = [by_loops(drawn_f, statistic, within_golden) for drawn_f in drawn_bf]
    np.testing.assert_allclose(found_bc[:, 0], expected_b)


@pytest.mark.parametrize("within_golden", [False, True])
@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_the_estimate_is_that_of_the_pairs_and_the_jackknife_leaves_out_models(statistic, within_golden):
    interval = interval_of(statistic=statistic, within_golden=within_golden)
    everyone = np.arange(N)
    assert interval.estimate == pytest.approx(by_loops(everyone, statistic, within_golden))
    z_f = np.arctanh([by_loops(np.delete(everyone, f), statistic, within_golden) for f in everyone])
    error = np.sqrt((N - 1) / N * ((z_f - z_f.mean()) ** 2).sum())
    half = scipy_stats.t.ppf(0.975, N - 2) * error * (np.sqrt(N / (N - 2)) if statistic == "pearson" else 1)
    expected = np.tanh(np.arctanh(interval.estimate) + np.array([-half, half]))
    np.testing.assert_allclose([interval.low, interval.high], expected)
    assert (interval.units, interval.estimand, interval.on_z) == (N, dyads.NEW_MODELS_THESE_PROMPTS, True)


@pytest.mark.parametrize("by", ["jackknife", "bootstrap"])
def test_pairs_that_share_models_say_less_than_so_many_independent_ones(by):
    """Thirty models make 870 pairs; Fisher's interval for 870 independent ones is far too short."""
    interval = interval_of(by=by, n_resamples=500)
    off_gp = ~np.eye(N, dtype=bool)
    naive = scipy_stats.pearsonr(MEASURE[off_gp], OUTCOME[off_gp]).confidence_interval()
    assert interval.high - interval.low > 2.5 * (naive.high - naive.low)


def test_both_ways_agree_where_models_are_many():
    measure_gp, outcome_gp, _ = tables_of(60, rng=np.random.default_rng(5))
    one, other = (interval_of(measure_gp, outcome_gp, by=by, n_resamples=500) for by in ("jackknife", "bootstrap"))
    assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.15)


def test_the_diagonal_is_not_looked_at():
    filled = MEASURE.copy()
    np.fill_diagonal(filled, 99.0)
    assert interval_of(filled) == interval_of()


@pytest.mark.parametrize("by", ["jackknife", "bootstrap"])
@pytest.mark.parametrize("within_golden", [False, True])
def test_a_difference_is_that_of_the_two_correlations_and_turns_round(by, within_golden):
    options = {"statistic": "spearman", "within_golden": within_golden, "by": by}
    first, second = (interval_of(outcome_gp=outcome_gp, **options) for outcome_gp in (OUTCOME, OTHER))
    one, turned = (
        dyad_correlation_difference(MEASURE, *outcomes, rng=np.random.default_rng(0), n_resamples=100, **options)
        for outcomes in ((OUTCOME, OTHER), (OTHER, OUTCOME))
    )
    assert one.estimate == pytest.approx(first.estimate - second.estimate)
    np.testing.assert_allclose([one.low, one.high], [-turned.high, -turned.low])
    assert one.low < one.estimate < one.high


def test_outcomes_that_are_nearly_one_differ_by_less():
    twin = OUTCOME + 0.01 * RNG.normal(size=OUTCOME.shape)
    near, far = (
        dyad_correlation_difference(
            MEASURE, OUTCOME, other, statistic="pearson", within_golden=False, rng=np.random.default_rng(0)
        )
        for other in (twin, OTHER)
    )
    assert near.high - near.low < 0.2 * (far.high - far.low)


def test_only_the_bootstrap_draws():
    assert interval_of(seed=1) == interval_of(seed=2)
    drawn = [interval_of(seed=seed, by="bootstrap", n_resamples=200) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert drawn[1] != drawn[2]


def test_without_an_interval_there_is_a_reason():
    few = dyads.FEWEST_NODES["pearson"] - 1
    flat = np.ones((N, N))
    for interval, says in (
        (interval_of(MEASURE[:few, :few], OUTCOME[:few, :few]), f"{few * (few - 1)} pairs are still {few} models"),
        (interval_of(flat, OUTCOME), "nothing to correlate"),
        (interval_of(MEASURE, 2 * MEASURE), "correlate perfectly"),
        (
            dyad_correlation_difference(
                MEASURE, OUTCOME, OUTCOME, statistic="kendall", within_golden=True, rng=np.random.default_rng(0)
            ),
            "the two outcomes are the same",
        ),
    ):
        assert np.isnan([interval.low, interval.high]).all()
        assert says in interval.reason


def test_tables_that_do_not_fit_are_named():
    hole = OUTCOME.copy()
    hole[5, 7] = np.nan
    with pytest.raises(DataError, match=r"outcome_gp\[5, 7\] is nan"):
        interval_of(MEASURE, hole)
    with pytest.raises(DataError, match=r"outcome_gp \(29, 30\)"):
        interval_of(MEASURE, OUTCOME[1:])
    with pytest.raises(DataError, match=r"by: 'prompts' is not one of"):
        interval_of(by="prompts")
    with pytest.raises(DataError, match=r"statistic: 'tau' is not one of"):
        interval_of(statistic="tau")
    with pytest.raises(DataError, match="level 95"):
        interval_of(level=95)


def test_the_ninety_pairs_of_ten_models_take_no_time():
    measure_gp, outcome_gp, _ = tables_of(10)
    began = time.process_time()
    interval_of(measure_gp, outcome_gp, statistic="kendall")
    assert time.process_time() - began < 0.5
