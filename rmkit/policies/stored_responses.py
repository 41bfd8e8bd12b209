"""Policies over the K responses of a finite world: what optimising a reward gives, exactly, and what it costs.

A policy is the chance of each of a prompt's K responses, (..., P, K). Two ways to optimise a reward r from a base pi_0:

    Best-of-n    n draws with replacement, the highest reward kept:  F_i^n - F_(i-1)^n,  F the base's mass up to rank i
    KL optimum   argmax E[r] - beta KL(pi || pi_0):                  pi_0 exp(r / beta) / Z

The second is what reinforcement learning with a KL penalty would reach without an optimisation error; without a penalty
its limit is the best response. Knows rewards as arrays: no text, no reward model. Sources: arXiv 2410.05584, section 3;
Korbak et al. 2022 (arXiv 2205.11275) for the KL optimum; Gao et al. 2023 (arXiv 2210.10760) for Best-of-n.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp, xlogy

from rmkit.errors import DataError
from rmkit.measures.arrays import finite, tie_means

BETAS = (1e-8, 1e8)  # between which a beta is looked for, in standard deviations of the reward
MOST_STEPS, KL_TOLERANCE = 200, 1e-12  # of values_at_kls: its steps, and the share of a KL that it may be off


class UnreachableKL(DataError):
    """No KL optimum of these scores is so far from the base: ties leave too many responses the best."""


class Drop(NamedTuple):
    """A normalised drop ratio, or NaN and why there is none."""

    value: float
    reason: str | None = None


def uniform(score_pk: np.ndarray) -> np.ndarray:
    """(..., P, K) the policy that draws evenly from K responses: a base of which the responses are samples."""
    return np.full(np.shape(score_pk), 1.0 / np.shape(score_pk)[-1])


def best_of_n_policy(score_pk: np.ndarray, n: float, base_pk: np.ndarray | None = None) -> np.ndarray:
    """(..., P, K) the policy of Best-of-n by score, n draws with replacement; tied scores share by the base's chances.

    n: at least 1, whole or not. base_pk: (P, K) or the scores' shape, each prompt's chances summing to 1; None is even.
    """
    if not 1 <= n < np.inf:
        raise DataError(f"best of {n}: n must be at least 1")
    score_pk, base_pk = checked(score_pk, base_pk)
    order_pk = np.argsort(score_pk, axis=-1, kind="stable")
    mass_pk = np.take_along_axis(base_pk, order_pk, axis=-1)
    ranked_pk = np.take_along_axis(score_pk, order_pk, axis=-1)
    block_pk = tie_means(ranked_pk, mass_pk)  # a block's mean mass times its size is its mass
    power_pk = np.diff(np.cumsum(mass_pk, axis=-1) ** n, axis=-1, prepend=0.0)
    gained_pk = tie_means(ranked_pk, power_pk)
    share_pk = np.divide(mass_pk, block_pk, out=np.ones_like(mass_pk), where=block_pk > 0)
    policy_pk = np.empty_like(mass_pk)
    np.put_along_axis(policy_pk, order_pk, gained_pk * share_pk, axis=-1)
    return policy_pk / policy_pk.sum(axis=-1, keepdims=True)


def kl_optimum(score_pk: np.ndarray, beta: float, base_pk: np.ndarray | None = None) -> np.ndarray:
    """(..., P, K) pi_0 exp(score / beta) / Z, each prompt's own Z. beta: above 0, in units of the score."""
    if not 0 < beta < np.inf:
        raise DataError(f"kl_optimum: beta={beta}; it must be above 0")
    score_pk, base_pk = checked(score_pk, base_pk)
    with np.errstate(divide="ignore"):
        logit_pk = (score_pk - score_pk.max(axis=-1, keepdims=True)) / beta + np.log(base_pk)
    return np.exp(logit_pk - logsumexp(logit_pk, axis=-1, keepdims=True))


