"""Any metric against any column: every fit a dot, the mean of a line with its band where it has one, a panel a facet.

Takes places, labels and intervals, gives a figure; computes nothing but positions. `dot_near` says which dot a place on
the canvas means, so that a picture can answer a click.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.figures.looks import LOOKS, Look, looks_of, metric_label
from rmkit.figures.theme import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, themed

COLORS, MARKERS = (BLUE, ORANGE, GREEN, PURPLE, SKY, INK), ("o", "s", "D", "^", "v", "P", "X")
DODGE = 0.11  # of a step between places: how far apart the dots of neighbouring lines lie
WIDTH, ROW_HEIGHT, LEAST_HEIGHT = 6.4, 2.75, 4.1  # inches
RING, RING_SIZE = "ring", 130  # what the mark around the chosen dot is called, and its size in points squared
LETTERS_ACROSS = 64  # of tick labels, that a figure's width holds
X_LABELS = {"annotations": "annotated pairs", "beta": "annotation sharpness β", "n": "n, responses to choose from"}


@dataclass(frozen=True)
class Axis:
    """Where the values of x lie: `place` maps each to a number; ticks where there is something to write."""

    name: str
    place: Mapping[Any, float]
    ticks: tuple[tuple[float, str], ...]
    scale: str  # log, linear or names: between names no line is drawn
    beyond: float | None = None  # from here on lie values without end


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn, in places rather than values."""

    metric: str
    axis: Axis
    facets: str | None  # the column whose values the panels are
    columns: str | None  # the column whose values the lines are
    panels: tuple[str, ...]
    lines: tuple[str, ...]
    points: pd.DataFrame  # a row a result row: panel, line, place, value, row (its position in the table)
    means: pd.DataFrame  # panel, line, place, mean, low, high, fits
    levels: pd.DataFrame  # panel, line, mean, fits: rows without a value of x, a height over the whole axis
    title: str  # what the marks are
    notes: tuple[str, ...] = ()  # what is not seen, and why
    held: Mapping[str, str] = field(default_factory=dict)  # columns of which one value is kept, and that value


