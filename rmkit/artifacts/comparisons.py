"""Labelled pairs of responses, and how they are divided so that training and test never share a prompt.

Knows positions into a bank's R responses and prompt ids only: no text, no embedding, no reward. A label of 1 means that
the first response was preferred, 0 the second.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.errors import DataError, ResultError

FORMAT = 1
COLUMNS = {"first": np.int64, "second": np.int64, "label": np.int8}


@dataclass(frozen=True, eq=False)
class Comparisons:
    """M labelled pairs, a row each. Checked when made, or DataError with the row; rows count from 0."""

    table: pd.DataFrame  # M rows: first, second int64 positions into R; label int8; any further columns

    def __post_init__(self) -> None:
        if missing := [column for column in COLUMNS if column not in self.table]:
            found = ", ".join(map(str, self.table.columns))
            raise DataError(f"comparisons: lack the column {', '.join(missing)}; they have {found}")
        for column, dtype in COLUMNS.items():
            if self.table[column].dtype != dtype:
                raise DataError(f"comparisons: {column} is {self.table[column].dtype}; make it {np.dtype(dtype)}")
        wrong_label = ~np.isin(self.label_m, (0, 1))
        refuse(wrong_label, self.label_m, "label {} is neither 1 (first preferred) nor 0 (second preferred)")
        refuse(self.first_m == self.second_m, self.first_m, "compares response {} with itself; a pair has two")
        for column in ("first", "second"):
            position_m = self.table[column].to_numpy()
            refuse(position_m < 0, position_m, column + " is {}; positions into the responses count from 0")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def first_m(self) -> np.ndarray:
        """(M,) int64 positions into R."""
        return self.table["first"].to_numpy()

    @property
    def second_m(self) -> np.ndarray:
        """(M,) int64 positions into R."""
        return self.table["second"].to_numpy()

    @property
    def label_m(self) -> np.ndarray:
        """(M,) int8: 1 where the first was preferred, 0 where the second was."""
        return self.table["label"].to_numpy()

    @property
    def chosen_m(self) -> np.ndarray:
        """(M,) int64 positions of the preferred responses."""
        return np.where(self.label_m == 1, self.first_m, self.second_m)

    @property
    def rejected_m(self) -> np.ndarray:
        """(M,) int64 positions of the other responses."""
        return np.where(self.label_m == 1, self.second_m, self.first_m)

    def prompts(self, prompt_id_r: np.ndarray) -> np.ndarray:
        """(M, 2) int64: the prompts of first and second, from the bank's (R,) prompt ids, or DataError."""
        position_m2 = np.stack([self.first_m, self.second_m], axis=1)
        outside = f"points at response {{}}, but the bank has {len(prompt_id_r)}; is it the bank of these comparisons?"
        furthest_m = position_m2.max(axis=1)
        refuse(furthest_m >= len(prompt_id_r), furthest_m, outside)
        return prompt_id_r[position_m2]

    def save(self, folder: str | Path) -> None:
        """Write the comparisons into a folder, made if need be; equal comparisons give equal bytes."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.table.to_parquet(folder / "comparisons.parquet", index=False)
        (folder / "comparisons.json").write_text(json.dumps({"format": FORMAT}) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "Comparisons":
        """The comparisons of a folder that `save` wrote, or DataError."""
        about_path = Path(folder) / "comparisons.json"
        if not about_path.exists():
            raise DataError(f"{folder}: holds no comparisons.json; it must be a folder that Comparisons.save wrote")
        about = json.loads(about_path.read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise DataError(f"{about_path}: is of format {about['format']}; this rmkit reads format {FORMAT}")
        return cls(pd.read_parquet(Path(folder) / "comparisons.parquet"))


def refuse(bad_m: np.ndarray, value_m: np.ndarray, what: str) -> None:
    """DataError for the first bad row, its value set into the sentence."""
    if bad_m.any():
        row = int(np.argmax(bad_m))
        raise DataError(f"comparisons, row {row}: {what.format(value_m[row])}")


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
