"""Finite policies against enumeration of draws and against numerical optimisation."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from rmkit.errors import DataError
from rmkit.measures.best_of_n import best_of_n
from rmkit.policies.stored_responses import (
    UnreachableKL,
    best_of_n_policy,
    beta_at_kl,
    kl,
    kl_optimum,
    normalised_drop_ratio,
    regret,
    value,
    values_at_kls,
)

RNG = np.random.default_rng(0)


def some_base(shape, rng):
    mass = rng.gamma(1.0, size=shape)
    return mass / mass.sum(axis=-1, keepdims=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(1, 4), st.integers(0, 2**31))
def test_best_of_n_is_the_enumeration_of_every_sequence_of_draws(scores, n, seed):
    """Among tied scores the first that was drawn is kept: by symmetry each in proportion to the base's chances."""
    score_k, base_k = np.array(scores, dtype=float), some_base(len(scores), np.random.default_rng(seed))
    expected_k = np.zeros(len(scores))
    for draws in product(range(len(scores)), repeat=n):
        expected_k[max(draws, key=lambda k: score_k[k])] += base_k[list(draws)].prod()
    np.testing.assert_allclose(best_of_n_policy(score_k[None], n, base_k[None])[0], expected_k, atol=1e-12)


def test_without_replacement_it_is_another_policy_and_tends_to_this_one():
    score_pk, gold_pk = RNG.normal(size=(1, 2000)), RNG.normal(size=(1, 2000))
    with_replacement = value(best_of_n_policy(score_pk, 8), gold_pk)
    np.testing.assert_allclose(with_replacement, best_of_n(score_pk, gold_pk, [8])[:, 0], atol=0.01)
    few = RNG.normal(size=(1, 8))
    assert value(best_of_n_policy(few, 8), few) < best_of_n(few, few, [8])[:, 0] - 0.01


def test_its_kl_is_below_the_continuous_bound():
    for n in (1, 2, 16, 64):
        found = kl(best_of_n_policy(RNG.normal(size=(20, 50)), n))
        assert (found <= np.log(n) - (n - 1) / n + 1e-12).all()
    mass = np.diff((np.arange(51) / 50) ** 64)
    expected = (mass * np.log(50 * mass)).sum()
    assert kl(best_of_n_policy(RNG.normal(size=(1, 50)), 64))[0] == pytest.approx(expected)


@pytest.mark.parametrize("beta", [0.2, 1.0, 5.0])
def test_the_kl_optimum_is_what_an_optimiser_finds(beta):
    score_k, base_k = RNG.normal(size=6), some_base(6, RNG)

    def loss(logit_k):
        policy_k = np.exp(logit_k - logit_k.max())
        policy_k /= policy_k.sum()
        return -(policy_k @ score_k - beta * (policy_k * np.log(policy_k / base_k)).sum())

    found = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-10}).x
    expected_k = np.exp(found - found.max())
    np.testing.assert_allclose(
        kl_optimum(score_k[None], beta, base_k[None])[0], expected_k / expected_k.sum(), atol=1e-5
    )


def test_the_ends_of_beta_are_the_base_and_the_best_response():
    score_pk, base_pk = RNG.normal(size=(3, 4, 5)), some_base((4, 5), RNG)
    np.testing.assert_allclose(kl_optimum(score_pk, 1e9, base_pk), np.broadcast_to(base_pk, score_pk.shape), rtol=1e-6)
    best = kl_optimum(score_pk, 1e-9, base_pk)
    np.testing.assert_array_equal(best.argmax(axis=-1), score_pk.argmax(axis=-1))
    np.testing.assert_allclose(best.max(axis=-1), 1)
    impossible = base_pk.copy()
    impossible[:, 0] = 0
    impossible /= impossible.sum(axis=-1, keepdims=True)
    assert (kl_optimum(score_pk, 1.0, impossible)[..., 0] == 0).all()


@pytest.mark.parametrize("target", [0.01, 0.3, 1.2])
def test_beta_at_a_kl_gives_that_kl(target):
    score_pk, base_pk = 40 * RNG.normal(size=(6, 9)), some_base((6, 9), RNG)
    beta = beta_at_kl(score_pk, target, base_pk)
    assert kl(kl_optimum(score_pk, beta, base_pk), base_pk).mean() == pytest.approx(target, rel=1e-6)


def test_more_optimisation_of_gold_gains_more_and_costs_more():
    gold_pk = RNG.normal(size=(8, 10))
    policies = [kl_optimum(gold_pk, beta) for beta in (10, 1, 0.1)]
    gains, costs = ([float(f(policy).mean()) for policy in policies] for f in (lambda p: value(p, gold_pk), kl))
    assert gains == sorted(gains)
    assert costs == sorted(costs)


def test_kl_is_infinite_where_the_base_is_silent():
    assert kl(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]))[0] == np.inf
    assert kl(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))[0] == pytest.approx(np.log(2))


