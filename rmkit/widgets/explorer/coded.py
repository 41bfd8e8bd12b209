"""A tidied table with each column numbered once: what a control asks of 100,000 rows is then arithmetic on integers.

Knows tidied tables (columns.py). Holds no copy of the rows; a changed table is to be coded again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rmkit.widgets.explorer.columns import ABOUT, POLICY, TOLD_BY_OTHERS, TOLD_BY_POLICY, as_shown, shown

Filters = Mapping[str, Sequence[Any]]  # column -> the values that are kept
MISSING = -1  # the code of a row that has no value


@dataclass(frozen=True, eq=False)
class Column:
    """One column of R rows: `code_r` (R,) int numbers each row's value in `values`, -1 where there is none."""

    name: str
    code_r: np.ndarray
    values: tuple[Any, ...]  # numbers ascending, all else as text in the order in which it comes
    numeric: bool

    @cached_property
    def labels(self) -> np.ndarray:
        """How each value is written, and at the end how a missing one is: (V + 1,) text, so that -1 finds it."""
        return np.array([*(shown(self.name, value) for value in self.values), shown(self.name, None)], dtype=object)

    def allowed(self, kept: Sequence[Any]) -> np.ndarray:
        """(V + 1,) bool: which codes a filter keeps. A row without a value is kept."""
        wanted = {str(value) for value in kept} if not self.numeric else set(kept)
        return np.array([*(value in wanted for value in self.values), True])


def column_of(name: str, column: pd.Series) -> Column:
    """The column, numbered."""
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    code_r, found = pd.factorize(column if numeric else as_text(column), use_na_sentinel=True)
    values = [value.item() if isinstance(value, np.generic) else value for value in found]
    if numeric:
        order = np.argsort(values, kind="stable")
        rank = np.append(np.argsort(order), MISSING)
        code_r, values = rank[code_r], [values[position] for position in order]
    return Column(name, code_r.astype(np.int64), tuple(values), numeric)


def as_text(column: pd.Series) -> pd.Series:
    """A column that is no number, as text, missing as None; quick where it is text already."""
    if pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty"):
        return column.astype(object)
    return as_shown(column)


class Coded:
    """A tidied table of R rows; columns are numbered, and metrics looked through, when first asked for."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self._columns: dict[str, Column] = {}
        self._numbers: dict[str, np.ndarray] = {}
        self._rows: dict[str, np.ndarray] = {}
        self._axes: dict[str, dict[str, list[Any]]] = {}

    @staticmethod
    def of(table: "pd.DataFrame | Coded") -> "Coded":
        """The table coded, or itself if it is."""
        return table if isinstance(table, Coded) else Coded(table)

    def numbers(self, name: str) -> np.ndarray:
        """(R,) float: a column of numbers, NaN where there is none; all NaN if the table has no such column."""
        if name not in self._numbers:
            column = self.table[name] if name in self.table else pd.Series(np.nan, self.table.index)
            self._numbers[name] = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        return self._numbers[name]

    @property
    def value_r(self) -> np.ndarray:
        """(R,) float: what was measured, NaN where nothing was."""
        return self.numbers("value")

    @cached_property
    def drawable_r(self) -> np.ndarray:
        """(R,) bool: the rows that can be drawn."""
        return np.isfinite(self.value_r)

    def column(self, name: str) -> Column:
        """A column, numbered; KeyError if the table has none of that name."""
        if name not in self._columns:
            self._columns[name] = column_of(name, self.table[name])
        return self._columns[name]

    def metrics(self) -> list[str]:
        """The metrics, in the order in which they come."""
        return list(self.column("metric").values)

    def rows(self, metric: str) -> np.ndarray:
        """The positions of a metric's rows: (N,) int64."""
        if metric not in self._rows:
            column = self.column("metric")
            code = column.values.index(metric) if metric in column.values else len(column.values)
            self._rows[metric] = np.flatnonzero(column.code_r == code)
        return self._rows[metric]

    def values(self, name: str, rows: np.ndarray) -> list[Any]:
        """The values that rows have in a column: numbers ascending, text in the order in which it comes."""
        column = self.column(name)
        code_n = column.code_r[rows]
        first = np.full(len(column.values) + 1, len(rows))
        first[code_n[::-1]] = np.arange(len(rows))[::-1]
        present = np.flatnonzero(first[:-1] < len(rows))
        order = present if column.numeric else present[np.argsort(first[present])]
        return [column.values[code] for code in order]

    def axes(self, metric: str) -> dict[str, list[Any]]:
        """The columns in which a metric's rows differ, each with its values; remembered."""
        if metric not in self._axes:
            self._axes[metric] = self.axes_of(self.rows(metric))
        return self._axes[metric]

    def axes_of(self, rows: np.ndarray) -> dict[str, list[Any]]:
        """The columns in which rows differ, each with its values. Of columns that change together one is enough."""
        found = {name: self.values(name, rows) for name in self.table if name not in ABOUT}
        found = {name: values for name, values in found.items() if len(values) > 1}
        if POLICY in found:
            found = {name: values for name, values in found.items() if name not in TOLD_BY_POLICY}
        kept: list[str] = []
        for name in sorted(found, key=lambda name: name in TOLD_BY_OTHERS):
            if not any(self._change_together(name, other, rows) for other in kept):
                kept.append(name)
        return {name: values for name, values in found.items() if name in kept}

    def _change_together(self, first: str, second: str, rows: np.ndarray) -> bool:
        """Whether each value of one column comes with one value of the other, and the other way round."""
        first_n, second_n = (self.column(name).code_r[rows] + 1 for name in (first, second))
        n_values = len(np.unique(first_n))
        if n_values != len(np.unique(second_n)):
            return False
        return len(np.unique(first_n * (second_n.max() + 1) + second_n)) == n_values

    def differing(self, rows: np.ndarray) -> list[str]:
        """The columns that one could group by and in which rows differ, a missing value counted as one."""
        names = [name for name in self.table if name not in ABOUT]
        return [name for name in names if len(rows) and np.ptp(self.column(name).code_r[rows]) > 0]

    def kept(self, metric: str, filters: Filters) -> np.ndarray:
        """The positions of a metric's rows that have one of the kept values in each filtered column, or none there."""
        rows = self.rows(metric)
        for name, values in filters.items():
            column = self.column(name)
            rows = rows[column.allowed(values)[column.code_r[rows]]]
        return rows

    def drawn_values(self, metric: str, filters: Filters) -> dict[str, set[Any]]:
        """For each axis the values of which something can be drawn, given the filters of all *other* columns."""
        rows = self.rows(metric)
        rows = rows[self.drawable_r[rows]]
        axes = self.axes(metric)
        out = {name: self._held_back(name, values, rows) for name, values in filters.items() if name in self.table}
        n_out = np.sum([*out.values(), np.zeros(len(rows), dtype=int)], axis=0)
        found = {}
        for name in axes:
            column = self.column(name)
            left = rows[n_out - out.get(name, 0) == 0]
            counts = np.bincount(column.code_r[left] + 1, minlength=len(column.values) + 1)[1:]
            found[name] = {column.values[code] for code in np.flatnonzero(counts)}
        return found

    def _held_back(self, name: str, values: Sequence[Any], rows: np.ndarray) -> np.ndarray:
        """(N,) int: 1 for each row that a filter holds back."""
        column = self.column(name)
        return (~column.allowed(values)[column.code_r[rows]]).astype(int)


def axes_of(table: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns that take more than one value, each with its values in order; of the rows of one metric."""
    return Coded(table).axes_of(np.arange(len(table)))
