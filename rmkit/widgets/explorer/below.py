"""What stands under the explorer's picture: views and exports, the table of the fits, two fits side by side.

Knows which part answers what, and what each needs of the explorer; draws nothing.
"""

from collections.abc import Sequence
from typing import Protocol

import ipywidgets
import numpy as np
import pandas as pd

from rmkit.errors import ResultError, RmkitError
from rmkit.widgets.controls import row, words
from rmkit.widgets.explorer.columns import FIT
from rmkit.widgets.explorer.comparison import STYLE, A, B, Side, comparison_html, name_html, side_of
from rmkit.widgets.explorer.details import Fit, details, title
from rmkit.widgets.explorer.export import ROWS, export_name, picture_of
from rmkit.widgets.explorer.fits_table import FitsTable
from rmkit.widgets.explorer.live_picture import LivePicture
from rmkit.widgets.explorer.picture import Picture
from rmkit.widgets.explorer.restoring import Restored, restored, sort_of, view_of
from rmkit.widgets.explorer.saved_views import load_view
from rmkit.widgets.explorer.selection import Selection
from rmkit.widgets.explorer.table import mean_of, mean_rows, table_columns
from rmkit.widgets.explorer.toolbar import Toolbar
from rmkit.widgets.explorer.view import MEANS, View, missing_text, parsed_view, text_of
from rmkit.widgets.inert_texts import inline_text
from rmkit.widgets.stored import Stored

COMPARE, INSTEAD, END = "compare with another", "keep this one instead", "end the comparison"
NEXT = "Click on another fit, on its dot or its row, to see both side by side."


class Seen(Protocol):
    """What is asked of the explorer: what it shows, and to show something else."""

    stored: Stored
    selection: Selection
    fit: Fit | None
    live: LivePicture

    @property
    def table(self) -> pd.DataFrame: ...

    @property
    def picture(self) -> Picture | None: ...

    def choose(self, position: int) -> None: ...

    def say_fit(self, fit: Fit) -> None: ...

    def look_at(self, selection: Selection) -> None: ...


