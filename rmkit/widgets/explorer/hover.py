"""What lies under the mouse, in the few words that lie beside it: a dot, a mean, or a level.

Knows numbered rows (coded.py) and the picture; gives HTML of our own with every value escaped.
"""

import math
from typing import Any

from rmkit.figures.theme import text_color
from rmkit.widgets.explorer.averaging import SEED
from rmkit.widgets.explorer.coded import Coded
from rmkit.widgets.explorer.columns import FIT, shown
from rmkit.widgets.explorer.details import value_html
from rmkit.widgets.explorer.frame import height_label
from rmkit.widgets.explorer.hits import Hit
from rmkit.widgets.explorer.line_looks import line_looks
from rmkit.widgets.explorer.picture import Picture
from rmkit.widgets.inert_texts import inline_text, label_text


def hit_in_words(coded: Coded, picture: Picture, hit: Hit, what: str = "fit") -> str:
    """What is under the mouse. what: a row is one."""
    position = int(coded.table.index.get_loc(hit.row))
    if hit.mean is None and hit.level is None:
        return dot_in_words(coded, picture, position)
    mean = picture.means.loc[hit.mean] if hit.mean is not None else picture.levels.loc[hit.level]
    several = mean["fits"] > 1
    of = f"mean of {mean['fits']} {what}s, {mean['interval']}. A click shows the {what} nearest to it."
    note = f'<div class="rmkit-note">{inline_text(of)}</div>' if several else ""
    placed = [picture.axis.name, *([picture.facets] if picture.facets else [])]
    interval = (float(mean["low"]), float(mean["high"]))
    return _words(coded, picture, position, float(mean["mean"]), interval, placed) + note


def dot_in_words(coded: Coded, picture: Picture, position: int) -> str:
    """The dot of a row: its line, x and value, the interval that it brings, its seed and whatever else varies."""
    value, low, high = (float(coded.numbers(name)[position]) for name in ("value", "low", "high"))
    return _words(coded, picture, position, value, (low, high), _varying(coded, picture))


def _words(
    coded: Coded, picture: Picture, position: int, value: float, interval: tuple[float, float], names: list[str]
) -> str:
    """A value with its interval, and what the row of this position has in some columns, as far as it has."""
    said: dict[str, Any] = {name: coded.table[name].iloc[position] for name in names}
    said = {name: value for name, value in said.items() if value is not None and value == value}
    lines = [(name, inline_text(label_text(shown(name, value), 60))) for name, value in said.items()]
    low, high = (value_html(end, "low") for end in interval)
    measured = f"<b>{value_html(value, 'value')}</b>{f' [{low}, {high}]' if math.isfinite(sum(interval)) else ''}"
    cells = "".join(
        f"<tr><td>{inline_text(label_text(name.replace('_', ' '), 40))}</td><td>{html}</td></tr>"
        for name, html in [(height_label(picture), measured), *lines]
    )
    return f"{_line(coded, picture, position)}<table>{cells}</table>"


def _varying(coded: Coded, picture: Picture) -> list[str]:
    """The columns that tell a dot from others: x first, the seed last; not the line, which is named above them."""
    varying = [name for name in coded.axes(picture.metric) if name not in (picture.columns, picture.axis.name, SEED)]
    names = [picture.axis.name, *varying, *([SEED] if SEED in coded.table else [])]
    return list(dict.fromkeys(name for name in names if name != FIT or name == picture.axis.name))


def _line(coded: Coded, picture: Picture, position: int) -> str:
    """The name of the line in its colour."""
    if not picture.columns:
        return ""
    column = coded.column(picture.columns)
    line = str(column.labels[column.code_r[position]])
    look = line_looks(picture.lines, picture.columns).get(line)
    if look is None:
        return ""
    return (
        f'<div style="color:{text_color(look.color)};font-weight:600">{inline_text(label_text(look.label, 60))}</div>'
    )