@themed
def explore_figure(picture: Picture, *, marked: int | None = None, figure: Figure | None = None) -> Figure:
    """The picture, a panel a facet; the dot of the row `marked` has a ring. Drawn into `figure` if one is given."""
    n_panels = len(picture.panels)
    n_across = n_panels if n_panels <= 3 else 2 if n_panels == 4 else 3
    size = (WIDTH, max(LEAST_HEIGHT, ROW_HEIGHT * -(-n_panels // n_across) + 0.5))
    if figure is None:
        figure = plt.figure(figsize=size)
    else:
        figure.clear()
        figure.set_size_inches(*size)
    looks, dots, limits = line_looks(picture), dots_of(picture), value_limits(picture)
    for position, panel in enumerate(picture.panels):
        ax = figure.add_subplot(-(-n_panels // n_across), n_across, position + 1)
        ax.set(xlim=place_limits(picture.axis), ylim=limits, autoscale_on=False)  # scaling after each artist is slow
        draw_panel(ax, picture, dots[dots["panel"] == panel], panel, looks)
        draw_ticks(ax, picture.axis, n_across)
        ax.tick_params(labelleft=position % n_across == 0, labelbottom=position + n_across >= n_panels)
        if n_panels > 1:
            ax.set_title(panel_title(picture.facets, panel))
    mark(figure, picture, marked)
    draw_words(figure, picture, looks)
    return figure


@themed
def blank_figure() -> Figure:
    """A figure of the usual width in which nothing is drawn yet."""
    return plt.figure(figsize=(WIDTH, LEAST_HEIGHT))


def draw_panel(ax: Axes, picture: Picture, dots: pd.DataFrame, panel: str, looks: Mapping[str, Look]) -> None:
    """One panel's dots, levels, bands and means."""
    colors = dots["line"].map({line: look.color for line, look in looks.items()})
    ax.scatter(dots["at"], dots["value"], s=15, c=list(colors), alpha=0.45, linewidths=0, zorder=3)
    for level in picture.levels[picture.levels["panel"] == panel].itertuples():
        look = looks[str(level.line)]
        ax.axhline(level.mean, color=look.color, linestyle=look.linestyle, linewidth=1, zorder=1)
    shift = shifts(picture)
    for line, mean in picture.means[picture.means["panel"] == panel].groupby("line"):
        draw_means(ax, picture.axis, mean.sort_values("place"), looks[str(line)], shift.get(str(line), 0.0))


def draw_means(ax: Axes, axis: Axis, mean: pd.DataFrame, look: Look, shift: float) -> None:
    """A line with its band through the places of numbers; bars and no line between names, or beyond the last number."""
    place, height, low, high = (mean[name].to_numpy(dtype=float) for name in ("place", "mean", "low", "high"))
    joined = np.full(len(place), axis.scale != "names") & (place < (np.inf if axis.beyond is None else axis.beyond))
    style = {**look.line, "label": None}
    if joined.any():
        ax.plot(place[joined], height[joined], **style, zorder=4)
    if (joined & np.isfinite(low)).any():
        ax.fill_between(place[joined], low[joined], high[joined], color=look.color, alpha=0.15, linewidth=0)
    if not joined.all():
        at = place[~joined] + shift
        ax.vlines(at, low[~joined], high[~joined], color=look.color, linewidth=1.4, alpha=0.6, zorder=2)
        ax.plot(at, height[~joined], **{**style, "linestyle": ""}, zorder=4)


def draw_ticks(ax: Axes, axis: Axis, n_across: int) -> None:
    """The values under their places, turned where they would touch, and a gap before what lies beyond all numbers."""
    labels = [plain(shortened(label)) for _, label in axis.ticks]
    if axis.ticks:
        ax.set_xticks([at for at, _ in axis.ticks], labels)
    elif not axis.place:
        ax.set_xticks([])
    if max(map(len, labels), default=0) * len(labels) * n_across > LETTERS_ACROSS:
        ax.tick_params(axis="x", rotation=90 if len(labels) * n_across > 20 else 40)
        plt.setp(ax.get_xticklabels(), ha="right", va="top" if len(labels) * n_across <= 20 else "center")
        plt.setp(ax.get_xticklabels(), rotation_mode="anchor")
    if axis.beyond is not None:
        ax.axvline(axis.beyond, color=GREY, linewidth=0.8, linestyle=(0, (1, 3)))


def draw_words(figure: Figure, picture: Picture, looks: Mapping[str, Look]) -> None:
    """The names of the axes and lines, and above them what the marks are."""
    axis = picture.axis
    name = X_LABELS.get(axis.name, axis.name.replace("_", " "))
    figure.supxlabel(plain(f"{name} (log scale)" if axis.scale == "log" else name), fontsize=10)
    figure.supylabel(height_label(picture), fontsize=10)
    if any(picture.lines):
        styles = [looks[line].line for line in picture.lines]
        handles = [plt.Line2D([], [], **{**style, "label": plain(style["label"])}) for style in styles]
        title = plain((picture.columns or "").replace("_", " "))
        figure.legend(handles=handles, loc="outside right center", title=title, alignment="left", handlelength=2.4)
    held = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in picture.held.items())
    figure.suptitle(wrapped(" · ".join(filter(None, [held, picture.title])), 110), x=0.01, ha="left", fontsize=9)


def mark(figure: Figure, picture: Picture, row: int | None) -> None:
    """Put the ring around the dot of a row, wherever it is drawn, and take it off every other."""
    for ax in figure.axes:
        for ring in [artist for artist in ax.collections if artist.get_gid() == RING]:
            ring.remove()
    dots = dots_of(picture)
    for dot in dots[dots["row"] == row].to_dict("records"):
        ax = figure.axes[picture.panels.index(dot["panel"])]
        ring = ax.scatter([dot["at"]], [dot["value"]], s=RING_SIZE, facecolors="none", edgecolors=INK, linewidths=1.6)
        ring.set(gid=RING, zorder=6)


def value_limits(picture: Picture) -> tuple[float, float]:
    """The heights between which everything lies, with a margin."""
    columns = [(picture.points, ["value"]), (picture.means, ["mean", "low", "high"]), (picture.levels, ["mean"])]
    heights = np.concatenate([table[names].to_numpy(dtype=float).ravel() for table, names in columns])
    heights = heights[np.isfinite(heights)]
    if not len(heights):
        return 0.0, 1.0
    margin = 0.05 * float(np.ptp(heights)) or 0.05 * abs(float(heights[0])) or 0.5
    return float(heights.min()) - margin, float(heights.max()) + margin


def place_limits(axis: Axis) -> tuple[float, float]:
    """The places between which all values of x lie, with a margin."""
    low, high = min(axis.place.values(), default=0.0), max(axis.place.values(), default=1.0)
    margin = 0.5 if axis.scale == "names" else 0.07 * (high - low) or 0.5
    return low - margin, high + margin


def dots_of(picture: Picture) -> pd.DataFrame:
    """The points with `at`, where their dots lie: beside their place, each line a little further to the right."""
    shift = pd.Series(shifts(picture), dtype=float)
    return picture.points.assign(at=picture.points["place"] + picture.points["line"].map(shift).astype(float))


def dot_near(figure: Figure, picture: Picture, x: float, y: float, *, within: float) -> int | None:
    """The row of the nearest dot to a place on the canvas, in its pixels from the lower left; None if none is near."""
    nearest, row = within, None
    for panel, dots in dots_of(picture).groupby("panel", sort=False):
        ax = figure.axes[picture.panels.index(str(panel))]
        away = np.hypot(*(ax.transData.transform(dots[["at", "value"]].to_numpy()) - (x, y)).T)
        if away.min() <= nearest:
            nearest, row = float(away.min()), int(dots["row"].iloc[int(away.argmin())])
    return row


def shifts(picture: Picture) -> dict[str, float]:
    """How far a line's dots lie beside their places, so that dots of several lines can be told apart and clicked."""
    drawn = [line for line in picture.lines if line in set(picture.points["line"])]
    places = np.unique(picture.points["place"])
    step = float(np.diff(places).min()) if len(places) > 1 else 1.0
    between = step * min(DODGE, 0.7 / max(len(drawn), 1))
    if picture.axis.scale != "names":  # few numbers lie far apart: a dot must still be seen to belong to its own
        low, high = place_limits(picture.axis)
        between = min(between, 0.02 * (high - low))
    return {line: between * (position - (len(drawn) - 1) / 2) for position, line in enumerate(drawn)}


def line_looks(picture: Picture) -> dict[str, Look]:
    """Colour, dash, marker and label of each line: those of looks.py for what is listed there, else one each."""
    if picture.columns and picture.columns in LOOKS:
        return looks_of(picture.lines, picture.columns)
    return {
        line: Look(line, COLORS[position % len(COLORS)], "-", MARKERS[position % len(MARKERS)])
        for position, line in enumerate(picture.lines)
    }


def height_label(picture: Picture) -> str:
    """What the y axis is: best_of_n where one n is kept is the best of 32."""
    n = picture.held.get("n")
    return plain(metric_label(picture.metric, float(n) if n else None))


def panel_title(column: str | None, panel: str) -> str:
    """What a panel shows: β = 1, no noise, pool cross_prompt."""
    name = "β" if column == "beta" else (column or "").replace("_", " ")
    if panel in ("—", "no noise"):
        return plain(f"no {name}") if panel == "—" else panel
    return plain(f"{name} = {panel}" if column == "beta" else f"{name} {panel}")


def plain(text: str) -> str:
    """The text with no part of it read as mathematics."""
    return text.replace("$", r"\$")


def shortened(text: str, longest: int = 26) -> str:
    """The text with its end cut off where it is too long for a tick."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def wrapped(text: str, width: int) -> str:
    """The text in lines of at most so many letters."""
    lines: Sequence[str] = [""]
    for word in plain(text).split():
        if len(lines[-1]) + len(word) >= width and lines[-1]:
            lines = [*lines, word]
        else:
            lines = [*lines[:-1], f"{lines[-1]} {word}".strip()]
    return "\n".join(lines)
