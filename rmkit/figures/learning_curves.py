"""How well reward models learn a preference, against the annotations they were given, and whether they know how well.

Takes tables of estimates that bring their intervals, gives figures. Reads, fits and resamples nothing. Rows that differ
in estimand or method are never one line.
"""

import math
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.axes import count_axis, label_lines, seeds_named
from rmkit.figures.looks import Look, looks_of, metric_label
from rmkit.figures.theme import GREY, themed

# Metric -> which way is better, in the order of the panels; metrics that are not named here come after.
BETTER = {
    "accuracy": "higher is better",
    "log_loss": "lower is better",
    "overconfidence": "0 is right on average",
    "ece": "lower is better",
}
PANEL_INCHES = (3.9, 3.5)
# Metric -> a value worth comparing with, and what it is.
REFERENCE = {"log_loss": (math.log(2), "knowing nothing (log 2)"), "overconfidence": (0.0, "")}
COLUMNS = ("reward_model", "metric", "annotations", "mean", "low", "high", "seeds", "estimand", "method")


@themed
def learning_curve_figure(curves: pd.DataFrame) -> Figure:
    """A panel a metric, a line a reward model with its band, against the number of annotations (log axis).

    curves: reward_model, metric, annotations (null for a baseline that learns nothing: a level over the whole axis),
    mean (null rows are left out), low, high (null: no band), seeds, estimand, method, and level if known (0.95).
    ResultError if a line would mix estimands or methods, or hold one number of annotations twice.
    """
    check_series(curves)
    drawn = curves[curves["mean"].notna()]
    metrics = [metric for metric in BETTER if metric in set(drawn["metric"])]
    metrics += [metric for metric in drawn["metric"].unique() if metric not in BETTER]
    figure, axes = plt.subplots(
        1, len(metrics), figsize=(PANEL_INCHES[0] * len(metrics), PANEL_INCHES[1]), squeeze=False
    )
    looks = looks_of(drawn["reward_model"])
    ends = [
        draw_panel(ax, drawn[drawn["metric"] == metric], looks) for ax, metric in zip(axes[0], metrics, strict=True)
    ]
    for ax, metric in zip(axes[0], metrics, strict=True):
        ax.set(xlabel="annotated pairs (log scale)", ylabel=metric_label(metric))
        ax.set_title(BETTER.get(metric, ""), color=GREY)
        draw_reference(ax, metric)
    figure.suptitle(title(drawn), x=0.01, ha="left")
    figure.draw_without_rendering()  # only now are the axes as tall as they will be, and labels can be told apart
    for ax, end in zip(axes[0], ends, strict=True):
        label_lines(ax, end, looks)
    return figure


def check_series(curves: pd.DataFrame) -> None:
    """ResultError unless the table can be drawn: all columns, at least one value, and every line of one kind."""
    if missing := [column for column in COLUMNS if column not in curves]:
        raise ResultError(f"curves: lack {', '.join(missing)}; they have {', '.join(map(str, curves.columns))}")
    if curves["mean"].isna().all():
        raise ResultError(f"curves: none of {len(curves)} rows has a mean; a figure needs at least one")
    for (metric, reward_model), line in curves.groupby(["metric", "reward_model"], sort=False):
        where = f"curves, {metric} of {reward_model}"
        for column in ("estimand", "method"):
            if len(kinds := line[column].unique()) > 1:
                found = " and ".join(map(repr, kinds))
                raise ResultError(f"{where}: {column} is {found}; one line needs one {column}: draw them apart")
        if (again := line["annotations"].duplicated()).any():
            count = line.loc[again, "annotations"].iloc[0]
            raise ResultError(f"{where}: {count} annotations are there twice; a line has one row for each number")
        if line["annotations"].isna().any() and len(line) > 1:
            raise ResultError(f"{where}: some rows lack annotations; give all, or one row without for a baseline")


def draw_panel(ax: Axes, panel: pd.DataFrame, looks: Mapping[str, Look]) -> dict[str, float]:
    """Draw one metric's lines and levels; the height at which each ends, by reward model."""
    ends = {}
    for reward_model, line in panel.groupby("reward_model", sort=False):
        look = looks[str(reward_model)]
        line = line.sort_values("annotations")
        if line["annotations"].isna().all():
            mean, low, high = line[["mean", "low", "high"]].to_numpy(dtype=float)[0]
            ax.axhline(mean, color=look.color, linestyle=look.linestyle, label=look.label)
            if np.isfinite(low) and np.isfinite(high):
                ax.axhspan(low, high, color=look.color, alpha=0.12, linewidth=0)
        else:
            ax.plot(line["annotations"], line["mean"], **look.line)
            low, high = (line[side].to_numpy(dtype=float) for side in ("low", "high"))
            ax.fill_between(line["annotations"], low, high, color=look.color, alpha=0.18, linewidth=0)
        ends[str(reward_model)] = float(line["mean"].iloc[-1])
    count_axis(ax, np.unique(panel["annotations"].dropna()))
    return ends


def draw_reference(ax: Axes, metric: str) -> None:
    """A thin line at the value worth comparing with, where the panel reaches it."""
    value, name = REFERENCE.get(metric, (math.nan, ""))
    low, high = ax.get_ylim()
    if low <= value <= high:
        ax.axhline(value, color=GREY, linewidth=0.8, zorder=1, label="_reference")
        near_top = value > low + 0.9 * (high - low)
        ax.annotate(name, (0.98, value), xycoords=("axes fraction", "data"), textcoords="offset points",
                    xytext=(0, -3 if near_top else 2), va="top" if near_top else "bottom", ha="right", color=GREY,
                    zorder=1,
                    bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5})  # fmt: skip


def title(curves: pd.DataFrame) -> str:
    """The number of seeds and the kind of interval; where kinds differ, which line has which."""
    seeds = seeds_named(curves["seeds"].min(), curves["seeds"].max())
    looks = looks_of(curves["reward_model"])
    kinds: dict[str, dict[str, None]] = {}
    for row in curves[curves["low"].notna()].itertuples():
        level = f"{row.level:.0%} " if "level" in curves else ""
        kinds.setdefault(f"{level}{row.method} ({row.estimand})", {})[looks[row.reward_model].label] = None
    if not kinds:
        return f"{seeds}, no interval"
    if len(kinds) == 1:
        return f"{seeds}; band: {next(iter(kinds))}"
    return f"{seeds}; bands: " + "; ".join(f"{', '.join(lines)}: {kind}" for kind, lines in kinds.items())
