"""What a picture shows, as a table, row by row or mean by mean: columns, widths, the order of rows, a page as HTML.

Knows tidied rows and the picture's means; no widget. Only a page is ever written, so that 100,000 rows cost a sort and
nothing more.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from rmkit.widgets.explorer.columns import FIT, shown
from rmkit.widgets.explorer.details import value_html
from rmkit.widgets.explorer.picture import Picture
from rmkit.widgets.inert_texts import inline_text, label_text

MEASURED, MEANS = ("value", "low", "high", "units", "reason"), ("mean", "low", "high", "fits")
UNITS, NUMBER, WIDEST, SAMPLED = 7, 9, 34, 1000  # letters of a column; values that are looked at for its width
LETTER, PADDING = 7, 18  # pixels
LINE = 24  # pixels: the height of a row


def table_columns(rows: pd.DataFrame, axes: Collection[str], x: str) -> list[str]:
    """What varies among the rows, of the axes of their metric, then what was measured, as far as a row has it."""
    varying = [name for name in axes if rows[name].nunique(dropna=False) > 1]
    named = [FIT] if x == FIT or not varying else []
    measured = [name for name in MEASURED if name in rows and (name == "value" or rows[name].notna().any())]
    return [*named, *(name for name in varying if name not in named), *measured]


def mean_rows(picture: Picture, rows: pd.DataFrame, axes: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """The means and levels of a picture as rows, line by line, and which columns tell them apart or were measured.

    rows: all that the picture is of, each with its place in the table as its index; a mean has that of the row nearest
    to it. axes: the columns of the metric; of these a mean has those that the picture spreads out, and those of which
    all rows have one value. A level that lies in every panel is one row.
    """
    means = pd.concat([picture.means, picture.levels]).infer_objects()
    order = {"line": picture.lines, "panel": picture.panels}
    means = means.sort_values(["line", "panel", "place"], key=lambda part: _ranks(part, order), kind="stable")
    means = means.drop_duplicates("row").set_index("row")
    spread = _spread(picture)
    same = [name for name in axes if name not in spread and rows[name].nunique(dropna=False) == 1]
    measured = [name for name in MEANS if means[name].notna().any()]
    found = rows.loc[means.index, ["metric", *same, *spread]]
    return found.join(means[[*measured, "interval"]]), [*spread, *measured]


def mean_of(picture: Picture, row: int, table: pd.DataFrame, means: pd.DataFrame) -> int | None:
    """The row of `means` that a row of the table is counted in, None if it is in no mean."""
    spread = _spread(picture)
    own = table.loc[row, spread]
    same = (means[spread] == own) | (means[spread].isna() & own.isna())
    found = means.index[same.all(axis=1).to_numpy(dtype=bool)]
    return int(found[0]) if len(found) else None


def _ranks(part: pd.Series, order: Mapping[str, Sequence[str]]) -> pd.Series:
    """What a column is sorted by: its own numbers, or the place of each name in the order of its column."""
    name = str(part.name)
    return part.map({value: rank for rank, value in enumerate(order[name])}) if name in order else part


def _spread(picture: Picture) -> list[str]:
    """The columns that a picture spreads out."""
    return [name for name in (picture.columns, picture.facets, picture.axis.name) if name]


def is_number(column: pd.Series) -> bool:
    """Whether a column is one of numbers; True and False are names."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def order_of(column: pd.Series, descending: bool) -> np.ndarray:
    """(R,) int64 positions of the rows in order: numbers by size, all else as text; missing last, ties as stored."""
    missing_r = column.isna().to_numpy(dtype=bool)
    present = np.flatnonzero(~missing_r)
    if is_number(column):
        key = column.to_numpy(dtype=float, na_value=np.nan)[present]
    else:
        codes, names = pd.factorize(column.iloc[present].astype(str))
        rank = np.empty(len(names), dtype=np.int64)
        rank[np.argsort(np.asarray(names, dtype=object))] = np.arange(len(names))
        key = rank[codes].astype(float)
    order = np.argsort(-key if descending else key, kind="stable")
    return np.concatenate([present[order], np.flatnonzero(missing_r)])


def widths_of(rows: pd.DataFrame, columns: Sequence[str]) -> list[int]:
    """The least width of each column, in pixels: that of its longest name or value, within bounds."""
    return [LETTER * _letters(rows[name], name) + PADDING for name in columns]


def grid_of(widths: Sequence[int]) -> str:
    """The columns of a CSS grid of at least these widths, that share what room is left."""
    return " ".join(f"minmax({width}px, {width}fr)" for width in widths)


def page_html(page: pd.DataFrame, columns: Sequence[str], widths: Sequence[int], marks: Sequence[str]) -> str:
    """Some rows in a grid, each cell escaped and in one line. marks: the class of each row's mark, or nothing."""
    number = {name: is_number(page[name]) for name in columns}
    style = f'style="grid-template-columns:{grid_of(widths)}"'
    lines = [
        f'<div role="row" class="rmkit-line {mark}" {style}>'
        + "".join(
            f'<span role="cell"{" class=rmkit-number" if number[name] else ""}>{value_html(row[name], name)}</span>'
            for name in columns
        )
        + "</div>"
        for row, mark in zip(page[list(columns)].to_dict("records"), marks, strict=True)
    ]
    return f'<div role="table">{"".join(lines)}</div>'


def row_text(row: pd.Series, columns: Sequence[str]) -> str:
    """A row in plain characters, for where it is pointed at: what is too long for its cell is read here."""
    told = [(name, shown(name, row[name])) for name in columns if row[name] == row[name] and row[name] is not None]
    return "\n".join(f"{label_text(name.replace('_', ' '))}: {label_text(text, 400)}" for name, text in told)


def count_html(first: int, last: int, total: int) -> str:
    """Which rows are seen, of how many."""
    rows = f"{first + 1:,}–{last:,} of {total:,}" if total else "none"
    return f'<div class="rmkit-note">rows {inline_text(rows)}</div>'


def _letters(column: pd.Series, name: str) -> int:
    """How many letters a column must hold: its name with an arrow, and its longest value of those looked at."""
    head = len(name) + 2
    if name in ("value", "mean", "low", "high", "units"):
        return max(head, UNITS if name == "units" else NUMBER)
    values = column.dropna().unique()[:SAMPLED]
    return min(WIDEST, max([head, *(len(shown(name, value)) for value in values)]))
