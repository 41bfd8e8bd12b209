"""No reader drags a picture to another size, though ipympl's page allows it as soon as it is connected."""

import pytest

from rmkit.figures.theme import themed
from rmkit.widgets.canvas import live_canvas


@pytest.mark.parametrize(("message", "said"), [("initialized", ["resizable"]), ("refresh", [])])
def test_a_page_that_is_connected_is_told_once_more(monkeypatch, message, said):
    import matplotlib.pyplot as plt

    canvas, heard = live_canvas(themed(plt.figure)(), lambda x, y: None), []
    monkeypatch.setattr(type(canvas), "send_state", lambda self, key=None: heard.append(key))
    canvas._msg_callbacks(canvas, {"type": message}, [])
    assert canvas.resizable is False
    assert [key for key in heard if key == "resizable"] == said
