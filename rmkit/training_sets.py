"""Which labelled pairs each fit learns from: every level of noise times every number of annotations.

Pairs come in the order in which they are annotated, so that a smaller number is the beginning of a larger one. The
validation split is by pair: both rows that a classifier makes of a pair, and every repetition of it, lie on one side.
(The released code of arXiv 2411.04991 mirrors each pair and splits the rows at random; four of five validation rows
then have their mirror image, with the same loss, in training, and early stopping watches the training loss.) Knows
labelled pairs; no embedding, no head.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rmkit.comparisons import Comparisons, PairSets
from rmkit.errors import DataError


@dataclass(frozen=True, eq=False)
class TrainingSets:
    """What each of S fits learns from."""

    fits: pd.DataFrame  # S rows: the columns of `by` (beta), annotations
    train: PairSets
    validation: PairSets  # they choose a penalty or when to stop; they count as annotations

    @property
    def streams(self) -> list[str]:
        """S names of random streams: levels of noise share theirs, so that they differ in labels alone."""
        others = [column for column in self.fits if column != "beta"]
        return [" ".join(map(str, row)) for row in self.fits[others].itertuples(index=False)]


def training_sets(
    comparisons: Comparisons, *, annotations: Sequence[int], validation_share: float, by: Sequence[str] = ("beta",)
) -> TrainingSets:
    """One set for each group of comparisons (of equal beta, say) and each number of annotations.

    by: columns of the comparisons; within a group they come in the order of annotation. DataError if there are no
    comparisons, if a count is more than a group has, or if it leaves no pair to train or validate.
    """
    if not len(comparisons):
        raise DataError("comparisons: there are none; a reward model needs labelled pairs to learn from")
    fits: list[dict[str, object]] = []
    train: list[tuple[np.ndarray, np.ndarray]] = []
    validation: list[tuple[np.ndarray, np.ndarray]] = []
    for values, group in comparisons.table.groupby(list(by), sort=False):
        named = dict(zip(by, values, strict=True))
        level = Comparisons(group.reset_index(drop=True))
        validates_m = validating(level, validation_share)
        for position, count in enumerate(annotations):
            where = f"annotations[{position}]: {count} annotations at {', '.join(f'{k} {v}' for k, v in named.items())}"
            if not 1 <= count <= len(level):
                raise DataError(f"{where}, and there are {len(level)} labelled pairs")
            here_m = validates_m[:count]
            if here_m.all() or not here_m.any():
                sizes = f"{count - here_m.sum()} to train and {here_m.sum()} to validate"
                raise DataError(f"{where} leave {sizes} on; annotate more, or change validation_share")
            fits.append(named | {"annotations": count})
            for sets, side_m in ((train, ~here_m), (validation, here_m)):
                sets.append((level.chosen_m[:count][side_m], level.rejected_m[:count][side_m]))
    return TrainingSets(pd.DataFrame(fits), PairSets.padded(train), PairSets.padded(validation))


def validating(comparisons: Comparisons, share: float) -> np.ndarray:
    """(M,) bool: the share of pairs that validate, spread evenly; a pair that came before stays on its side."""
    even_m = np.diff(np.floor(np.arange(len(comparisons) + 1) * share + 1e-9)) > 0
    pair_m2 = np.sort(np.stack([comparisons.first_m, comparisons.second_m], axis=1), axis=1)
    _, first_seen, again_m = np.unique(pair_m2, axis=0, return_index=True, return_inverse=True)
    return even_m[first_seen[again_m.ravel()]]
