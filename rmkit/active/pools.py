"""Candidate pairs of a round of active labelling: which pairs may be asked about, before any strategy chooses.

A round draws some prompts, and pairs of a pool of responses to them at random, each at most once: numbers are drawn,
and a number tells its pair (annotation/pools.py). Knows positions into a bank of P prompts with K responses each; no
text, no reward. Source: arXiv 2502.04354, Algorithm 1, whose released code lists all pairs of the round's responses and
calls them cross-prompt; here cross-prompt pairs have two prompts.
"""

import numpy as np

from rmkit.active.pools_of_rules import parts_of
from rmkit.annotation.pools import POOLS, check_prompts
from rmkit.errors import DataError


def draw_pool(
    pool: str,
    shape: tuple[int, int],
    n_prompts: int,
    n_candidates: int,
    rng: np.random.Generator,
    *,
    cross_share: float = 0.5,
) -> np.ndarray:
    """(M, 2) int64 positions into the bank's R = P K responses, first < second, no pair twice, in random order.

    shape: (P, K). n_prompts of the P are drawn, then n_candidates of their pairs, or all of them if there are fewer. Of
    a mixed pool, `cross_share` of the candidates have two prompts. DataError for another pool, for more prompts than
    there are or fewer than a pair has, or if there is no pair.
    """
    n_all, n_responses = shape
    parts = parts_of(pool, n_candidates, cross_share)
    for part, wanted in parts.items():
        if wanted:
            check_prompts(part, n_prompts, n_all, "n_prompts")
    n_pairs = {part: POOLS[part].n_pairs(n_prompts, n_responses) for part in parts}
    if n_candidates < 1 or not any(n_pairs[part] for part, wanted in parts.items() if wanted):
        raise DataError(
            f"n_candidates: {n_candidates} of {sum(n_pairs.values())} {pool} pairs; there must be one at least"
        )
    prompt_q = np.sort(rng.choice(n_all, size=n_prompts, replace=False))
    pair_m2 = np.concatenate(
        [
            POOLS[part].pair(rng.choice(n_pairs[part], size=min(wanted, n_pairs[part]), replace=False), n_responses)
            for part, wanted in parts.items()
        ]
    )
    if len(parts) > 1:
        pair_m2 = rng.permutation(pair_m2)
    prompt_m2, response_m2 = np.divmod(pair_m2, n_responses)
    return (prompt_q[prompt_m2] * n_responses + response_m2).astype(np.int64)


def not_among(pair_m2: np.ndarray, other_m2: np.ndarray) -> np.ndarray:
    """(M,) bool: the pairs that are not in the other list. Both first < second."""
    width = 1 + max(int(pairs.max(initial=0)) for pairs in (pair_m2, other_m2))
    return ~np.isin(pair_m2 @ (width, 1), other_m2 @ (width, 1))
