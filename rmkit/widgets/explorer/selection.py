"""From result rows to the points of a picture: which rows are kept, and what lies where.

Knows tidied tables (columns.py) and what a good first look at a stage is; no widget, no plot. Every row is a point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import ResultError
from rmkit.stages.first_look import FIRST_LOOK, REPLICATES
from rmkit.stages.graph import STAGES
from rmkit.widgets.explorer.averaging import means_of, notes_of, of_one_kind, title_of
from rmkit.widgets.explorer.axis import Axis, axis_of
from rmkit.widgets.explorer.coded import Coded
from rmkit.widgets.explorer.columns import FIT, NOTHING, POLICY, shown
from rmkit.widgets.explorer.filtered import filters_in_words
from rmkit.widgets.explorer.picture import Picture

ALL = ""  # the one panel, or the one line, where rows are not divided
MOST_PANELS, MOST_LINES, MOST_DOTS = 12, 20, 5_000  # that a picture holds; its title says what is left out


@dataclass(frozen=True)
class Selection:
    """What is to be seen of a stage's rows. A row that has no value in a filtered column is kept: it is held back by
    nothing that does not apply to it."""

    study: str
    stage: str
    metric: str
    x: str
    lines: str | None = None
    facets: str | None = None
    filters: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # column -> the values that are kept

    def placed(self) -> list[str]:
        """The columns that the picture spreads out."""
        return [name for name in (self.x, self.lines, self.facets) if name]


def first_look(table: pd.DataFrame | Coded, study: str, stage: str, metric: str | None = None) -> Selection:
    """A good first picture of a stage, or of one of its metrics: the few columns that are told here, else a guess."""
    coded = Coded.of(table)
    told = FIRST_LOOK.get(stage, {})
    metrics = coded.metrics()
    metric = metric or (told["metric"] if told.get("metric") in metrics else metrics[0])
    axes = coded.axes(metric)
    x = told["x"] if told.get("x") in (*axes, FIT) else _likely_x(axes)
    free = [name for name in axes if name not in (x, *REPLICATES)]
    lines = told["lines"] if told.get("lines") in free else next(iter(_few(axes, free)), None)
    facets = told["facets"] if told.get("facets") in free and told["facets"] != lines else None
    filters = {name: (told[name],) for name in axes if name not in (x, lines, facets) and told.get(name) in axes[name]}
    return with_filters(Selection(study, stage, metric, x, lines, facets, filters), coded)


def with_filters(selection: Selection, table: pd.DataFrame | Coded) -> Selection:
    """The selection with one value kept of every column that it neither spreads out nor filters nor averages over.

    A value that rows have which the filters before it leave, so that a first picture is of something.
    """
    coded = Coded.of(table)
    axes = coded.axes(selection.metric)
    kept = {name: chosen for name, chosen in selection.filters.items() if name in axes}
    for name, values in axes.items():
        if name not in kept and name not in selection.placed() and name not in REPLICATES:
            left = coded.values(name, coded.kept(selection.metric, kept))
            kept[name] = (_representative(name, left or values),)
    return replace(selection, filters=kept)


def kept_rows(table: pd.DataFrame | Coded, selection: Selection) -> pd.DataFrame:
    """The rows of the metric that the filters leave, each with its place in the table as its index.

    ResultError if there are none.
    """
    coded = Coded.of(table)
    return coded.table.iloc[_kept(coded, selection)]


def selected(table: pd.DataFrame | Coded, selection: Selection) -> Picture:
    """The picture of a selection from a tidied table; ResultError if none of its rows is left."""
    coded = Coded.of(table)
    kept = _kept(coded, selection)
    panels, no_panel = _first(_names(coded, kept, selection.facets), MOST_PANELS, selection.facets, "panels")
    lines, no_line = _first(_names(coded, kept, selection.lines), MOST_LINES, selection.lines, "lines")
    if no_panel or no_line:
        chosen = [(selection.facets, panels, no_panel), (selection.lines, lines, no_line)]
        kept = _only(coded, kept, [(name, labels) for name, labels, left_out in chosen if left_out])
    axis = axis_of(selection.x, coded.values(selection.x, kept))
    places = _places(coded, kept, selection, axis)
    has_m, level_m = np.isfinite(places["value"]), places["place"].isna()
    drawn, level = places[has_m & ~level_m], places[has_m & level_m]
    means, whys = means_of(coded, kept, drawn, ["panel", "line", "place"])
    means, whys = of_one_kind(means, whys) if axis.scale != "names" else (means, whys)
    levels, level_whys = means_of(coded, kept, level, ["panel", "line"])
    shown_panels, shown_lines = set(places["panel"].unique()), {*drawn["line"].unique(), *level["line"].unique()}
    what = what_a_row_is(selection.stage)
    marks = title_of(means, whys, what) if len(means) else title_of(levels, level_whys, what)
    dots, no_dot = _thinned(drawn, what)
    return Picture(
        selection.metric,
        axis,
        selection.facets,
        selection.lines,
        tuple(panel for panel in panels if panel in shown_panels),
        tuple(line for line in lines if line in shown_lines),
        dots.drop(columns="at_row").reset_index(drop=True),
        means.assign(interval=whys),
        levels.assign(interval=level_whys),
        " · ".join(filter(None, [no_panel, no_line, marks, no_dot])),
        tuple(notes_of(coded, kept, whys)),
        filters_in_words(
            coded,
            kept[coded.drawable_r[kept]],
            selection.metric,
            selection.filters,
            selection.placed(),
            selection.lines or "",
        ),
    )


def what_a_row_is(stage: str) -> str:
    """What a point of a stage's picture is: a fit, or a value where the stage fits no reward model."""
    known = STAGES.get(stage)
    return "value" if known and not known.n_fits else "fit"