def beta_at_kl(score_pk: np.ndarray, kl_target: float, base_pk: np.ndarray | None = None) -> float:
    """The one beta at which the KL optimum's mean KL over the (P, K) prompts is kl_target nats.

    DataError unless kl_target is above 0; UnreachableKL from the mean KL of the best responses on, which no beta above
    0 reaches.
    """
    if not kl_target > 0:
        raise DataError(f"a mean KL of {kl_target} nats: it must be above 0")
    score_pk, base_pk = checked(score_pk, base_pk)
    spread = float(score_pk.std())
    top_pk = np.where(score_pk == score_pk.max(axis=-1, keepdims=True), base_pk, 0.0)
    most = float(kl(top_pk / top_pk.sum(axis=-1, keepdims=True), base_pk).mean())
    if not kl_target < most:
        raise UnreachableKL(f"a mean KL of {kl_target} nats: with these scores it lies between 0 and {most:.4g}")
    low, high = np.log(spread * np.array(BETAS))
    found = brentq(
        lambda log_beta: kl(kl_optimum(score_pk, float(np.exp(log_beta)), base_pk), base_pk).mean() - kl_target,
        low,
        high,
    )
    return float(np.exp(found))


def values_at_kls(score_pk: np.ndarray, gold_pk: np.ndarray, kls: Sequence[float]) -> np.ndarray:
    """(P, N) the gold that the KL optimum expects at each of N mean KLs over prompts, NaN from where ties allow none.

    As `value` of `kl_optimum` at `beta_at_kl`, base even, and many times faster (`kl_optima`). DataError unless every
    KL is above 0.
    """
    reached_n, policy_npk = kl_optima(score_pk, kls)
    found_pn = np.full((len(score_pk), len(kls)), np.nan)
    found_pn[:, reached_n] = np.einsum("npk,pk->pn", policy_npk, gold_pk)
    return found_pn


