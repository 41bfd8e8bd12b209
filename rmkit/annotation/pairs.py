"""Which pairs of responses annotators are asked about: two to one prompt, or one to each of two prompts.

A prompt's candidates are chosen by the ranks of gold: `random` (any two), `similar` (the two middle ones) and
`diversified` (the worst and the best). The last two need gold, which no practitioner has: they ask what would be best,
not how to get it. Knows ranks of gold and positions into a bank of P prompts with K responses each; labels nothing.

Prompts are gone through in random orders, each once before any is used again, so that the first m of n pairs are
themselves such a draw of m. Source: arXiv 2411.04991, section 4 and its released code, which takes the first n prompts
of the file (`prompt_order` "file", with n prompts in the LabelBudget) and may pair a prompt, even a response, with
itself across prompts; here the prompts are always two.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError, one_of


def all_ranks(n_responses: int) -> np.ndarray:
    """(C, 2): every two of K ranks."""
    return np.stack(np.triu_indices(n_responses, k=1), axis=1)


CHOICES: Mapping[str, Callable[[int], np.ndarray]] = {
    "random": all_ranks,
    "similar": lambda n_responses: np.array([[(n_responses - 2) // 2, (n_responses - 2) // 2 + 1]]),
    "diversified": lambda n_responses: np.array([[0, n_responses - 1]]),
}


PROMPT_ORDERS: Mapping[str, str] = {
    "random": "each pass over the prompts in a new random order",
    "file": "every pass in the order of the bank",
}


def pairs_within_prompts(
    gold_pk: np.ndarray, n_pairs: int, choice: str, rng: np.random.Generator, *, prompt_order: str = "random"
) -> np.ndarray:
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
    prompt_m, pass_m = in_turn(n_prompts, n_pairs, rng, prompt_order)
    rank_m2 = candidate_c2[own_pc[prompt_m, pass_m]]
    return rng.permuted(ranked_pk[prompt_m[:, None], rank_m2], axis=1)


def pairs_across_prompts(
    gold_pk: np.ndarray, n_pairs: int, choice: str, rng: np.random.Generator, *, prompt_order: str = "random"
) -> np.ndarray:
    """(M, 2) int64 positions into the bank's R = P K responses, of two prompts: one of each prompt's candidates.

    Every prompt is the anchor of equally many pairs, up to one; the other prompt is drawn evenly from the rest. Which
    of the two comes first is random. A pair may come twice. DataError as for pairs_within_prompts, and for one prompt.
    """
    ranked_pk, candidate_c2 = ranked(gold_pk, rng), candidates(gold_pk, choice)
    n_prompts = len(ranked_pk)
    if n_pairs < 1 or n_prompts < 2:
        raise DataError(f"{n_pairs} pairs across {n_prompts} prompts: it takes two prompts, and at least one pair")
    anchor_m, _ = in_turn(n_prompts, n_pairs, rng, prompt_order)
    other_m = (anchor_m + rng.integers(1, n_prompts, size=n_pairs)) % n_prompts
    rank_m2 = rng.choice(np.unique(candidate_c2), size=(n_pairs, 2))
    return rng.permuted(ranked_pk[np.stack([anchor_m, other_m], axis=1), rank_m2], axis=1)


POOLS = {"within_prompt": pairs_within_prompts, "cross_prompt": pairs_across_prompts}


@dataclass(frozen=True)
class LabelBudget:
    """How a budget of labels is spread: over which prompts, and how many labels a pair gets. DataError if amiss."""

    n_prompts: int | None = None  # prompts that are annotated at all; None: every one
    labels_per_pair: int = 1  # labels of one pair come one after another, each an annotator's own
    prompt_order: str = "random"  # one of PROMPT_ORDERS; with "file", n_prompts are the first ones

    def __post_init__(self) -> None:
        if self.labels_per_pair < 1 or (self.n_prompts is not None and self.n_prompts < 1):
            found = f"n_prompts={self.n_prompts}, labels_per_pair={self.labels_per_pair}"
            raise DataError(f"label budget: {found}; each is at least 1")
        one_of(self.prompt_order, PROMPT_ORDERS, "label budget: prompt_order", DataError)

    def pairs(self, gold_pk: np.ndarray, n_labels: int, choice: str, pool: str, rng: np.random.Generator) -> np.ndarray:
        """(n_labels, 2) int64 positions into R = P K, a row a label; the defaults draw as the pool of POOLS does."""
        gold_pk = checked(gold_pk)
        prompt_a = self.annotated(len(gold_pk), rng)
        n_pairs, n_responses = -(-n_labels // self.labels_per_pair), gold_pk.shape[1]
        pair_m2 = POOLS[pool](gold_pk[prompt_a], n_pairs, choice, rng, prompt_order=self.prompt_order)
        pair_m2 = prompt_a[pair_m2 // n_responses] * n_responses + pair_m2 % n_responses
        return np.repeat(pair_m2, self.labels_per_pair, axis=0)[:n_labels]

    def annotated(self, n_prompts: int, rng: np.random.Generator) -> np.ndarray:
        """int64 prompts that annotators see, ascending."""
        wanted = n_prompts if self.n_prompts is None else self.n_prompts
        if wanted > n_prompts:
            raise DataError(f"label budget: n_prompts={wanted}, and there are {n_prompts} prompts")
        if self.n_prompts is None or self.prompt_order == "file":
            return np.arange(wanted)
        return np.sort(rng.choice(n_prompts, size=wanted, replace=False))

    def most(self, gold_pk: np.ndarray, choice: str) -> int:
        """The most labels that pairs within prompts have room for."""
        n_prompts = len(gold_pk) if self.n_prompts is None else self.n_prompts
        return n_prompts * len(candidates(gold_pk, choice)) * self.labels_per_pair


def candidates(gold_pk: np.ndarray, choice: str) -> np.ndarray:
    """(C, 2) the ranks, ascending from 0, that a choice of CHOICES allows."""
    return CHOICES[one_of(choice, CHOICES, "choice", DataError)](gold_pk.shape[1])


def checked(gold_pk: np.ndarray) -> np.ndarray:
    """(P, K) float64 gold, finite, of two responses or more a prompt, or DataError."""
    gold_pk = np.asarray(gold_pk, dtype=np.float64)
    if gold_pk.ndim != 2 or gold_pk.shape[1] < 2 or not len(gold_pk):
        raise DataError(
            f"gold rewards: shape {gold_pk.shape}; it must be (prompts, K) with at least two responses each"
        )
    if len(bad := np.argwhere(~np.isfinite(gold_pk))):
        p, k = bad[0]
        raise DataError(f"gold rewards: prompt {p}, response {k} has {gold_pk[p, k]}; it must be a finite number")
    return gold_pk


def ranked(gold_pk: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(P, K) int64 positions into R of each prompt's responses, by ascending gold; equal gold in random order."""
    gold_pk = checked(gold_pk)
    order_pk = np.lexsort((rng.random(gold_pk.shape), gold_pk), axis=1)
    return order_pk + gold_pk.shape[1] * np.arange(len(gold_pk))[:, None]


def in_turn(
    n_prompts: int, n_pairs: int, rng: np.random.Generator, prompt_order: str = "random"
) -> tuple[np.ndarray, np.ndarray]:
    """(M,) prompts, each pass over all of them in a new order (or in the file's), and (M,) which pass it is."""
    n_passes = -(-n_pairs // n_prompts)
    order_lp = np.tile(np.arange(n_prompts), (n_passes, 1))
    if prompt_order == "random":
        order_lp = rng.permuted(order_lp, axis=1)
    return order_lp.ravel()[:n_pairs], np.repeat(np.arange(n_passes), n_prompts)[:n_pairs]


def every_way(
    gold_pk: np.ndarray, n_pairs: int, rng: np.random.Generator, budget: LabelBudget | None = None
) -> Iterator[tuple[str, str, np.ndarray]]:
    """(choice, pool, (M, 2) pairs) of every choice in every pool: n_pairs of each, or as many as a prompt's offer."""
    budget = budget or LabelBudget()
    for choice in CHOICES:
        for pool in POOLS:
            n_labels = min(n_pairs, budget.most(gold_pk, choice)) if pool == "within_prompt" else n_pairs
            yield choice, pool, budget.pairs(gold_pk, n_labels, choice, pool, rng)
