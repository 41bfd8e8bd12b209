"""What each line of a picture looks like: the look that a name has everywhere, but never one colour twice.

A line is called as the rows call it, as everything else is beside the picture.

Knows names, looks and colours; no picture.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from rmkit.figures.looks import LOOKS, Look, looks_of
from rmkit.figures.palette import distinct_colors
from rmkit.figures.theme import AMBER, BLUE, BROWN, GREEN, INK, ORANGE, PURPLE, SKY

COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER, INK, BROWN)
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "p")
CHOSEN_COLOR, KEPT_COLOR = "#00609A", "#B34700"  # of the fit that was clicked, and of the one it is compared with
DASHES = ("-", "--", (0, (5, 1)), "-.", (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)))


def line_looks(lines: Sequence[str], column: str | None) -> dict[str, Look]:
    """Colour, dash, marker and name of each line. No two lines have one colour, nor one dash and marker together.

    A name that is listed in looks.py keeps its look, unless a line before it has its colour.
    """
    listed = looks_of(lines, column) if column and column in LOOKS else {line: Look(line, "") for line in lines}
    colors = _colors([look.color for look in listed.values()])
    found: dict[str, Look] = {}
    for (line, look), color in zip(listed.items(), colors, strict=True):
        worn = {(str(other.linestyle), other.marker) for other in found.values()}
        if not look.color or (str(look.linestyle), look.marker) in worn:
            dash, marker = next(pair for pair in _pairs(len(found)) if (str(pair[0]), pair[1]) not in worn)
            look = replace(look, linestyle=dash, marker=marker)
        found[line] = replace(look, label=line, color=color)
    return found


def _colors(wished: Sequence[str]) -> list[str]:
    """The wished colours, each once; in place of one that is taken or empty, the next free one."""
    kept = [color if color and color not in wished[:position] else "" for position, color in enumerate(wished)]
    free = [color for color in COLORS if color not in kept]
    n_more = max(0, kept.count("") - len(free))
    more = iter([*free, *distinct_colors([*COLORS, *filter(None, kept)], n_more)])
    return [color or next(more) for color in kept]


def _pairs(position: int) -> list[tuple[object, str]]:
    """Dashes with markers, first the pair that is due at a position: neighbours differ in both."""
    pairs = list(product(DASHES, MARKERS))
    due = (DASHES[position % len(DASHES)], MARKERS[position % len(MARKERS)])
    return [due, *pairs]
