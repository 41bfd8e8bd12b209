"""The table under the picture: a click on a head sorts, a click on a row chooses its fit, a page is seen at a time.

Knows widgets; what a page says is table.py's business. Plain widgets: over the lines of a page, which are HTML, lie
buttons that are seen only when pointed at, so that a line is chosen by mouse or keyboard and no code is sent along.
"""

from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np
import pandas as pd

from rmkit.widgets.controls import button, column, row, words
from rmkit.widgets.explorer.table import (
    LINE,
    count_html,
    grid_of,
    is_number,
    order_of,
    page_html,
    row_text,
    widths_of,
)
from rmkit.widgets.inert_texts import label_text

PAGES = (10, 25, 50)  # rows of a page
STRETCH = 1.6  # how far a table of few columns is drawn out
CHOSEN, KEPT = "rmkit-chosen", "rmkit-kept"
STYLE = f"""<style>
.rmkit .rmkit-fits {{ font-size: 12px; }}
.rmkit .rmkit-line {{ display: grid; box-sizing: border-box; height: {LINE}px; line-height: {LINE - 1}px;
  border-bottom: 1px solid var(--fill); }}
.rmkit .rmkit-line > span {{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: 0 9px; }}
.rmkit .rmkit-line > .rmkit-number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.rmkit .{CHOSEN} {{ background: rgba(0, 114, 178, .12); box-shadow: inset 3px 0 0 var(--brand); }}
.rmkit .{KEPT} {{ background: rgba(213, 94, 0, .10); box-shadow: inset 3px 0 0 #D55E00; }}
.rmkit button.rmkit-over {{ background: transparent; box-shadow: none; border-radius: 0; padding: 0; margin: 0;
  width: 100%; height: {LINE}px; min-height: {LINE}px; border: none; }}
.rmkit button.rmkit-over:hover {{ background: rgba(127, 127, 127, .12); }}
.rmkit button.rmkit-over:focus-visible {{ outline: 2px solid var(--brand); outline-offset: -2px; }}
.rmkit button.rmkit-sort {{ background: transparent; box-shadow: none; border: none; border-radius: 0; margin: 0;
  width: 100%; height: {LINE}px; line-height: {LINE}px; padding: 0 9px; font-size: 12px; font-weight: 600;
  text-align: left; color: var(--soft); border-bottom: 1px solid var(--line); }}
.rmkit button.rmkit-sort.rmkit-right {{ text-align: right; }}
.rmkit button.rmkit-sort:hover, .rmkit button.rmkit-sort.rmkit-sorted {{ color: var(--ink); }}
.rmkit .rmkit-fits .widget-html-content {{ line-height: inherit; }}
</style>"""


