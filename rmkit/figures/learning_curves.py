"""How well reward models learn a preference, against the annotations they were given, and whether they know how well.

Takes tables of estimates that bring their intervals, gives figures. Reads, fits and resamples nothing. Rows that differ
in estimand or method are never one line.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from scipy.optimize import isotonic_regression

from rmkit.errors import ResultError
from rmkit.figures.theme import GREY, INK, LOOK, themed

# Metric -> its panel's y label, in the order of the panels; metrics that are not named here come after.
Y_LABELS = {
    "accuracy": "accuracy (share of pairs)",
    "log_loss": "log-loss (nats)",
    "overconfidence": "confidence minus accuracy",
    "ece": "expected calibration error",
}
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
LABEL_GAP = 11.0  # points between two labels at the end of lines


@themed
def learning_curve_figure(curves: pd.DataFrame) -> Figure:
    """A panel a metric, a line a reward model with its band, against the number of annotations (log axis).

    curves: reward_model, metric, annotations (null for a baseline that learns nothing: a level over the whole axis),
    mean (null rows are left out), low, high (null: no band), seeds, estimand, method, and level if known (0.95).
    ResultError if a line would mix estimands or methods, or hold one number of annotations twice.
    """
    check_series(curves)
    drawn = curves[curves["mean"].notna()]
    metrics = [metric for metric in Y_LABELS if metric in set(drawn["metric"])]
    metrics += [metric for metric in drawn["metric"].unique() if metric not in Y_LABELS]
    figure, axes = plt.subplots(
        1, len(metrics), figsize=(PANEL_INCHES[0] * len(metrics), PANEL_INCHES[1]), squeeze=False
    )
    ends = [draw_panel(ax, drawn[drawn["metric"] == metric]) for ax, metric in zip(axes[0], metrics, strict=True)]
    for ax, metric in zip(axes[0], metrics, strict=True):
        ax.set(xlabel="annotated pairs (log scale)", ylabel=Y_LABELS.get(metric, metric.replace("_", " ")))
        ax.set_title(BETTER.get(metric, ""), color=GREY)
        draw_reference(ax, metric)
    figure.suptitle(title(drawn), x=0.01, ha="left")
    figure.draw_without_rendering()  # only now are the axes as tall as they will be, and labels can be told apart
    for ax, end in zip(axes[0], ends, strict=True):
        label_lines(ax, end)
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


def draw_panel(ax: Axes, panel: pd.DataFrame) -> dict[str, float]:
    """Draw one metric's lines and levels; the height at which each ends, by reward model."""
    ends = {}
    for reward_model, line in panel.groupby("reward_model", sort=False):
        look = look_of(str(reward_model))
        line = line.sort_values("annotations")
        if line["annotations"].isna().all():
            mean, low, high = line[["mean", "low", "high"]].to_numpy(dtype=float)[0]
            ax.axhline(mean, color=look["color"], linestyle=look["linestyle"], label=look["label"])
            if np.isfinite(low) and np.isfinite(high):
                ax.axhspan(low, high, color=look["color"], alpha=0.12, linewidth=0)
        else:
            ax.plot(line["annotations"], line["mean"], **look)
            low, high = (line[side].to_numpy(dtype=float) for side in ("low", "high"))
            ax.fill_between(line["annotations"], low, high, color=look["color"], alpha=0.18, linewidth=0)
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


def count_axis(ax: Axes, counts: np.ndarray) -> None:
    """A log axis whose ticks are the numbers of annotations; a number too close to the next keeps only its tick."""
    if not len(counts):
        ax.xaxis.set_major_locator(NullLocator())
        return
    ax.set_xscale("log")
    ax.set_xlim(counts[0] * 0.9, counts[-1] * 1.06)
    crowded = np.append(counts[1:] / counts[:-1] < (counts[-1] / counts[0]) ** 0.09, False)
    labels = ["" if hidden else f"{count:,.0f}" for count, hidden in zip(counts, crowded, strict=True)]
    ax.xaxis.set_major_locator(FixedLocator(list(counts)))
    ax.xaxis.set_major_formatter(FixedFormatter(labels))
    ax.xaxis.set_minor_locator(NullLocator())


