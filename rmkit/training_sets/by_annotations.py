"""Which labelled pairs each fit learns from: every level of noise times every number of annotations.

Pairs come in the order in which they are annotated, so that a smaller number is the beginning of a larger one. What
validates is one of three splits (validation_splits.py): by pair, which is the default, by prompt, or by mirrored rows
as the released code of arXiv 2411.04991 does. Knows labelled pairs; no embedding, no head.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.training_sets.pair_sets import PairSets
from rmkit.training_sets.validation_splits import (
    STRADDLES,
    TRAINS,
    VALIDATES,
    AnnotationOrder,
    Rows,
    RowSides,
    ValidationSplit,
    check_both_sides,
    divide,
    padded,
    rows_on,
)

# Columns of fits whose values share their random streams.
SHARE_STREAMS = ("beta", "flip", "length_bias", "kept_dimensions", "validation")


@dataclass(frozen=True, eq=False)
class TrainingSets:
    """What each of S fits learns from."""

    fits: pd.DataFrame  # S rows: the columns of `by` (beta), annotations, validation (the split's name)
    train: PairSets
    validation: PairSets  # they choose a penalty or when to stop; they count as annotations
    straddling: int  # pairs that lie half in training, half in validation prompts: dropped, over all S fits

    @property
    def streams(self) -> list[str]:
        """S names of random streams: levels of noise, biases and splits share theirs: they differ in nothing else."""
        others = [column for column in self.fits if column not in SHARE_STREAMS]
        return [" ".join(map(str, row)) for row in self.fits[others].itertuples(index=False)]

    def for_each(self, column: str, values: Sequence[object]) -> "TrainingSets":
        """All sets again for each value, value after value, which the fits have in this column."""
        again_f = np.tile(np.arange(len(self.fits)), len(values))
        fits = pd.concat([self.fits.assign(**{column: value}) for value in values], ignore_index=True)
        train, validation = (one if len(values) == 1 else one.only(again_f) for one in (self.train, self.validation))
        return TrainingSets(fits, train, validation, self.straddling * len(values))


def training_sets(
    comparisons: Comparisons,
    *,
    annotations: Sequence[int],
    validation_share: float,
    by: Sequence[str] = ("beta",),
    validation_split: ValidationSplit = "pair",
    prompt_id_r: np.ndarray | None = None,
    rng_of: Callable[[str], np.random.Generator] | None = None,
) -> TrainingSets:
    """One set for each group of comparisons (of equal beta, say) and each number of annotations.

    by: columns of the comparisons; within a group they come in the order of annotation. prompt_id_r: (R,) the bank's,
    which the split by prompt needs. rng_of: the generator of a name, always the same one (`job.rng`), which the splits
    by prompt and by mirrored row need; levels of noise share its draws. A comparison's `weight` is its weight in the
    sets. DataError if there are no comparisons, if a count is more than a group has, or if it leaves no pair to train
    or validate.
    """
    if not len(comparisons):
        raise DataError("comparisons: there are none; a reward model needs labelled pairs to learn from")

    def orders() -> Iterator[LabelledOrder]:
        for values, group in comparisons.table.groupby(list(by), sort=False):
            named = dict(zip(by, values, strict=True))
            level = Comparisons(group.reset_index(drop=True))
            prompt_m2 = None if prompt_id_r is None else level.prompts(prompt_id_r)
            order = AnnotationOrder(level.first_m, level.second_m, prompt_m2)
            stream = " ".join(
                ["validation", *(str(value) for column, value in named.items() if column not in SHARE_STREAMS)]
            )
            sides = divide(validation_split, order, share=validation_share, rng=rng_of(stream) if rng_of else None)
            where = f"at {', '.join(f'{column} {value}' for column, value in named.items())}"
            yield LabelledOrder(named, where, order, level.label_m, sides, level.weight_m)

    return sets_of_orders(orders(), annotations, validation_split)


def all_pairs(
    comparisons: Comparisons,
    prompt_id_r: np.ndarray,
    *,
    validation_share: float,
    validation_split: ValidationSplit,
    rng: np.random.Generator,
) -> TrainingSets:
    """One set of all pairs, in an order that is drawn; `fits` has annotations and validation. DataError as above."""
    order_m = rng.permutation(len(comparisons))
    order = AnnotationOrder(
        comparisons.first_m[order_m], comparisons.second_m[order_m], comparisons.prompts(prompt_id_r)[order_m]
    )
    sides = divide(validation_split, order, share=validation_share, rng=rng)
    weight_m = None if comparisons.weight_m is None else comparisons.weight_m[order_m]
    every = LabelledOrder({}, "of all pairs", order, comparisons.label_m[order_m], sides, weight_m)
    return sets_of_orders([every], [len(comparisons)], validation_split)


@dataclass(frozen=True, eq=False)
class LabelledOrder:
    """M labelled pairs in the order in which they are annotated; fewer annotations are a beginning of them."""

    named: Mapping[str, object]  # what tells it from other orders, columns of the fits
    where: str  # the same in words, for errors
    order: AnnotationOrder
    label_m: np.ndarray  # (M,) 1 where the first is preferred
    sides: RowSides  # which rows of its first pairs train, and which validate
    weight_m: np.ndarray | None = None  # (M,) float64 above 0, how much each pair counts; None: all alike


def sets_of_orders(
    orders: Iterable[LabelledOrder], annotations: Sequence[int], validation_split: ValidationSplit
) -> TrainingSets:
    """One set for each order and number of annotations, order after order; DataError as for `training_sets`."""
    fits: list[dict[str, object]] = []
    sets: dict[int, list[Rows]] = {TRAINS: [], VALIDATES: []}
    straddling = 0
    for one in orders:
        for position, count in enumerate(annotations):
            where = f"annotations[{position}]: {count} annotations {one.where}"
            if not 1 <= count <= len(one.order):
                raise DataError(f"{where}, and there are {len(one.order)} labelled pairs")
            side_m2 = one.sides(count)
            check_both_sides(side_m2, where)
            straddling += int((side_m2[:, 0] == STRADDLES).sum())
            fits.append({**one.named, "annotations": count, "validation": validation_split})
            for side, members in sets.items():
                members.append(rows_on(side, side_m2, one.order, one.label_m, one.weight_m))
    train, validation = (PairSets(**padded(members)) for members in sets.values())
    return TrainingSets(pd.DataFrame(fits), train, validation, straddling)
