"""Candidate pairs of a round of active labelling: which pairs may be asked about, before any strategy chooses.

A round draws some prompts, and pairs of responses to them at random, each at most once: both of one prompt
(`within_prompt`) or of two (`cross_prompt`). Pairs are numbered, numbers are drawn, and a number tells its pair: the
millions of pairs of a few thousand responses are never listed. Knows positions into a bank of P prompts with K
responses each; no text, no reward. Source: arXiv 2502.04354, Algorithm 1, whose released code lists all pairs of the
round's responses and calls them cross-prompt; here cross-prompt pairs have two prompts.
"""

from collections.abc import Callable, Mapping

import numpy as np

from rmkit.errors import DataError, one_of

Unrank = Callable[[np.ndarray, int], np.ndarray]  # (numbers_m, K) -> (M, 2) positions into the round's Q K responses


def within_prompt(number_m: np.ndarray, n_responses: int) -> np.ndarray:
    """(M, 2): pair `number` of the round's Q C(K, 2) pairs of one prompt; first < second."""
    prompt_m, pair_m = np.divmod(number_m, n_responses * (n_responses - 1) // 2)
    return two_of(pair_m) + n_responses * prompt_m[:, None]


def cross_prompt(number_m: np.ndarray, n_responses: int) -> np.ndarray:
    """(M, 2): pair `number` of the round's C(Q, 2) K^2 pairs of two prompts; first < second."""
    prompts_m, rest_m = np.divmod(number_m, n_responses**2)
    return n_responses * two_of(prompts_m) + np.stack(np.divmod(rest_m, n_responses), axis=1)


# Name -> how many pairs there are for Q prompts and K responses, and which pair a number is.
POOLS: Mapping[str, tuple[Callable[[int, int], int], Unrank]] = {
    "within_prompt": (lambda n_prompts, k: n_prompts * k * (k - 1) // 2, within_prompt),
    "cross_prompt": (lambda n_prompts, k: n_prompts * (n_prompts - 1) // 2 * k * k, cross_prompt),
}


def draw_pool(
    pool: str, shape: tuple[int, int], n_prompts: int, n_candidates: int, rng: np.random.Generator
) -> np.ndarray:
    """(M, 2) int64 positions into the bank's R = P K responses, first < second, no pair twice, in random order.

    shape: (P, K). n_prompts of the P are drawn, then n_candidates of their pairs, or all of them if there are fewer.
    DataError for more prompts than there are, or for prompts that give no pair.
    """
    count, unrank = POOLS[one_of(pool, POOLS, "pool")]
    n_all, n_responses = shape
    if not 1 <= n_prompts <= n_all or n_candidates < 1:
        raise DataError(
            f"pool of {n_candidates} {pool} pairs of {n_prompts} prompts: the bank has {n_all} prompts; ask for at "
            "least one pair, and for no more prompts than there are"
        )
    n_pairs = count(n_prompts, n_responses)
    if not n_pairs:
        raise DataError(f"pool: {n_prompts} prompts with {n_responses} responses have no {pool} pair; use more")
    prompt_q = np.sort(rng.choice(n_all, size=n_prompts, replace=False))
    pair_m2 = unrank(rng.choice(n_pairs, size=min(n_candidates, n_pairs), replace=False), n_responses)
    prompt_m2, response_m2 = np.divmod(pair_m2, n_responses)
    return (prompt_q[prompt_m2] * n_responses + response_m2).astype(np.int64)


def two_of(number_m: np.ndarray) -> np.ndarray:
    """(M, 2) ints first < second: the pair of a number when pairs are counted (0,1), (0,2), (1,2), (0,3), ...

    Second is the largest s with s (s - 1) / 2 <= number; the square root may be off by one, which is put right.
    """
    number_m = np.asarray(number_m, dtype=np.int64)
    second_m = ((1 + np.sqrt(1 + 8 * number_m.astype(np.float64))) // 2).astype(np.int64)
    second_m -= second_m * (second_m - 1) // 2 > number_m
    second_m += second_m * (second_m + 1) // 2 <= number_m
    return np.stack([number_m - second_m * (second_m - 1) // 2, second_m], axis=1)


def not_among(pair_m2: np.ndarray, other_m2: np.ndarray) -> np.ndarray:
    """(M,) bool: the pairs that are not in the other list. Both first < second."""
    width = 1 + max(int(pairs.max(initial=0)) for pairs in (pair_m2, other_m2))
    return ~np.isin(pair_m2 @ (width, 1), other_m2 @ (width, 1))
