"""The words of a drawn picture: no label touches another or leaves the picture, no two lines look alike."""

import itertools
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from rmkit.widgets.explorer.columns import tidied
from rmkit.widgets.explorer.figure import explore_figure
from rmkit.widgets.explorer.layout import fitted, fitted_middle, lines_of, text_width
from rmkit.widgets.explorer.line_looks import line_looks
from rmkit.widgets.explorer.selection import MOST_LINES, MOST_PANELS, Selection, selected

LONG = "a-name-that-nobody-would-give-but-somebody-did-" * 3
NAMES = [f"{LONG}{number}" for number in range(7)] + ["$x^2$", "<img src=x>", "i", "W" * 60]
NUMBERS = {
    "even": range(1, 7),
    "many": range(0, 3000, 7),
    "tight": [1, 2, 3, 1000, 1000.5],
    "huge": [10**k for k in range(9)],
}


def rows(**columns):
    """A row for every combination of values, and one more fit for each."""
    table = pd.DataFrame(itertools.product(*columns.values()), columns=list(columns))
    table = table.assign(metric=LONG, reason=None, units=1, stage="99_hostile", job="j", param_seed=0)
    table["fit"] = [f"{LONG}{number}" for number in range(len(table))]
    return tidied(table.assign(value=np.random.default_rng(0).normal(size=len(table))))


def boxes(figure):
    """The corners of every written word, turned as it is: a list of (4, 2)."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = [text for ax in figure.axes for text in ax.get_xticklabels() if text.get_visible() and text.get_text()]
    found = []
    for text in texts:
        angle, place = text.get_rotation(), text.get_position()
        text.set_rotation(0)
        flat = text.get_window_extent(renderer).get_points()
        text.set_rotation(angle)
        anchor = text.get_transform().transform(place)
        turn = np.deg2rad(angle)
        corners = np.array([(flat[i, 0], flat[j, 1]) for i, j in [(0, 0), (1, 0), (1, 1), (0, 1)]]) - anchor
        found.append(corners @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]] + anchor)
    return found


def touch(first, second):
    """Whether two rectangles share a place: no side of either separates them."""
    for corners in (first, second):
        for side in (corners[1] - corners[0], corners[2] - corners[1]):
            a, b = first @ side, second @ side
            if a.max() <= b.min() or b.max() <= a.min():
                return False
    return True


PICTURES = {
    "long names": ({"x": NAMES}, {}),
    "long names and lines": ({"x": NAMES[:4], "line": NAMES}, {"lines": "line"}),
    "names in panels": ({"x": NAMES[:5], "panel": NAMES[:6]}, {"facets": "panel"}),
    "short names in panels": ({"x": ["a", "bb", "ccc"], "panel": ["1", "2", "3"]}, {"facets": "panel"}),
    "fits": ({"x": range(60)}, {"x": "fit"}),
    **{f"{name} numbers": ({"x": list(values)[:200], "panel": ["a", "b"]}, {"facets": "panel"}) for name, values in NUMBERS.items()},
    "no noise": ({"x": [0.5, 1.0, 3.0, np.inf], "panel": ["a", "b", "c", "d"]}, {"facets": "panel"}),
}  # fmt: skip


@pytest.mark.parametrize("width", [pytest.param(340, marks=pytest.mark.slow), 468, 704, 1100])
@pytest.mark.parametrize("name", PICTURES)
def test_no_label_touches_another_or_leaves_the_picture(name, width):
    columns, placed = PICTURES[name]
    table = rows(**columns)
    picture = selected(table, Selection("s", "99_hostile", LONG, **{"x": "x", **placed}))
    figure = explore_figure(picture, width=width)
    figure.draw_without_rendering()
    written = boxes(figure)
    assert written
    for first, second in itertools.combinations(written, 2):
        assert not touch(first, second)
    outside = [figure.legends[0].get_window_extent()] if figure.legends else []
    for text in [*figure.texts, *(ax.title for ax in figure.axes)]:
        outside.append(text.get_window_extent())
    assert figure.bbox.width == pytest.approx(width, abs=1)
    for corners in [*written, *(box.get_points() for box in outside if box.width > 1)]:
        assert corners.min() >= -1.5
        assert corners[:, 0].max() <= figure.bbox.width + 1.5
        assert corners[:, 1].max() <= figure.bbox.height + 1.5


def test_words_of_a_picture_keep_apart_from_one_another():
    """Title, names of axes, panels' titles, numbers and legend, at every width."""
    table = rows(x=[100, 200, 400], panel=[1, 2, 3, 4], line=NAMES[:3])
    picture = selected(table, Selection("s", "99", LONG, "x", "line", "panel"))
    for width in (340, 468, 704, 1100):
        figure = explore_figure(picture, width=width)
        figure.draw_without_rendering()
        parts = [*figure.texts, *(ax.title for ax in figure.axes)]
        parts += [text for ax in figure.axes for text in (*ax.get_xticklabels(), *ax.get_yticklabels())]
        shown = [part.get_window_extent() for part in parts if part.get_visible() and part.get_text()]
        shown = [box for box in [*shown, figure.legends[0].get_window_extent()] if box.width > 1]
        for first, second in itertools.combinations(shown, 2):
            assert not first.padded(-1).overlaps(second.padded(-1))


