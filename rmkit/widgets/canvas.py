"""A figure that answers a click, made without a magic: other figures of the same notebook stay pictures.

Knows ipympl and matplotlib's mouse events; not what is drawn.
"""

import base64
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import matplotlib
from matplotlib.figure import Figure

BACKEND = matplotlib.get_backend()
if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
    pyplot.switch_backend(BACKEND)  # a kernel shows pictures only if its backend is loaded while chosen
# importing it makes it everybody's backend
from ipympl.backend_nbagg import Canvas, FigureManager  # type: ignore[import-untyped]  # noqa: E402

matplotlib.use(BACKEND)

WIDGET = "application/vnd.jupyter.widget-view+json"


Told = Callable[[float | None, float | None], None]  # a place in the figure's pixels, None where there is none


def live_canvas(
    figure: Figure,
    on_click: Callable[[float, float], None],
    on_move: Told | None = None,
    on_key: Callable[[str | None], None] | None = None,
) -> Canvas:
    """The figure as a widget; places are in its pixels from the lower left.

    on_click is called with the place of each click, on_move with that of the mouse, and with None when it leaves;
    on_key with the name of each key. Keys change nothing by themselves.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # ipympl 0.10 hands its toolbar's arguments to traitlets too
        canvas = Canvas(figure)
        manager = FigureManager(canvas, 0)  # canvas and manager find each other; pyplot's list knows neither
    canvas.header_visible = canvas.footer_visible = canvas.toolbar_visible = canvas.resizable = False
    canvas.on_msg(_stay_as_large)
    for handler in (manager.key_press_handler_id, manager.button_press_handler_id, manager.scroll_handler_id):
        canvas.mpl_disconnect(handler)  # else "l" would make a scale logarithmic
    canvas.mpl_connect("button_press_event", lambda event: on_click(event.x, event.y))
    if on_move is not None:
        canvas.mpl_connect("motion_notify_event", lambda event: on_move(event.x, event.y))
        canvas.mpl_connect("figure_leave_event", lambda event: on_move(None, None))
    if on_key is not None:
        canvas.mpl_connect("key_press_event", lambda event: on_key(event.key))
    return canvas


def _stay_as_large(canvas: Canvas, content: dict[str, Any], _: Any) -> None:
    """Say once more that nobody may resize the picture: ipympl's page allows it as soon as it is connected."""
    if content.get("type") == "initialized":
        canvas.send_state("resizable")


def png_of(figure: Figure) -> bytes:
    """The figure as it is now, as a PNG."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi="figure")
    return stream.getvalue()


def as_base64(png: bytes) -> str:
    """A picture as a notebook or a page holds it."""
    return base64.b64encode(png).decode("ascii")


class Tool(ipywidgets.VBox):
    """A box of widgets that leaves something to see where no widget can be: a picture, or HTML, beside its view.

    A frontend takes the widget where a kernel answers; a page on the web, a converter or a mail takes the rest.
    """

    _silent = False

    def heard(self, control: ipywidgets.Widget, change: Callable[[], None]) -> None:
        """Have a change of a control's value call a function, unless it is the tool itself that sets the control."""
        control.observe(lambda _: None if self._silent else change(), "value")

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Set controls without hearing of it."""
        before, self._silent = self._silent, True
        try:
            yield
        finally:
            self._silent = before

    def still(self) -> dict[str, str]:
        """What is to be seen without widgets, by MIME type."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": type(self).__name__, **self.still(), WIDGET: view}
