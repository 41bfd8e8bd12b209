"""The picture as a widget: as wide as the page says, and words beside the dot under the mouse."""

import pytest

from rmkit.widgets.explorer.hits import Hits
from rmkit.widgets.explorer.live_picture import LivePicture
from rmkit.widgets.page import width_of
from tests.widgets.explorer.test_figure import picture


@pytest.fixture
def live():
    made = LivePicture(lambda row: made.clicks.append(row), lambda hit: f"dot {hit.row}")
    made.clicks = []
    made.draw(picture())
    return made


def key(live, name):
    """What the canvas receives when a key is pressed, as the page sends it."""
    live.canvas.manager.handle_json({"type": "key_press", "key": f"k{name}", "guiEvent": {}})


def move(live, x, y, kind="motion_notify"):
    """What the canvas receives when the mouse moves: places from the upper left."""
    event = {"type": kind, "x": x, "y": live.figure.bbox.height - y, "button": 0, "buttons": 0, "modifiers": []}
    live.canvas.manager.handle_json({**event, "guiEvent": {}})


def test_the_picture_is_as_wide_as_the_page_says_and_clicks_still_hit(live):
    for width in (468, 900):
        key(live, f"width {width}")
        assert live.figure.bbox.width == pytest.approx(width, abs=1)
        for row, (x, y) in zip(*dots(live), strict=True):
            move(live, x, y, "button_press")
            assert live.clicks[-1] == row
    key(live, "width 20")
    assert live.figure.bbox.width == 340  # narrower, nothing could be read


def dots(live):
    hits = Hits(live.figure, live.picture)
    return hits.row_m, hits.pixel_m2


def test_keys_that_a_keyboard_has_change_nothing(live):
    before = live.figure.axes[0].get_yscale()
    for name in ("l", "5", "width", "width x"):
        key(live, name)
    assert live.figure.axes[0].get_yscale() == before
    assert width_of("width 468") == 468
    assert width_of("468") is width_of("width 99999999") is width_of(None) is None


def test_the_dot_under_the_mouse_is_said_and_again_only_if_it_is_another(live):
    rows, places = dots(live)
    move(live, *places[0])
    assert f"dot {rows[0]}" in live.box.value
    first, said = live.box.value, []
    live.box.observe(said.append, "value")
    move(live, *(places[0] + 1))
    assert live.box.value == first
    assert not said  # it does not flicker
    move(live, *places[-1])
    assert f"dot {rows[-1]}" in live.box.value
    move(live, 1, 1)
    assert live.box.value == ""
    move(live, *places[0])
    move(live, 0, 0, "figure_leave")
    assert live.box.value == ""


def test_another_picture_says_nothing_until_the_mouse_moves(live):
    _, places = dots(live)
    move(live, *places[0])
    live.draw(picture(lines=("mine",)))
    assert live.box.value == ""
    live.blank()
    move(live, *places[0])
    assert live.box.value == ""
