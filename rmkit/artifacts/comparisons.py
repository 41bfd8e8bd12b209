"""Labelled pairs of responses.

Knows positions into a bank's R responses and prompt ids only: no text, no embedding, no reward. A label of 1 means that
the first response was preferred, 0 the second. A further column `weight`, where there is one, says how much a pair
counts: one judgement is 1, and pairs that are made of one judgement share that.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.errors import DataError

FORMAT = 1
COLUMNS = {"first": np.int64, "second": np.int64, "label": np.int8}
WEIGHT = "weight"


@dataclass(frozen=True, eq=False)
class Comparisons:
    """M labelled pairs, a row each. Checked when made, or DataError with the row; rows count from 0."""

    table: (
        pd.DataFrame
    )  # M rows: first, second int64 positions into R; label int8; weight float64 above 0, or none; any further columns

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
        if (weight_m := self.weight_m) is not None:
            if weight_m.dtype != np.float64:
                raise DataError(f"comparisons: {WEIGHT} is {weight_m.dtype}; make it float64")
            refuse(~(np.isfinite(weight_m) & (weight_m > 0)), weight_m, "weight is {}; it must be a number above 0")
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
    def weight_m(self) -> np.ndarray | None:
        """(M,) float64 above 0: how much each pair counts; None where there is no such column, and all count alike."""
        return self.table[WEIGHT].to_numpy() if WEIGHT in self.table else None

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
