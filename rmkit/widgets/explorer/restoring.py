"""From what is seen to a view, and from a view to what of it still exists: studies, stages and columns come and go.

Knows selections, tables and the store's studies; no widget. A view's values are matched with those that rows have, as
text: nothing of a view is evaluated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import RmkitError
from rmkit.widgets.explorer.coded import axes_of
from rmkit.widgets.explorer.columns import FIT, metrics_of, of_metric, tidied
from rmkit.widgets.explorer.details import Fit, fit_at
from rmkit.widgets.explorer.selection import Selection, first_look, with_filters
from rmkit.widgets.explorer.view import DROP, MEANS, View, kept_or_dropped, value_text
from rmkit.widgets.stored import Stored

Missing = list[tuple[str, str]]  # what is not there, and what it is called


@dataclass(frozen=True, eq=False)
class Restored:
    """What of a view exists: a selection, if a stage was found, the row of the chosen fit, the fit that is kept."""

    selection: Selection | None = None
    row: int | None = None
    pinned: tuple[pd.DataFrame, Fit] | None = None  # with the table of its stage
    missing: Missing = field(default_factory=list)


def view_of(
    selection: Selection,
    table: pd.DataFrame,
    sort: tuple[str, bool] | None,
    row: int | None,
    pinned: Fit | None,
    means: bool = False,
) -> View:
    """What is seen, as a view. table: the stage's, tidied. row: the chosen fit's. means: they are listed, not fits."""
    axes = axes_of(of_metric(table, selection.metric))
    told = {name: kept_or_dropped(kept, axes[name]) for name, kept in selection.filters.items() if name in axes}
    return View(
        selection.study,
        selection.stage,
        selection.metric,
        selection.x,
        selection.lines or "",
        selection.facets or "",
        MEANS if means else "",
        keep={name: values for name, (how, values) in told.items() if how != DROP},
        drop={name: values for name, (how, values) in told.items() if how == DROP},
        sort=(f"{'-' if sort[1] else ''}{sort[0]}",) if sort else (),
        fit=_fit_parts(table, row) if row is not None else (),
        pinned=(pinned.study, pinned.stage, pinned.key, pinned.fit) if pinned else (),
    )


def restored(view: View, stored: Stored, study: str) -> Restored:
    """What exists of a view; `study` is looked at where the view names none. Nothing more once no stage is found."""
    name = view.study or study
    if name not in stored.names() or stored.study(name).fault:
        return Restored(missing=[("study", name)])
    stage = view.stage or next(iter(stored.with_rows(name)), "")
    if stage not in stored.with_rows(name):
        return Restored(missing=[("stage", stage)])
    missing: Missing = []
    table = tidied(stored.rows(name, stage))
    selection = _selection(view, table, name, stage, missing)
    missing += [("table of", view.table)] if view.table not in ("", MEANS) else []
    row = _row(view.fit, table, selection.metric, missing)
    return Restored(selection, row, _pinned(view.pinned, stored, missing), missing)


def sort_of(view: View) -> tuple[str, bool] | None:
    """The column that rows are ordered by, and whether downwards."""
    if not view.sort:
        return None
    name = view.sort[0]
    return (name[1:], True) if name.startswith("-") else (name, False)


def _selection(view: View, table: pd.DataFrame, study: str, stage: str, missing: Missing) -> Selection:
    """The view's selection where its columns and values exist, else that of a first look."""
    metric: str | None = view.metric
    if metric not in metrics_of(table):
        missing += [("metric", view.metric)] if view.metric else []
        metric = None
    first = first_look(table, study, stage, metric)
    axes = axes_of(of_metric(table, first.metric))
    places = {"x": view.x, "lines": view.lines, "panels": view.panels}
    missing += [(what, name) for what, name in places.items() if name and name not in (*axes, FIT)]
    x = view.x if view.x in (*axes, FIT) else first.x
    lines = view.lines if view.lines in axes and view.lines != x else None
    panels = view.panels if view.panels in axes and view.panels not in (x, lines) else None
    if not view.x:  # a text by hand that says little is a first look at what it says
        lines, panels = (lines or first.lines, panels or first.facets) if first.x == x else (lines, panels)
    filters = _filters(view, axes, missing)
    return with_filters(Selection(study, stage, first.metric, x, lines, panels, filters), table)


def _filters(view: View, axes: Mapping[str, list[Any]], missing: Missing) -> dict[str, tuple[Any, ...]]:
    """The values that are kept of each column that exists, as far as they exist."""
    filters: dict[str, tuple[Any, ...]] = {}
    for name, asked, keeps in [
        *((name, values, True) for name, values in view.keep.items()),
        *((name, values, False) for name, values in view.drop.items()),
    ]:
        if name not in axes:
            missing.append(("column", name))
            continue
        known = {value_text(value): value for value in axes[name]}
        missing += [(name, value) for value in asked if value not in known and (keeps or value)]
        kept = tuple(value for text, value in known.items() if (text in asked) == keeps)
        if kept:
            filters[name] = kept
    return filters


def _fit_parts(table: pd.DataFrame, row: int) -> tuple[str, str, str]:
    """The job and the fit of a row, and which of the fit's rows of its metric it is."""
    own = table.loc[row]
    rows = _rows(table, str(own["job"]), str(own[FIT]), own["metric"])
    return str(own["job"]), str(own[FIT]), str(int(np.flatnonzero(rows.index == row)[0]))


def _row(parts: Sequence[str], table: pd.DataFrame, metric: str, missing: Missing) -> int | None:
    """The row of a view's fit: the one that was clicked, else the fit's first of the metric, else its first."""
    if not parts:
        return None
    key, fit, nth = parts
    own = _rows(table, key, fit, metric)
    own = own if len(own) else _rows(table, key, fit)
    if own.empty:
        missing.append(("fit", fit))
        return None
    at = int(nth) if nth.isascii() and nth.isdigit() and len(nth) < 9 else 0
    return int(own.index[at if at < len(own) else 0])


def _pinned(parts: Sequence[str], stored: Stored, missing: Missing) -> tuple[pd.DataFrame, Fit] | None:
    """The fit that is kept to compare with, and the table of its stage."""
    if not parts:
        return None
    study, stage, key, fit = parts
    try:
        known = study in stored.names() and stage in stored.with_rows(study)
        table = tidied(stored.rows(study, stage)) if known else pd.DataFrame()
    except RmkitError:
        table = pd.DataFrame()
    own = _rows(table, key, fit) if len(table) else table
    if own.empty:
        missing.append(("fit", fit))
        return None
    return table, fit_at(table, study, stage, int(own.index[0]))


def _rows(table: pd.DataFrame, key: str, fit: str, metric: str | None = None) -> pd.DataFrame:
    own = table[(table["job"] == key) & (table[FIT] == fit)]
    return own if metric is None else own[own["metric"] == metric]
