"""Correlations over several populations: by hand, where prompts do not matter, and where tables do not fit."""

import numpy as np
import pytest
from scipy.stats import kendalltau, t

from rmkit.errors import DataError
from rmkit.intervals.populations import correlation_difference_over_populations, correlation_over_populations


def tables(seed=0, n_seeds=5, n_models=30, n_prompts=20, noise=1.0):
    """Metric and two outcomes of related models, a table a population."""
    rng = np.random.default_rng(seed)
    quality_sm = rng.normal(size=(n_seeds, n_models))
    return [
        [q_m[:, None] + 0.7 * rng.normal(size=(n_models, 1)) + noise * rng.normal(size=(n_models, n_prompts)) for q_m in quality_sm]
        for _ in range(3)
    ]  # fmt: skip


OPTIONS = {"statistic": "kendall", "n_resamples": 200}


def correlation_of(*some):
    return correlation_over_populations(*some, rng=np.random.default_rng(0), **OPTIONS)


def difference_of(*some):
    return correlation_difference_over_populations(*some, rng=np.random.default_rng(0), **OPTIONS)


def taus(metric, outcome):
    return np.array([kendalltau(a.mean(axis=1), b.mean(axis=1))[0] for a, b in zip(metric, outcome, strict=True)])


def test_the_estimates_are_means_over_populations():
    metric, first, second = tables()
    assert correlation_of(metric, first).estimate == pytest.approx(np.tanh(np.arctanh(taus(metric, first)).mean()))
    expected = (taus(metric, first) - taus(metric, second)).mean()
    assert difference_of(metric, first, second).estimate == pytest.approx(expected)
    assert difference_of(metric, second, first).estimate == pytest.approx(-expected)


def test_where_every_prompt_says_the_same_it_is_a_t_interval_over_populations():
    metric, first, second = tables(noise=0.0)
    z_s = np.arctanh(taus(metric, first))
    half = t.ppf(0.975, 4) * z_s.std(ddof=1) / np.sqrt(5)
    found = correlation_of(metric, first)
    assert (found.low, found.high, found.df) == pytest.approx((*np.tanh(z_s.mean() + np.array([-half, half])), 4))
    gap_s = taus(metric, first) - taus(metric, second)
    half = t.ppf(0.975, 4) * gap_s.std(ddof=1) / np.sqrt(5)
    found = difference_of(metric, first, second)
    assert (found.low, found.high) == pytest.approx((gap_s.mean() - half, gap_s.mean() + half))


def test_prompts_that_move_all_populations_alike_widen_the_interval():
    metric, outcome, _ = tables(n_seeds=8, n_prompts=40, noise=0.2)
    trait_m, favour_p = np.linspace(-1, 1, 30), np.random.default_rng(3).normal(size=40)
    moved = [table + 12 * np.outer(trait_m, favour_p - favour_p.mean()) for table in metric]  # the means stay
    plain, widened = correlation_of(metric, outcome), correlation_of(moved, outcome)
    assert widened.estimate == pytest.approx(plain.estimate)
    assert widened.high - widened.low > 1.3 * (plain.high - plain.low)


def test_populations_may_differ_in_size_and_units_counts_all_models():
    metric, outcome, _ = tables(n_models=33)
    metric[2], outcome[2] = metric[2][:31], outcome[2][:31]
    assert correlation_of(metric, outcome).units == 4 * 33 + 31


NONE = {
    "4 populations are too few": tables(n_seeds=4),
    "29 reward models are too few": tables(n_models=29),
    "19 prompts are too few": tables(n_prompts=19),
    "a mean is the same for all reward models": [tables()[0], [0 * table for table in tables()[1]], tables()[2]],
    "correlate perfectly": [tables()[0], tables()[0], tables()[2]],
}


@pytest.mark.parametrize("reason", NONE)
def test_what_has_no_interval_says_why(reason):
    metric, first, second = NONE[reason]
    for found in (correlation_of(metric, first), difference_of(metric, first, second)):
        assert reason in found.reason
        assert np.isnan([found.low, found.high]).all()


def test_what_is_the_same_in_every_population_shows_no_variation():
    metric, outcome, other = tables()
    assert "the same in every population" in difference_of(metric, outcome, outcome).reason
    alike = [[table] * 5 for table in (metric[0], outcome[0], other[0])]
    for found in (correlation_of(*alike[:2]), difference_of(*alike)):
        assert "the same in every population" in found.reason
        assert np.isnan([found.low, found.high]).all()


WRONG = {
    "5, 4 tables": (tables()[0], tables(n_seeds=4)[1]),
    r"population 1, table 1: \(30, 20\)": (tables()[0], [*tables(n_prompts=21)[1][:1], *tables()[1][1:]]),
    r"population 0, table 1: \(29, 20\)": (tables()[0], tables(n_models=29)[1]),
    "population 2, table 0: every model needs every prompt's value": (
        [*tables()[0][:2], np.full((30, 20), np.nan), *tables()[0][3:]], tables()[1],
    ),
    "0, 0 tables": ([], []),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_tables_that_do_not_fit_are_named(message):
    with pytest.raises(DataError, match=message):
        correlation_of(*WRONG[message])
