"""Which part of an order of labelled pairs validates: whole pairs, whole prompts, or single rows as in released code.

A pair makes two rows: a classifier learns from its chosen and its rejected response apart, the released Bradley-Terry
trainer from the pair and its mirror image. Where rows are split at random, four of five validation rows have their
mirror image, of exactly the same Bradley-Terry loss, in training: early stopping then watches the training loss. Knows
positions, prompt ids and an order of annotation; no embedding, no head. Source: the released code of arXiv 2411.04991
(mirrored rows); its paper does not say how it validates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rmkit.errors import DataError, one_of

ValidationSplit = Literal["pair", "prompt", "mirrored_row"]
TRAINS, VALIDATES, STRADDLES = 0, 1, -1

# The first so many pairs of an order as (count, 2) int8: for each pair's first and second, TRAINS, VALIDATES or
# STRADDLES. Both columns are equal where pairs are whole.
RowSides = Callable[[int], np.ndarray]


@dataclass(frozen=True, eq=False)
class AnnotationOrder:
    """M pairs in the order in which they are annotated; labels are not needed to divide them."""

    first_m: np.ndarray  # (M,) int64 positions into R
    second_m: np.ndarray  # (M,) int64 positions into R
    prompt_m2: np.ndarray | None = None  # (M, 2) int64, the prompts of first and second

    def __len__(self) -> int:
        return len(self.first_m)


def by_pair(order: AnnotationOrder, share: float, rng: np.random.Generator | None = None) -> RowSides:
    """Pairs spread evenly over the order, not drawn; all labels of a pair, also turned round, lie on one side."""
    pair_m2 = np.sort(np.stack([order.first_m, order.second_m], axis=1), axis=1)
    _, first_seen_u, which_m = np.unique(pair_m2, axis=0, return_index=True, return_inverse=True)
    rank_u = np.argsort(np.argsort(first_seen_u))  # of the distinct pairs, in the order in which they come
    even_u = np.diff(np.floor(np.arange(len(rank_u) + 1) * share + 1e-9)) > 0
    side_m = np.where(even_u[rank_u[which_m.ravel()]], VALIDATES, TRAINS).astype(np.int8)
    return lambda count: np.repeat(side_m[:count, None], 2, axis=1)


def by_prompt(order: AnnotationOrder, share: float, rng: np.random.Generator | None) -> RowSides:
    """Pairs whose prompts are both among a share of the prompts drawn; those with one prompt on each side straddle."""
    if order.prompt_m2 is None or rng is None:
        missing = "prompt_id_r" if order.prompt_m2 is None else "a generator"
        raise DataError(f"validation_split: prompt lacks {missing}; it draws from the prompts of the pairs")
    prompts = np.unique(order.prompt_m2)
    drawn = rng.permutation(prompts)[: round(share * len(prompts))]
    held_out_m2 = np.isin(order.prompt_m2, drawn)
    side_m = np.select([held_out_m2.all(axis=1), held_out_m2.any(axis=1)], [VALIDATES, STRADDLES], TRAINS)
    return lambda count: np.repeat(side_m[:count, None].astype(np.int8), 2, axis=1)


def by_mirrored_row(order: AnnotationOrder, share: float, rng: np.random.Generator | None) -> RowSides:
    """A share of the 2 x count rows, rounded up, at random: a pair's two rows may lie on different sides.

    Every row keeps one uniform number, and the smallest among the first `count` pairs validate. So each count has an
    even random split of its own rows that depends on no other count.
    """
    if rng is None:
        raise DataError("validation_split: mirrored_row lacks a generator; it splits rows at random")
    uniform_m2 = rng.random((len(order), 2))

    def sides(count: int) -> np.ndarray:
        order_r = np.argsort(uniform_m2[:count].ravel(), kind="stable")
        side_r = np.full(2 * count, TRAINS, dtype=np.int8)
        side_r[order_r[: int(np.ceil(share * 2 * count - 1e-9))]] = VALIDATES
        return side_r.reshape(count, 2)

    return sides


SPLITS: dict[str, Callable[[AnnotationOrder, float, np.random.Generator | None], RowSides]] = {
    "pair": by_pair,
    "prompt": by_prompt,
    "mirrored_row": by_mirrored_row,
}


def divide(
    split: ValidationSplit, order: AnnotationOrder, *, share: float, rng: np.random.Generator | None = None
) -> RowSides:
    """The sides of an order under one of SPLITS, or DataError for another name or for what the split lacks."""
    return SPLITS[one_of(split, SPLITS, "validation_split", DataError)](order, share, rng)


def check_both_sides(side_m2: np.ndarray, where: str) -> None:
    """DataError, beginning with `where`, unless some pair trains and some validates."""
    n_train, n_validate = (int((side_m2 == side).any(axis=1).sum()) for side in (TRAINS, VALIDATES))
    if not (n_train and n_validate):
        sizes = f"{n_train} to train and {n_validate} to validate"
        raise DataError(f"{where} leave {sizes} on; annotate more, or change validation_share")


@dataclass(frozen=True, eq=False)
class Rows:
    """The pairs of one set: positions, and which of their rows are in it."""

    chosen_m: np.ndarray  # (M,) int64 into R
    rejected_m: np.ndarray  # (M,) int64 into R
    held_m2: np.ndarray  # (M, 2) bool: the row of the chosen and of the rejected response; one of them at least
    weight_m: np.ndarray | None = None  # (M,) float64 above 0, of the pairs; None: 1 each


def rows_on(
    side: int, side_m2: np.ndarray, order: AnnotationOrder, label_m: np.ndarray, weight_m: np.ndarray | None = None
) -> Rows:
    """The pairs with a row on a side. A row goes with its response: labels turn round which one is the chosen's.

    label_m, weight_m: of the order's pairs, of which side_m2 has the first ones.
    """
    here_m2 = side_m2 == side
    m = np.flatnonzero(here_m2.any(axis=1))
    first_wins_m = label_m[m] == 1
    first_m, second_m = order.first_m[m], order.second_m[m]
    return Rows(
        chosen_m=np.where(first_wins_m, first_m, second_m),
        rejected_m=np.where(first_wins_m, second_m, first_m),
        held_m2=np.where(first_wins_m[:, None], here_m2[m], here_m2[m][:, ::-1]),
        weight_m=None if weight_m is None else weight_m[m],
    )


def padded(sets: Sequence[Rows]) -> dict[str, Any]:
    """S sets as the arrays of PairSets, by name; the rows' weights only where a pair is divided."""
    shape = (len(sets), max(len(rows.chosen_m) for rows in sets))
    chosen_sm, rejected_sm = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    row_sm2 = np.zeros((*shape, 2), np.float32)
    for s, rows in enumerate(sets):
        n_pairs = len(rows.chosen_m)
        chosen_sm[s, :n_pairs], rejected_sm[s, :n_pairs] = rows.chosen_m, rows.rejected_m
        row_sm2[s, :n_pairs] = rows.held_m2 if rows.weight_m is None else rows.held_m2 * rows.weight_m[:, None]
    arrays = {"chosen_sm": chosen_sm, "rejected_sm": rejected_sm, "weight_sm": row_sm2.mean(axis=2)}
    return arrays if all(rows.held_m2.all() for rows in sets) else arrays | {"row_weight_sm2": row_sm2}
