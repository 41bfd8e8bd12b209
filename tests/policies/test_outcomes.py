"""Recovered gain and regret: the identity of the KL-regularised objective, and proxies whose drop ratio is known."""

import numpy as np
import pytest

from rmkit.measures.best_of_n import best_of_n
from rmkit.policies.outcomes import recovered_gain, regularised_value
from rmkit.policies.stored_responses import (
    best_of_n_policy,
    kl,
    kl_optimum,
    normalised_drop_ratio,
    value,
    values_at_kls,
)

RNG = np.random.default_rng(0)
GOLD_PK = RNG.normal(size=(60, 8))
BASE_P = GOLD_PK.mean(axis=1)


def some_policy(rng, shape):
    mass = rng.gamma(0.5, size=shape)
    return mass / mass.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("beta", [0.1, 1.0, 20.0])
def test_any_policy_loses_beta_times_its_kl_from_the_optimum(beta):
    """J(optimum) - J(policy) = beta KL(policy || optimum), and J(optimum) = beta log E_base exp(gold / beta)."""
    base_pk, policy_pk = some_policy(RNG, (2, *GOLD_PK.shape))
    best_pk = kl_optimum(GOLD_PK, beta, base_pk)
    best_p, policy_p = (regularised_value(of, GOLD_PK, beta, base_pk) for of in (best_pk, policy_pk))
    np.testing.assert_allclose(best_p - policy_p, beta * kl(policy_pk, best_pk), rtol=0, atol=1e-10)
    np.testing.assert_allclose(best_p, beta * np.log((base_pk * np.exp(GOLD_PK / beta)).sum(axis=1)), atol=1e-10)


def test_the_objective_of_the_base_is_its_gold_and_an_even_base_is_the_default():
    even_pk = np.full(GOLD_PK.shape, 1 / 8)
    np.testing.assert_allclose(regularised_value(even_pk, GOLD_PK, 3.0), BASE_P)
    policy_pk = some_policy(RNG, GOLD_PK.shape)
    np.testing.assert_allclose(
        regularised_value(policy_pk, GOLD_PK, 3.0), regularised_value(policy_pk, GOLD_PK, 3.0, even_pk)
    )


# Ways to optimise a score: (P,) the gold that its policy expects.
WAYS = {
    "best of 4": lambda score_pk: value(best_of_n_policy(score_pk, 4), GOLD_PK),
    "best of 4, drawn": lambda score_pk: best_of_n(score_pk, GOLD_PK, [4])[:, 0],
    "KL of 0.5": lambda score_pk: values_at_kls(score_pk, GOLD_PK, [0.5])[:, 0],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.01, 40.0), (7.0, -3.0)])
def test_a_proxy_that_is_gold_on_another_scale_drops_nothing(way, a, b):
    policy_p, gold_p = WAYS[way](a * GOLD_PK + b), WAYS[way](GOLD_PK)
    assert normalised_drop_ratio(policy_p, gold_p, BASE_P).value == pytest.approx(0, abs=1e-9)
    assert recovered_gain(policy_p, gold_p, BASE_P).value == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_an_independent_proxy_drops_everything_in_expectation(way):
    rng, gold_p = np.random.default_rng(1), WAYS[way](GOLD_PK)
    drops = [normalised_drop_ratio(WAYS[way](rng.normal(size=GOLD_PK.shape)), gold_p, BASE_P).value for _ in range(150)]
    error = np.std(drops, ddof=1) / np.sqrt(len(drops))
    assert 0 < error < 0.02
    assert abs(np.mean(drops) - 1) < 4 * error


def test_recovered_gain_is_1_minus_the_drop_and_undefined_for_the_same_reasons():
    optimised = WAYS["best of 4"]
    policy_p, gold_p = optimised(GOLD_PK + RNG.normal(size=GOLD_PK.shape)), optimised(GOLD_PK)
    drop = normalised_drop_ratio(policy_p, gold_p, BASE_P)
    assert recovered_gain(policy_p, gold_p, BASE_P) == (1 - drop.value, None)
    assert recovered_gain(BASE_P, gold_p, BASE_P).value == 0
    for values in ((policy_p, BASE_P, BASE_P), (policy_p * np.nan, gold_p, BASE_P)):
        found = recovered_gain(*values)
        assert np.isnan(found.value)
        assert found.reason == normalised_drop_ratio(*values).reason
