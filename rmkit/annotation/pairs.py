"""Which pairs of responses annotators are asked about: drawn from a pool, by a choice of ranks of gold (pools.py).

Knows gold, ranks of it and positions into a bank of P prompts with K responses each; labels nothing.

Prompts are gone through in random orders, each once before any is used again, so that the first m of n pairs are
themselves such a draw of m. Source: arXiv 2411.04991, section 4 and its released code, which takes the first n prompts
of the file (`prompt_order` "file", with n prompts in the LabelBudget) and may pair a prompt, even a response, with
itself across prompts; here the prompts are always two.
"""

from collections.abc import Iterator

import numpy as np

from rmkit.annotation.label_budget import EVERYWHERE, LabelBudget
from rmkit.annotation.pools import CHOICES, POOLS, check_draw, offered
from rmkit.errors import DataError


def pairs_within_prompts(
    gold_pk: np.ndarray, n_pairs: int, choice: str, rng: np.random.Generator, *, prompt_order: str = "random"
) -> np.ndarray:
    """(M, 2) int64 positions into the bank's R = P K responses, both of one prompt, in an order that says nothing.

    gold_pk: (P, K) gold rewards; equal ones are ranked at random. No pair comes twice: DataError for more than there
    are, for another choice, for fewer than two responses, or for gold that is not finite.
    """
    ranked_pk = ranked(gold_pk, rng)
    (n_prompts, n_responses), candidate_c2 = ranked_pk.shape, candidates(gold_pk, choice)
    check_draw("within_prompt", n_pairs, n_prompts, n_responses, choice, "n_pairs")
    n_candidates = len(candidate_c2)
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
    ranked_pk = ranked(gold_pk, rng)
    (n_prompts, n_responses), candidate_c2 = ranked_pk.shape, candidates(gold_pk, choice)
    check_draw("cross_prompt", n_pairs, n_prompts, n_responses, choice, "n_pairs")
    anchor_m, _ = in_turn(n_prompts, n_pairs, rng, prompt_order)
    other_m = (anchor_m + rng.integers(1, n_prompts, size=n_pairs)) % n_prompts
    rank_m2 = rng.choice(np.unique(candidate_c2), size=(n_pairs, 2))
    return rng.permuted(ranked_pk[np.stack([anchor_m, other_m], axis=1), rank_m2], axis=1)


DRAWS = {"within_prompt": pairs_within_prompts, "cross_prompt": pairs_across_prompts}  # by the names of POOLS


def pairs_to_label(
    gold_pk: np.ndarray,
    n_labels: int,
    choice: str,
    pool: str,
    rng: np.random.Generator,
    budget: LabelBudget = EVERYWHERE,
) -> np.ndarray:
    """(n_labels, 2) int64 positions into R = P K, a row a label, as the budget spreads them; by default a row a pair.

    DataError for a pool that POOLS has not, for what the budget's `check` refuses, and as for `pairs_within_prompts`.
    """
    gold_pk = checked(gold_pk)
    n_prompts, n_responses = gold_pk.shape
    budget.check(n_labels, n_prompts, n_responses, choice, pool)
    prompt_a = annotated(budget, n_prompts, rng)
    draw = DRAWS[pool]
    pair_m2 = draw(gold_pk[prompt_a], budget.pairs_of(n_labels), choice, rng, prompt_order=budget.prompt_order)
    pair_m2 = prompt_a[pair_m2 // n_responses] * n_responses + pair_m2 % n_responses
    return np.repeat(pair_m2, budget.labels_per_pair, axis=0)[:n_labels]


def annotated(budget: LabelBudget, n_prompts: int, rng: np.random.Generator) -> np.ndarray:
    """int64 prompts that annotators see, ascending; nothing is drawn where the budget leaves no choice."""
    wanted = budget.prompts_of(n_prompts)
    if budget.n_annotated_prompts is None or budget.prompt_order == "file":
        return np.arange(wanted)
    return np.sort(rng.choice(n_prompts, size=wanted, replace=False))


def candidates(gold_pk: np.ndarray, choice: str) -> np.ndarray:
    """(C, 2) the ranks, ascending from 0, that a choice of CHOICES offers."""
    return np.array(offered(choice, gold_pk.shape[1]))


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
    gold_pk: np.ndarray, n_pairs: int, rng: np.random.Generator, budget: LabelBudget = EVERYWHERE
) -> Iterator[tuple[str, str, np.ndarray]]:
    """(choice, pool, (M, 2) pairs) of every choice in every pool: n_pairs of each, or as many as a prompt's offer."""
    n_prompts, n_responses = gold_pk.shape
    for choice in CHOICES:
        for pool in POOLS:
            most = budget.most(n_prompts, n_responses, choice) if pool == "within_prompt" else n_pairs
            yield choice, pool, pairs_to_label(gold_pk, min(n_pairs, most), choice, pool, rng, budget)