class Below:
    """The parts under one explorer's picture."""

    def __init__(self, explorer: Seen) -> None:
        self.explorer = explorer
        self.row: int | None = None  # of the chosen fit, in the stage's table
        self.kept: Side | None = None  # the fit that is kept to compare with
        self.toolbar = Toolbar(
            explorer.stored.store.root,
            view=lambda: self.view,
            restore=self.restore,
            export=self.exported,
            shown=explorer.stored.project.shown,
        )
        self.fits = FitsTable(explorer.choose, self._listed_otherwise)
        self._rows, self._axes = pd.DataFrame(), list[str]()  # of the picture
        self.keep, self.end = (_plain_button(text) for text in (COMPARE, END))
        self.keep.on_click(lambda _: self.keep_chosen())
        self.end.on_click(lambda _: self.end_comparison())
        self.name, self.style = words(), words(STYLE, height="0")
        self.bar = row([self.name, self.end], align_items="center", justify_content="space-between")
        self.bar.add_class("rmkit-card")
        self._name_kept()

    @property
    def view(self) -> str:
        """What is seen, as text; ResultError if nothing is seen."""
        seen = self.explorer
        if seen.picture is None:
            raise ResultError("there is no picture to save or to link to")
        kept = self.kept.fit if self.kept else None
        return text_of(view_of(seen.selection, seen.table, self.fits.sort, self.row, kept, self.fits.means.value))

    def drawn(self, rows: pd.DataFrame, axes: Sequence[str]) -> None:
        """Another picture is drawn, of these rows, whose metric varies along these axes; no fit is chosen."""
        self.row = None
        selection = self.explorer.selection
        first = [name for name in (selection.lines, selection.facets, selection.x) if name and name in axes]
        self._rows, self._axes = rows, list(dict.fromkeys([*first, *axes]))
        self._list()
        self.toolbar.study = selection.study
        self.toolbar.layout.display = None
        self.toolbar.seen_changed()
        self._name_kept()
        self._mark()

    def _list(self) -> None:
        """Have the table list the picture's means, or its rows."""
        rows, picture = self._rows, self.explorer.picture
        if self.fits.means.value and picture is not None:
            self.fits.show(*mean_rows(picture, rows, self._axes))
        else:
            self.fits.show(rows, table_columns(rows, self._axes, self.explorer.selection.x))

    def _listed_otherwise(self) -> None:
        """The table is to list means, or no longer."""
        if self.explorer.picture is not None:
            self._list()
            self._mark()

    def emptied(self) -> None:
        """There is no picture."""
        self.row = None
        self.fits.hide()
        self.toolbar.layout.display = "none"

    def chosen(self, position: int) -> None:
        """A fit is chosen by this row of the table."""
        self.row = position
        self._name_kept()
        self._mark()

    def title_of(self, fit: Fit) -> str:
        """The chosen fit's name: a letter and its job beside it where two are compared."""
        return name_html(B, fit, self.explorer.stored) if self._is_compared(fit) else title(fit)

    def details_of(self, fit: Fit) -> str:
        """The chosen fit in words: all by itself, or beside the one that is kept. StoreError if its job is gone."""
        stored, table = self.explorer.stored, self.explorer.table
        if self.kept is None or not self._is_compared(fit):
            return details(stored, table, fit, self.row)
        return comparison_html(self.kept, side_of(stored, table, fit), self.row)

    def keep_chosen(self) -> None:
        """Keep the chosen fit, to compare the next ones with."""
        seen = self.explorer
        if seen.fit is not None:
            self._keep(side_of(seen.stored, seen.table, seen.fit))

    def end_comparison(self) -> None:
        """Keep no fit any longer; the chosen one is shown by itself."""
        self._keep(None)

    def restore(self, text: str) -> None:
        """Show a view, or the saved one of this name, as far as it still exists, and say in a line what does not."""
        try:
            asked = parsed_view(text if ":" in text else load_view(self.toolbar.root, text))
            found = restored(asked, self.explorer.stored, self.explorer.selection.study)
        except RmkitError as error:
            self.toolbar.say(inline_text(str(error)))
            return
        if found.selection is not None:
            self._look_at(found, asked)
        if ":" not in text:
            self.toolbar.list_views(text)
        self.toolbar.say(inline_text(missing_text(found.missing)) if found.missing else "")

    def exported(self, kind: str) -> tuple[str, bytes]:
        """The name and content of a file of what is seen."""
        view, seen = self.view, self.explorer
        content = ROWS[kind](self.fits.in_order()) if kind in ROWS else picture_of(seen.live.figure, kind, view)
        return export_name(seen.selection, view, kind), content

    def _look_at(self, found: Restored, asked: View) -> None:
        """Show what of a view exists."""
        assert found.selection is not None
        self.fits.means.value = asked.table == MEANS
        self.explorer.look_at(found.selection)
        self.fits.order_by(sort_of(asked))
        if asked.sort and not self.fits.sort:
            found.missing.append(("order by", asked.sort[0].removeprefix("-")))
        self._keep(side_of(self.explorer.stored, *found.pinned) if found.pinned else None)
        if found.row is not None and self.explorer.picture is not None:
            self.explorer.choose(found.row)

    def _keep(self, side: Side | None) -> None:
        self.kept = side
        self._name_kept()
        self._mark()
        if (fit := self.explorer.fit) is not None:
            self.explorer.say_fit(fit)

    def _is_compared(self, fit: Fit) -> bool:
        """Whether two fits are seen: another is kept than this one."""
        return self.kept is not None and _same(self.kept.fit) != _same(fit)

    def _name_kept(self) -> None:
        self.bar.layout.display = None if self.kept else "none"
        self.keep.description = INSTEAD if self.kept else COMPARE
        if self.kept:
            named = name_html(A, self.kept.fit, self.explorer.stored)
            fit = self.explorer.fit
            hint = "" if fit and self._is_compared(fit) else f'<div class="rmkit-note">{NEXT}</div>'
            self.name.value = f"<div>{named}{hint}</div>"

    def _mark(self) -> None:
        """Mark the rows and the dots of the chosen fit and of the one that is kept."""
        rows, kept = self._rows, self.kept
        same = (
            []
            if kept is None or rows.empty
            else rows[(rows["job"] == kept.fit.key) & (rows[FIT] == kept.fit.fit)].index
        )
        self.fits.mark(self._listed(self.row), [at for at in map(self._listed, same) if at is not None])
        self.explorer.live.mark(self.row, list(same))

    def _listed(self, row: int | None) -> int | None:
        """By which row of the table a row is listed: itself, or its mean; by no mean what is in none."""
        if row is None or not self.fits.means.value or self.explorer.picture is None:
            return row
        if row not in self._rows.index or not np.isfinite(float(self._rows["value"].loc[row])):
            return None  # not of this picture, as a view may ask for, or without a value
        return mean_of(self.explorer.picture, row, self.explorer.table, self.fits.rows)


def _same(fit: Fit) -> tuple[str, str, str, str]:
    """What tells a fit from every other."""
    return fit.study, fit.stage, fit.key, fit.fit


def _plain_button(text: str) -> ipywidgets.Button:
    made = ipywidgets.Button(description=text, layout=ipywidgets.Layout(flex="0 0 auto"))
    made.add_class("rmkit-chip")
    return made
