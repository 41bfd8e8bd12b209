"""Colours for many lines: all different, each seen on white, apart for readers of every kind."""

import itertools

from rmkit.figures.looks import LOOKS, looks_of
from rmkit.figures.palette import LEAST_CONTRAST, distinct_colors, separation
from rmkit.figures.theme import BLUE, GREEN, ORANGE, PURPLE, SKY, SPARE_COLORS, contrast
from rmkit.measures.registry import AGAINST_GOLD

THEME = [BLUE, ORANGE, GREEN, PURPLE, SKY]


def test_further_colours_are_apart_from_all_others_and_seen_on_white():
    found = distinct_colors(THEME, 15)
    assert len(set(found) | set(THEME)) == 20
    assert min(map(contrast, found)) >= LEAST_CONTRAST
    assert min(separation(*pair) for pair in itertools.combinations([*THEME, *found], 2)) > 0.07
    assert distinct_colors(THEME, 15) == found


def test_colours_of_unlisted_names_are_apart_from_each_other_and_from_all_that_is_listed():
    listed = {look.color for looks in LOOKS.values() for look in looks.values()}
    assert not set(SPARE_COLORS) & listed
    pairs = itertools.product(SPARE_COLORS[4:], [*SPARE_COLORS, *listed])
    assert min(separation(one, other) for one, other in pairs if one != other) > 0.06


def test_measures_beside_each_other_share_no_colour_as_long_as_there_are_some():
    looks = looks_of(
        [*LOOKS["measure"], *[name for name in AGAINST_GOLD if name not in LOOKS["measure"]][:11]], "measure"
    )
    assert len({look.color for look in looks.values()}) == len(looks)


def test_colours_that_dichromats_confuse_are_near():
    """A red and a green of one lightness are far apart for most readers, and near for who lacks red or green cones."""
    assert separation("#c06050", "#7f8a20") < 0.5 * separation("#c06050", "#2060c0")
    assert separation(BLUE, BLUE) == 0
