"""What optimising a reward model came to, beside optimising gold in the same way and not optimising at all.

Regret and the normalised drop ratio are in stored_responses.py; here is the drop ratio's complement, more is better,
and what the KL-regularised objective itself loses. Anchors are ratios of means over prompts, never means of ratios. For
one gold and one way to optimise, recovered gain is mean gold on another scale, the same for every reward model: so
correlations over reward models are those of mean gold. Knows values and policies as arrays. Source: arXiv 2410.05584.
"""

import numpy as np

from rmkit.policies.stored_responses import Drop, kl, normalised_drop_ratio, value


def recovered_gain(policy_value_p: np.ndarray, gold_value_p: np.ndarray, base_value_p: np.ndarray) -> Drop:
    """1 - `normalised_drop_ratio`: [J(policy) - J(base)] / [J(gold's policy) - J(base)] from (P,) values.

    1: as good as optimising gold; 0: no better than the base. Undefined, for the same reasons, where the ratio is.
    """
    drop = normalised_drop_ratio(policy_value_p, gold_value_p, base_value_p)
    return Drop(1 - drop.value, drop.reason)


def regularised_value(
    policy_pk: np.ndarray, gold_pk: np.ndarray, beta: float, base_pk: np.ndarray | None = None
) -> np.ndarray:
    """(..., P) E[gold] - beta KL(policy || base), what reinforcement learning with a KL penalty optimises.

    The optimum of gold, `kl_optimum(gold_pk, beta, base_pk)`, exceeds every policy in it by beta KL(policy || optimum).
    beta: in the unit of gold. base_pk: as in stored_responses.py; None is even.
    """
    return value(policy_pk, gold_pk) - beta * kl(policy_pk, base_pk)
