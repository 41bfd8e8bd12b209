"""The columns of result rows: which tell fits apart, which values they take, and how a value is written.

Knows tidy tables and the contract of result rows; no picture, no widget.
"""

from typing import Any

import numpy as np
import pandas as pd

# What says something of a row and is nothing that one would group by.
ABOUT = {"value", "reason", "units", "job", "stage", "study", "fit", "metric", "left_out", "detail"}
ABOUT |= {"low", "high", "level", "estimand", "method", "no_interval", "detectable", "statement", "threshold"}
ABOUT |= {
    "matters",
    "source",
    "digest",
    "rule",
    "p_value",
    "p_holm",
    "survives",
    "by_seed",
    "in_study",
    "by_world",
    "tau",
    "same_sign",
}
TOLD_BY_OTHERS = ("split", "validation")  # where another column says the same, that one is shown
POLICY, TOLD_BY_POLICY = "policy", ("n", "nats")  # the name of a policy tells how far it goes from the base
FIT = "fit"  # the axis of last resort
NOTHING = "—"  # how a value is written that a row does not have


def tidied(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with parameters under their own names, unless a column inside the job has that name."""
    names = {name: name.removeprefix("param_") for name in rows if name.startswith("param_")}
    hidden = [name for name, short in names.items() if short in rows]
    return rows.drop(columns=hidden).rename(columns=names)


def values_of(column: pd.Series) -> list[Any]:
    """A column's values: numbers ascending, all else as text in the order in which it comes; missing left out."""
    present = column.dropna()
    if pd.api.types.is_numeric_dtype(present) and not pd.api.types.is_bool_dtype(present):
        return [value.item() for value in np.sort(present.unique())]
    return list(dict.fromkeys(map(str, present)))


def metrics_of(table: pd.DataFrame) -> list[str]:
    """The metrics of a table, in the order in which they come."""
    return list(dict.fromkeys(table["metric"]))


def of_metric(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The rows of one metric; each keeps its place in the table as its index."""
    return table[table["metric"] == metric]


def as_shown(column: pd.Series) -> pd.Series:
    """Numbers as they are, everything else as text, missing as None: what `values_of` lists."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column
    return pd.Series(
        [None if value is None or value != value else str(value) for value in column], column.index, object
    )


def shown(column: str | None, value: Any) -> str:
    """A value as an axis, a legend or a control writes it."""
    if value is None or value != value:
        return NOTHING
    if isinstance(value, float) and np.isinf(value):
        return "no noise" if column == "beta" else "∞"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.0f}" if abs(value) >= 1000 and value == int(value) else f"{value:g}"
    return str(value) or "none"