class FitsTable(ipywidgets.VBox):
    """The rows of a picture, or its means where `means` has that. `sort` is the column that they are ordered by, and
    whether downwards; None: as stored."""

    def __init__(self, choose: Callable[[int], None], changed: Callable[[], None] = lambda: None) -> None:
        """choose: is called with the position, in the stage's table, of a row that is clicked. changed: is called when
        the rows are to be means, or no longer."""
        super().__init__(layout=ipywidgets.Layout(overflow="visible", margin="4px 0 0 0"))
        self.rows, self.columns = pd.DataFrame(), list[str]()
        self.sort: tuple[str, bool] | None = None
        self._choose = choose
        self._order, self._widths, self._first = np.arange(0), list[int](), 0
        self._marks: dict[int, str] = {}
        self.heads = ipywidgets.GridBox([])
        self.lines, self.over = words(), column([])
        for part in (self.lines, self.over):
            part.layout.grid_area = "1 / 1 / 2 / 2"
        self.body = ipywidgets.GridBox([self.lines, self.over], layout={"grid_template_columns": "100%"})
        self.count = words()
        self.size = ipywidgets.Dropdown(options=[(f"{n} rows", n) for n in PAGES], layout={"width": "92px"})
        self.means = ipywidgets.ToggleButtons(options=[("each fit", False), ("means", True)])
        self.means.add_class("rmkit-chips")
        self.means.observe(lambda _: changed(), "value")
        self.children = [words(STYLE, height="0"), self.means, self._scrolled(), self._pager()]
        self.add_class("rmkit-fits")
        self.size.observe(lambda _: self._resized(), "value")
        self._resized()

    def show(self, rows: pd.DataFrame, columns: Sequence[str]) -> None:
        """Show columns of rows, each named by its position in the stage's table; keep the sort where it still is."""
        self.rows, self.columns = rows, list(columns)
        self._widths = widths_of(rows, self.columns)
        if self.sort and self.sort[0] not in self.columns:
            self.sort = None
        self.heads.children = [self._head(name) for name in self.columns]
        wide = {"min_width": f"{sum(self._widths)}px", "max_width": f"{int(STRETCH * sum(self._widths))}px"}
        self.heads.layout = {**wide, "grid_template_columns": grid_of(self._widths), "overflow": "visible"}
        for name, value in {**wide, "overflow": "visible"}.items():
            setattr(self.body.layout, name, value)
        self.layout.display = None
        self._marks = {}
        self.order_by(self.sort)

    def hide(self) -> None:
        """There is no picture, so there are no rows."""
        self.layout.display = "none"

    def mark(self, chosen: int | None, kept: Sequence[int] = ()) -> None:
        """Mark the chosen row, which comes into view, and those of the fit that is kept to compare with."""
        before, self._marks = (
            self._marks,
            {**dict.fromkeys(kept, KEPT), **({chosen: CHOSEN} if chosen is not None else {})},
        )
        if not before and not self._marks:
            return
        if chosen is not None and len(at := np.flatnonzero(self.rows.index[self._order] == chosen)):
            self._first = int(at[0]) // self.size.value * self.size.value
        self._draw()

    def order_by(self, sort: tuple[str, bool] | None) -> None:
        """Order the rows by a column, downwards if so said, and show the first page."""
        self.sort = sort if sort and sort[0] in self.columns else None
        self._order = order_of(self.rows[self.sort[0]], self.sort[1]) if self.sort else np.arange(len(self.rows))
        for name, head in zip(self.columns, self.heads.children, strict=True):
            head.description = _head_text(name, self.sort)
            (head.add_class if self.sort and self.sort[0] == name else head.remove_class)("rmkit-sorted")
        self._first = 0
        self._draw()

    def in_order(self) -> pd.DataFrame:
        """All rows, in the order in which they are seen."""
        return self.rows.iloc[self._order]

    def turn(self, pages: int) -> None:
        """Go on, or back, by so many pages, to the first or the last one at most."""
        size = self.size.value
        last = max(0, (len(self.rows) - 1) // size * size)
        self._first = min(max(0, self._first + pages * size), last)
        self._draw()

    def _clicked(self, name: str) -> None:
        """A head: upwards, at the next click downwards, then as stored."""
        self.order_by(
            {None: (name, False), (name, False): (name, True), (name, True): None}.get(self.sort, (name, False))
        )

    def _draw(self) -> None:
        at = self._order[self._first : self._first + self.size.value]
        page = self.rows.iloc[at]
        marks = [self._marks.get(position, "") for position in page.index]
        if self.columns:
            self.lines.value = page_html(page, self.columns, self._widths, marks)
        for over, position in zip(self.over.children, [*page.index, *[None] * self.size.value], strict=False):
            over.layout.display = "none" if position is None else None
            over.tooltip = "" if position is None else row_text(self.rows.loc[position], self.columns)
        self.count.value = count_html(self._first, self._first + len(at), len(self.rows))

    def _resized(self) -> None:
        """As many lines as a page has rows."""
        self.over.children = [self._line(number) for number in range(self.size.value)]
        self._first = self._first // self.size.value * self.size.value
        self._draw()

    def _line(self, number: int) -> ipywidgets.Button:
        """The button over a line of the page."""
        made = ipywidgets.Button()
        made.add_class("rmkit-over")
        made.on_click(lambda _: self._choose(int(self.rows.index[self._order[self._first + number]])))
        return made

    def _head(self, name: str) -> ipywidgets.Button:
        made = ipywidgets.Button(description=_head_text(name, self.sort), tooltip=f"sort by {label_text(name)}")
        made.add_class("rmkit-sort")
        if is_number(self.rows[name]):
            made.add_class("rmkit-right")
        made.on_click(lambda _: self._clicked(name))
        return made

    def _scrolled(self) -> ipywidgets.VBox:
        return ipywidgets.VBox([self.heads, self.body], layout=ipywidgets.Layout(overflow="auto hidden"))

    def _pager(self) -> ipywidgets.HBox:
        steps = {"angle-double-left": -(10**9), "angle-left": -1, "angle-right": 1, "angle-double-right": 10**9}
        names = dict(zip(steps, ("first page", "previous page", "next page", "last page"), strict=True))
        made = {icon: button(icon, names[icon]) for icon in steps}
        for icon, each in made.items():
            each.on_click(lambda _, pages=steps[icon]: self.turn(pages))
        first, before, after, last = made.values()
        parts = [first, before, self.count, after, last, self.size]
        return row(parts, align_items="center", grid_gap="6px", margin="4px 0 0 0")


def _head_text(name: str, sort: tuple[str, bool] | None) -> str:
    """The name of a column, with an arrow where the rows are ordered by it."""
    arrow = {(name, False): " ↑", (name, True): " ↓"}.get(sort, "") if sort else ""
    return label_text(name.replace("_", " ")) + arrow
