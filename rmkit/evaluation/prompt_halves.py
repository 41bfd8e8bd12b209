"""Which test prompts measure reward models, and which are left for policies to answer.

One function for all notebooks of a world, so that a measure and a policy of any two of them are on the same halves.
Source: arXiv 2410.05584 uses one set of prompts for both; here what is measured never shares its luck with policies.
"""

import numpy as np

from rmkit.errors import DataError


def measuring_half(n_prompts: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """(P,) bool: the prompts that measure, a share of them drawn evenly, rounded. DataError if either side is empty.

    rng: the stream `prompts` of the world's seed, so that all seeds of a world have the same halves.
    """
    n_measuring = round(share * n_prompts)
    if not 0 < n_measuring < n_prompts:
        raise DataError(f"measuring_share: {share} of {n_prompts} test prompts leaves one side empty")
    return rng.permutation(n_prompts) < n_measuring


def with_an_order(gold_pk: np.ndarray, measuring_p: np.ndarray) -> np.ndarray:
    """(P,) bool: the measuring prompts whose gold rewards differ; on the others no response is better than another.

    DataError if there is none.
    """
    ordered_p = measuring_p & (np.ptp(gold_pk, axis=1) > 0)
    if not ordered_p.any():
        raise DataError(
            f"gold: all rewards of a prompt are equal, on each of the {measuring_p.sum()} prompts that measure; "
            "nothing can be measured on them"
        )
    return ordered_p
