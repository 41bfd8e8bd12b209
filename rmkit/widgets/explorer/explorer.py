"""The results of a study as a picture that answers: choose what is drawn, click on a dot, see the fit behind it.

Knows controls and what they mean; what is drawn is selection.py's and figure.py's business.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets
import pandas as pd

from rmkit.errors import RmkitError
from rmkit.widgets.canvas import Tool, as_base64, png_of
from rmkit.widgets.controls import (
    SIDE,
    button,
    column,
    dropdown,
    heading,
    in_a_row,
    named,
    offer,
    row,
    sheet,
    study_dropdown,
    words,
)
from rmkit.widgets.explorer.below import Below
from rmkit.widgets.explorer.coded import Coded
from rmkit.widgets.explorer.columns import FIT, tidied
from rmkit.widgets.explorer.details import Fit, fit_at, link
from rmkit.widgets.explorer.filters import Filters
from rmkit.widgets.explorer.hits import Hit
from rmkit.widgets.explorer.hover import hit_in_words
from rmkit.widgets.explorer.live_picture import LivePicture
from rmkit.widgets.explorer.picture import Picture
from rmkit.widgets.explorer.selection import Selection, first_look, kept_rows, selected, what_a_row_is, with_filters
from rmkit.widgets.inert_texts import inline_text, label_text
from rmkit.widgets.page import Page
from rmkit.widgets.stored import Stored

PREFERRED = "04_reward_models"
NOTHING_CHOSEN = "Click on a dot to see what is behind it."
NO_COLUMN = ""  # what lines and panels are chosen by when by nothing; None would leave the control blank
CARD = "rmkit-chosen-fit"
NO_RESULTS = "has no results yet. Run <code>rmkit run params/{}.yaml</code>, then press ↻."


class Explorer(Tool):
    """The explorer of one project's store. `selection`, `picture` and `fit` say what is seen and what was clicked."""

    def __init__(self, stored: Stored, study: str, view: str = "") -> None:
        """view: what to see first, as the link under the picture says it, or the name of a saved view."""
        super().__init__()
        self.stored, self.selection = stored, Selection(study, "", "", "")
        self.fit: Fit | None = None
        self.coded = Coded(pd.DataFrame())
        self._heard: list[Callable[[Fit], None]] = []
        self.study, self.stage, self.metric = study_dropdown(stored.names(), study), dropdown(), dropdown()
        self.x, self.lines, self.facets = dropdown(), dropdown(), dropdown()
        self.again = button("refresh", "look at the store again")
        self.note, self.hint, self.title, self.details = words(), words(), words(), words()
        self._filters, self._page = Filters(self, self._filtered), Page()
        self.filters, self.link = self._filters.box, ipywidgets.Output()
        self.live = LivePicture(self.choose, self._words_of)
        self.figure, self.canvas, self.click = self.live.figure, self.live.canvas, self.live.click
        self.below = Below(self)
        head = row([self.title, row([self.below.keep, self.link], align_items="center", grid_gap="10px")])
        head.layout.justify_content, head.layout.grid_gap, head.layout.flex_flow = (
            "space-between",
            "2px 10px",
            "row wrap",
        )
        self.title.layout.flex, head.children[1].layout.flex = "1 1 260px", "0 0 auto"  # a long name breaks
        self.card = column([head, self.details])
        self.card.add_class("rmkit-card").add_class(CARD)
        self.children = self._arranged()
        self.add_class("rmkit").add_class("rmkit-explorer")
        self._connect()
        self._study_changed()
        if view:
            self.restore(view)

    @property
    def view(self) -> str:
        """What is seen, as text for `restore`, a cell or a link; ResultError if nothing is seen."""
        return self.below.view

    def restore(self, view: str) -> None:
        """Show a view, or the saved one of this name, as far as it still exists; a line says what does not."""
        self.below.restore(view)

    def look_at(self, selection: Selection) -> None:
        """Set every control to a selection of what exists, and draw it."""
        with self.silence():
            self.study.value = selection.study
        self._study_changed(selection.stage, selection)

    def on_fit(self, heard: Callable[[Fit], None]) -> None:
        """Have a function called with every fit that is clicked, and with the one that a view has chosen already."""
        self._heard.append(heard)
        if self.fit is not None:
            heard(self.fit)

    @property
    def table(self) -> pd.DataFrame:
        """The tidied rows of the stage."""
        return self.coded.table

    @property
    def picture(self) -> Picture | None:
        """What is drawn, if anything is."""
        return self.live.picture

    def choose(self, position: int) -> None:
        """Mark the fit of a row of the table, and show it."""
        if self.picture is None:
            return
        self.fit = fit_at(self.table, self.selection.study, self.selection.stage, position)
        self.below.row = position
        try:
            self.say_fit(self.fit)
        except RmkitError as error:  # the job was removed since its rows were read
            self.below.row = None
            self._forget_fit(f'<div class="rmkit-note">{inline_text(str(error))}</div>')
            return
        self.below.chosen(position)
        self.hint.value, self.card.layout.display = "", None
        self._show_link(link(self.stored, self.fit))
        self._page.show(CARD)
        for heard in self._heard:
            heard(self.fit)

    def say_fit(self, fit: Fit) -> None:
        """The chosen fit in words, beside another where one is kept to compare with."""
        self.details.value, self.title.value = self.below.details_of(fit), self.below.title_of(fit)

    def refresh(self) -> None:
        """Look at study files, code and store again, and keep the view where it still exists."""
        self.stored.forget()
        self.below.toolbar.list_views()
        stage = self.stage.value
        self._study_changed(keep=stage)

    def still(self) -> dict[str, str]:
        if self.picture is None:
            return {"text/html": self.note.value}
        return {"image/png": as_base64(png_of(self.figure))}

    def _connect(self) -> None:
        self.heard(self.study, self._study_changed)
        self.heard(self.stage, self._stage_changed)
        self.heard(self.metric, self._metric_changed)
        for control in (self.x, self.lines, self.facets):
            self.heard(control, self._places_changed)
        self.again.on_click(lambda _: self.refresh())

    def _arranged(self) -> list[ipywidgets.Widget]:
        places = [named("x axis", self.x), named("lines", self.lines), named("panels", self.facets)]
        parts = [heading("Picture"), in_a_row(places), heading("Shown"), self.filters]
        self.rest = column(parts)
        chosen = in_a_row([row([self.study, self.again], align_items="center"), self.stage, self.metric])
        side = column([heading("Results", first=True), chosen, self.rest], width=SIDE, flex="0 0 auto")
        side.add_class("rmkit-side")
        self.filters.add_class("rmkit-filters")
        chosen_fit = [self.hint, self.below.bar, self.card]
        seen = column([self.live, *chosen_fit, self.note, self._page], flex="1 1 0", min_width="0")
        body = row([side, seen], align_items="flex-start")
        return [sheet(), body.add_class("rmkit-body"), self.below.style, self.below.toolbar, self.below.fits]

    def _study_changed(self, keep: str | None = None, wanted: Selection | None = None) -> None:
        study = self.stored.study(self.study.value)
        stages = self.stored.with_rows(study.name)
        with self.silence():
            self.stage.options = [(stage_label(stage), stage) for stage in stages]
            self.stage.value = next((stage for stage in (keep, PREFERRED, *stages) if stage in stages), None)
        for part in (self.stage, self.metric, self.rest):
            part.layout.display = None if stages else "none"
        name = inline_text(study.name)
        if not stages:
            self._say(inline_text(study.fault) if study.fault else f"The study {name} {NO_RESULTS.format(name)}")
        else:
            self._stage_changed(wanted)

    def _stage_changed(self, wanted: Selection | None = None) -> None:
        name, stage = self.study.value, self.stage.value
        try:
            self.coded = Coded(tidied(self.stored.rows(name, stage)))
        except RmkitError as error:
            self._say(inline_text(str(error)))
            return
        selection = wanted or first_look(self.coded, name, stage)
        with self.silence():
            self.metric.options = [(metric.replace("_", " "), metric) for metric in self.coded.metrics()]
            self.metric.value = selection.metric
        self._show(selection)

    def _metric_changed(self) -> None:
        """Another metric keeps, of the columns that are spread out and the values that are kept, what its rows have."""
        first = first_look(self.coded, self.selection.study, self.selection.stage, self.metric.value)
        axes = self._axes(first)
        if self.selection.x in axes:
            kept = {name: getattr(self.selection, name) for name in ("lines", "facets")}
            kept = {name: value if value in axes else None for name, value in kept.items()}
            filters = {
                name: values
                for name, values in self.selection.filters.items()
                if name in axes and set(values) <= set(axes[name])
            }
            there = len(self.coded.kept(first.metric, filters))
            same = replace(first, x=self.selection.x, **kept, filters=filters if there else {})
            first = with_filters(same, self.coded)
        self._show(first)

    def _places_changed(self) -> None:
        chosen = {"x": self.x.value, "lines": self.lines.value or None, "facets": self.facets.value or None}
        for name in ("lines", "facets"):  # a column is spread out once
            if chosen[name] in [value for other, value in chosen.items() if other != name]:
                chosen[name] = None if chosen[name] == chosen["x"] or name == "facets" else chosen[name]
        placed = {value for value in chosen.values() if value} - set(self.selection.placed())
        filters = {name: values for name, values in self.selection.filters.items() if name not in placed}
        self._show(with_filters(replace(self.selection, **chosen, filters=filters), self.coded))

    def _show(self, selection: Selection) -> None:
        """Set all controls to a selection, and draw it."""
        axes = self._axes(selection)
        names = [(name.replace("_", " "), name) for name in axes]
        fits = [(FIT, FIT)] if len(axes) < 3 or selection.x == FIT else []
        with self.silence():
            offer(self.x, [*names, *fits], selection.x)
            for control, value in ((self.lines, selection.lines), (self.facets, selection.facets)):
                offer(control, [("—", NO_COLUMN), *names], value or NO_COLUMN)
        self._draw(selection)

    def _filtered(self, name: str, kept: tuple[Any, ...]) -> None:
        """Keep these values of a column."""
        self._draw(replace(self.selection, filters={**self.selection.filters, name: kept}))

    def _draw(self, selection: Selection) -> None:
        self.selection = selection
        drawn = self.coded.drawn_values(selection.metric, selection.filters)
        self._filters.show(self._axes(selection), selection.filters, drawn)
        self._forget_fit(f'<div class="rmkit-note">{NOTHING_CHOSEN}</div>')
        try:
            picture = selected(self.coded, selection)
        except RmkitError as error:
            self._say(inline_text(str(error)))
            return
        self.live.draw(picture)
        self.below.drawn(kept_rows(self.coded, selection), list(self._axes(selection)))
        self.note.value = "".join(f'<div class="rmkit-note">{inline_text(note)}.</div>' for note in picture.notes)

    def _words_of(self, hit: Hit) -> str:
        """What is under the mouse, in words."""
        what = what_a_row_is(self.selection.stage)
        return hit_in_words(self.coded, self.picture, hit, what) if self.picture else ""

    def _say(self, sentence: str) -> None:
        """Show a sentence, HTML of ours, in place of the picture."""
        self.live.blank()
        self.below.emptied()
        self._forget_fit("")
        self.note.value = f'<div class="rmkit-prompt">{sentence}</div>'

    def _forget_fit(self, hint: str) -> None:
        """No fit is chosen; in its place a hint."""
        self.fit, self.hint.value = None, hint
        self._show_link("")
        self.title.value = self.details.value = ""
        self.card.layout.display = "none"

    def _show_link(self, html: str) -> None:
        """A link beside the fit's name, or nothing: an output without content would take a line under Voilà."""
        data = {"text/html": html, "text/plain": "the executed notebook"}
        self.link.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},) if html else ()
        self.link.layout.display = None if html else "none"

    def _axes(self, selection: Selection) -> dict[str, list[Any]]:
        return self.coded.axes(selection.metric)


def stage_label(stage: str) -> str:
    """04 · reward models"""
    number, _, name = stage.partition("_")
    return label_text(f"{number} · {name.replace('_', ' ')}")