def test_the_drop_ratio_of_the_anchors_is_0_and_1_and_it_is_a_ratio_of_means():
    base_p, gold_p = np.array([0.0, 0.2, 0.1, 0.0]), np.array([1.0, 1.1, 3.0, 1.2])
    assert normalised_drop_ratio(gold_p, gold_p, base_p).value == 0
    assert normalised_drop_ratio(base_p, gold_p, base_p).value == 1
    middle_p = np.array([0.5, 0.0, 1.0, 1.0])
    expected = (gold_p.mean() - middle_p.mean()) / (gold_p.mean() - base_p.mean())
    assert normalised_drop_ratio(middle_p, gold_p, base_p).value == pytest.approx(expected)
    np.testing.assert_allclose(regret(gold_p + 1, gold_p), -1)


def test_where_gold_gains_nothing_there_is_no_drop_ratio():
    base_p, noise_p = np.random.default_rng(0).normal(size=(2, 50))
    for gold_p in (base_p, base_p - 1, base_p + 0.01 * (noise_p - noise_p.mean()), base_p[:1] + 1):
        found = normalised_drop_ratio(gold_p, gold_p, base_p[: len(gold_p)])
        assert np.isnan(found.value)
        assert "less than two standard errors over prompts" in found.reason


def test_wrong_requests_are_one_line():
    score_pk = np.zeros((2, 3))
    for beta in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(DataError, match=r"^kl_optimum: beta=.*; it must be above 0$"):
            kl_optimum(score_pk, beta)
    with pytest.raises(DataError, match=r"^best of 0.5: n must be at least 1$"):
        best_of_n_policy(score_pk, 0.5)
    bad = score_pk.copy()
    bad[0, 1] = np.inf
    with pytest.raises(DataError, match=r"^the score at \(0, 1\) is inf; it must be a finite number$"):
        kl_optimum(bad, 1.0)
    with pytest.raises(DataError, match=r"^base policy: each prompt's chances must be at least 0 and sum to 1$"):
        kl_optimum(score_pk, 1.0, np.ones((2, 3)))
    with pytest.raises(DataError, match=r"^base policy: shape \(3, 2\) beside scores of \(2, 3\)"):
        kl_optimum(score_pk, 1.0, np.full((3, 2), 0.5))
    with pytest.raises(UnreachableKL, match=r"^a mean KL of 9 nats: with these scores it lies between 0 and 1.099$"):
        beta_at_kl(np.array([[0.0, 1.0, 2.0]]), 9)


def test_a_missing_value_is_the_reason_why_there_is_no_drop_ratio():
    good_p, missing_p = np.linspace(1, 2, 30), np.full(30, np.nan)
    for policy_p, gold_p, said in [
        (missing_p, good_p, "the policy has no value on some prompts"),
        (good_p, missing_p, "gold's policy has no value on some prompts"),
    ]:
        found = normalised_drop_ratio(policy_p, gold_p, np.zeros(30))
        assert np.isnan(found.value)
        assert found.reason == said


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(2, 9),
    st.integers(0, 2**31),
    st.sampled_from([np.round, np.asarray, lambda z: z**5, lambda z: 1e-200 * z, lambda z: 1e9 + z]),
)
def test_gold_at_several_kls_is_that_of_each_optimum_alone(n_prompts, n_responses, seed, shaped):
    rng = np.random.default_rng(seed)
    score_pk, gold_pk = shaped(rng.normal(size=(n_prompts, n_responses))), rng.normal(size=(n_prompts, n_responses))
    kls = [0.01, 0.25, 1.0, 2.0]
    found_pn = values_at_kls(score_pk, gold_pk, kls)
    for nats, found_p in zip(kls, found_pn.T, strict=True):
        try:  # in a unit in which squares do not vanish: an optimum at a KL has none
            unit_pk = (score_pk - score_pk.max()) / max(np.abs(score_pk - score_pk.max()).max(), 1e-300)
            expected_p = value(kl_optimum(unit_pk, beta_at_kl(unit_pk, nats)), gold_pk)
        except UnreachableKL:
            expected_p = np.full(n_prompts, np.nan)
        np.testing.assert_allclose(found_p, expected_p, atol=1e-7)


def test_constant_rewards_reach_no_kl_and_a_kl_is_above_0():
    assert np.isnan(values_at_kls(np.ones((3, 4)), np.ones((3, 4)), [0.1, 1.0])).all()
    with pytest.raises(DataError, match=r"a mean KL of 0\.0 nats: it must be above 0"):
        values_at_kls(np.eye(3), np.eye(3), [0.5, 0.0])


def test_along_the_optima_gold_rises_by_the_covariance_and_kl_by_the_variance():
    """d E[gold] / d (1 / beta) = Cov(gold, score), d KL / d (1 / beta) = Var(score) / beta, under the policy itself."""
    rng, times, step = np.random.default_rng(0), 1.3, 1e-5
    score_pk, gold_pk, base_pk = *rng.normal(size=(2, 6, 8)), some_base((6, 8), rng)
    policy_pk, below_pk, above_pk = (kl_optimum(score_pk, 1 / t, base_pk) for t in (times, times - step, times + step))
    away_pk = score_pk - value(policy_pk, score_pk)[:, None]
    rise_p = (value(above_pk, gold_pk) - value(below_pk, gold_pk)) / (2 * step)
    np.testing.assert_allclose(rise_p, value(policy_pk, away_pk * gold_pk), atol=1e-8)
    cost_p = (kl(above_pk, base_pk) - kl(below_pk, base_pk)) / (2 * step)
    np.testing.assert_allclose(cost_p, times * value(policy_pk, away_pk**2), atol=1e-8)
