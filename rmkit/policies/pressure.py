"""A proxy optimised ever harder: Best-of-n along n, the KL optimum along KL, and what anything gains on the way.

Each optimiser holds one proxy's scores of P prompts with K responses each and N places along its axis. It says how far
each place is from the base, in nats, and what any reward of the same responses (gold, the proxy itself, another reward
model, the spread of an ensemble) gains over the base there, prompt by prompt. Stored responses are one of two things:

    samples of the base (`whole=False`)   Best-of-n is the mean over all subsets of n, its KL log n - (n - 1) / n; the
                                          KL optimum weighs samples by importance, as far as these suffice
    all that there is (`whole=True`)      a finite world: n draws with replacement, and the exact KL of each policy

Knows arrays only. Sources: Gao et al. 2023 (arXiv 2210.10760); arXiv 2410.05584, section 4; Kong 1992 for the effective
sample size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import finite
from rmkit.measures.best_of_n import best_of_n
from rmkit.policies.gaussian_rewards import best_of_n_kl
from rmkit.policies.stored_responses import best_of_n_policy, beta_at_kl, kl, kl_optimum, uniform

FEWEST_EFFECTIVE = 10  # effective samples of a prompt below which a weighted mean is refused


class Curve(NamedTuple):
    """What one reward gains over the base at N places, of whatever optimiser: one of this file, or a trained policy."""

    at_n: np.ndarray  # (N,) n, nats, or steps of training
    kl_n: np.ndarray  # (N,) nats from the base there
    gain_pn: np.ndarray  # (P, N) prompt by prompt


@dataclass(frozen=True, eq=False)
class Pressure:
    """One proxy, optimised to N places."""

    axis: str  # n or nats
    at_n: np.ndarray  # (N,) the places, rising
    kl_n: np.ndarray  # (N,) nats from the base there, mean over prompts
    score_pk: np.ndarray  # (P, K) the proxy
    policy_npk: np.ndarray | None = None  # (N, P, K) where policies are weights of responses

    def curve(self, value_pk: np.ndarray) -> Curve:
        """What this (P, K) reward of the same responses gains; errors as in `gains`."""
        return Curve(self.at_n, self.kl_n, self.gains(value_pk))

    def gains(self, value_pk: np.ndarray) -> np.ndarray:
        """(P, N) the mean of this (P, K) reward under each policy, less the base's mean. DataError unless finite."""
        value_pk = same_shape(value_pk, self.score_pk, "reward")
        base_p1 = value_pk.mean(axis=-1, keepdims=True)
        if self.policy_npk is None:
            return best_of_n(self.score_pk, value_pk, [int(n) for n in self.at_n]) - base_p1
        return np.einsum("npk,pk->pn", self.policy_npk, value_pk) - base_p1


def best_of_n_pressure(score_pk: np.ndarray, ns: Sequence[int], *, whole: bool = False) -> Pressure:
    """Best-of-n by these (P, K) scores along rising n. DataError for n above K (unless `whole`), or not rising."""
    score_pk, at_n = checked(score_pk, ns, "n")
    if whole:
        policy_npk = np.stack([best_of_n_policy(score_pk, float(n)) for n in at_n])
        kl_n = np.where(at_n == 1, 0.0, kl(policy_npk).mean(axis=-1))  # the base itself, whatever rounding leaves
        return Pressure("n", at_n, kl_n, score_pk, policy_npk)
    if (bad_n := at_n[(at_n > score_pk.shape[-1]) | (at_n != np.floor(at_n)) | (at_n < 1)]).size:
        raise DataError(
            f"best of {bad_n[0]:g}: n must be a whole number from 1 to {score_pk.shape[-1]}, the responses to a prompt"
        )
    return Pressure("n", at_n, best_of_n_kl(at_n), score_pk)


def kl_pressure(score_pk: np.ndarray, nats: Sequence[float], *, whole: bool = False) -> Pressure:
    """The KL optimum of these (P, K) scores along rising mean KL, one beta at each; a KL of 0 is the base.

    Of samples, DataError where fewer than FEWEST_EFFECTIVE of a prompt's K count: 1 over the mean of sum_k pi_k^2.
    UnreachableKL where ties leave no policy so far away.
    """
    score_pk, at_n = checked(score_pk, nats, "KL")
    if at_n[-1] > 0 and not (np.ptp(score_pk, axis=-1) > 0).any():
        raise DataError(
            "proxy rewards: all responses to a prompt have one, in every prompt; there is nothing to optimise"
        )
    policy_npk = np.stack(
        [kl_optimum(score_pk, beta_at_kl(score_pk, goal)) if goal else uniform(score_pk) for goal in at_n]
    )
    if not whole:
        for goal, effective in zip(at_n, effective_samples(policy_npk), strict=True):
            if goal and effective < FEWEST_EFFECTIVE:
                raise DataError(
                    f"a mean KL of {goal:g} nats: of {score_pk.shape[-1]} responses to a prompt {effective:.1f} count, "
                    f"and a mean takes {FEWEST_EFFECTIVE}; ask for less KL or score more responses"
                )
    return Pressure("nats", at_n, at_n, score_pk, policy_npk)


def effective_samples(policy_npk: np.ndarray) -> np.ndarray:
    """(...,) the effective sample size of a prompt, 1 / mean_p sum_k pi_pk^2: K for the base, 1 for one response."""
    return 1 / (np.asarray(policy_npk) ** 2).sum(axis=-1).mean(axis=-1)


def same_shape(value_pk: np.ndarray, score_pk: np.ndarray, name: str) -> np.ndarray:
    """The values as float64, finite and of the scores' shape, or DataError."""
    value_pk = finite(value_pk, name)
    if value_pk.shape != score_pk.shape:
        raise DataError(f"{name}s {value_pk.shape} and scores {score_pk.shape} differ; both must be (prompts, K)")
    return value_pk


def checked(score_pk: np.ndarray, at: Sequence[float], axis: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores and places as float64, the places rising from at least 0, or DataError."""
    score_pk, at_n = finite(score_pk, "proxy reward"), np.asarray(at, dtype=np.float64)
    if score_pk.ndim != 2 or not score_pk.size:
        raise DataError(f"proxy rewards of shape {score_pk.shape}: it must be (prompts, K), both at least 1")
    if at_n.ndim != 1 or not at_n.size or not (np.diff(at_n) > 0).all() or not 0 <= at_n[0] <= at_n[-1] < np.inf:
        raise DataError(f"optimised along {axis} = {list(at)}: give at least one place, rising, finite, none below 0")
    return score_pk, at_n
