"""The figures beside the sentences on what to do with a file of pairs: accuracies, a curve that is continued, leans.

Takes tables and intervals, gives figures; computes nothing but positions.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.figures.axes import count_axis
from rmkit.figures.looks import looks_of, metric_label
from rmkit.figures.theme import GREY, INK, themed
from rmkit.intervals.means import Interval

ROW = 0.34  # inches a line


@themed
def accuracies_figure(accuracies: pd.DataFrame, ceiling: Interval | None = None) -> Figure:
    """A line a head, then a line a rule that knows no label: the accuracy on held-out pairs with its interval.

    accuracies: reward_model, is_ruler, mean, low, high (null: no interval). ceiling: what no model exceeds on single
    labels, a band.
    """
    table = accuracies.sort_values(["is_ruler", "mean"], ascending=[False, True], kind="stable").reset_index(drop=True)
    looks = looks_of(table["reward_model"])
    figure, ax = plt.subplots(figsize=(6.4, 1.0 + ROW * len(table)))
    for place, row in enumerate(table.to_dict("records")):
        look = looks[row["reward_model"]]
        if np.isfinite(row["low"]):
            ax.plot([row["low"], row["high"]], [place, place], color=look.color, linestyle=look.linestyle)
        ax.scatter([row["mean"]], [place], s=34, zorder=3, **{**look.dots, "label": None})
    if (rulers := int(table["is_ruler"].sum())) and rulers < len(table):
        ax.axhline(rulers - 0.5, color=GREY, linewidth=0.6)
    _half(ax)
    if ceiling is not None and np.isfinite(ceiling.low):
        ax.axvspan(ceiling.low, ceiling.high, color=GREY, alpha=0.15, linewidth=0)
        ax.annotate("ceiling", (ceiling.estimate, 1), xycoords=("data", "axes fraction"), va="bottom", ha="center",
                    fontsize="small", color=GREY)  # fmt: skip
    _lines(ax, [looks[name].label for name in table["reward_model"]])
    ax.set_xlabel(metric_label("accuracy"))
    return figure


@themed
def continued_figure(curve: pd.DataFrame, band: pd.DataFrame, foretold: tuple[float, Interval] | None) -> Figure:
    """A head's learning curve with its interval, the band in which it may go on, and what the rule foretold of its end.

    curve: annotations, mean, low, high of one head. band: the same beyond its last number. foretold: the accuracy at
    the last number but one, and the gain that was foretold from there to the last one.
    """
    look = looks_of(curve["reward_model"])[curve["reward_model"].iloc[0]]
    curve = curve.sort_values("annotations")
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    ax.plot(curve["annotations"], curve["mean"], **{**look.line, "label": f"{look.label}, seen"})
    ax.fill_between(curve["annotations"], curve["low"], curve["high"], color=look.color, alpha=0.18, linewidth=0)
    ax.plot(band["annotations"], band["mean"], color=look.color, linestyle=":", label="continued")
    ax.fill_between(band["annotations"], band["low"], band["high"], facecolor="none", edgecolor=look.color, alpha=0.6,
                    hatch="////", linewidth=0)  # fmt: skip
    count_axis(ax, np.append(curve["annotations"], band["annotations"].iloc[-1]))
    if foretold is not None:
        start, gain = foretold
        at = float(curve["annotations"].iloc[-1])
        ends = [[gain.estimate - gain.low], [gain.high - gain.estimate]]
        ax.errorbar([at], [start + gain.estimate], ends, fmt="D", color=INK, markersize=5, markerfacecolor="white",
                    capsize=3, label="foretold without the last number")  # fmt: skip
    ax.set(xlabel="annotated pairs (log scale)", ylabel=metric_label("accuracy"))
    ax.legend(loc="upper left")
    return figure


@themed
def shortcuts_figure(
    shares: Mapping[str, Mapping[str, Interval]], accuracies: Mapping[str, tuple[int, Interval]]
) -> Figure:
    """Left, for each trait the share of pairs in which labels and head prefer the answer with more of it; right, the
    head's accuracy by which of the two answers is longer. shares: by trait, by who prefers; accuracies: pairs and mean.
    """
    sides = max(len(shares), len(accuracies))
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 1.5 + 0.5 * sides))
    styles = {"labels": ("o", INK, "white"), "head": ("s", INK, INK)}
    names: Sequence[str] = list(shares)[::-1]
    for who, (marker, color, face) in styles.items():
        named = {who}
        for place, name in enumerate(names):
            if (interval := shares[name].get(who)) is None:
                continue
            height = place + (0.13 if who == "labels" else -0.13)
            _dot(left, interval, height, marker, color, face, named.pop() if named else "")
    _half(left)
    _lines(left, names)
    left.set_xlabel("preferred in this share of pairs")
    handles, labels = left.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    left.legend(known.values(), known.keys(), loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    sets = list(accuracies)[::-1]
    for place, name in enumerate(sets):
        _dot(right, accuracies[name][1], place, "s", INK, INK, "")
    _half(right)
    _lines(right, [f"{name}\n({accuracies[name][0]:,} pairs)" for name in sets])
    right.set_xlabel("the head's accuracy")
    return figure


def _dot(ax: Axes, interval: Interval, height: float, marker: str, color: str, face: str, label: str) -> None:
    if np.isfinite(interval.low):
        ax.plot([interval.low, interval.high], [height, height], color=color, linewidth=1.3)
    ax.scatter([interval.estimate], [height], marker=marker, s=34, color=color, facecolor=face, zorder=3,
               label=label or None)  # fmt: skip


def _half(ax: Axes) -> None:
    """A thin line at one half, a coin's share."""
    ax.axvline(0.5, color=GREY, linewidth=0.8, zorder=1)


def _lines(ax: Axes, names: Sequence[str]) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.grid(False, axis="y")
    ax.grid(True, axis="x")
