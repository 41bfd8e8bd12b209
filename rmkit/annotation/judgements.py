"""Judgements of pairs by several annotators, as three arrays, and how often each answer was given.

Knows positions and labels: no text, no name, no reward. Label 1 says that the first response was preferred, 0 the
second, 0.5 a tie. One annotator may judge a pair more than once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rmkit.errors import DataError, listed

ANSWERS = np.array([0.0, 0.5, 1.0])  # the order of every axis of three answers
MOST_PAIRS, MOST_ANNOTATORS = 10_000_000, 100_000  # a larger position is a mistake, and would take the memory


@dataclass(frozen=True, eq=False)
class Judgements:
    """J judgements of M pairs by A annotators, in any order; M and A are one more than the largest position."""

    pair_j: np.ndarray  # (J,) int64 positions of pairs, from 0
    annotator_j: np.ndarray  # (J,) int64 positions of annotators, from 0
    label_j: np.ndarray  # (J,) 1 first preferred, 0 second, 0.5 a tie

    def __post_init__(self) -> None:
        for name, most in (("pair_j", MOST_PAIRS), ("annotator_j", MOST_ANNOTATORS)):
            object.__setattr__(self, name, _positions(getattr(self, name), name, most))
        label_j = np.asarray(self.label_j, dtype=np.float64)
        if not self.pair_j.shape == self.annotator_j.shape == label_j.shape:
            shapes = f"{self.pair_j.shape}, {self.annotator_j.shape} and {label_j.shape}"
            raise DataError(f"pair_j, annotator_j and label_j have the shapes {shapes}; give one of each a judgement")
        if len(bad := np.flatnonzero(~np.isin(label_j, ANSWERS))):
            raise DataError(f"label_j[{bad[0]}] is {label_j[bad[0]]}; it must be 1, 0, or 0.5 for a tie")
        object.__setattr__(self, "label_j", label_j)

    @property
    def n_pairs(self) -> int:
        return int(self.pair_j.max()) + 1

    @property
    def n_annotators(self) -> int:
        return int(self.annotator_j.max()) + 1

    @cached_property
    def answer_j(self) -> np.ndarray:
        """(J,) int64 positions in ANSWERS."""
        return (2 * self.label_j).astype(np.int64)

    @cached_property
    def counts_mc(self) -> np.ndarray:
        """(M, 3) int64: how often each answer was given to each pair."""
        return _counts(self.pair_j, self.answer_j, self.n_pairs)

    @cached_property
    def cell_j(self) -> np.ndarray:
        """(J,) int64: which judgements are one annotator's of one pair; cells count from 0."""
        key_j = self.pair_j * self.n_annotators + self.annotator_j
        return np.asarray(np.unique(key_j, return_inverse=True)[1]).reshape(-1)

    @cached_property
    def cell_counts_xc(self) -> np.ndarray:
        """(cells, 3) int64: how often each answer was given in each cell."""
        return _counts(self.cell_j, self.answer_j, int(self.cell_j.max()) + 1)

    def decided(self) -> "Judgements":
        """Without ties; DataError if nothing else is there."""
        return self.where(self.label_j != 0.5, "every judgement is a tie")

    def of(self, annotators: np.ndarray | list[int]) -> "Judgements":
        """Those of some annotators, who keep their positions."""
        return self.where(
            np.isin(self.annotator_j, annotators), f"no judgement is of the annotators {listed(list(annotators))}"
        )

    def where(self, kept_j: np.ndarray, otherwise: str) -> "Judgements":
        if not kept_j.any():
            raise DataError(otherwise)
        return Judgements(self.pair_j[kept_j], self.annotator_j[kept_j], self.label_j[kept_j])

    def prompt_of_pair(self, prompt_m: np.ndarray | None) -> np.ndarray:
        """(M,) int64 prompts, counted from 0: those given, or every pair its own."""
        if prompt_m is None:
            return np.arange(self.n_pairs)
        prompt_m = _positions(prompt_m, "prompt_m", MOST_PAIRS)
        if len(prompt_m) < self.n_pairs:
            raise DataError(f"prompt_m has {len(prompt_m)} prompts, and pair_j names pair {self.n_pairs - 1}")
        return np.asarray(np.unique(prompt_m[: self.n_pairs], return_inverse=True)[1]).reshape(-1)


def _positions(value: np.ndarray, name: str, most: int) -> np.ndarray:
    found = np.asarray(value)
    if found.ndim != 1 or not len(found) or found.dtype.kind not in "iu":
        raise DataError(f"{name}: {found.dtype} of shape {found.shape}; it must be one axis of at least one integer")
    if len(bad := np.flatnonzero((found < 0) | (found >= most))):
        raise DataError(f"{name}[{bad[0]}] is {found[bad[0]]}; positions count from 0 to {most - 1}")
    return found.astype(np.int64)


def _counts(row_j: np.ndarray, answer_j: np.ndarray, n_rows: int) -> np.ndarray:
    n_answers = len(ANSWERS)
    return np.bincount(row_j * n_answers + answer_j, minlength=n_rows * n_answers).reshape(n_rows, n_answers)
