"""Which of a stage's rows `rmkit results` speaks of, and the names and types that their columns have in a file.

`--select` is that of `rmkit run` (selection.py), of any column: a parameter, or what varies inside a job, as `n`.
Knows tables and what a notebook declares; neither the store nor a terminal.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rmkit.commands.selection import assigned, span
from rmkit.errors import ParamsError, listed, nearest
from rmkit.study.planning.keys import canonical
from rmkit.widgets.explorer.columns import ABOUT, shown

if TYPE_CHECKING:
    from rmkit.study.planning.notebook import Declared

PREFIX = "param_"


def with_own_names(rows: pd.DataFrame) -> pd.DataFrame:
    """Collated rows whose parameters have their own names: `seed`, not `param_seed`.

    Where rows have a column of that name themselves, as 04 has `annotations`, the parameter stays `param_annotations`.
    """
    names = {name: name.removeprefix(PREFIX) for name in rows if name.startswith(PREFIX)}
    return rows.rename(columns={name: own for name, own in names.items() if own not in rows})


def with_whole_numbers(rows: pd.DataFrame, schema: "Mapping[str, Declared]") -> pd.DataFrame:
    """The rows with whole numbers as such (Int64), where missing ones among them made them floats: 32, not 32.0.

    What is measured stays a float, and so does what the notebook declares as one, `beta` by its list `betas` too.
    """
    whole = {}
    for name in rows.columns.difference(sorted(ABOUT)):
        declared = [schema[each].kind for each in (name, f"{name}s") if each in schema]
        is_float = any((kind.of or kind).admits(0.5) for kind in declared)
        if pd.api.types.is_float_dtype(rows[name]) and not is_float and not rows[name].isna().all():
            number_r = rows[name].dropna().to_numpy()
            if np.isfinite(number_r).all() and (number_r == np.round(number_r)).all():
                whole[name] = "Int64"
    return rows.astype(whole)


def selected_rows(rows: pd.DataFrame, select: Sequence[str]) -> pd.DataFrame:
    """The rows that have a value of each `COLUMN=VALUE`; several values are a list, or a range with both its ends.

    A row without a value in the column has none of them. null: no noise where the column has that, else no value.
    A value may also be written as tables show it (`beta=no noise`). ParamsError for a column that there is not, and
    where no row is left; it lists the values that there are.
    """
    for assignment in select:
        name, given, where = assigned(assignment, "COLUMN=VALUE")
        if name not in rows:
            raise ParamsError(f"{where}: the rows have no column {name}{nearest(name, list(rows.columns))}")
        found = rows[_has(rows[name], given, where)]
        if found.empty:
            there = rows[name].dropna().drop_duplicates()
            there = there.sort_values() if pd.api.types.is_numeric_dtype(there) else there
            labels = [shown(name, value) for value in there]
            raise ParamsError(f"{where}: no row has it; {name} is {listed(labels) or 'given for none'}")
        rows = found
    return rows


def _has(column: pd.Series, given: Any, where: str) -> pd.Series:
    """(R,) bool: which rows have the value, one of the list, or one in the range."""
    there = list(column.dropna().unique())
    asked = given if isinstance(given, list) and _written(given) not in there else [given]
    texts = {one if isinstance(one, str) else _written(one) for one in asked} | {str(one) for one in asked}
    numbers = [one for one in asked if _is_number(one)]
    if (ends := span(given, where)) and any(map(_is_number, there)):
        found = [value for value in there if _is_number(value) and ends[0] <= value <= ends[1]]
    else:
        found = [
            value
            for value in there
            if str(value) in texts
            or shown(str(column.name), value) in texts
            or (_is_number(value) and value in numbers)
        ]
    kept = column.isin(found)
    if None in asked:
        endless = [value for value in there if _is_number(value) and np.isinf(value)]
        kept |= column.isin(endless) if endless else column.isna()
    return kept


def _written(value: Any) -> str:
    """A value as a stored parameter is written; what JSON lacks, as .inf, as Python writes it."""
    try:
        return canonical(value)
    except ValueError:
        return str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
