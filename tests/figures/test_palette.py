"""Colours for many lines: all different, each seen on white, apart for readers of every kind."""

import itertools

from rmkit.figures.palette import LEAST_CONTRAST, distinct_colors, separation
from rmkit.figures.theme import BLUE, GREEN, ORANGE, PURPLE, SKY, contrast

THEME = [BLUE, ORANGE, GREEN, PURPLE, SKY]


def test_further_colours_are_apart_from_all_others_and_seen_on_white():
    found = distinct_colors(THEME, 15)
    assert len(set(found) | set(THEME)) == 20
    assert min(map(contrast, found)) >= LEAST_CONTRAST
    assert min(separation(*pair) for pair in itertools.combinations([*THEME, *found], 2)) > 0.07
    assert distinct_colors(THEME, 15) == found


def test_colours_that_dichromats_confuse_are_near():
    """A red and a green of one lightness are far apart for most readers, and near for who lacks red or green cones."""
    assert separation("#c06050", "#7f8a20") < 0.5 * separation("#c06050", "#2060c0")
    assert separation(BLUE, BLUE) == 0
