"""What any reward gains along Best-of-n and KL, against enumeration of subsets, of draws, and other code."""

from itertools import combinations, product

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.policies.pressure import best_of_n_pressure, effective_samples, kl_pressure
from rmkit.policies.stored_responses import UnreachableKL, values_at_kls

SCORE_PK, REWARD_PK = np.random.default_rng(0).normal(size=(2, 4, 5))


def test_of_samples_best_of_n_is_the_mean_over_subsets():
    pressure = best_of_n_pressure(SCORE_PK, [1, 2, 5])
    for place, n in enumerate([1, 2, 5]):
        for score_k, reward_k, found in zip(SCORE_PK, REWARD_PK, pressure.gains(REWARD_PK)[:, place], strict=True):
            kept = [reward_k[max(subset, key=score_k.__getitem__)] for subset in combinations(range(5), n)]
            assert found == pytest.approx(np.mean(kept) - reward_k.mean())
    np.testing.assert_allclose(pressure.kl_n, [0, np.log(2) - 1 / 2, np.log(5) - 4 / 5])


def test_of_a_finite_world_it_is_the_mean_over_draws_and_its_kl_is_smaller():
    pressure = best_of_n_pressure(SCORE_PK, [1, 3], whole=True)
    for score_k, reward_k, found in zip(SCORE_PK, REWARD_PK, pressure.gains(REWARD_PK)[:, 1], strict=True):
        kept = [reward_k[max(draws, key=score_k.__getitem__)] for draws in product(range(5), repeat=3)]
        assert found == pytest.approx(np.mean(kept) - reward_k.mean())
    assert 0 < pressure.kl_n[1] < np.log(3) - 2 / 3
    assert best_of_n_pressure(SCORE_PK, [10**6], whole=True).kl_n[0] == pytest.approx(np.log(5))


def test_the_kl_optimum_gains_what_it_is_worth_less_the_base_and_0_nats_are_the_base():
    nats = [0.0, 0.1, 0.7]
    found_pn = kl_pressure(SCORE_PK, nats, whole=True).gains(REWARD_PK)
    expected_pn = values_at_kls(SCORE_PK, REWARD_PK, nats[1:]) - REWARD_PK.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found_pn[:, 1:], expected_pn, atol=1e-7)
    np.testing.assert_allclose(found_pn[:, 0], 0, atol=1e-12)


def test_effective_samples_are_all_of_the_base_and_one_of_a_choice():
    policy_npk = np.stack([np.full((3, 8), 1 / 8), np.eye(8)[:3], np.vstack([np.full((2, 8), 1 / 8), np.eye(8)[:1]])])
    np.testing.assert_allclose(effective_samples(policy_npk), [8, 1, 3 / (1 + 2 / 8)])


def test_samples_of_too_little_effect_are_refused_and_a_finite_world_is_not():
    """A Gaussian proxy at a KL of k leaves about K exp(-2 k) samples."""
    score_pk = np.random.default_rng(1).normal(size=(50, 128))
    assert len(kl_pressure(score_pk, [0.0, 1.0]).at_n) == 2
    with pytest.raises(
        DataError,
        match=r"^a mean KL of 2 nats: of 128 responses to a prompt \d\.\d count, and a mean takes 10; ask for less KL or score more responses$",
    ):
        kl_pressure(score_pk, [0.5, 2.0])
    assert kl_pressure(score_pk, [0.5, 2.0], whole=True).gains(score_pk)[:, 1].mean() > 1.5


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: best_of_n_pressure(SCORE_PK, [2, 6]), r"^best of 6: n must be a whole number from 1 to 5, the responses to a prompt$"),
        (lambda: best_of_n_pressure(SCORE_PK, [1.5]), r"^best of 1\.5: n must be a whole number from 1 to 5"),
        (lambda: best_of_n_pressure(SCORE_PK, [0, 2]), r"^best of 0: n must be"),
        (lambda: best_of_n_pressure(SCORE_PK, [0.5], whole=True), r"^best of 0\.5: n must be at least 1$"),
        (lambda: best_of_n_pressure(SCORE_PK, [4, 2]), r"^optimised along n = \[4, 2\]: give at least one place, rising, finite, none below 0$"),
        (lambda: kl_pressure(SCORE_PK, [-1.0, 2.0]), r"^optimised along KL = \[-1\.0, 2\.0\]: give"),
        (lambda: kl_pressure(SCORE_PK, []), r"^optimised along KL = \[\]: give"),
        (lambda: best_of_n_pressure(np.array([[1.0, np.nan]]), [1]), r"^the proxy reward at \(0, 1\) is nan; it must be a finite number$"),
        (lambda: best_of_n_pressure(SCORE_PK[0], [1]), r"^proxy rewards of shape \(5,\): it must be \(prompts, K\), both at least 1$"),
        (lambda: best_of_n_pressure(SCORE_PK, [1]).gains(REWARD_PK[:, :3]), r"^rewards \(4, 3\) and scores \(4, 5\) differ; both must be \(prompts, K\)$"),
        (lambda: best_of_n_pressure(SCORE_PK, [1]).gains(np.full((4, 5), np.inf)), r"^the reward at \(0, 0\) is inf; it must be a finite number$"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()


def test_ties_and_a_proxy_of_one_value_leave_kls_that_no_policy_has():
    with pytest.raises(
        DataError, match=r"^proxy rewards: all responses to a prompt have one, in every prompt; there is"
    ):
        kl_pressure(np.ones((3, 20)), [0.5])
    with pytest.raises(
        UnreachableKL, match=r"^a mean KL of 0\.8 nats: with these scores it lies between 0 and 0\.6931$"
    ):
        kl_pressure(np.tile([0.0, 1.0], (3, 10)), [0.8])
