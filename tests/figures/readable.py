"""What a reader of a figure needs, for the tests: words that stand out, lines that differ in more than hue."""

import itertools

from matplotlib.colors import to_hex
from matplotlib.text import Text

from rmkit.figures.theme import READABLE, contrast


def pale_words(figure):
    """The texts of a figure that are too pale to be read on white."""
    shown = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    return [text.get_text() for text in shown if contrast(to_hex(text.get_color())) < READABLE]


def alike_but_for_hue(ax):
    """Pairs of named lines that differ in neither dash nor marker nor thickness."""
    named = [line for line in ax.lines if not line.get_label().startswith("_")]
    looks = {line.get_label(): (str(line.get_linestyle()), line._dash_pattern, line.get_marker()) for line in named}
    return [pair for pair in itertools.combinations(looks, 2) if looks[pair[0]] == looks[pair[1]]]
