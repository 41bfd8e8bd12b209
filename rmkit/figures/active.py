"""What a label buys when strategies choose which pairs are labelled, and what it is that each of them chooses.

Takes tables of estimates that bring their intervals, or result rows; gives figures. Reads, fits and resamples nothing.
"""

import textwrap
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.axes import seeds_named
from rmkit.figures.looks import LOOKS, Look, called, look_of, looks_of, metric_label
from rmkit.figures.theme import GREY, themed

CHOSEN = ("mean_p_variance", "distinct_prompts", "log_det_gain")
CURVE_COLUMNS = ("pool", "strategy", "metric", "n", "annotations", "mean", "low", "high", "seeds", "estimand", "method")
CHOSEN_COLUMNS = ("pool", "strategy", "metric", "annotations", "value")
MOST_UNSURE = 0.25  # p (1 - p) at p = 1/2


@themed
def label_value_figure(curves: pd.DataFrame, *, against: str = "") -> Figure:
    """A row a metric at an n, a column a pool, a line a strategy with its band, against the labels used.

    curves: pool, strategy, metric, n (missing where there is none), annotations, mean, low, high, seeds, estimand,
    method, and level if known. against: the strategy that means are differences from, which is then the line at 0.
    ResultError if a column lacks, or if a line would hold one number of labels twice.
    """
    check(curves, CURVE_COLUMNS)
    drawn = curves[curves["mean"].notna()]
    pools, by_metric = (
        list(dict.fromkeys(drawn["pool"])),
        list(drawn.groupby(["metric", "n"], sort=False, dropna=False)),
    )
    looks = looks_of(drawn["strategy"], "strategy")
    size = (4.0 * len(pools) + 1.4, 2.6 * len(by_metric) + 0.6)
    figure, axes = plt.subplots(len(by_metric), len(pools), figsize=size, squeeze=False, sharex=True, sharey="row")
    for row_axes, ((metric, n), of_metric) in zip(axes, by_metric, strict=True):
        for ax, pool in zip(row_axes, pools, strict=True):
            draw_lines(ax, of_metric[of_metric["pool"] == pool], "mean", looks)
            if against:
                ax.axhline(0, **baseline(against))
        row_axes[0].set_ylabel(height_label(metric, n, against))
    name_panels(axes, pools, drawn)
    figure.suptitle(textwrap.fill(interval_title(drawn), int(12 * size[0])), x=0.01, ha="left")
    return figure


@themed
def choice_figure(rows: pd.DataFrame, *, seeds: int) -> Figure:
    """What each strategy chose: a row a metric of CHOSEN that the rows have, a column a pool, a line a strategy.

    rows: pool, strategy, metric, annotations (once the batch was in), value; where several seeds gave a value, their
    mean is shown (`seeds` says of how many). Metrics without a name here are left out.
    """
    check(rows, CHOSEN_COLUMNS)
    drawn = rows[rows["metric"].isin(CHOSEN)]
    means = drawn.groupby(["pool", "strategy", "metric", "annotations"], sort=False)["value"].mean().reset_index()
    metrics = [metric for metric in CHOSEN if metric in set(means["metric"])]
    pools, looks = list(dict.fromkeys(means["pool"])), looks_of(means["strategy"], "strategy")
    size = (4.0 * len(pools) + 1.4, 2.3 * len(metrics) + 0.6)
    figure, axes = plt.subplots(len(metrics), len(pools), figsize=size, squeeze=False, sharex=True, sharey="row")
    for row_axes, metric in zip(axes, metrics, strict=True):
        for ax, pool in zip(row_axes, pools, strict=True):
            draw_lines(ax, means[(means["metric"] == metric) & (means["pool"] == pool)], "value", looks)
            if metric == "mean_p_variance":
                ax.axhline(MOST_UNSURE, color=GREY, linewidth=0.8, zorder=1, label="_as open as a coin")
        row_axes[0].set_ylabel(metric_label(metric))
    name_panels(axes, pools, means)
    figure.suptitle(f"what was chosen in each round, {seeds_named(seeds)}", x=0.01, ha="left")
    return figure


def check(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """ResultError unless a table has the columns and, where it holds means, each point of a line once."""
    if missing := [column for column in columns if column not in table]:
        raise ResultError(f"table: lacks {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    identity = ["pool", "strategy", "metric", "n", "annotations"]
    if "mean" in columns and (again := table.duplicated(identity)).any():
        raise ResultError(f"curves: {table.loc[again, identity].iloc[0].to_dict()} is there twice; draw one fit each")
    for column in ("estimand", "method"):
        if column in columns and len(kinds := table.loc[table["low"].notna(), column].unique()) > 1:
            raise ResultError(f"curves: {column} is {' and '.join(map(repr, kinds))}; draw them apart")


def draw_lines(ax: Axes, panel: pd.DataFrame, column: str, looks: Mapping[str, Look]) -> None:
    """One panel's lines in the order of LOOKS, with bands where the table has low and high."""
    for name in sorted(panel["strategy"].unique(), key=place):
        line, look = panel[panel["strategy"] == name].sort_values("annotations"), looks[name]
        ax.plot(line["annotations"], line[column], **look.line)
        if "low" in line:
            # a difference that is exactly 0, as at a shared start, has no spread to resample and needs none
            low, high = (
                line[side].astype(float).where(line[side].notna() | (line["mean"] != 0), 0.0)
                for side in ("low", "high")
            )
            ax.fill_between(line["annotations"], low, high, color=look.color, alpha=0.13, linewidth=0)


def name_panels(axes: np.ndarray, pools: list[str], table: pd.DataFrame) -> None:
    """Pools above, labels used below with a tick for each number, one legend of all panels' lines on the right."""
    counts = sorted(table["annotations"].unique())
    for ax, pool in zip(axes[0], pools, strict=True):
        ax.set_title(f"pairs {called(pool, 'pool')}")
    for ax in axes[-1]:
        ax.set_xlabel("labels used")
        ax.set_xticks(counts)
    fullest_first = sorted(axes.flat, key=lambda ax: -len(ax.lines))  # a strategy may be in some pools alone
    handles = {line.get_label(): line for ax in fullest_first for line in ax.lines if line.get_label()[0] != "_"}
    axes[0][-1].legend(handles.values(), handles, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def interval_title(curves: pd.DataFrame) -> str:
    """The number of seeds and the kind of interval, which is one for all lines."""
    start = seeds_named(curves["seeds"].min())
    banded = curves[curves["low"].notna()]
    if banded.empty:
        return f"{start}, no interval"
    first = banded.iloc[0]
    level = f"{first['level']:.0%} " if "level" in curves else ""
    return f"{start}; band: {level}{first['method']} ({first['estimand']})"


def height_label(metric: str, n: float, against: str) -> str:
    """A metric's name and unit for the y axis, in short lines, and what it is a difference from."""
    name = textwrap.fill(metric_label(metric, n), 22)
    return f"{name}\nminus {look_of(against, 'strategy').label}" if against else name


def baseline(name: str) -> Mapping[str, Any]:
    look = look_of(name, "strategy")
    return {"color": look.color, "linestyle": look.linestyle, "label": look.label, "linewidth": 1.2}


def place(name: str) -> tuple[int, str]:
    """Where a strategy stands in the legend."""
    known = list(LOOKS["strategy"])
    return (known.index(name), "") if name in known else (len(known), name)
