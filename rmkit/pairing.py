"""Which pairs of responses annotators are asked about: two to one prompt, or one to each of two prompts.

A prompt's candidates are chosen by the ranks of gold: `random` (any two), `similar` (the two middle ones) and
`diversified` (the worst and the best). The last two need gold, which no practitioner has: they ask what would be best,
not how to get it. Knows ranks of gold and positions into a bank of P prompts with K responses each; labels nothing.

Prompts are gone through in random orders, each once before any is used again, so that the first m of n pairs are
themselves such a draw of m. Source: arXiv 2411.04991, section 4 and its released code, which takes the first n prompts
of the file and may pair a prompt with itself across prompts; here the order is random and the prompts are two.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from rmkit.errors import DataError


def all_ranks(n_responses: int) -> np.ndarray:
    """(C, 2): every two of K ranks."""
    return np.stack(np.triu_indices(n_responses, k=1), axis=1)


CHOICES: Mapping[str, Callable[[int], np.ndarray]] = {
    "random": all_ranks,
    "similar": lambda n_responses: np.array([[(n_responses - 2) // 2, (n_responses - 2) // 2 + 1]]),
    "diversified": lambda n_responses: np.array([[0, n_responses - 1]]),
}


def pairs_within_prompts(gold_pk: np.ndarray, n_pairs: int, choice: str, rng: np.random.Generator) -> np.ndarray:
    """(M, 2) int64 positions into the bank's R = P K responses, both of one prompt, in an order that says nothing.

    gold_pk: (P, K) gold rewards; equal ones are ranked at random. No pair comes twice: DataError for more than there
    are, for another choice, for fewer than two responses, or for gold that is not finite.
    """
    ranked_pk, candidate_c2 = ranked(gold_pk, rng), candidates(gold_pk, choice)
    n_prompts, n_candidates = len(ranked_pk), len(candidate_c2)
    if not 0 < n_pairs <= n_prompts * n_candidates:
        raise DataError(
            f"{n_pairs} pairs within prompts: {choice} has {n_candidates} for each of {n_prompts} prompts; ask for "
            f"1 to {n_prompts * n_candidates}"
        )
    own_pc = rng.permuted(np.tile(np.arange(n_candidates), (n_prompts, 1)), axis=1)
    prompt_m, pass_m = in_turn(n_prompts, n_pairs, rng)
    rank_m2 = candidate_c2[own_pc[prompt_m, pass_m]]
    return rng.permuted(ranked_pk[prompt_m[:, None], rank_m2], axis=1)


def pairs_across_prompts(gold_pk: np.ndarray, n_pairs: int, choice: str, rng: np.random.Generator) -> np.ndarray:
    """(M, 2) int64 positions into the bank's R = P K responses, of two prompts: one of each prompt's candidates.

    Every prompt is the anchor of equally many pairs, up to one; the other prompt is drawn evenly from the rest. Which
    of the two comes first is random. A pair may come twice. DataError as for pairs_within_prompts, and for one prompt.
    """
    ranked_pk, candidate_c2 = ranked(gold_pk, rng), candidates(gold_pk, choice)
    n_prompts = len(ranked_pk)
    if n_pairs < 1 or n_prompts < 2:
        raise DataError(f"{n_pairs} pairs across {n_prompts} prompts: it takes two prompts, and at least one pair")
    anchor_m, _ = in_turn(n_prompts, n_pairs, rng)
    other_m = (anchor_m + rng.integers(1, n_prompts, size=n_pairs)) % n_prompts
    rank_m2 = rng.choice(np.unique(candidate_c2), size=(n_pairs, 2))
    return rng.permuted(ranked_pk[np.stack([anchor_m, other_m], axis=1), rank_m2], axis=1)


POOLS = {"within_prompt": pairs_within_prompts, "cross_prompt": pairs_across_prompts}


def candidates(gold_pk: np.ndarray, choice: str) -> np.ndarray:
    """(C, 2) the ranks, ascending from 0, that a choice of CHOICES allows."""
    if choice not in CHOICES:
        raise DataError(f"choice: {choice!r} is not one of {', '.join(CHOICES)}")
    return CHOICES[choice](gold_pk.shape[1])


def ranked(gold_pk: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(P, K) int64 positions into R of each prompt's responses, by ascending gold; equal gold in random order."""
    gold_pk = np.asarray(gold_pk, dtype=np.float64)
    if gold_pk.ndim != 2 or gold_pk.shape[1] < 2 or not len(gold_pk):
        raise DataError(
            f"gold rewards: shape {gold_pk.shape}; it must be (prompts, K) with at least two responses each"
        )
    if len(bad := np.argwhere(~np.isfinite(gold_pk))):
        p, k = bad[0]
        raise DataError(f"gold rewards: prompt {p}, response {k} has {gold_pk[p, k]}; it must be a finite number")
    order_pk = np.lexsort((rng.random(gold_pk.shape), gold_pk), axis=1)
    return order_pk + gold_pk.shape[1] * np.arange(len(gold_pk))[:, None]


def in_turn(n_prompts: int, n_pairs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(M,) prompts, each pass over all of them in a new order, and (M,) which pass it is."""
    n_passes = -(-n_pairs // n_prompts)
    order = np.concatenate([rng.permutation(n_prompts) for _ in range(n_passes)])
    return order[:n_pairs], np.repeat(np.arange(n_passes), n_prompts)[:n_pairs]


def every_way(gold_pk: np.ndarray, n_pairs: int, rng: np.random.Generator) -> Iterator[tuple[str, str, np.ndarray]]:
    """(choice, pool, (M, 2) pairs) of every choice in every pool: n_pairs of each, or as many as a prompt's offer."""
    for choice in CHOICES:
        most = len(gold_pk) * len(candidates(gold_pk, choice))
        yield choice, "within_prompt", pairs_within_prompts(gold_pk, min(n_pairs, most), choice, rng)
        yield choice, "cross_prompt", pairs_across_prompts(gold_pk, n_pairs, choice, rng)