def _kept(coded: Coded, selection: Selection) -> np.ndarray:
    """The positions of the rows of the metric that the filters leave; ResultError if there are none."""
    kept = coded.kept(selection.metric, selection.filters)
    if not len(kept):
        n_rows, chosen = len(coded.rows(selection.metric)), ", ".join(selection.filters) or "no column"
        raise ResultError(f"{selection.metric}: none of its {n_rows} rows is left; widen the filter of {chosen}")
    return kept


def _names(coded: Coded, kept: np.ndarray, name: str | None) -> list[str]:
    """The labels of a column in the order of its values, rows without one last."""
    if not name:
        return [ALL]
    labels = [shown(name, value) for value in coded.values(name, kept)]
    return labels + ([NOTHING] if (coded.column(name).code_r[kept] < 0).any() else [])


def _first(labels: list[str], most: int, name: str | None, what: str) -> tuple[list[str], str]:
    """The first labels, as many as a picture can hold; and where some are left out, that in words."""
    if len(labels) <= most:
        return labels, ""
    return labels[:most], f"only the first {most} of {len(labels)} {what} by {(name or '').replace('_', ' ')}"


def _only(coded: Coded, kept: np.ndarray, chosen: list[tuple[str | None, list[str]]]) -> np.ndarray:
    """The rows whose labels are among these, in each of the columns."""
    for name, labels in chosen:
        column = coded.column(str(name))
        in_picture = np.isin(column.labels, labels)
        kept = kept[in_picture[column.code_r[kept]]]
    return kept


def _places(coded: Coded, kept: np.ndarray, selection: Selection, axis: Axis) -> pd.DataFrame:
    """Where each row lies: panel, line, place, value, row, at_row (its position in the table).

    A line that has no facet at all lies in every panel.
    """
    column = coded.column(selection.x)
    place = np.array([*(axis.place.get(value, np.nan) for value in column.values), np.nan])
    places = pd.DataFrame(
        {
            "panel": _labels(coded, kept, selection.facets),
            "line": _labels(coded, kept, selection.lines),
            "place": place[column.code_r[kept]],
            "value": coded.value_r[kept],
            "row": coded.table.index[kept],
            "at_row": kept,
        }
    )
    panels = [panel for panel in places["panel"].unique() if panel != NOTHING]
    with_panel = set(places.loc[places["panel"] != NOTHING, "line"].unique())
    facetless = ~places["line"].isin(with_panel)
    if not panels or not facetless.any():
        return places
    everywhere = [places[facetless].assign(panel=panel) for panel in panels]
    return pd.concat([places[~facetless], *everywhere], ignore_index=True)


def _thinned(drawn: pd.DataFrame, what: str) -> tuple[pd.DataFrame, str]:
    """As many dots as can be drawn and told apart, and where some are left out, that in words.

    Evenly spread over the rows; of every mean its lowest and highest.
    """
    if len(drawn) <= MOST_DOTS:
        return drawn, ""
    code_m = drawn.groupby(["panel", "line", "place"], sort=False, observed=True).ngroup().to_numpy()
    order = np.lexsort([drawn["value"].to_numpy(), code_m])
    starts = np.flatnonzero(np.diff(code_m[order], prepend=-1))
    ends = np.append(starts[1:], len(order)) - 1
    extremes = np.union1d(order[starts], order[ends])
    spread = np.linspace(0, len(drawn) - 1, max(0, MOST_DOTS - len(extremes))).astype(int)
    kept = np.union1d(extremes[:MOST_DOTS], spread)
    return drawn.iloc[kept], f"dots of {len(kept):,} of {len(drawn):,} {what}s"


def _labels(coded: Coded, kept: np.ndarray, name: str | None) -> np.ndarray:
    """(N,) text: how each row's value of a column is written."""
    if not name:
        return np.full(len(kept), ALL, dtype=object)
    column = coded.column(name)
    return column.labels[column.code_r[kept]]


def _likely_x(axes: Mapping[str, list[Any]]) -> str:
    """The numeric column with the most values that is no repetition, else the first column, else the fits."""
    usable = {name: values for name, values in axes.items() if name not in REPLICATES}
    numeric = {name: len(values) for name, values in usable.items() if isinstance(values[0], int | float)}
    return max(numeric, key=numeric.__getitem__) if numeric else next(iter(usable), FIT)


def _few(axes: Mapping[str, list[Any]], names: Sequence[str]) -> list[str]:
    """The columns of names (not numbers) with few enough values to be told apart as lines."""
    return [name for name in names if isinstance(axes[name][0], str) and len(axes[name]) <= 8]


def _representative(name: str, values: Sequence[Any]) -> Any:
    """The value to look at first: the largest number, the policy furthest from the base, else the first."""
    if isinstance(values[0], int | float):
        return max(values)
    return values[-1] if name == POLICY else values[0]
