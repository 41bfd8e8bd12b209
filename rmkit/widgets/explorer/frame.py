"""The frame of one picture: where its panels, ticks, legend and words lie at a given width.

Puts together what layout.py measures. Gives places in pixels from the lower left, and as parts of the figure.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from rmkit.figures.looks import Look, metric_label
from rmkit.widgets.explorer.layout import (
    BETWEEN,
    EDGE,
    GAP,
    HEIGHTS,
    LINE,
    MORE,
    Legend,
    Room,
    TickLabels,
    columns_of,
    fitted,
    legend_of,
    lines_of,
    text_width,
    tick_labels,
)
from rmkit.widgets.explorer.picture import Picture

X_NAMES = {"annotations": "annotated pairs", "beta": "annotation sharpness β", "n": "n, responses to choose from"}
TICK = 9.0  # pixels of a tick and the space before its label
WIDEST_GAP = 64.0  # between panels side by side
ROW_GAP = 15.0  # between panels above each other


@dataclass(frozen=True)
class Frame:
    """Where all parts of a picture lie; pixels from its lower left corner."""

    width: float
    height: float
    left: float  # of the first panel
    above: float  # pixels over the first panel
    panel_width: float
    panel_height: float
    gap: float  # between panels side by side
    title_height: float  # of a panel's title
    across: int
    n_panels: int
    heights: tuple[tuple[float, str], ...]  # the ticks of y
    ticks: TickLabels  # of x
    legend: Legend
    legend_title: str
    title: tuple[str, ...]
    x_name: str
    y_name: str

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place as parts of the figure."""
        return x / self.width, y / self.height

    def panel(self, position: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel, as parts of the figure."""
        row, column = divmod(position, self.across)
        left = self.left + column * (self.panel_width + self.gap)
        bottom = self.top - row * (self.panel_height + self.title_height + ROW_GAP) - self.panel_height
        return (*self.at(left, bottom), *self.at(self.panel_width, self.panel_height))

    def is_leftmost(self, position: int) -> bool:
        return position % self.across == 0

    def is_lowest(self, position: int) -> bool:
        return position + self.across >= self.n_panels

    @property
    def top(self) -> float:
        """The upper end of the first panel."""
        return self.height - self.above

    @property
    def right(self) -> float:
        return self.left + self.across * self.panel_width + (self.across - 1) * self.gap

    @property
    def bottom(self) -> float:
        """The lower end of the lowest row of panels."""
        n_rows = math.ceil(self.n_panels / self.across)
        return self.top - n_rows * self.panel_height - (n_rows - 1) * (self.title_height + ROW_GAP)

    @property
    def title_at(self) -> tuple[float, float]:
        return EDGE, self.height - EDGE / 2

    @property
    def x_name_at(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, self.bottom - TICK - self.ticks.height - LINE

    @property
    def y_name_at(self) -> tuple[float, float]:
        return EDGE / 2, (self.top + self.bottom) / 2

    @property
    def legend_at(self) -> tuple[float, float]:
        """The upper left corner of the legend."""
        if self.legend.beside:
            return self.right + 2 * GAP, self.top
        return EDGE, self.x_name_at[1] - GAP


def frame_of(picture: Picture, looks: Mapping[str, Look], width: float, limits: tuple[float, float]) -> Frame:
    """The frame of a picture that is so many pixels wide; limits: the heights between which everything lies."""
    n_panels, axis = max(1, len(picture.panels)), picture.axis
    title = lines_of(" · ".join(filter(None, [_held(picture), picture.title])), width - 2 * EDGE)
    legend_title = (picture.columns or "").replace("_", " ")
    legend = legend_of([looks[line].label for line in picture.lines if line], legend_title, width, 280.0)
    heights, left, right, across = _across(limits, n_panels, width, legend)
    n_rows = math.ceil(n_panels / across)
    low, high = axis.limits()
    at = np.array([(place - low) / (high - low) for place, _ in axis.ticks])
    words = [label for _, label in axis.ticks]
    gap, room = _gap(words, at, (width - left - right) / across, across, left)
    panel_width = (width - left - right - (across - 1) * gap) / across
    ticks = tick_labels(words, at, panel_width, room, names=axis.scale == "names", last=axis.beyond is not None)
    panel_height, title_height = HEIGHTS.get(n_rows, MORE), LINE if n_panels > 1 else 0.0
    panels = n_rows * (panel_height + title_height) + (n_rows - 1) * ROW_GAP
    above = EDGE / 2 + LINE * len(title) + (GAP / 2 if n_panels > 1 else GAP)
    below = TICK + ticks.height + LINE + (EDGE if legend.beside or not legend.labels else GAP + legend.height + EDGE)
    return Frame(
        width=width,
        height=max(above + panels + below, (above + legend.height + EDGE) * legend.beside),
        above=above + title_height,
        left=left,
        panel_width=panel_width,
        panel_height=panel_height,
        gap=gap,
        title_height=title_height,
        across=across,
        n_panels=n_panels,
        heights=heights,
        ticks=ticks,
        legend=legend,
        legend_title=fitted(legend_title, width - 2 * EDGE),
        title=tuple(title),
        x_name=fitted(_x_name(picture), width - 2 * EDGE),
        y_name=fitted(height_label(picture), panels),
    )


def _across(
    limits: tuple[float, float], n_panels: int, width: float, legend: Legend
) -> tuple[tuple[tuple[float, str], ...], float, float, int]:
    """The ticks of y, what lies to the left and to the right of the panels, and how many panels lie side by side."""
    right = EDGE + GAP + (legend.width + GAP if legend.beside else 0.0)
    across = columns_of(n_panels, width - right - EDGE - 2 * LINE - TICK)
    heights = heights_of(limits, HEIGHTS.get(math.ceil(n_panels / across), MORE))
    left = EDGE + LINE + max((text_width(label) for _, label in heights), default=0.0) + TICK
    return heights, left, right, across


def _gap(labels: list[str], at: np.ndarray, width: float, across: int, left: float) -> tuple[float, Room]:
    """The gap between panels side by side, wide enough for the labels at their ends, and what labels may reach over."""
    over_left = over_right = 0.0
    if labels:
        over_left = max(0.0, text_width(labels[0]) / 2 - at[0] * width)
        over_right = max(0.0, text_width(labels[-1]) / 2 - (1 - at[-1]) * width)
    gap = min(WIDEST_GAP, max(2.4 * GAP, over_left + over_right + 2 * BETWEEN))
    room_right = EDGE + GAP - 2 if across == 1 else min(over_right + 2, EDGE + GAP - 2, gap - BETWEEN)
    room_left = left - EDGE if across == 1 else gap - BETWEEN - room_right
    return gap, Room(room_left, room_right, left - EDGE)


def heights_of(limits: tuple[float, float], panel_height: float) -> tuple[tuple[float, str], ...]:
    """The ticks of the y axis, each with its number in words, so many that lines of words do not touch."""
    n_steps = max(2, int(panel_height // 34))
    places = MaxNLocator(nbins=n_steps, steps=[1, 2, 2.5, 5, 10]).tick_values(*limits)
    step = float(places[1] - places[0]) if len(places) > 1 else 1.0
    plain = step > 1e-4 and float(np.abs(places).max()) < 1e6
    digits = next((digits for digits in range(7) if abs(round(step, digits) - step) < step * 1e-6), 7)
    kept = [0.0 if abs(place) < step * 1e-6 else float(place) for place in places if limits[0] <= place <= limits[1]]
    words = [f"{place:,.{digits}f}" if plain else f"{place:.6g}" for place in kept]
    return tuple((place, word.replace("-", "\N{MINUS SIGN}")) for place, word in zip(kept, words, strict=True))


def _held(picture: Picture) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in picture.held.items())


def _x_name(picture: Picture) -> str:
    name = X_NAMES.get(picture.axis.name, picture.axis.name.replace("_", " "))
    return f"{name} (log scale)" if picture.axis.scale == "log" else name


def height_label(picture: Picture) -> str:
    """What the y axis is: best_of_n where one n is kept of all rows is the best of 32."""
    n = picture.held.get("n", "")
    return metric_label(picture.metric, float(n) if n.replace(".", "", 1).isdigit() else None)
