"""What a policy's first step sees of a reward: its variance among a prompt's responses, and its covariance with gold.

Along the KL-regularised optimum, pi proportional to pi_0 exp(score / beta), gold grows at first as their covariance
under pi_0, divided by beta: correlation times both spreads. Where rewards vary little, policy gradients move slowly,
however accurate they are. Both depend on the reward's scale, and so on what divides it: `whitened` takes out a model's
own. Knows scores and gold rewards of K responses to each of P prompts; no text, no model. Source: Razin et al., NeurIPS
2025 (arXiv 2503.15477), reward variance and its whitening.
"""

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import finite
from rmkit.measures.ranking import checked


def covariance(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """(..., P) the covariance of score and gold among a prompt's K responses; 0 where one of them is constant.

    In units of both. Divided by K - 1: the K are samples of what the policy says. score_pk: (..., P, K), K at least 2;
    gold_pk: (P, K) or the scores' shape. DataError for other shapes or values that are not finite.
    """
    score_pk, gold_pk = (of - of.mean(axis=-1, keepdims=True) for of in checked(score_pk, gold_pk))
    return (score_pk * gold_pk).sum(axis=-1) / (score_pk.shape[-1] - 1)


def reward_variance(score_pk: np.ndarray) -> np.ndarray:
    """(..., P) the variance of the score among a prompt's K responses, divided by K - 1; errors as in `covariance`."""
    return covariance(score_pk, score_pk)


def whitened(score_pk: np.ndarray) -> np.ndarray:
    """(..., P, K) each model's scores with its mean taken off and divided by its s.d., both over all P x K responses.

    A constant model's are 0. DataError for fewer than two axes or values that are not finite.
    """
    score_pk = finite(score_pk, "score")
    if score_pk.ndim < 2 or not score_pk.size:
        raise DataError(f"scores {score_pk.shape}: they must be (prompts, K), with one or more of each")
    centred_pk = score_pk - score_pk.mean(axis=(-2, -1), keepdims=True)
    spread = score_pk.std(axis=(-2, -1), keepdims=True)
    constant = np.ptp(score_pk, axis=(-2, -1), keepdims=True) == 0
    return np.where(constant, 0.0, centred_pk / np.where(constant, 1.0, spread))
