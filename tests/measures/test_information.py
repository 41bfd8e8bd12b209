"""Information, leverage and log det against autograd, direct inverses and each other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import bernoulli

from rmkit.errors import DataError
from rmkit.measures.information import information, leverage, log_det, p_variance

RNG = np.random.default_rng(0)
FEATURE, P = RNG.normal(size=(30, 6)), RNG.uniform(0.05, 0.95, size=30)
V = P * (1 - P)
seeds = st.integers(0, 2**32 - 1)


def test_p_variance_is_the_variance_of_a_label_even_where_the_margin_is_huge():
    margin_m = np.array([-800.0, -3.0, 0.0, 0.5, 20.0])
    np.testing.assert_allclose(p_variance(margin_m)[1:], bernoulli(expit(margin_m[1:])).var(), rtol=1e-6)
    assert p_variance(margin_m)[0] == 0


def test_information_is_minus_the_second_derivative_of_the_log_posterior():
    """Of Bradley and Terry's likelihood, whatever the labels were, with a normal prior."""
    x, w = torch.tensor(FEATURE), torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for label in (torch.zeros(30), torch.ones(30)):

        def log_posterior(weight, label=label):
            margin = x @ weight
            fit = label * torch.nn.functional.logsigmoid(margin) + (1 - label) * torch.nn.functional.logsigmoid(-margin)
            return fit.sum() - 0.7 / 2 * weight @ weight

        hessian_dd = torch.autograd.functional.hessian(log_posterior, w)
        found_dd = information(FEATURE, p_variance(FEATURE @ w.numpy()), 0.7)
        np.testing.assert_allclose(found_dd, -hessian_dd.numpy(), rtol=1e-10)


def test_leverage_is_the_derivative_of_log_det_in_a_pairs_weight():
    x, v = torch.tensor(FEATURE), torch.tensor(V)
    w = torch.ones(30, dtype=torch.float64, requires_grad=True)
    torch.logdet(0.5 * torch.eye(6, dtype=torch.float64) + (x.T * (w * v)) @ x).backward()
    np.testing.assert_allclose(leverage(FEATURE, V, information(FEATURE, V, 0.5)), w.grad.numpy(), rtol=1e-8)


def test_leverages_of_the_known_pairs_count_the_directions_that_they_tell():
    """Their sum is D minus what the prior alone holds: prior times the trace of the inverse."""
    found_dd = information(FEATURE, V, 0.5)
    assert leverage(FEATURE, V, found_dd).sum() == pytest.approx(6 - 0.5 * np.trace(np.linalg.inv(found_dd)), rel=1e-12)


@given(seeds)
def test_a_label_adds_log_of_one_plus_its_leverage(seed):
    rng = np.random.default_rng(seed)
    x_md, v_m = rng.normal(size=(8, 4)), rng.uniform(0.01, 0.25, size=8)
    before, after = information(x_md[:7], v_m[:7], 0.2), information(x_md, v_m, 0.2)
    assert log_det(after) - log_det(before) == pytest.approx(
        np.log1p(leverage(x_md[7:], v_m[7:], before)[0]), abs=1e-12
    )


@given(seeds, st.integers(0, 6), st.integers(0, 6))
def test_a_pair_tells_less_the_more_is_known_and_never_less_than_nothing(seed, n_few, n_more):
    """The gain in log det is monotone and submodular."""
    rng = np.random.default_rng(seed)
    x_md, v_m = rng.normal(size=(13, 3)), rng.uniform(0, 0.25, size=13)
    few = information(x_md[:n_few], v_m[:n_few], 1.0)
    more = information(x_md[: n_few + n_more], v_m[: n_few + n_more], 1.0)
    by_few, by_more = (np.log1p(leverage(x_md[12:], v_m[12:], known))[0] for known in (few, more))
    assert -1e-12 <= by_more <= by_few + 1e-12


def test_log_det_is_that_of_the_matrix():
    found_dd = information(FEATURE, V, 0.5)
    assert log_det(found_dd) == pytest.approx(np.linalg.slogdet(found_dd)[1], rel=1e-12)


def test_without_pairs_only_the_prior_is_known():
    np.testing.assert_array_equal(information(np.empty((0, 3)), np.empty(0), 2.0), 2 * np.eye(3))


def test_wrong_requests_are_one_line():
    with pytest.raises(DataError, match=r"^prior: is -1; a precision must not be below 0$"):
        information(FEATURE, V, -1)
    with pytest.raises(DataError, match=r"^variance_m: has shape \(29,\); it must be \(30,\) numbers, 0 or more$"):
        information(FEATURE, V[1:], 1)
    for wrong in (-V, np.full(30, np.nan), np.full(30, np.inf)):
        with pytest.raises(DataError, match=r"^variance_m: has shape \(30,\); it must be \(30,\) numbers"):
            information(FEATURE, wrong, 1)
    with pytest.raises(DataError, match=r"^information_dd: is not positive definite"):
        log_det(np.zeros((2, 2)))
