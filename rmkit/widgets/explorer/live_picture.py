"""The picture in a notebook: as wide as its place, answers the mouse.

Knows figure, canvas and pixels; what a dot means is told by whoever made it.
"""

from collections.abc import Callable, Sequence

import ipywidgets

from rmkit.widgets.canvas import live_canvas
from rmkit.widgets.controls import words
from rmkit.widgets.explorer.figure import NARROWEST, WIDEST, WIDTH, blank_figure, explore_figure, mark
from rmkit.widgets.explorer.hits import Hit, Hits
from rmkit.widgets.explorer.picture import Picture
from rmkit.widgets.page import PLACE, Page, width_of

NEAR = 8.0  # pixels of the screen: how far from a dot the mouse still means it


class LivePicture(ipywidgets.VBox):
    """A figure that is drawn anew for each picture. `clicked` is called with a row; `said` gives the words of a hit.

    A click on a mean, or on a level, means the row that is nearest to it.
    """

    def __init__(self, clicked: Callable[[int], None], said: Callable[[Hit], str]) -> None:
        self._clicked, self._said = clicked, said
        self.picture: Picture | None = None
        self.width = WIDTH
        self.marked: int | None = None
        self.kept: tuple[int, ...] = ()
        self._hits: Hits | None = None
        self._pointed: tuple[int | None, ...] | None = None
        self.figure = blank_figure()
        self.canvas = live_canvas(self.figure, self.click, self.point, self._told)
        self.box, self._watch = words(), Page()
        layout = ipywidgets.Layout(overflow="visible", width="100%")
        super().__init__([self.canvas, self.box, self._watch], layout=layout)
        self.add_class(PLACE)
        self._watch.watch_width()

    def draw(self, picture: Picture) -> None:
        """Draw a picture, and tell the frontend if the figure's size changed."""
        self.picture, self.marked, self.kept = picture, None, ()
        self._draw()

    def blank(self) -> None:
        """Show no picture."""
        self.picture, self.canvas.layout.display = None, "none"
        self.point(None, None)

    def mark(self, row: int | None, kept: Sequence[int] = ()) -> None:
        """Put a ring around the dot of a row, and another around those of the rows `kept`."""
        if self.picture is not None and (row, tuple(kept)) != (self.marked, self.kept):
            self.marked, self.kept = row, tuple(kept)
            mark(self.figure, self.picture, row, self.kept)
            self.canvas.draw_idle()

    def click(self, x: float, y: float) -> None:
        """Choose what is nearest to a place on the canvas, in its pixels; nothing happens far from everything."""
        if (found := self._near(x, y)) is not None:
            self.point(None, None)  # the page may scroll away under the mouse
            self._clicked(found.row)

    def point(self, x: float | None, y: float | None) -> None:
        """Show the values of what is under the mouse, or none; None: the mouse is elsewhere."""
        found = None if x is None or y is None else self._near(x, y)
        pointed = None if found is None else (found.row, found.mean, found.level)
        if pointed == self._pointed:
            return
        self._pointed = pointed
        self.box.value = "" if found is None else self._box(found)

    def _near(self, x: float, y: float) -> Hit | None:
        if self.picture is None:
            return None
        if self._hits is None or self._hits.size != tuple(self.figure.bbox.size):
            self._hits = Hits(self.figure, self.picture)
        return self._hits.near(x, y, within=NEAR * self.canvas.device_pixel_ratio)

    def _box(self, hit: Hit) -> str:
        """The words of a dot beside it, on the side where there is room."""
        ratio, (width, height) = self.canvas.device_pixel_ratio, self.figure.bbox.size
        x, y = hit.x, hit.y
        place = f"left:{x / ratio:.0f}px;top:{(height - y) / ratio:.0f}px"
        across = "calc(-100% - 12px)" if x > width / 2 else "12px"
        along = "calc(-100% - 8px)" if y < height / 2 else "8px"
        style = f"{place};transform:translate({across},{along})"
        return f'<div class="rmkit-hover" style="{style}">{self._said(hit)}</div>'

    def _told(self, key: str | None) -> None:
        """The page says how wide the place is."""
        width = width_of(key)
        if width is None or max(NARROWEST, min(WIDEST, width)) == self.width:
            return
        self.width = max(NARROWEST, min(WIDEST, width))
        if self.picture is not None:
            self._draw()

    def _draw(self) -> None:
        if self.picture is None:
            return
        before = tuple(self.figure.bbox.size)
        explore_figure(self.picture, marked=self.marked, figure=self.figure, width=self.width)
        if self.kept:
            mark(self.figure, self.picture, self.marked, self.kept)
        self._hits = None
        self.point(None, None)
        self.canvas.layout.display = None
        if tuple(self.figure.bbox.size) == before:
            self.canvas.draw_idle()
        else:  # the frontend asks for a drawing of that size
            self.canvas.manager.resize(*map(int, self.figure.bbox.size))