@pytest.mark.parametrize("n_lines", [3, 8, MOST_LINES])
def test_no_two_lines_have_one_colour_nor_one_dash_and_marker(n_lines):
    looks = line_looks([f"line {number}" for number in range(n_lines)], "anything").values()
    assert len({look.color for look in looks}) == n_lines
    assert len({(str(look.linestyle), look.marker) for look in looks}) == n_lines


def test_lines_that_are_listed_keep_their_look_unless_it_is_taken():
    from rmkit.figures.looks import LOOKS

    listed = LOOKS["reward_model"]
    assert line_looks(list(listed)[:4], "reward_model")["mlp_bt"] == replace(listed["mlp_bt"], label="mlp_bt")
    arms = [f"{head} published {split}" for head in ("mlp_bt", "mlp_clf") for split in ("pair", "mirrored_row")]
    found = line_looks([*listed, *arms, "mine"], "reward_model")
    assert len({look.color for look in found.values()}) == len(found)
    assert found["gold"].label == "gold"  # as beside the picture


def test_lines_and_panels_beyond_what_a_picture_holds_are_left_out_and_the_title_says_so():
    table = rows(x=[1, 2], line=list(range(MOST_LINES + 4)), panel=[f"p{number}" for number in range(MOST_PANELS + 1)])
    picture = selected(table, Selection("s", "99", LONG, "x", "line", "panel"))
    assert len(picture.lines) == MOST_LINES
    assert len(picture.panels) == MOST_PANELS
    assert f"only the first {MOST_LINES} of {MOST_LINES + 4} lines by line" in picture.title
    assert f"only the first {MOST_PANELS} of {MOST_PANELS + 1} panels by panel" in picture.title
    assert set(table.loc[picture.points["row"], "line"]) == set(range(MOST_LINES))


def test_texts_are_cut_and_broken_by_their_width():
    assert text_width(fitted(LONG, 100)) <= 100
    assert fitted("short", 100) == "short"
    lines = lines_of("one two three four five " + LONG, 90)
    assert max(map(text_width, lines)) <= 90
    assert " ".join(lines).startswith("one two three four five")


def test_names_that_would_look_alike_when_cut_are_told_apart_by_their_ends():
    names = [f"{'the-same-beginning-' * 3}{end}" for end in ("as-released", "on-a-clean-split", "under-noise")]
    picture = selected(rows(x=names), Selection("s", "99", LONG, "x"))
    for width in (340, 704):
        figure = explore_figure(picture, width=width)
        labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert len(set(labels)) == len(names)
        assert all("…" in label for label in labels)
    assert text_width(fitted_middle(LONG, 100)) <= 100
    assert fitted_middle("short", 100) == "short"