def kl_optima(score_pk: np.ndarray, kls: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """(R,) places of the mean KLs that these (P, K) scores allow, and (R, P, K) the KL optimum at each, base even.

    All are solved together, by Newton's steps on log(1 / beta) that may not leave the bracket of what was tried.
    DataError unless every KL is above 0.
    """
    score_pk, _ = checked(score_pk, None)
    kl_n = np.asarray(kls, dtype=np.float64)
    if not (kl_n > 0).all():
        raise DataError(f"a mean KL of {kl_n.min()} nats: it must be above 0")
    n_responses, away_pk = score_pk.shape[-1], score_pk - score_pk.max(axis=-1, keepdims=True)
    most = float(np.log(n_responses / (away_pk == 0).sum(axis=-1)).mean())
    reached_n = np.flatnonzero(kl_n < most)
    if not len(reached_n):
        return reached_n, np.empty((0, *score_pk.shape))
    goal_n, away_pk = kl_n[reached_n], away_pk / np.abs(away_pk).max()
    spread = float(np.log(away_pk.std()))
    low_n, high_n = (np.full(len(goal_n), -np.log(end) - spread) for end in reversed(BETAS))
    at_n = np.log(2 * goal_n) / 2 - spread  # of normal scores in their unit: KL = 1 / (2 beta^2)
    for _ in range(MOST_STEPS):
        policy_npk, kl_now_n, slope_n = _tilted(away_pk, np.exp(at_n))
        if (abs(kl_now_n - goal_n) <= KL_TOLERANCE * goal_n).all():
            break
        low_n, high_n = np.where(kl_now_n < goal_n, at_n, low_n), np.where(kl_now_n < goal_n, high_n, at_n)
        with np.errstate(divide="ignore", invalid="ignore"):
            next_n = at_n + (goal_n - kl_now_n) / slope_n
        at_n = np.where((next_n > low_n) & (next_n < high_n), next_n, (low_n + high_n) / 2)
    return reached_n, policy_npk


def _tilted(away_pk: np.ndarray, times_n: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, P, K) policies proportional to exp(times * score), (N,) their mean KL from even, its slope in log times."""
    logit_npk = times_n[:, None, None] * away_pk
    policy_npk = np.exp(logit_npk)
    total_np1 = policy_npk.sum(axis=-1, keepdims=True)
    policy_npk /= total_np1
    mean_np = (policy_npk * logit_npk).sum(axis=-1)
    kl_n = (mean_np - np.log(total_np1[..., 0] / away_pk.shape[-1])).mean(axis=-1)
    variance_np = (policy_npk * logit_npk**2).sum(axis=-1) - mean_np**2  # d KL / d log t = t^2 Var(r)
    return policy_npk, kl_n, variance_np.mean(axis=-1)


def value(policy_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """(..., P) the gold reward that a policy expects, of each prompt."""
    return (np.asarray(policy_pk) * gold_pk).sum(axis=-1)


def kl(policy_pk: np.ndarray, base_pk: np.ndarray | None = None) -> np.ndarray:
    """(..., P) KL(policy || base) in nats; infinite where the policy says what the base never does."""
    base_pk = uniform(policy_pk) if base_pk is None else np.asarray(base_pk, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_pk = np.where(policy_pk > 0, policy_pk / base_pk, 1.0)
    return xlogy(policy_pk, ratio_pk).sum(axis=-1)


def regret(policy_value_p: np.ndarray, gold_value_p: np.ndarray) -> np.ndarray:
    """(..., P) what a policy falls short of the one that optimises gold in the same way; below 0 if it does better."""
    return np.asarray(gold_value_p) - policy_value_p


def normalised_drop_ratio(policy_value_p: np.ndarray, gold_value_p: np.ndarray, base_value_p: np.ndarray) -> Drop:
    """[J(gold's policy) - J(policy)] / [J(gold's policy) - J(base)] from (P,) values: a ratio of means over prompts.

    0: as good as optimising gold; 1: no better than the base; above 1: worse than the base. Undefined, with a reason,
    where a value is missing, or optimising gold gains less than two standard errors over prompts. Source: arXiv
    2410.05584, definition of NDR.
    """
    values = {"the policy": policy_value_p, "gold's policy": gold_value_p, "the base": base_value_p}
    if missing := [whose for whose, value_p in values.items() if not np.isfinite(value_p).all()]:
        return Drop(float("nan"), f"{' and '.join(missing)} has no value on some prompts")
    gain_p = np.asarray(gold_value_p, dtype=np.float64) - base_value_p
    error = gain_p.std(ddof=1) / np.sqrt(len(gain_p)) if len(gain_p) > 1 else np.inf
    if not gain_p.mean() > 2 * error or gain_p.mean() <= 0:
        return Drop(
            float("nan"), f"optimising gold gains {gain_p.mean():.3g}, less than two standard errors over prompts"
        )
    return Drop(float(regret(policy_value_p, gold_value_p).mean() / gain_p.mean()))


def checked(score_pk: np.ndarray, base_pk: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Scores and base as float64 of one shape, or DataError with the first place that is wrong."""
    score_pk = finite(score_pk, "score")
    if score_pk.ndim < 1 or not score_pk.shape[-1]:
        raise DataError(f"scores: shape {score_pk.shape}; it must be (prompts, K) with at least one response")
    if base_pk is None:
        return score_pk, uniform(score_pk)
    base_pk = np.asarray(base_pk, dtype=np.float64)
    if base_pk.shape not in (score_pk.shape, score_pk.shape[-2:]):
        raise DataError(
            f"base policy: shape {base_pk.shape} beside scores of {score_pk.shape}; both must be (prompts, K)"
        )
    if not (base_pk >= 0).all() or not np.allclose(base_pk.sum(axis=-1), 1.0):
        raise DataError("base policy: each prompt's chances must be at least 0 and sum to 1")
    return score_pk, np.broadcast_to(base_pk, score_pk.shape)
