"""Closed forms of Gaussian proxies against simulated responses, within 4 standard errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from rmkit.errors import DataError
from rmkit.measures.best_of_n import best_of_n
from rmkit.measures.bivariate_normal import accuracy_at, correlation_with_noise
from rmkit.policies.gaussian_rewards import (
    best_of_n_chi_squared,
    best_of_n_gain,
    best_of_n_kl,
    drop_ratio_at,
    flipped_margin,
    gold_per_proxy_at,
    kl_gain,
    kl_optimum_at,
    least_gold,
    n_at_kl,
    normal_maximum,
)
from rmkit.policies.stored_responses import best_of_n_policy, kl, kl_optimum, value, values_at_kls

GOLD_SD, NOISE_SD = 2.0, 3.0
RHO = float(correlation_with_noise(GOLD_SD, NOISE_SD))
RNG = np.random.default_rng(1)
GOLD_PK = GOLD_SD * RNG.normal(size=(2000, 256))
SCORE_PK = GOLD_PK + NOISE_SD * RNG.normal(size=GOLD_PK.shape)


def require_mean(value_p, expected):
    assert abs(value_p.mean() - expected) < 4 * value_p.std(ddof=1) / np.sqrt(len(value_p))


def test_the_largest_of_n_normals():
    """Known: of two 1 / sqrt(pi), of three 3 / (2 sqrt(pi)); of many by drawing."""
    assert normal_maximum(1) == pytest.approx(0, abs=1e-12)
    assert normal_maximum(2) == pytest.approx(1 / np.sqrt(np.pi))
    assert normal_maximum(3) == pytest.approx(1.5 / np.sqrt(np.pi))
    require_mean(np.random.default_rng(0).normal(size=(5000, 1000)).max(axis=1), normal_maximum(1000))
    assert normal_maximum(1e9) == pytest.approx(5.9978 + 0.2, abs=0.2)  # above the quantile of 1 - 1e-9


@pytest.mark.parametrize("n", [2, 8, 32])
def test_best_of_n_gains_and_falls_short_alike_for_every_n(n):
    gold_p, proxy_p, most_p = (
        best_of_n(*two, [n])[:, 0] for two in ((SCORE_PK, GOLD_PK), (SCORE_PK, SCORE_PK), (GOLD_PK, GOLD_PK))
    )
    require_mean(gold_p, best_of_n_gain(RHO, n, GOLD_SD))
    require_mean(most_p, best_of_n_gain(1.0, n, GOLD_SD))
    accuracy = float(accuracy_at(RHO))
    require_mean(gold_p - gold_per_proxy_at(accuracy) * proxy_p, 0.0)  # the slope
    require_mean(most_p - gold_p - drop_ratio_at(accuracy) * most_p, 0.0)  # NDR, a ratio of means
    assert drop_ratio_at(0.75) == pytest.approx(0.293, abs=5e-4)


@pytest.mark.parametrize("nats", [0.1, 0.4])
def test_the_kl_optimum_gains_and_falls_short_alike_for_every_kl(nats):
    score_pk, gold_pk = SCORE_PK.reshape(-1, 4096), GOLD_PK.reshape(-1, 4096)
    gold_p, most_p = values_at_kls(score_pk, gold_pk, [nats])[:, 0], values_at_kls(gold_pk, gold_pk, [nats])[:, 0]
    require_mean(gold_p, kl_gain(RHO, nats, GOLD_SD))
    require_mean(most_p - gold_p - drop_ratio_at(accuracy_at(RHO)) * most_p, 0.0)


def test_at_equal_beta_noise_costs_kl_alone():
    score_pk, gold_pk = SCORE_PK.reshape(-1, 4096), GOLD_PK.reshape(-1, 4096)
    beta = 8.0
    (gain, nats), (most, least) = kl_optimum_at(beta, GOLD_SD, NOISE_SD), kl_optimum_at(beta, GOLD_SD, 0.0)
    require_mean(value(kl_optimum(score_pk, beta), gold_pk), gain)
    require_mean(kl(kl_optimum(score_pk, beta)), nats)
    assert gain == most
    assert nats / least == pytest.approx(1 / RHO**2)
    assert gain == pytest.approx(float(kl_gain(RHO, nats, GOLD_SD)))  # one optimum told twice


@pytest.mark.parametrize("n", [1, 1.5, 4, 1024])
def test_n_and_its_kl_are_each_others_inverse(n):
    assert n_at_kl(float(best_of_n_kl(n))) == pytest.approx(n)


def test_divergences_of_best_of_n_are_those_of_ever_more_responses():
    policy_pk = best_of_n_policy(np.arange(200_000.0)[None], 16)
    assert kl(policy_pk)[0] == pytest.approx(float(best_of_n_kl(16)), abs=1e-3)
    assert (policy_pk**2).sum() * policy_pk.size - 1 == pytest.approx(float(best_of_n_chi_squared(16)), rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 30), st.integers(0, 2**31))
def test_no_policy_has_less_gold_than_the_floor_and_one_has_it(n_responses, seed):
    rng = np.random.default_rng(seed)
    gold_k, proxy_k = rng.normal(size=(2, n_responses)) ** 3
    gold_k, proxy_k = ((one - one.mean()) / one.std() for one in (gold_k, proxy_k))
    rho = float(np.clip((gold_k * proxy_k).mean(), -1, 1))
    policy_k = rng.dirichlet(np.full(n_responses, 0.3))
    chi_squared = (policy_k**2).sum() * n_responses - 1
    assert policy_k @ gold_k >= least_gold(rho, policy_k @ proxy_k, chi_squared) - 1e-9
    rest_k = gold_k - rho * proxy_k
    worst_k = (1 - 0.5 * rest_k / np.abs(rest_k).max()) / n_responses  # leans on nothing but the rest: the bound is met
    chi_squared = (worst_k**2).sum() * n_responses - 1
    assert worst_k @ gold_k == pytest.approx(float(least_gold(rho, worst_k @ proxy_k, chi_squared)), abs=1e-9)


def test_flipped_labels_keep_the_order_and_shrink_the_scale():
    """The margin learned is where the likelihood of flipped labels is largest."""
    margin_m = np.linspace(-6, 6, 25)
    for rate in (0.1, 0.4):
        learned_m = flipped_margin(margin_m, rate)
        assert (np.diff(learned_m) > 0).all()
        assert np.abs(learned_m).max() < np.log((1 - rate) / rate)
        seen_m = (1 - rate) * expit(margin_m) + rate * expit(-margin_m)
        grid_g = np.linspace(-6, 6, 24_001)
        likelihood_mg = seen_m[:, None] * np.log(expit(grid_g)) + (1 - seen_m)[:, None] * np.log(expit(-grid_g))
        np.testing.assert_allclose(learned_m, grid_g[likelihood_mg.argmax(axis=1)], atol=1e-3)
    assert flipped_margin(4.0, 0.4) == pytest.approx(0.39, abs=5e-3)
    np.testing.assert_array_equal(flipped_margin(margin_m, 0.0), margin_m)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: normal_maximum(0.5), r"^best of 0\.5: n must be at least 1$"),
        (lambda: best_of_n_kl([1, np.nan]), r"^best of nan: n must be at least 1$"),
        (lambda: n_at_kl(-1.0), r"^a KL of -1\.0 nats: it must be at least 0$"),
        (lambda: kl_optimum_at(0.0, 1.0, 1.0), r"^beta=0\.0; it must be above 0$"),
        (lambda: flipped_margin(1.0, 0.5), r"^a flip rate of 0\.5: it must be at least 0 and below 1/2$"),
    ],
)
def test_what_cannot_be_is_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()
