"""Any metric against any column: every fit a dot, the mean of a line with its band where it has one, a panel a facet.

Takes places, labels and intervals, gives a figure as wide as it is told; computes nothing but positions (layout.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rmkit.figures.looks import Look
from rmkit.figures.theme import GREY, themed
from rmkit.widgets.explorer.axis import Axis
from rmkit.widgets.explorer.frame import Frame, frame_of
from rmkit.widgets.explorer.layout import DPI, SIZE, fitted
from rmkit.widgets.explorer.line_looks import CHOSEN_COLOR, KEPT_COLOR, line_looks
from rmkit.widgets.explorer.picture import Picture

DODGE = 0.11  # of a step between places: how far apart the dots of neighbouring lines lie
WIDTH, NARROWEST, WIDEST = 704, 340, 1100  # pixels: usual, and between which a picture is drawn
RING, RING_SIZE = "ring", 130  # what the mark around the chosen dot is called, and its size in points squared
KEPT = "kept"  # the mark around the dots of the fit that others are compared with
MOST_TICKS = 40  # beyond so many, only ticks that are written are drawn
SMALL: dict[Any, Any] = {"font.size": SIZE, "axes.titlesize": SIZE, "figure.constrained_layout.use": False}


@themed
def explore_figure(
    picture: Picture, *, marked: int | None = None, figure: Figure | None = None, width: int = WIDTH
) -> Figure:
    """The picture, so many pixels wide; the dot of the row `marked` has a ring. Drawn into `figure` if one is given."""
    limits = value_limits(picture)
    looks = line_looks(picture.lines, picture.columns)
    frame = frame_of(picture, looks, max(NARROWEST, min(WIDEST, width)), limits)
    with plt.rc_context(SMALL):
        figure = _empty(figure, frame)
        dots = dots_of(picture)
        for position, (ax, panel) in enumerate(zip(figure.axes, picture.panels, strict=True)):
            ax.set(xlim=picture.axis.limits(), ylim=limits, autoscale_on=False)  # scaling after each artist is slow
            draw_panel(ax, picture, dots[dots["panel"] == panel], panel, looks)
            draw_ticks(ax, picture.axis, frame, position)
            ax.set_yticks([at for at, _ in frame.heights], [label for _, label in frame.heights])
            title = plain(fitted(panel_title(picture.facets, panel), frame.panel_width))
            ax.set_title(title if len(picture.panels) > 1 else "")
        mark(figure, picture, marked)
        draw_words(figure, picture, looks, frame)
    return figure


def _empty(figure: Figure | None, frame: Frame) -> Figure:
    """A figure of the frame's size with its panels, and nothing in them. Panels of the same number are used again."""
    size = (frame.width / DPI, frame.height / DPI)
    if figure is None:
        figure = plt.figure(figsize=size, dpi=DPI)
    if len(figure.axes) == frame.n_panels:  # to make axes and their ticks takes half as long as a whole picture
        for artist in [*figure.legends, *(text for text in figure.texts if text.get_gid())]:
            artist.remove()
        for artist in [artist for ax in figure.axes for artist in (*ax.lines, *ax.collections)]:
            artist.remove()
    else:
        for ax in figure.axes:
            figure.delaxes(ax)  # else each is made ready for a use that never comes
        figure.clear()
        for _ in range(frame.n_panels):
            figure.add_axes((0, 0, 1, 1)).set_navigate(False)
    figure.set_layout_engine("none")
    figure.set_size_inches(*size)
    for position, ax in enumerate(figure.axes):
        ax.set_position(frame.panel(position))
    return figure


@themed
def blank_figure() -> Figure:
    """A figure of the usual width in which nothing is drawn yet."""
    return plt.figure(figsize=(WIDTH / DPI, 4.1), dpi=DPI)