def label_lines(ax: Axes, ends: Mapping[str, float]) -> None:
    """Write each line's name at its right end, moved up or down by as little as keeps the names apart."""
    points = 72 / ax.figure.dpi
    height = [float(ax.transData.transform((1, end))[1]) * points for end in ends.values()]
    for (reward_model, end), place, own in zip(ends.items(), spread(height, LABEL_GAP), height, strict=True):
        look = look_of(reward_model)
        ax.annotate(
            look["label"],
            (1, end),
            xycoords=("axes fraction", "data"),
            xytext=(5, place - own),
            textcoords="offset points",
            va="center",
            color=look["color"],
            annotation_clip=False,
        )


def spread(height: Sequence[float], gap: float) -> np.ndarray:
    """The places nearest to the heights, in least squares, that keep their order and lie at least a gap apart."""
    order = np.argsort(height, kind="stable")
    steps = gap * np.arange(len(height))
    place = np.empty(len(height))
    place[order] = isotonic_regression(np.asarray(height, dtype=float)[order] - steps).x + steps
    return place


def title(curves: pd.DataFrame) -> str:
    """The number of seeds and the kind of interval; where kinds differ, which line has which."""
    low, high = int(curves["seeds"].min()), int(curves["seeds"].max())
    seeds = f"mean of {low if low == high else f'{low} to {high}'} seed{'s' if high > 1 else ''}"
    kinds: dict[str, dict[str, None]] = {}
    for row in curves[curves["low"].notna()].itertuples():
        level = f"{row.level:.0%} " if "level" in curves else ""
        kinds.setdefault(f"{level}{row.method} ({row.estimand})", {})[look_of(row.reward_model)["label"]] = None
    if not kinds:
        return f"{seeds}, no interval"
    if len(kinds) == 1:
        return f"{seeds}; band: {next(iter(kinds))}"
    return f"{seeds}; bands: " + "; ".join(f"{', '.join(lines)}: {kind}" for kind, lines in kinds.items())


def look_of(reward_model: str) -> dict[str, Any]:
    """The look of a reward model; one that the theme does not know is black and goes by its own name."""
    return LOOK.get(reward_model, {"color": INK, "linestyle": "-", "marker": ".", "label": reward_model})


@themed
def reliability_figure(bins: pd.DataFrame) -> Figure:
    """How often a reward model is right when it says it is this sure. bins: reward_model, confidence, accuracy, pairs.

    A row is one bin of pairs (metrics.reliability_bins): the mean confidence in it, the share that was right, and how
    many pairs it holds. Above, accuracy against confidence, larger points for more pairs; below, the pairs in a bin.
    """
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.8, 5.2), sharex=True, height_ratios=(3.2, 1))
    lowest = min(0.5, float(np.floor(bins["confidence"].min() * 10) / 10))
    above.plot([lowest, 1], [lowest, 1], color=GREY, linewidth=1)
    above.annotate("as sure as right", (0.985, 0.985), rotation=45, rotation_mode="anchor", ha="right", va="bottom",
                   transform_rotates_text=True, color=GREY, fontsize="small")  # fmt: skip
    most = float(bins["pairs"].max())
    for reward_model, line in bins.groupby("reward_model", sort=False):
        look, line = look_of(str(reward_model)), line.sort_values("confidence")
        style = {"color": look["color"], "linestyle": look["linestyle"]}
        total = f"{look['label']}, {line['pairs'].sum():,.0f} scored pairs"
        above.plot(line["confidence"], line["accuracy"], linewidth=1.2, **style)
        above.scatter(line["confidence"], line["accuracy"], s=8 + 60 * line["pairs"] / most, color=look["color"],
                      marker=look["marker"], label=total)  # fmt: skip
        below.plot(line["confidence"], line["pairs"], marker=look["marker"], markersize=3, linewidth=1, **style)
    above.set(ylabel="accuracy (share of pairs)", title="Does it know when it is right?")
    above.set_xlim(lowest - 0.01, 1.01)
    above.legend(loc="upper left", markerscale=0.8)
    below.set(xlabel="stated confidence (probability)", ylabel="pairs in the bin")
    below.set_ylim(bottom=0)
    return figure
