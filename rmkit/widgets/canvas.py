"""A figure that answers a click, made without a magic: other figures of the same notebook stay pictures.

Knows ipympl and matplotlib's mouse events; not what is drawn.
"""

import base64
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import matplotlib
from matplotlib.figure import Figure

BACKEND = matplotlib.get_backend()
# importing it makes it everybody's backend
from ipympl.backend_nbagg import Canvas, FigureManager  # type: ignore[import-untyped]  # noqa: E402

matplotlib.use(BACKEND)

WIDGET = "application/vnd.jupyter.widget-view+json"


def live_canvas(figure: Figure, on_click: Callable[[float, float], None]) -> Canvas:
    """The figure as a widget; on_click is called with the place of each click, in its pixels from the lower left."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # ipympl 0.10 hands its toolbar's arguments to traitlets too
        canvas = Canvas(figure)
        FigureManager(canvas, 0)  # canvas and manager find each other; pyplot's list of figures knows neither
    canvas.header_visible = canvas.footer_visible = canvas.toolbar_visible = canvas.resizable = False
    canvas.mpl_connect("button_press_event", lambda event: on_click(event.x, event.y))
    return canvas


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
