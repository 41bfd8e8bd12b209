"""How good labels are to be expected, from the chances of what is said of each pair; and how good they turned out.

Knows chances, labels and differences in gold: no annotator, no text. A pair that is called equal and dropped has no
label: every expected figure is the expected count over the expected number of labels.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError

NO_GAP, NO_LABEL = "no pair has unequal gold rewards", "every pair is called equal and dropped"


@dataclass(frozen=True, eq=False)
class Answers:
    """The chances of what is said of M pairs of known difference in gold."""

    first_m: np.ndarray  # (M,) the first is preferred
    second_m: np.ndarray  # (M,) the second is; what the two leave of 1 is "equal"
    gap_m: np.ndarray  # (M,) gold reward, first minus second
    dropped: bool = False  # whether a pair that is called equal is dropped; else a fair coin decides

    @property
    def equal_m(self) -> np.ndarray:
        """(M,) the chance of "equal"."""
        return np.maximum(1.0 - self.first_m - self.second_m, 0.0)

    @property
    def label_m2(self) -> np.ndarray:
        """(M, 2) the chances of a label for the first and for the second; a row adds up to 1 unless pairs drop out."""
        if self.dropped:
            return np.stack([self.first_m, self.second_m], axis=1)
        chance_m = self.first_m + self.equal_m / 2
        return np.stack([chance_m, 1.0 - chance_m], axis=1)

    def expected_error(self) -> float:
        """The expected share of labels against the gold order, over pairs of unequal gold; NaN if there are none."""
        unequal_m = self.gap_m != 0
        wrong_m = np.where(self.gap_m > 0, self.label_m2[:, 1], self.label_m2[:, 0])
        return share(wrong_m[unequal_m].sum(), self.label_m2[unequal_m].sum())

    def expected_agreement(self) -> float:
        """How often two annotators, drawn independently, say the same where both give a label: mean p^2 + (1-p)^2."""
        return share((self.label_m2**2).sum(), (self.label_m2.sum(axis=1) ** 2).sum())

    def accuracy_ceiling(self) -> float:
        """The highest accuracy that any reward can expect on these labels: the mean of max(p, 1-p)."""
        return share(self.label_m2.max(axis=1).sum(), self.label_m2.sum())

    def gold_accuracy(self) -> float:
        """The accuracy that gold itself expects; below the ceiling where annotators lean another way than gold."""
        right_m = np.select([self.gap_m > 0, self.gap_m < 0], self.label_m2.T, self.label_m2.mean(axis=1))
        return share(right_m.sum(), self.label_m2.sum())


def share(part: float, whole: float) -> float:
    """part / whole, NaN of nothing."""
    return float(part / whole) if whole > 0 else float("nan")


def realised_error(label_m: np.ndarray, gold_m2: np.ndarray) -> float:
    """The share of labels against the gold order, over pairs of unequal gold; NaN if there are none."""
    gap_m = gaps(gold_m2)
    unequal_m = gap_m != 0
    return float(((label_m == 1) != (gap_m > 0))[unequal_m].mean()) if unequal_m.any() else float("nan")


def gaps(value_m2: np.ndarray, what: str = "gold rewards") -> np.ndarray:
    """(M,) first minus second, float64, or DataError with the first pair that is not finite."""
    value_m2 = np.asarray(value_m2, dtype=np.float64)
    if value_m2.ndim != 2 or value_m2.shape[1] != 2 or not len(value_m2):
        raise DataError(f"{what} of pairs: shape {value_m2.shape}; it must be (M, 2) with at least one pair")
    if len(bad := np.flatnonzero(~np.isfinite(value_m2).all(axis=1))):
        raise DataError(f"{what} of pair {bad[0]}: {value_m2[bad[0]].tolist()}; both must be finite numbers")
    return value_m2[:, 0] - value_m2[:, 1]


def value_of_pairs(value_r: np.ndarray, pairs_m2: np.ndarray, what: str) -> np.ndarray:
    """(M, 2) values of (M, 2) positions into (R,) values, or DataError with the first pair that points outside."""
    if len(bad := np.flatnonzero(((pairs_m2 < 0) | (pairs_m2 >= len(value_r))).any(axis=1))):
        found = f"{pairs_m2[bad[0]].tolist()} and {what} has {len(value_r)} values"
        raise DataError(f"pairs_m2, row {bad[0]}: {found}; positions count from 0, one value a response")
    return value_r[pairs_m2]
