import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmkit.errors import DataError
from rmkit.intervals.attenuation import (
    FEWEST_MODELS,
    correlation_ceiling,
    correlation_of_seed_means,
    lead_over_another_seed,
    reliability,
    reliability_of,
)
from rmkit.intervals.correlations import CORRELATIONS

SCIPY = {"kendall": scipy_stats.kendalltau, "spearman": scipy_stats.spearmanr, "pearson": scipy_stats.pearsonr}


def outcomes(n_models, n_seeds, *, noise=1.0, agree=0.8, seed=0):
    """Two outcomes by model and seed: true values correlate by `agree`, each seed has noise of its own."""
    rng = np.random.default_rng(seed)
    true_qm = np.linalg.cholesky([[1, agree], [agree, 1]]) @ rng.normal(size=(2, n_models))
    return [true_m[:, None] + noise * rng.normal(size=(n_models, n_seeds)) for true_m in true_qm]


FIRST, SECOND = outcomes(40, 3)


def test_reliability_is_cronbachs_alpha():
    """Of S crossed measurements: S / (S - 1) (1 - sum of their variances / variance of their sum)."""
    variance_s, total = FIRST.var(axis=0, ddof=1), FIRST.sum(axis=1).var(ddof=1)
    assert reliability(FIRST).estimate == pytest.approx(1.5 * (1 - variance_s.sum() / total))


def test_reliability_is_the_true_share_of_the_variance_of_means():
    """4,000 models of spread 1 and noise 1: with S seeds the share is 1 / (1 + 1 / S)."""
    for n_seeds in (2, 3, 8):
        many_ms, _ = outcomes(20_000, n_seeds)
        assert reliability_of(many_ms) == pytest.approx(1 / (1 + 1 / n_seeds), abs=0.02)


def test_a_seed_that_moves_all_models_alike_costs_no_reliability():
    moved = FIRST + np.array([0.0, 10.0, -20.0])
    one, other = reliability(FIRST), reliability(moved)
    np.testing.assert_allclose([one.estimate, one.low, one.high], [other.estimate, other.low, other.high])


def test_reliability_has_about_the_interval_of_a_normal_law():
    """(1 - R) / (1 - estimate) has an F law; its limits for 300 models and 2 seeds."""
    value_ms, _ = outcomes(300, 2, seed=4)
    interval = reliability(value_ms)
    limits = 1 - (1 - interval.estimate) * scipy_stats.f.ppf([0.975, 0.025], 299, 299)
    np.testing.assert_allclose([interval.low, interval.high], limits, atol=0.02)


def test_the_ceiling_is_the_root_of_both_reliabilities_and_holds_a_perfect_agreement():
    first_ms, second_ms = outcomes(300, 2, agree=1 - 1e-9)
    ceiling = correlation_ceiling(first_ms, second_ms)
    both = reliability(first_ms).estimate * reliability(second_ms).estimate
    assert ceiling.estimate == pytest.approx(np.sqrt(both))
    assert ceiling.low < 2 / 3 < ceiling.high
    correlation = scipy_stats.pearsonr(first_ms.mean(axis=1), second_ms.mean(axis=1))[0]
    assert correlation == pytest.approx(ceiling.estimate, abs=0.08)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_corrected_it_is_the_correlation_of_the_true_values(statistic):
    """60 models in 2 noisy seeds correlate far less than their true values do; corrected, they do not: 40 draws."""
    true = {"pearson": 0.8, "kendall": 2 / np.pi * np.arcsin(0.8), "spearman": 6 / np.pi * np.arcsin(0.4)}[statistic]
    found = {True: [], False: []}
    for seed in range(40):
        for corrected, estimates in found.items():
            tables = outcomes(60, 2, noise=0.7, seed=seed)
            one = correlation_of_seed_means(*tables, statistic=statistic, corrected=corrected)
            estimates.append(one.estimate)
            if not corrected:
                assert one.estimate == pytest.approx(SCIPY[statistic](*(table.mean(axis=1) for table in tables))[0])
    error = np.std(found[True]) / np.sqrt(40)
    assert np.mean(found[True]) == pytest.approx(true, abs=4 * error)
    assert np.mean(found[False]) < true - 4 * error


def test_pearsons_is_divided_by_the_ceiling():
    plain, corrected = (
        correlation_of_seed_means(FIRST, SECOND, statistic="pearson", corrected=corrected)
        for corrected in (False, True)
    )
    assert corrected.estimate == pytest.approx(plain.estimate / correlation_ceiling(FIRST, SECOND).estimate)


def test_uncorrected_it_is_fishers_interval():
    first_ms, second_ms = outcomes(400, 2)
    found = correlation_of_seed_means(first_ms, second_ms, statistic="pearson", corrected=False)
    expected = scipy_stats.pearsonr(first_ms.mean(axis=1), second_ms.mean(axis=1)).confidence_interval()
    np.testing.assert_allclose([found.low, found.high], expected, atol=0.01)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_sides_of_one_column_are_free_of_noise(statistic):
    measure_ms, outcome_ms = FIRST[:, :1], SECOND[:, :1]
    plain, corrected = (
        correlation_of_seed_means(measure_ms, outcome_ms, statistic=statistic, corrected=corrected)
        for corrected in (False, True)
    )
    assert corrected.estimate == pytest.approx(plain.estimate)
    one_sided = correlation_of_seed_means(measure_ms, SECOND, statistic="pearson", corrected=True)
    expected = scipy_stats.pearsonr(measure_ms[:, 0], SECOND.mean(axis=1))[0] / np.sqrt(reliability(SECOND).estimate)
    assert one_sided.estimate == pytest.approx(expected)


