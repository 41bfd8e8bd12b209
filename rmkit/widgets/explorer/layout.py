"""Where the parts of a picture lie: panels in as many columns as the width holds, words that never touch or leave it.

All in pixels at 110 dots an inch, from the lower left; text is measured, not guessed. Knows texts, places and sizes; no
matplotlib axes. A picture at another resolution is this one, enlarged.
"""

import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

DPI = 110.0
SIZE = 8.6  # of all words, in points
LINE = 18.0  # from one line of words to the next, in pixels
EDGE, GAP = 8.0, 9.0  # around the picture, and between its parts
BETWEEN = 5.0  # that two labels keep apart
LEAST_PANEL = 165.0  # pixels of width that a panel needs
HEIGHTS = {1: 330.0, 2: 205.0}  # of a panel, by the number of rows; MORE where there are more
MORE = 165.0
TURNS = (0, 40, 90)  # degrees by which labels are turned
LONGEST = 150.0  # pixels of a label


@functools.cache
def text_width(text: str, size: float = SIZE) -> float:
    """How wide a text is drawn, in pixels."""
    return float(_renderer().get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0])


@functools.cache
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, DPI)


def fitted(text: str, width: float) -> str:
    """The text, its end cut off where it would be wider than so many pixels."""
    if text_width(text) <= width:
        return text
    low, high = 0, len(text) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle] + "…") <= width else (low, middle - 1)
    return text[:low].rstrip() + "…"


def fitted_middle(text: str, width: float) -> str:
    """The text, its middle cut out where it would be wider than so many pixels; a third of what is left begins it."""
    if text_width(text) <= width:
        return text

    def cut(kept: int) -> str:
        return f"{text[: kept // 3].rstrip()}…{text[len(text) - (kept - kept // 3) :].lstrip()}"

    low, high = 0, len(text) - 1
    while low < high:  # the less is kept, the narrower it is
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(cut(middle)) <= width else (low, middle - 1)
    return cut(low)


def lines_of(text: str, width: float) -> list[str]:
    """The text in lines that are no wider than so many pixels; a word that is wider is cut."""
    lines: list[str] = []
    for word in (fitted(word, width) for word in text.split()):
        if lines and text_width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


@dataclass(frozen=True)
class TickLabels:
    """Which ticks are written, and how: an empty label is a tick without words."""

    labels: tuple[str, ...]
    turn: int  # degrees
    height: float  # pixels that they take below the axis


@dataclass(frozen=True)
class Room:
    """How far labels may reach over the ends of a panel, in pixels: upright ones, and turned ones to the left."""

    left: float
    right: float
    turned_left: float


def tick_labels(
    labels: Sequence[str], at: np.ndarray, width: float, room: Room, *, names: bool, last: bool
) -> TickLabels:
    """The labels of ticks, all of them if they can be written without touching, else turned, else every few.

    at: (T,) ascending places of the ticks in a panel, from 0 to 1, in a panel of so many pixels. Numbers are left out
    rather than turned. last: whether the last label must be written, since it lies apart.
    """
    pixel_t = at * width
    for turn in TURNS if names else TURNS[:1]:
        cut = _cut(labels, _longest(pixel_t, room, turn))
        written = _written(cut, pixel_t, width, room, turn, last)
        if len(written) == len(cut):
            break
    kept = tuple(label if tick in set(written) else "" for tick, label in enumerate(cut))
    angle = math.radians(turn)
    longest = max(map(text_width, kept), default=0.0)
    return TickLabels(kept, turn, longest * math.sin(angle) + LINE * math.cos(angle) + 4)


def _cut(labels: Sequence[str], most_t: np.ndarray) -> list[str]:
    """The labels, no wider than so many pixels each: cut at the end, or in the middle where they would look alike."""
    cut = [fitted(label, most) for label, most in zip(labels, most_t, strict=True)]
    alike = {each for each, count in Counter(cut).items() if count > 1}
    return [
        fitted_middle(label, most) if each in alike else each
        for label, each, most in zip(labels, cut, most_t, strict=True)
    ]


def _longest(pixel_t: np.ndarray, room: Room, turn: int) -> np.ndarray:
    """How wide each label may be: a turned one must not leave the picture at the left."""
    cosine = math.cos(math.radians(turn))
    to_edge = (pixel_t + room.turned_left - LINE / 2) / cosine if turn == 40 else np.full(len(pixel_t), np.inf)
    return np.clip(to_edge, 0, LONGEST)


def _written(labels: Sequence[str], pixel_t: np.ndarray, width: float, room: Room, turn: int, last: bool) -> list[int]:
    """The ticks that can be written: from the left each that touches neither the one before it nor an end."""
    spans = [_span(label, at, turn) for label, at in zip(labels, pixel_t, strict=True)]
    left = room.turned_left if turn else room.left
    fits = [low >= -left - 0.5 and high <= width + room.right + 0.5 for low, high in spans]

    def touch(first: int, second: int) -> bool:
        if turn == 0:
            return spans[second][0] - spans[first][1] < BETWEEN
        return (pixel_t[second] - pixel_t[first]) * math.sin(math.radians(turn)) < LINE - 2  # parallel strips

    written: list[int] = []
    for tick in map(int, np.flatnonzero(fits)):
        if not written or not touch(written[-1], tick):
            written.append(tick)
    final = len(labels) - 1
    if last and labels and fits[final] and final not in written:
        written = [*(tick for tick in written if not touch(tick, final)), final]
    return written


def _span(label: str, at: float, turn: int) -> tuple[float, float]:
    """From where to where a label reaches: an upright one lies about its tick, a turned one ends there."""
    width, angle = text_width(label), math.radians(turn)
    if turn == 0:
        return at - width / 2, at + width / 2
    return at - width * math.cos(angle) - LINE / 2, at + LINE / 2


@dataclass(frozen=True)
class Legend:
    """Where the names of the lines lie: beside the panels, or in columns under them; no labels, no legend."""

    labels: tuple[str, ...]
    beside: bool
    columns: int
    width: float
    height: float


HANDLE = 46.0  # pixels of a line's sample and the spaces around it


def legend_of(labels: Sequence[str], title: str, width: float, height: float) -> Legend:
    """Beside the panels where that leaves them most of the width, else below them."""
    if not labels:
        return Legend((), False, 1, 0.0, 0.0)
    widest = max(max(map(text_width, labels)) + HANDLE, text_width(title) + 8)
    tall = LINE * (len(labels) + 1.4)
    if width >= 560 and widest <= 0.34 * width and tall <= height:
        return Legend(tuple(labels), True, 1, widest + GAP, tall)
    room = width - 2 * EDGE
    cut = [fitted(label, room - HANDLE) for label in labels]
    columns = max(1, min(len(cut), int(room // (max(map(text_width, cut)) + HANDLE + 8))))
    return Legend(tuple(cut), False, columns, 0.0, LINE * (math.ceil(len(cut) / columns) + 1.4))


def columns_of(n_panels: int, width: float) -> int:
    """How many panels lie side by side."""
    most = max(1, int(width // LEAST_PANEL))
    wished = n_panels if n_panels <= 3 else 2 if n_panels == 4 else 3 if n_panels <= 6 else 4
    return min(most, wished)