def draw_panel(ax: Axes, picture: Picture, dots: pd.DataFrame, panel: str, looks: Mapping[str, Look]) -> None:
    """One panel's dots, levels, bands and means."""
    for line, own in dots.groupby("line", sort=False, observed=True):
        style = {"color": looks[str(line)].color, "alpha": 0.45, "markeredgewidth": 0, "markersize": 3.9}
        draw_line(ax, own["at"].to_numpy(), own["value"].to_numpy(), linestyle="", marker="o", zorder=3, **style)
    for level in picture.levels[picture.levels["panel"] == panel].itertuples():
        look = looks[str(level.line)]
        ax.axhline(level.mean, color=look.color, linestyle=look.linestyle, linewidth=1, zorder=1)
    means = marks_of(picture)
    for line, mean in means[means["panel"] == panel].groupby("line", observed=True):
        draw_means(ax, mean.sort_values("place"), looks[str(line)])


def draw_means(ax: Axes, mean: pd.DataFrame, look: Look) -> None:
    """A line with its band through the places of numbers; bars and no line between names, or beyond the last number."""
    place, height, low, high = (mean[name].to_numpy(dtype=float) for name in ("at", "mean", "low", "high"))
    joined = mean["joined"].to_numpy()
    style = {**look.line, "label": None}
    if joined.any():
        draw_line(ax, place[joined], height[joined], **style, zorder=4)
    if (joined & np.isfinite(low)).any():
        ax.fill_between(place[joined], low[joined], high[joined], color=look.color, alpha=0.15, linewidth=0)
    if not joined.all():
        at = place[~joined]
        ax.vlines(at, low[~joined], high[~joined], color=look.color, linewidth=1.4, alpha=0.6, zorder=2)
        draw_line(ax, at, height[~joined], **{**style, "linestyle": ""}, zorder=4)


def draw_line(ax: Axes, x: np.ndarray, y: np.ndarray, **style: Any) -> None:
    """What `ax.plot` draws, without its work on units and limits, which are settled here already."""
    ax.add_artist(Line2D(x, y, **style))


def draw_ticks(ax: Axes, axis: Axis, frame: Frame, position: int) -> None:
    """The values under their places where the frame has them written, and a gap before what lies beyond all numbers."""
    ax.tick_params(labelleft=frame.is_leftmost(position), labelbottom=frame.is_lowest(position), pad=3)
    if frame.ticks.labels:
        written = [(at, plain(label)) for (at, _), label in zip(axis.ticks, frame.ticks.labels, strict=True)]
        if len(written) > MOST_TICKS:
            written = [(at, label) for at, label in written if label]
        ax.set_xticks([at for at, _ in written], [label for _, label in written])
    else:
        ax.set_xticks([])
    turn = frame.ticks.turn
    ax.tick_params(axis="x", rotation=turn)
    turned = {"ha": "right", "va": "center" if turn == 90 else "top", "rotation_mode": "anchor"}
    plt.setp(ax.get_xticklabels(), **(turned if turn else {"ha": "center", "va": "top", "rotation_mode": "default"}))
    if axis.beyond is not None:
        ax.axvline(axis.beyond, color=GREY, linewidth=0.8, linestyle=(0, (1, 3)))


def draw_words(figure: Figure, picture: Picture, looks: Mapping[str, Look], frame: Frame) -> None:
    """The names of the axes and lines, and above them what the marks are."""
    figure.text(*frame.at(*frame.x_name_at), plain(frame.x_name), ha="center", va="bottom", gid="x")
    figure.text(*frame.at(*frame.y_name_at), plain(frame.y_name), ha="left", va="center", rotation=90, gid="y")
    figure.suptitle(
        "\n".join(map(plain, frame.title)), x=frame.at(*frame.title_at)[0], y=frame.at(*frame.title_at)[1],
        ha="left", va="top", fontsize=SIZE, linespacing=1.3,
    )  # fmt: skip
    if frame.legend.labels:
        styles = [looks[line].line for line in picture.lines]
        handles = [plt.Line2D([], [], **{**style, "label": plain(label)})
                   for style, label in zip(styles, frame.legend.labels, strict=True)]  # fmt: skip
        figure.legend(
            handles=handles, loc="upper left", bbox_to_anchor=frame.at(*frame.legend_at), borderaxespad=0, borderpad=0,
            title=plain(frame.legend_title), alignment="left", handlelength=2.4, ncols=frame.legend.columns,
            columnspacing=1.2, labelspacing=0.35, title_fontsize=SIZE,
        )  # fmt: skip


