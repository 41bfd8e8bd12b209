import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmkit.intervals import weighted_correlations
from rmkit.intervals.weighted_correlations import WEIGHTED, weighted_correlation

SCIPY = {"kendall": scipy_stats.kendalltau, "spearman": scipy_stats.spearmanr, "pearson": scipy_stats.pearsonr}
RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.integers(5, size=(2, 14)).astype(float)
TIMES = RNG.integers(4, size=(6, 14))


@pytest.mark.parametrize("statistic", WEIGHTED)
def test_a_pair_that_counts_thrice_is_one_listed_three_times(statistic):
    expected_b = [SCIPY[statistic](FIRST.repeat(times_e), SECOND.repeat(times_e))[0] for times_e in TIMES]
    np.testing.assert_allclose(weighted_correlation(FIRST, SECOND, TIMES, statistic), expected_b)


def test_kendall_in_blocks_is_kendall(monkeypatch):
    whole_b = weighted_correlation(FIRST, SECOND, TIMES, "kendall")
    monkeypatch.setattr(weighted_correlations, "BLOCK", 40)
    np.testing.assert_allclose(weighted_correlation(FIRST, SECOND, TIMES, "kendall"), whole_b)


@pytest.mark.parametrize("statistic", WEIGHTED)
def test_a_side_that_is_constant_where_it_counts_has_no_correlation(statistic):
    only_one_value_e = np.isin(FIRST, FIRST[0]).astype(int)
    assert np.isnan(weighted_correlation(FIRST, SECOND, only_one_value_e[None], statistic))