def test_what_comes_out_above_one_counts_as_one():
    """Perfect agreement comes out above 1 in about half of all draws."""
    drawn = [outcomes(20, 2, agree=1 - 1e-9, noise=0.5, seed=seed) for seed in range(20)]
    above = [
        tables
        for tables in drawn
        if scipy_stats.pearsonr(*(table.mean(axis=1) for table in tables))[0] > correlation_ceiling(*tables).estimate
    ]
    assert 4 <= len(above) <= 16
    for tables in above:
        found = correlation_of_seed_means(*tables, statistic="pearson", corrected=True)
        assert (found.estimate, found.high) == (1.0, 1.0)
        assert found.low < 1


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_the_lead_over_another_seed_by_a_loop(statistic):
    measure_m = SECOND[:, 0]
    leads = []
    for s in range(3):
        others_m = (FIRST.sum(axis=1) - FIRST[:, s]) / 2
        leads.append(SCIPY[statistic](measure_m, others_m)[0] - SCIPY[statistic](FIRST[:, s], others_m)[0])
    found = lead_over_another_seed(measure_m, FIRST, statistic=statistic)
    assert found.estimate == pytest.approx(np.mean(leads))
    assert found.low < found.estimate < found.high


def test_a_measure_of_the_truth_leads_and_one_of_nothing_trails():
    rng = np.random.default_rng(2)
    true_m = rng.normal(size=60)
    noisy_ms = true_m[:, None] + rng.normal(size=(60, 3))
    good, bad = (lead_over_another_seed(measure_m, noisy_ms, statistic="kendall") for measure_m in (true_m, -true_m))
    assert good.low > 0
    assert bad.high < 0


def few(value):
    return value[: FEWEST_MODELS - 1]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (lambda: reliability(few(FIRST)), "too few to see how models vary"),
        (lambda: correlation_ceiling(few(FIRST), few(SECOND)), "too few to see how models vary"),
        (lambda: reliability(FIRST[:, :1]), "one policy seed"),
        (lambda: reliability(np.tile(FIRST[:, :1], 3)), "agree exactly"),
        (lambda: reliability(np.ones((40, 3))), "the same mean"),
        (lambda: correlation_ceiling(FIRST[:, :1], SECOND[:, :1]), "one policy seed"),
        (lambda: correlate(few(FIRST), few(SECOND)), "too few to see how models vary"),
        (lambda: correlate(FIRST, np.ones((40, 3))), "nothing to correlate"),
        (lambda: correlate(FIRST[:, :1], 2 * FIRST[:, :1]), "correlate perfectly"),
        (lambda: correlate(FIRST, FIRST * [1, -1, 0.01]), "no reliability is seen"),
        (lambda: lead_over_another_seed(few(FIRST)[:, 0], few(SECOND), statistic="kendall"), "too few to see"),
        (lambda: lead_over_another_seed(np.ones(40), SECOND, statistic="kendall"), "nothing to correlate"),
        (lambda: correlate(np.eye(40)[:, :1], SECOND), "nothing to correlate"),  # without one model, all are equal
        (lambda: lead_over_another_seed(np.eye(40)[0], SECOND, statistic="kendall"), "nothing to correlate"),
    ],
)
def test_without_an_interval_there_is_a_reason(found, says):
    interval = found()
    assert np.isnan([interval.low, interval.high]).all()
    assert says in interval.reason


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (lambda: reliability(np.ones((5, 3))), "the same mean"),
        (lambda: correlation_ceiling(np.ones((5, 3)), FIRST[:5]), "the same mean"),
        (lambda: correlate(np.ones((5, 3)), FIRST[:5]), "nothing to correlate"),
        (
            lambda: correlate(np.array([[1, 2, 3], [2, 3, 1], [3, 1, 2], [2, 3, 1.1]]), FIRST[:4]),
            "no reliability is seen",
        ),
        (lambda: lead_over_another_seed(np.ones(5), FIRST[:5], statistic="kendall"), "nothing to correlate"),
    ],
)
def test_what_is_undefined_says_so_however_few_the_models_are(found, says):
    interval = found()
    assert not interval.estimate > 0
    assert says in interval.reason


def correlate(first_ms, second_ms, **options):
    return correlation_of_seed_means(first_ms, second_ms, **({"statistic": "pearson", "corrected": True} | options))


def test_models_that_differ_less_than_seeds_have_a_reliability_of_nothing_but_limits():
    rng = np.random.default_rng(5)
    interval = reliability(next(v for v in rng.normal(size=(50, 30, 2)) if reliability_of(v) < 0))
    assert (interval.estimate, interval.low) == (0.0, 0.0)
    assert 0 < interval.high < 1


def test_what_does_not_fit_is_named():
    hole = SECOND.copy()
    hole[4, 1] = np.nan
    with pytest.raises(DataError, match=r"second_ms\[4, 1\] is nan"):
        correlate(FIRST, hole)
    with pytest.raises(DataError, match="the same models"):
        correlate(FIRST, SECOND[1:])
    with pytest.raises(DataError, match=r"value_ms \(40,\)"):
        reliability(FIRST[:, 0])
    with pytest.raises(DataError, match="statistic: 'tau' is not one of"):
        correlate(FIRST, SECOND, statistic="tau")
    with pytest.raises(DataError, match="2 seeds or more"):
        lead_over_another_seed(FIRST[:, 0], SECOND[:, :1], statistic="kendall")
    with pytest.raises(DataError, match="level 95"):
        reliability(FIRST, level=95)
