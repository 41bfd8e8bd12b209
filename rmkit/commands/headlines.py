"""The table that a terminal shows of a stage's rows: its headline metrics, averaged over seeds, a row for each setting.

Knows tidied rows; neither the store nor a terminal. An interval stands only where it is honest: Student's t over at
least five seeds, else the lowest and the highest seed, else what a single row brings itself.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import one_of
from rmkit.intervals.means import FEWEST_SEEDS, t_over_seeds
from rmkit.stages.first_look import FIRST_LOOK, REPLICATES
from rmkit.widgets.explorer.coded import axes_of
from rmkit.widgets.explorer.columns import FIT, NOTHING, as_shown, metrics_of, of_metric, shown, values_of

SEED, SEEDS, WORLD = "seed", "seeds", "world"
GUESSED = 3  # metrics of a stage of which nothing is said beforehand
ROUNDING = 1e-7  # of a metric's largest value: float32 tells nothing smaller apart, so it is no spread
T, RANGE, OWN = "±", "low to high", "own"
KINDS = {
    T: "±: 95% t-interval over seeds, for new seeds, these prompts",
    RANGE: f"[low, high]: the lowest and the highest of fewer than {FEWEST_SEEDS} seeds",
    OWN: "[low, high]: the interval that the row itself has",
}


@dataclass(frozen=True)
class Table:
    """Rows and columns as text; what stands below them in words."""

    settings: tuple[str, ...]  # the columns that tell rows apart
    metrics: tuple[str, ...]  # the columns with numbers
    rows: tuple[Mapping[str, str], ...]
    notes: tuple[str, ...]  # what is fixed, what an interval is


@dataclass(frozen=True)
class Cell:
    """A mean with its interval, NaN where it has none, and how many seeds it is of (empty where the stage has none)."""

    mean: float = math.nan
    low: float = math.nan
    high: float = math.nan
    kind: str = ""  # of the interval: one of KINDS, or none
    seeds: str = ""

    def text(self, decimals: int) -> str:
        """As the table writes it. decimals: of its column, which a mean of a thousand and more may do without."""
        if math.isnan(self.mean):
            return NOTHING
        places = max(decimals, 3 if abs(self.mean) < 1000 else 0)
        mean, low, high = (
            f"{round(value, places) + 0.0:,.{places}f}" for value in (self.mean, self.low, self.high)
        )  # + 0.0: no -0.000
        if self.kind == T:
            return f"{mean} {T}{self.high - self.mean:,.{places}f}"
        return f"{mean} [{low}, {high}]" if self.kind else mean


def headline_tables(
    table: pd.DataFrame, stage: str, metrics: Sequence[str] = (), *, chosen: Collection[str] = ()
) -> list[Table]:
    """A table for the headline metrics of a stage, or for these; one more for those that have settings of their own.

    table: tidied rows. Of a column that a headline does not go by, as `n`, the largest value is kept, unless it was
    chosen from; where metrics are asked for by name, none is left out. ParamsError for a metric that there is not.
    """
    there = metrics_of(table)
    for metric in metrics:
        one_of(metric, there, "--metric")
    told = FIRST_LOOK.get(stage, {})
    wanted = metrics or [name for name in told.get("headlines", ()) if name in there] or there[:GUESSED]
    found: dict[tuple[str, ...], list[tuple[str, pd.DataFrame, dict[str, Any]]]] = {}
    for metric in wanted:
        kept, settings, fixed = _of_one_metric(of_metric(table, metric), told, whole=bool(metrics), chosen=chosen)
        found.setdefault(settings, []).append((metric, kept, fixed))
    return [_table(settings, parts) for settings, parts in found.items()]


def _of_one_metric(
    rows: pd.DataFrame, told: Mapping[str, Any], *, whole: bool, chosen: Collection[str]
) -> tuple[pd.DataFrame, tuple[str, ...], dict[str, Any]]:
    """The rows that are shown of a metric, the columns that tell them apart, and the values that others are kept at."""
    axes = {name: values for name, values in axes_of(rows).items() if name not in REPLICATES}
    placed = [told[place] for place in ("facets", "x", "lines") if told.get(place) in axes]
    fixed: dict[str, Any] = {}
    for name in [] if whole else [name for name in axes if name not in (*placed, *chosen)]:
        if told.get(name) in axes[name] and "columns" not in told:
            fixed[name] = told[name]
        elif name == "n":
            fixed[name] = axes[name][-1]
    for name, value in fixed.items():
        rows = rows[as_shown(rows[name]) == value]
    if "columns" in told:
        return rows, tuple(name for name in told["columns"] if name in rows), fixed
    others = [name for name in axes if name not in (*placed, *fixed)]
    for name in [
        name for name in others if name != WORLD
    ]:  # what others tell already, as the split in the name of a fit, needs no column
        fewer = [other for other in (*others, *placed) if other != name]
        if fewer and rows.groupby(fewer, dropna=False).ngroups == rows.groupby([*fewer, name], dropna=False).ngroups:
            others.remove(name)
    return rows, (*others, *placed) or (FIT,), fixed


def _table(settings: tuple[str, ...], parts: Sequence[tuple[str, pd.DataFrame, dict[str, Any]]]) -> Table:
    """The metrics that share their settings side by side."""
    whole = pd.concat([rows for _, rows, _ in parts])
    order = {
        name: {shown(name, value): place for place, value in enumerate(values_of(whole[name]))} for name in settings
    }
    kinds: set[str] = set()
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for metric, rows, _ in parts:
        labels = [as_shown(rows[name]).map(lambda value, name=name: shown(name, value)) for name in settings]
        least = ROUNDING * float(rows["value"].abs().max())
        column = {setting: _cell(group, least) for setting, group in rows.groupby(labels, sort=False)}
        decimals = _decimals(column.values(), least)
        for setting, cell in column.items():
            kinds.add(cell.kind)
            cells.setdefault(setting, {}).update({metric: cell.text(decimals), SEEDS: cell.seeds})
    placed = sorted(
        cells,
        key=lambda setting: [
            order[name].get(label, len(order[name])) for name, label in zip(settings, setting, strict=True)
        ],
    )
    counts = {row[SEEDS] for row in cells.values()}
    metrics = tuple(metric for metric, _, _ in parts)
    lines = [
        dict(zip(settings, setting, strict=True)) | dict.fromkeys(metrics, "") | cells[setting] for setting in placed
    ]
    notes = [f"mean of {next(iter(counts))} seeds"] if len(counts) == 1 and counts != {""} else []
    notes += [KINDS[kind] for kind in KINDS if kind in kinds]
    kept: dict[tuple[str, Any], list[str]] = {}
    for metric, _, fixed in parts:
        for item in fixed.items():
            kept.setdefault(item, []).append(metric)
    notes += [f"{', '.join(of)} at {name} = {shown(name, value)}" for (name, value), of in kept.items()]
    return Table((*settings, *((SEEDS,) if len(counts) > 1 else ())), metrics, tuple(lines), tuple(notes))


def _cell(group: pd.DataFrame, least: float) -> Cell:
    """The mean of a setting's rows. least: a spread that is not above it is that of rounding."""
    has = group[np.isfinite(group["value"].astype(float))]
    if has.empty:
        return Cell()
    if SEED not in has:
        return _single(has, "")
    value_s = has.groupby(SEED)["value"].mean().to_numpy(dtype=float)  # draws and folds of a seed are one number
    if len(value_s) == 1:
        return _single(has, "1")
    mean, count = float(value_s.mean()), str(len(value_s))
    if len(value_s) < FEWEST_SEEDS:
        return Cell(mean, float(value_s.min()), float(value_s.max()), RANGE, count)
    interval = t_over_seeds(value_s)
    if interval.reason or interval.high - interval.low <= 2 * least:
        return Cell(mean, seeds=count)
    return Cell(mean, interval.low, interval.high, T, count)


def _single(has: pd.DataFrame, seeds: str) -> Cell:
    mean = float(has["value"].mean())
    low, high = (float(has.iloc[0].get(end, np.nan)) for end in ("low", "high"))
    if len(has) == 1 and np.isfinite([low, high]).all():
        return Cell(mean, low, high, OWN, seeds)
    return Cell(mean, seeds=seeds)


def _decimals(cells: Iterable[Cell], least: float) -> int:
    """How many decimals show a digit of the smallest half width of a column that is more than rounding."""
    halves = [(cell.high - cell.low) / 2 for cell in cells if cell.kind and cell.high - cell.low > 2 * least]
    return max(0, -math.floor(math.log10(min(halves)))) if halves else 0
