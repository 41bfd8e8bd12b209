"""From result rows to the points of a picture: which rows are kept, and what lies where.

Knows tidied tables (columns.py) and what a good first look at a stage is; no widget, no plot. Every row is a point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import ResultError
from rmkit.widgets.explorer.averaging import SEED, means_of, notes_of, of_one_kind, title_of
from rmkit.widgets.explorer.columns import (
    FIT,
    NOTHING,
    POLICY,
    as_shown,
    axes_of,
    metrics_of,
    of_metric,
    shown,
    values_of,
)
from rmkit.widgets.explorer.figure import Axis, Picture

REPLICATES = (SEED, "draw", "fold")  # what only repeats a fit: averaged unless it is placed
ALL = ""  # the one panel, or the one line, where rows are not divided

# Stage -> what its first picture shows; names that its rows do not have are passed over.
FIRST_LOOK: Mapping[str, Mapping[str, Any]] = {
    "01_sft": {"metric": "train_loss", "x": "step"},
    "02_sampling": {"metric": "gold_mean", "x": "category", "lines": "generator", "facets": "scorer", "part": "test"},
    "03_annotation_noise": {"metric": "realised_error", "x": "beta", "lines": "choice", "facets": "pool"},
    "04_reward_models": {"metric": "best_of_n", "x": "annotations", "lines": "reward_model", "facets": "beta"},
    "09_human_preferences": {"metric": "accuracy", "x": "annotations", "lines": "reward_model"},
    "10_validation_split": {"metric": "best_of_n", "x": "annotations", "lines": "reward_model", "facets": "beta"},
    "05_active_labeling": {"metric": "best_of_n", "x": "annotations", "lines": "strategy", "facets": "pool"},
    "06_accuracy_vs_policy": {"metric": "gold_reward", "x": "policy", "lines": "reward_model"},
    "07_figures": {"metric": "effect", "x": "fit", "lines": "verdict", "unit": "gold reward"},
}


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


def first_look(table: pd.DataFrame, study: str, stage: str, metric: str | None = None) -> Selection:
    """A good first picture of a stage, or of one of its metrics: the few columns that are told here, else a guess."""
    told = FIRST_LOOK.get(stage, {})
    metrics = metrics_of(table)
    metric = metric or (told["metric"] if told.get("metric") in metrics else metrics[0])
    axes = axes_of(of_metric(table, metric))
    x = told["x"] if told.get("x") in (*axes, FIT) else _likely_x(axes)
    free = [name for name in axes if name not in (x, *REPLICATES)]
    lines = told["lines"] if told.get("lines") in free else next(iter(_few(axes, free)), None)
    facets = told["facets"] if told.get("facets") in free and told["facets"] != lines else None
    filters = {name: (told[name],) for name in axes if name not in (x, lines, facets) and told.get(name) in axes[name]}
    return with_filters(Selection(study, stage, metric, x, lines, facets, filters), table)


def with_filters(selection: Selection, table: pd.DataFrame) -> Selection:
    """The selection with one value kept of every column that it neither spreads out nor filters nor averages over.

    A value that rows have which the filters before it leave, so that a first picture is of something.
    """
    left = of_metric(table, selection.metric)
    axes = axes_of(left)
    kept = {name: chosen for name, chosen in selection.filters.items() if name in axes}
    left = _left(left, kept)
    for name, values in axes.items():
        if name not in kept and name not in selection.placed() and name not in REPLICATES:
            kept[name] = (_representative(name, values_of(left[name]) or values),)
            left = _left(left, {name: kept[name]})
    return replace(selection, filters=kept)


def selected(table: pd.DataFrame, selection: Selection) -> Picture:
    """The picture of a selection from a tidied table; ResultError if none of its rows is left."""
    kept = kept_rows(table, selection)
    axis = axis_of(selection.x, kept[selection.x])
    places = _places(kept, selection, axis)
    has_r, level_r = np.isfinite(places["value"]), places["place"].isna()
    drawn, level = places[has_r & ~level_r], places[has_r & level_r]
    means, whys = means_of(kept, drawn, ["panel", "line", "place"])
    means, whys = of_one_kind(means, whys) if axis.scale != "names" else (means, whys)
    levels, level_whys = means_of(kept, level, ["panel", "line"])
    panels = [panel for panel in _in_order(kept, selection.facets) if panel in {*places["panel"]}]
    return Picture(
        selection.metric,
        axis,
        selection.facets,
        selection.lines,
        tuple(panels),
        tuple(line for line in _in_order(kept, selection.lines) if line in {*drawn["line"], *level["line"]}),
        drawn.reset_index(drop=True),
        means,
        levels.drop(columns=["low", "high"]),
        title_of(means, whys) if len(means) else title_of(levels, level_whys),
        tuple(notes_of(kept, whys)),
        {name: shown(name, values[0]) for name, values in selection.filters.items() if len(values) == 1},
    )


def kept_rows(table: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """The rows of the metric that the filters leave, by their places in the table; ResultError if none."""
    mine = of_metric(table, selection.metric)
    kept = _left(mine, selection.filters)
    if kept.empty:
        chosen = ", ".join(selection.filters) or "no column"
        raise ResultError(f"{selection.metric}: none of its {len(mine)} rows is left; widen the filter of {chosen}")
    return kept


def _left(rows: pd.DataFrame, filters: Mapping[str, tuple[Any, ...]]) -> pd.DataFrame:
    """The rows that have one of the values kept in each filtered column, or none at all there."""
    for name, values in filters.items():
        rows = rows[as_shown(rows[name]).isin(values) | rows[name].isna()]
    return rows


def _places(kept: pd.DataFrame, selection: Selection, axis: Axis) -> pd.DataFrame:
    """Where each row lies: panel, line, place, value, row. A line that has no facet at all lies in every panel."""
    places = pd.DataFrame(
        {
            "panel": _labels(kept, selection.facets),
            "line": _labels(kept, selection.lines),
            "place": as_shown(kept[selection.x]).map(axis.place).astype(float),
            "value": kept["value"].astype(float),
            "row": kept.index,
        },
        index=kept.index,
    )
    panels = [panel for panel in dict.fromkeys(places["panel"]) if panel != NOTHING]
    facetless = places.groupby("line")["panel"].transform(lambda panel: (panel == NOTHING).all())
    if not panels or not facetless.any():
        return places
    everywhere = [places[facetless].assign(panel=panel) for panel in panels]
    return pd.concat([places[~facetless], *everywhere])


def axis_of(name: str, column: pd.Series) -> Axis:
    """Where values lie: numbers on a line, a log one if that spaces them more evenly; those without end at the right
    end; names side by side."""
    values = values_of(column)
    if not all(isinstance(value, int | float) for value in values):
        ticks = tuple((float(position), shown(name, value)) for position, value in enumerate(values))
        return Axis(name, {value: float(position) for position, value in enumerate(values)}, ticks, "names")
    finite = [value for value in values if np.isfinite(value)]
    log = len(finite) > 2 and finite[0] > 0 and _unevenness(np.log(finite)) < _unevenness(np.array(finite))
    place = {value: float(np.log2(value)) if log else float(value) for value in finite}
    steps = np.diff(sorted(place.values()))
    step = float(np.median(steps)) if len(steps) else 1.0
    beyond = None
    if len(finite) < len(values):
        last = max(place.values(), default=0.0)
        place |= {value: last + 1.2 * step for value in values if value > 0 and not np.isfinite(value)}
        beyond = last + 0.6 * step
    return Axis(name, place, tuple(_ticks(name, place)), "log" if log else "linear", beyond)


def _unevenness(ascending: np.ndarray) -> float:
    """The spread of the steps between numbers, in units of the mean step."""
    steps = np.diff(ascending)
    return float(steps.std() / steps.mean())


def _ticks(name: str, place: Mapping[Any, float]) -> list[tuple[float, str]]:
    """A tick for each value, unwritten where it would touch the one before it; none if there are too many values."""
    if len(place) > 14:
        return []
    span = max(place.values()) - min(place.values()) or 1.0
    ticks: list[tuple[float, str]] = []
    written = -np.inf
    for value, at in place.items():
        near = at - written < 0.07 * span
        ticks.append((at, "" if near else shown(name, value)))
        written = written if near else at
    return ticks


def _labels(table: pd.DataFrame, name: str | None) -> list[str]:
    return [shown(name, value) for value in as_shown(table[name])] if name else [ALL] * len(table)


def _in_order(table: pd.DataFrame, name: str | None) -> list[str]:
    """The labels of a column in the order of its values, rows without one last."""
    if not name:
        return [ALL]
    labels = [shown(name, value) for value in values_of(table[name])]
    return labels + ([shown(name, None)] if table[name].isna().any() else [])


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
