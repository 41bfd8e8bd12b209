"""How good labels are as a matter of theory: for normal rewards, and for pairs across prompts against pairs within one.

The quality of labels is the mean of sigmoid(beta |gap|), the chance of a label with the gold order: 1 minus the error.
Knows numbers alone: no annotator, no label. Source: arXiv 2411.04991, the example on annotation quality (whose printed
numbers are those of a *difference* with the rewards' variance) and proposition 10, on unimodal symmetric rewards.

With s(t) = sigmoid(beta |t|), for any two distributions of reward, E s(X - Y) >= (E s(X - X') + E s(Y - Y')) / 2, where
X', Y' are independent copies: 2 - 2 s(t) = 1 - tanh(beta |t| / 2) is convex for t > 0 and falls to 0, so it is positive
definite (Polya 1949), and a squared maximum mean discrepancy is never negative (Gretton et al. 2012).
"""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.special import expit

from rmkit.errors import DataError


def quality_at_normal_gaps(beta: float, gap_sd: float) -> float:
    """The mean of sigmoid(beta |gap|) over differences that are normal about 0 with this standard deviation."""
    if np.isinf(beta):
        return 1.0
    sharpness = beta * gap_sd
    value, _ = quad(lambda z: expit(-sharpness * z) * np.exp(-z * z / 2) * np.sqrt(2 / np.pi), 0, np.inf)
    return 1.0 - float(value)


def quality_of_normal_rewards(beta: float, reward_sd: float) -> float:
    """The same for two independent normal rewards: their difference has sqrt(2) times their standard deviation."""
    return quality_at_normal_gaps(beta, np.sqrt(2) * reward_sd)


def quality_between(one_n: np.ndarray, other_n: np.ndarray, beta: float) -> float:
    """The mean of sigmoid(beta |x - y|) over every x of one and y of the other, x against itself included."""
    gap_nn = np.abs(np.subtract.outer(np.asarray(one_n, np.float64), np.asarray(other_n, np.float64)))
    quality_nn = np.where(gap_nn > 0, 1.0, 0.5) if np.isinf(beta) else expit(beta * gap_nn)
    return float(quality_nn.mean())


@dataclass(frozen=True)
class QualityByPool:
    """The mean label quality over every pair of responses, by whether they answer one prompt."""

    within: float  # every two different responses to one prompt: what annotators can be asked
    independent: float  # two independent draws from a prompt's K, so that 1 in K is against itself, a fair coin
    across: float  # every two responses to different prompts; never below `independent`


def quality_by_pool(gold_pk: np.ndarray, beta: float) -> QualityByPool:
    """Label quality within and across P prompts of K responses, over all pairs; gold in units of the scale.

    Takes (P K)^2 sigmoids. DataError for fewer than two prompts or responses, or gold that is not finite.
    """
    gold_pk = np.asarray(gold_pk, dtype=np.float64)
    if gold_pk.ndim != 2 or min(gold_pk.shape) < 2:
        raise DataError(f"gold rewards: shape {gold_pk.shape}; it must be (prompts, K) with at least two of each")
    if len(bad := np.argwhere(~np.isfinite(gold_pk))):
        p, k = bad[0]
        raise DataError(f"gold rewards: prompt {p}, response {k} has {gold_pk[p, k]}; it must be a finite number")
    n_prompts, n_responses = gold_pk.shape
    independent = np.mean([quality_between(own_k, own_k, beta) for own_k in gold_pk])
    everything = np.mean([quality_between(own_k, gold_pk.ravel(), beta) for own_k in gold_pk])
    return QualityByPool(
        within=float((n_responses * independent - 0.5) / (n_responses - 1)),
        independent=float(independent),
        across=float((n_prompts * everything - independent) / (n_prompts - 1)),
    )
