"""The results of a study as a picture that answers: choose what is drawn, click on a dot, see the fit behind it.

Knows controls and what they mean; what is drawn is selection.py's and figure.py's business.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets
import pandas as pd

from rmkit.errors import RmkitError
from rmkit.widgets.canvas import Tool, as_base64, live_canvas, png_of
from rmkit.widgets.controls import (
    SIDE,
    button,
    chip,
    column,
    dropdown,
    heading,
    named,
    row,
    sheet,
    study_dropdown,
    words,
)
from rmkit.widgets.explorer.below import Below
from rmkit.widgets.explorer.columns import FIT, axes_of, metrics_of, of_metric, shown, tidied
from rmkit.widgets.explorer.details import Fit, fit_at, link
from rmkit.widgets.explorer.figure import blank_figure, explore_figure, mark
from rmkit.widgets.explorer.hits import dot_near
from rmkit.widgets.explorer.picture import Picture
from rmkit.widgets.explorer.selection import Selection, first_look, kept_rows, selected, with_filters
from rmkit.widgets.inert_texts import inline_text, label_text
from rmkit.widgets.stored import Stored

NEAR = 8.0  # pixels of the screen: how far from a dot a click still means it
PREFERRED = "04_reward_models"
NOTHING_CHOSEN = "Click on a dot to see the fit behind it."
NO_COLUMN = ""  # what lines and panels are chosen by when by nothing; None would leave the control blank
CHIPS = 12  # values that are buttons each; more are a list
NO_RESULTS = "has no results yet. Run <code>rmkit run params/{}.yaml</code>, then press ↻."


class Explorer(Tool):
    """The explorer of one project's store. `selection`, `picture` and `fit` say what is seen and what was clicked."""

    def __init__(self, stored: Stored, study: str, view: str = "") -> None:
        """view: what to see first, as the link under the picture says it, or the name of a saved view."""
        super().__init__()
        self.stored, self.selection = stored, Selection(study, "", "", "")
        self.picture: Picture | None = None
        self.fit: Fit | None = None
        self.table = pd.DataFrame()
        self._heard: list[Callable[[Fit], None]] = []
        self.study, self.stage, self.metric = study_dropdown(stored.names(), study), dropdown(), dropdown()
        self.x, self.lines, self.facets = dropdown(), dropdown(), dropdown()
        self.again = button("refresh", "look at the store again")
        self.filters, self.note, self.hint, self.title, self.details = column([]), words(), words(), words(), words()
        self.link = ipywidgets.Output()
        self.below = Below(self)
        head = row([self.title, row([self.below.keep, self.link], align_items="center", grid_gap="10px")])
        head.layout.justify_content = "space-between"
        self.card = column([head, self.details])
        self.card.add_class("rmkit-card")
        self.figure = blank_figure()
        self.canvas = live_canvas(self.figure, self.click)
        self.children = self._arranged()
        self.add_class("rmkit")
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
        self._study_changed(keep=selection.stage)
        with self.silence():
            self.metric.value = selection.metric
        self._show(selection)

    def on_fit(self, heard: Callable[[Fit], None]) -> None:
        """Have a function called with every fit that is clicked."""
        self._heard.append(heard)

    def click(self, x: float, y: float) -> None:
        """Choose the dot nearest to a place on the canvas, in its pixels; nothing happens far from every dot."""
        if self.picture is None:
            return
        found = dot_near(self.figure, self.picture, x, y, within=NEAR * self.canvas.device_pixel_ratio)
        if found is not None:
            self.choose(found)

    def choose(self, position: int) -> None:
        """Mark the fit of a row of the table, and show it."""
        if self.picture is None:
            return
        self.fit = fit_at(self.table, self.selection.study, self.selection.stage, position)
        try:
            self.say_fit(self.fit)
        except RmkitError as error:  # the job was removed since its rows were read
            self._forget_fit(f'<div class="rmkit-note">{inline_text(str(error))}</div>')
            return
        self.below.chosen(position)
        self.hint.value, self.card.layout.display = "", None
        html = {"text/html": link(self.stored, self.fit), "text/plain": "the executed notebook"}
        self.link.outputs = ({"output_type": "display_data", "data": html, "metadata": {}},)
        mark(self.figure, self.picture, position)
        self.canvas.draw_idle()
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
        self.rest = column([self.stage, self.metric, heading("Picture"), *places, heading("Shown"), self.filters])
        first = [heading("Results", first=True), row([self.study, self.again], align_items="center")]
        side = column([*first, self.rest], width=SIDE, flex="0 0 auto")
        side.add_class("rmkit-side")
        seen = column([self.canvas, self.hint, self.note], flex="1 1 auto", padding="0 0 0 12px")
        below = [self.below.style, self.below.toolbar, self.below.fits, self.below.bar, self.card]
        return [sheet(), row([side, seen], align_items="flex-start", flex_flow="row wrap"), *below]

    def _study_changed(self, keep: str | None = None) -> None:
        study = self.stored.study(self.study.value)
        stages = self.stored.with_rows(study.name)
        with self.silence():
            self.stage.options = [(stage_label(stage), stage) for stage in stages]
            self.stage.value = next((stage for stage in (keep, PREFERRED, *stages) if stage in stages), None)
        self.rest.layout.display = None if stages else "none"
        name = inline_text(study.name)
        if not stages:
            self._say(inline_text(study.fault) if study.fault else f"The study {name} {NO_RESULTS.format(name)}")
        else:
            self._stage_changed()

    def _stage_changed(self) -> None:
        name, stage = self.study.value, self.stage.value
        try:
            self.table = tidied(self.stored.rows(name, stage))
        except RmkitError as error:
            self._say(inline_text(str(error)))
            return
        selection = first_look(self.table, name, stage)
        with self.silence():
            self.metric.options = [(metric.replace("_", " "), metric) for metric in metrics_of(self.table)]
            self.metric.value = selection.metric
        self._show(selection)

    def _metric_changed(self) -> None:
        """Another metric keeps, of the columns that are spread out and the values that are kept, what its rows have."""
        first = first_look(self.table, self.selection.study, self.selection.stage, self.metric.value)
        axes = self._axes(first)
        if self.selection.x in axes:
            kept = {name: getattr(self.selection, name) for name in ("lines", "facets")}
            kept = {name: value if value in axes else None for name, value in kept.items()}
            filters = {
                name: values
                for name, values in self.selection.filters.items()
                if name in axes and set(values) <= set(axes[name])
            }
            first = with_filters(replace(first, x=self.selection.x, **kept, filters=filters), self.table)
        self._show(first)

    def _places_changed(self) -> None:
        chosen = {"x": self.x.value, "lines": self.lines.value or None, "facets": self.facets.value or None}
        for name in ("lines", "facets"):  # a column is spread out once
            if chosen[name] in [value for other, value in chosen.items() if other != name]:
                chosen[name] = None if chosen[name] == chosen["x"] or name == "facets" else chosen[name]
        placed = {value for value in chosen.values() if value} - set(self.selection.placed())
        filters = {name: values for name, values in self.selection.filters.items() if name not in placed}
        self._show(with_filters(replace(self.selection, **chosen, filters=filters), self.table))

    def _show(self, selection: Selection) -> None:
        """Set all controls to a selection, and draw it."""
        axes = self._axes(selection)
        names = [(name.replace("_", " "), name) for name in axes]
        with self.silence():
            self.x.options, self.x.value = (
                [*names, *([(FIT, FIT)] if len(axes) < 3 or selection.x == FIT else [])],
                selection.x,
            )
            for control, value in ((self.lines, selection.lines), (self.facets, selection.facets)):
                control.options, control.value = [("—", NO_COLUMN), *names], value or NO_COLUMN
            self.filters.children = [self._filter(name, values, selection) for name, values in axes.items()]
        self._draw(selection)

    def _filter(self, name: str, values: list[Any], selection: Selection) -> ipywidgets.Widget:
        """The values of a column, those on that are kept: buttons, or a list where there are many."""
        kept = selection.filters.get(name, tuple(values))
        labels = [label_text(shown(name, value), 24) for value in values]
        if len(values) > CHIPS:
            options = list(zip(labels, values, strict=True))
            many = ipywidgets.SelectMultiple(
                options=options, value=kept, rows=5, layout=ipywidgets.Layout(width="100%")
            )
            self.heard(many, lambda: self._filtered(name, values, many.value))
            return named(inline_text(name.replace("_", " ")), many)
        chips = [chip(label, value in kept) for label, value in zip(labels, values, strict=True)]
        for each in chips:
            self.heard(each, lambda: self._filtered(name, values, _on(values, chips)))
        return named(inline_text(name.replace("_", " ")), ipywidgets.HBox(chips, layout={"flex_flow": "row wrap"}))

    def _filtered(self, name: str, values: list[Any], kept: tuple[Any, ...]) -> None:
        """Keep these values of a column; none is all, since nothing would be left to see."""
        filters = {**self.selection.filters, name: kept}
        if not kept or len(kept) == len(values):
            filters[name] = tuple(values)
        selection = replace(self.selection, filters=filters)
        self._show(selection) if not kept else self._draw(selection)

    def _draw(self, selection: Selection) -> None:
        self.selection = selection
        self._forget_fit(f'<div class="rmkit-note">{NOTHING_CHOSEN}</div>')
        try:
            self.picture = selected(self.table, selection)
        except RmkitError as error:
            self._say(inline_text(str(error)))
            return
        self.below.drawn(kept_rows(self.table, selection), list(self._axes(selection)))
        explore_figure(self.picture, figure=self.figure)
        self.canvas.layout.display = None
        self.note.value = "".join(f'<div class="rmkit-note">{inline_text(note)}.</div>' for note in self.picture.notes)
        self._resize()

    def _resize(self) -> None:
        """Draw anew, and tell the frontend if the picture's size changed."""
        self.canvas.manager.resize(*map(int, self.figure.bbox.size))
        self.canvas.draw_idle()

    def _say(self, sentence: str) -> None:
        """Show a sentence, HTML of ours, in place of the picture."""
        self.picture = None
        self.below.emptied()
        self._forget_fit("")
        self.canvas.layout.display = "none"
        self.note.value = f'<div class="rmkit-prompt">{sentence}</div>'

    def _forget_fit(self, hint: str) -> None:
        """No fit is chosen; in its place a hint."""
        self.fit, self.link.outputs, self.hint.value = None, (), hint
        self.title.value = self.details.value = ""
        self.card.layout.display = "none"

    def _axes(self, selection: Selection) -> dict[str, list[Any]]:
        return axes_of(of_metric(self.table, selection.metric))


def _on(values: list[Any], chips: list[ipywidgets.ToggleButton]) -> tuple[Any, ...]:
    """The values whose buttons are on."""
    return tuple(value for value, each in zip(values, chips, strict=True) if each.value)


def stage_label(stage: str) -> str:
    """04 · reward models"""
    number, _, name = stage.partition("_")
    return label_text(f"{number} · {name.replace('_', ' ')}")
