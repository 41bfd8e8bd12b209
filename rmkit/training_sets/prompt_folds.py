"""Prompts dealt into folds, and pairs divided by their prompts, so that training and test never share one.

Knows prompt ids only: no response, no label.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError, ResultError


def prompt_folds(prompt_ids: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """(P,) int64: a fold in 0..n_folds-1 for each of P distinct prompts, at random; sizes differ by at most one.

    DataError if a prompt is listed twice, or if there are fewer prompts than folds or fewer than two folds.
    """
    if len(np.unique(prompt_ids)) != len(prompt_ids):
        raise DataError(f"prompt_ids: {len(prompt_ids)} ids, {len(np.unique(prompt_ids))} distinct; list each once")
    if not 2 <= n_folds <= len(prompt_ids):
        raise DataError(f"n_folds: {n_folds} folds of {len(prompt_ids)} prompts; use 2 to as many as there are prompts")
    return rng.permutation(len(prompt_ids)) % n_folds


@dataclass(frozen=True, eq=False)
class Split:
    """M pairs divided by their prompts. Making one checks, or ResultError, that no prompt is on both sides."""

    prompt_m2: np.ndarray  # (M, 2) int64, the prompts of each pair
    train_m: np.ndarray  # int64 positions of pairs whose prompts are both kept in
    test_m: np.ndarray  # int64 positions of pairs whose prompts are both held out
    straddling_m: np.ndarray  # int64 positions of pairs with one of each: dropped, and the caller says how many

    def __post_init__(self) -> None:
        everything = np.sort(np.concatenate([self.train_m, self.test_m, self.straddling_m]))
        if not np.array_equal(everything, np.arange(len(self.prompt_m2))):
            counts = f"{len(self.train_m)} train, {len(self.test_m)} test and {len(self.straddling_m)} straddling"
            raise ResultError(f"split: {counts} are not {len(self.prompt_m2)} pairs once each")
        shared = np.intersect1d(self.prompt_m2[self.train_m], self.prompt_m2[self.test_m])
        if len(shared):
            raise ResultError(f"split: {len(shared)} prompts are in training and in test, the first {shared[0]}")


def split_by_prompts(prompt_m2: np.ndarray, held_out: Collection[int] | np.ndarray) -> Split:
    """The pairs whose (M, 2) prompts are both outside `held_out`, both in it, and one each."""
    held_out_m2 = np.isin(prompt_m2, np.fromiter(held_out, dtype=np.int64))
    n_held_out_m = held_out_m2.sum(axis=1)
    train_m, straddling_m, test_m = (np.flatnonzero(n_held_out_m == n) for n in (0, 1, 2))
    return Split(prompt_m2=prompt_m2, train_m=train_m, test_m=test_m, straddling_m=straddling_m)
