"""Closed forms against simulation, within 4 standard errors, and against each other."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from rmkit.errors import DataError
from rmkit.measures import ranking
from rmkit.measures.bivariate_normal import (
    accuracy_at,
    accuracy_at_gap,
    accuracy_variance,
    correlation_at,
    correlation_with_noise,
    kendall_at,
    kendall_variance,
    spearman_at,
)

N_PROMPTS = 40_000


def drawn(rho, n_responses, seed=0, n_prompts=N_PROMPTS):
    gold_pk, other_pk = np.random.default_rng(seed).normal(size=(2, n_prompts, n_responses))
    return rho * gold_pk + np.sqrt(1 - rho**2) * other_pk, gold_pk


def require_mean(value_p, expected):
    assert abs(value_p.mean() - expected) < 4 * value_p.std(ddof=1) / np.sqrt(len(value_p))


@pytest.mark.parametrize(("rho", "m"), [(0.0, 3), (0.5, 2), (0.5, 5), (0.9, 7), (-0.4, 4), (0.7, 16)])
def test_means_and_variances_over_prompts_are_those_of_many_prompts(rho, m):
    score_pk, gold_pk = drawn(rho, m, n_prompts=N_PROMPTS * 4 // m)
    tau_p = ranking.kendall(score_pk, gold_pk)
    require_mean(tau_p, kendall_at(rho))
    require_mean(ranking.order_accuracy(score_pk, gold_pk), accuracy_at(rho))
    require_mean(ranking.spearman(score_pk, gold_pk), spearman_at(rho, m))
    require_mean((tau_p - kendall_at(rho)) ** 2, kendall_variance(rho, m))
    require_mean((ranking.order_accuracy(score_pk, gold_pk) - accuracy_at(rho)) ** 2, accuracy_variance(rho, m))


def test_the_variance_is_not_that_of_independent_pairs():
    """What the term for shared responses adds would be seen: the test above could fail."""
    alone = kendall_variance(0.5, 2) / 10
    assert kendall_variance(0.5, 5) > 1.4 * alone


def test_budgets_of_comparisons_and_of_responses_prefer_opposite_designs():
    """The spec's table at rho = 0.5: variance of accuracy times a budget, with m responses to a prompt."""
    m_m = np.array([2, 3, 5, 16, 64])
    variance_m = np.array([float(accuracy_variance(0.5, m)) for m in m_m])
    np.testing.assert_allclose((variance_m * m_m * (m_m - 1) / 2)[:4], [0.222, 0.265, 0.350, 0.82], atol=6e-3)
    np.testing.assert_allclose(variance_m * m_m, [0.444, 0.265, 0.175, 0.109, 0.091], atol=6e-4)


def test_accuracy_and_correlation_are_each_others_inverse_and_agree_with_the_integral():
    rho_r = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(correlation_at(accuracy_at(rho_r)), rho_r, atol=1e-12)
    assert correlation_at(0.75) == pytest.approx(np.sqrt(0.5))
    for noise_sd in (0.3, 1.0, 4.0):
        expected = 2 * quad(lambda t, sd=noise_sd: norm.pdf(t) * norm.cdf(t / sd), 0, np.inf)[0]
        assert accuracy_at(correlation_with_noise(1.0, noise_sd)) == pytest.approx(expected)
        gaps = quad(lambda gap, sd=noise_sd: norm.pdf(gap, scale=np.sqrt(2)) * accuracy_at_gap(gap, sd), 0, np.inf)[0]
        assert accuracy_at(correlation_with_noise(1.0, noise_sd)) == pytest.approx(2 * gaps)


def test_spearman_of_very_many_is_the_limit():
    assert spearman_at(0.6, 10**7) == pytest.approx(spearman_at(0.6), abs=1e-6)
    np.testing.assert_allclose(spearman_at([0.3, 0.8], 2), kendall_at([0.3, 0.8]))  # of two responses both are one sign


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: accuracy_at(1.2), r"^a correlation of 1\.2: it must lie between -1 and 1$"),
        (lambda: kendall_at(np.nan), r"^a correlation of nan: it must lie between -1 and 1$"),
        (lambda: correlation_at(1.5), r"^an accuracy of 1\.5: it must lie between 0 and 1$"),
        (
            lambda: kendall_variance(0.5, 1),
            r"^1 responses to a prompt: to be in order takes a whole number of at least 2$",
        ),
        (lambda: correlation_with_noise(0.0, 1.0), r"^gold's sd 0\.0 must be above 0 and the noise's 1\.0 at least 0$"),
        (lambda: accuracy_at_gap(1.0, 0.0), r"^a noise's sd of 0\.0: it must be above 0$"),
    ],
)
def test_what_cannot_be_is_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()
