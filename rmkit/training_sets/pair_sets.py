"""What S fits learn from: pairs, or scores, of responses as arrays with one row a fit, filled up where a fit has fewer.

Knows positions into a bank's R responses and weights; no embedding, no prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError


@dataclass(frozen=True, eq=False)
class PairSets:
    """S training sets of unequal sizes as one array: rows are filled up with pairs of weight 0.

    Checked when made, or DataError with the set.
    """

    chosen_sm: np.ndarray  # (S, M) int64 into R; where the weight is 0 the position is real but means nothing
    rejected_sm: np.ndarray  # (S, M) int64 into R
    weight_sm: np.ndarray  # (S, M) float32, 0 for padding
    # (S, M, 2) float32: the weights of the two rows that a pair makes, where a split by rows divides them. For a
    # classifier the rows are the chosen and the rejected response, for Bradley-Terry the pair and its mirror image.
    row_weight_sm2: np.ndarray | None = None

    def __post_init__(self) -> None:
        arrays = {"chosen_sm": np.int64, "rejected_sm": np.int64, "weight_sm": np.float32}
        for name, dtype in arrays.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.ndim != 2 or array.shape != self.chosen_sm.shape:
                wanted = f"{np.dtype(dtype)} of one shape (S, M)"
                raise DataError(f"{name}: is {array.dtype} of shape {array.shape}; it must be {wanted}")
        if not (np.isfinite(self.weight_sm) & (self.weight_sm >= 0)).all():
            raise DataError("weight_sm: holds a negative or infinite weight, or NaN; a weight is 0 or more")
        if (empty := self.sizes_s == 0).any():
            raise DataError(f"training set {int(np.argmax(empty))}: has no pairs; a set needs at least one")
        row_sm2 = self.row_weight_sm2
        if row_sm2 is not None and (row_sm2.dtype != np.float32 or row_sm2.shape != (*self.weight_sm.shape, 2)):
            found = f"{row_sm2.dtype} of shape {row_sm2.shape}"
            raise DataError(f"row_weight_sm2: is {found}; it must be float32 of shape {(*self.weight_sm.shape, 2)}")
        if row_sm2 is not None and not (row_sm2 >= 0).all():
            raise DataError("row_weight_sm2: holds a negative weight, or NaN; a row's weight is 0 or more")
        if row_sm2 is not None and not np.array_equal(row_sm2.mean(axis=2), self.weight_sm):
            raise DataError("row_weight_sm2: its mean over a pair's two rows must be weight_sm")

    @property
    def n_sets(self) -> int:
        return len(self.weight_sm)

    @property
    def rows_sm2(self) -> np.ndarray:
        """(S, M, 2) float32: the weights of the two rows that each pair makes; the pair's, where it is not divided."""
        if self.row_weight_sm2 is not None:
            return self.row_weight_sm2
        return np.repeat(self.weight_sm[:, :, None], 2, axis=2)

    @property
    def sizes_s(self) -> np.ndarray:
        """(S,) int64: the pairs in each set, padding not counted."""
        return np.count_nonzero(self.weight_sm, axis=1)

    def only(self, position_g: np.ndarray) -> "PairSets":
        """The sets at these G positions, in this order; a position may come again."""
        row_sm2 = None if self.row_weight_sm2 is None else self.row_weight_sm2[position_g]
        return PairSets(self.chosen_sm[position_g], self.rejected_sm[position_g], self.weight_sm[position_g], row_sm2)

    @classmethod
    def of_rows(cls, chosen_sm: np.ndarray, rejected_sm: np.ndarray, row_weight_sm2: np.ndarray) -> "PairSets":
        """Sets whose pairs are divided by rows: a pair's weight is the mean of its two rows'."""
        return cls(chosen_sm, rejected_sm, row_weight_sm2.mean(axis=2), row_weight_sm2)

    @classmethod
    def padded(cls, sets: Sequence[tuple[np.ndarray, np.ndarray]]) -> "PairSets":
        """S sets of (chosen_m, rejected_m) positions as one array, each pair of weight 1, or DataError."""
        if not sets:
            raise DataError("training sets: there are none; give at least one")
        for s, (chosen_m, rejected_m) in enumerate(sets):
            if len(chosen_m) != len(rejected_m) or len(chosen_m) == 0:
                counts = f"{len(chosen_m)} chosen and {len(rejected_m)} rejected"
                raise DataError(f"training set {s}: has {counts}; it needs as many of each, and at least one")
        shape = (len(sets), max(len(chosen_m) for chosen_m, _ in sets))
        chosen_sm, rejected_sm = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        weight_sm = np.zeros(shape, np.float32)
        for s, (chosen_m, rejected_m) in enumerate(sets):
            chosen_sm[s, : len(chosen_m)] = chosen_m
            rejected_sm[s, : len(rejected_m)] = rejected_m
            weight_sm[s, : len(chosen_m)] = 1
        return cls(chosen_sm=chosen_sm, rejected_sm=rejected_sm, weight_sm=weight_sm)


@dataclass(frozen=True, eq=False)
class ScoreSets:
    """S training sets of scored responses as one array: rows are filled up with responses of weight 0.

    Checked when made, or DataError with the set and the row.
    """

    position_sn: np.ndarray  # (S, N) int64 into R; where the weight is 0 the position is real but means nothing
    score_sn: np.ndarray  # (S, N) float64, finite where the weight is above 0; more is better
    weight_sn: np.ndarray  # (S, N) float32, 0 for padding

    def __post_init__(self) -> None:
        arrays = {"position_sn": np.int64, "score_sn": np.float64, "weight_sn": np.float32}
        for name, dtype in arrays.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.ndim != 2 or array.shape != self.position_sn.shape:
                wanted = f"{np.dtype(dtype)} of one shape (S, N)"
                raise DataError(f"{name}: is {array.dtype} of shape {array.shape}; it must be {wanted}")
        if not (np.isfinite(self.weight_sn) & (self.weight_sn >= 0)).all():
            raise DataError("weight_sn: holds a negative or infinite weight, or NaN; a weight is 0 or more")
        if (empty := (self.weight_sn > 0).sum(axis=1) == 0).any():
            raise DataError(f"training set {int(np.argmax(empty))}: has no scores; a set needs at least one")
        if len(bad := np.argwhere(~np.isfinite(self.score_sn) & (self.weight_sn > 0))):
            s, n = bad[0]
            raise DataError(f"score_sn, set {s}, row {n}: is {self.score_sn[s, n]}; a score must be a finite number")

    @property
    def n_sets(self) -> int:
        return len(self.weight_sn)