def mark(figure: Figure, picture: Picture, row: int | None, kept: Sequence[int] = ()) -> None:
    """Put the ring around the dot of a row, wherever it is drawn, and another around those of the rows `kept`.

    They are taken off every other dot.
    """
    for ax in figure.axes:
        for ring in [artist for artist in ax.collections if artist.get_gid() in (RING, KEPT)]:
            ring.remove()
    dots = dots_of(picture) if row is not None or len(kept) else picture.points.iloc[:0]
    for name, color, rows in ((KEPT, KEPT_COLOR, kept), (RING, CHOSEN_COLOR, [row])):
        for dot in dots[dots["row"].isin(rows)].to_dict("records"):
            ax = figure.axes[picture.panels.index(dot["panel"])]
            ring = ax.scatter([dot["at"]], [dot["value"]], s=RING_SIZE, facecolors="none", edgecolors=color)
            ring.set(gid=name, zorder=6, linewidth=1.6)


def value_limits(picture: Picture) -> tuple[float, float]:
    """The heights between which everything lies, with a margin."""
    columns = [(picture.points, ["value"]), (picture.means, ["mean", "low", "high"]), (picture.levels, ["mean"])]
    heights = np.concatenate([table[names].to_numpy(dtype=float).ravel() for table, names in columns])
    heights = heights[np.isfinite(heights)]
    if not len(heights):
        return 0.0, 1.0
    margin = 0.05 * float(np.ptp(heights)) or 0.05 * abs(float(heights[0])) or 0.5
    return float(heights.min()) - margin, float(heights.max()) + margin


def dots_of(picture: Picture) -> pd.DataFrame:
    """The points with `at`, where their dots lie: beside their place, each line a little further to the right."""
    shift = pd.Series(shifts(picture), dtype=float)
    return picture.points.assign(at=picture.points["place"] + picture.points["line"].map(shift).astype(float))


def marks_of(picture: Picture) -> pd.DataFrame:
    """The means with `joined`, whether a line goes through them, and `at`, where they lie: those that are not joined
    lie beside their place, as the dots do."""
    place, axis = picture.means["place"].to_numpy(dtype=float), picture.axis
    joined = np.full(len(place), axis.scale != "names") & (place < (np.inf if axis.beyond is None else axis.beyond))
    shift = picture.means["line"].map(pd.Series(shifts(picture), dtype=float)).fillna(0.0).to_numpy(dtype=float)
    return picture.means.assign(joined=joined, at=place + np.where(joined, 0.0, shift))


def shifts(picture: Picture) -> dict[str, float]:
    """How far a line's dots lie beside their places, so that dots of several lines can be told apart and clicked."""
    with_dots = set(picture.points["line"].unique())
    drawn = [line for line in picture.lines if line in with_dots]
    places = np.unique(picture.points["place"])
    step = float(np.diff(places).min()) if len(places) > 1 else 1.0
    between = step * min(DODGE, 0.7 / max(len(drawn), 1))
    if picture.axis.scale != "names":  # few numbers lie far apart: a dot must still be seen to belong to its own
        low, high = picture.axis.limits()
        between = min(between, 0.02 * (high - low))
    return {line: between * (position - (len(drawn) - 1) / 2) for position, line in enumerate(drawn)}


def panel_title(column: str | None, panel: str) -> str:
    """What a panel shows: β = 1, no noise, pool cross_prompt."""
    name = "β" if column == "beta" else (column or "").replace("_", " ")
    if panel in ("—", "no noise"):
        return plain(f"no {name}") if panel == "—" else panel
    return plain(f"{name} = {panel}" if column == "beta" else f"{name} {panel}")


def plain(text: str) -> str:
    """The text with no part of it read as mathematics."""
    return text.replace("$", r"\$")
