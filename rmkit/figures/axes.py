"""What several figures do to their axes: ticks at numbers of annotations, names at the ends of lines, bands.

Knows axes and positions; no subject.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from scipy.optimize import isotonic_regression

from rmkit.errors import ResultError
from rmkit.figures.looks import Look

LABEL_GAP = 11.0  # points between two labels at the end of lines


def panel_rows(
    n_panels: int, a_row: int, panel: tuple[float, float], rest: tuple[float, float]
) -> tuple[Figure, list[Axes]]:
    """A figure of panels on the same axes, at most `a_row` side by side; the lowest of each column has named ticks.

    panel: inches of one, wide and high; rest: what the figure has beside them.
    """
    n_wide, n_high = min(n_panels, a_row), -(-n_panels // a_row)
    size = (n_wide * panel[0] + rest[0], n_high * panel[1] + rest[1])
    figure, axes = plt.subplots(n_high, n_wide, figsize=size, squeeze=False, sharex=True, sharey=True)
    for ax in axes.flat[n_panels:]:
        ax.set_visible(False)
    for ax in axes.flat[n_panels - n_wide : n_panels]:
        ax.tick_params(labelbottom=True)
    return figure, list(axes.flat[:n_panels])


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


def label_lines(
    ax: Axes, ends: Mapping[str, float], looks: Mapping[str, Look], *, size: float | None = None, gap: float = LABEL_GAP
) -> None:
    """Write each line's name at its right end, moved up or down by as little as keeps the names apart.

    size: of the letters, in points, the theme's if None; gap: points between two names.
    """
    points = 72 / ax.figure.dpi
    height = [float(ax.transData.transform((1, end))[1]) * points for end in ends.values()]
    for (name, end), place, own in zip(ends.items(), spread(height, gap), height, strict=True):
        ax.annotate(
            looks[name].label,
            (1, end),
            xycoords=("axes fraction", "data"),
            xytext=(5, place - own),
            textcoords="offset points",
            va="center",
            color=looks[name].text,
            fontsize=size,
            annotation_clip=False,
        )


def spread(height: Sequence[float], gap: float) -> np.ndarray:
    """The places nearest to the heights, in least squares, that keep their order and lie at least a gap apart."""
    order = np.argsort(height, kind="stable")
    steps = gap * np.arange(len(height))
    place = np.empty(len(height))
    place[order] = isotonic_regression(np.asarray(height, dtype=float)[order] - steps).x + steps
    return place


def draw_line(ax: Axes, line: pd.DataFrame, x: str, look: Look, **style: Any) -> float:
    """A line with its band, where it has one; the height at which it ends. style: for the line alone."""
    ax.plot(line[x], line["mean"], **look.line, **style)
    low, high = (line[side].to_numpy(dtype=float) for side in ("low", "high"))
    ax.fill_between(line[x].to_numpy(dtype=float), low, high, color=look.color, alpha=0.15, linewidth=0)
    return float(line["mean"].iloc[-1])


def one_kind(curves: pd.DataFrame, identity: Iterable[str]) -> None:
    """ResultError unless the table has rows, each once, and all its intervals are of one estimand and method."""
    if curves.empty:
        raise ResultError("curves: the table is empty; a figure needs at least one row")
    if (again := curves.duplicated(list(identity))).any():
        raise ResultError(f"curves: {curves[again].iloc[0][list(identity)].to_dict()} is listed twice; draw one metric")
    with_band = curves[curves["low"].notna()]
    for column in ("estimand", "method"):
        if len(kinds := with_band[column].unique()) > 1:
            raise ResultError(f"curves: {column} is {' and '.join(map(repr, kinds))}; draw them apart")


def seeds_named(fewest: int, most: int | None = None) -> str:
    """How many seeds a figure is the mean of: one seed, mean of 5 seeds, mean of 3 to 5 seeds."""
    fewest, most = int(fewest), int(fewest if most is None else most)
    if most == 1:
        return "one seed"
    return f"mean of {fewest} seeds" if fewest == most else f"mean of {fewest} to {most} seeds"


def band_title(curves: pd.DataFrame) -> str:
    """How many seeds, and what the band is."""
    start = seeds_named(curves["seeds"].iloc[0])
    with_band = curves[curves["low"].notna()]
    if with_band.empty:
        return f"{start}, no interval"
    first = with_band.iloc[0]
    return f"{start}; band: {first['level']:.0%} interval for {first['estimand']}"
