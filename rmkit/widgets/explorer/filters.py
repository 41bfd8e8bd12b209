"""The controls that say which values of each column are kept: buttons, or a list where there are many.

A value of which nothing could be drawn, given all other columns, is off until it could be. Knows values, not rows.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import ipywidgets

from rmkit.widgets.canvas import Tool
from rmkit.widgets.controls import chip, column, named
from rmkit.widgets.explorer.columns import shown
from rmkit.widgets.inert_texts import inline_text, label_text

CHIPS = 12  # values that are buttons each; more are a list
REMEMBERED = 100  # columns whose controls are kept for the next picture: making them takes longer than drawing
NOTHING_HERE = "nothing to draw here, as the other choices are"

Changed = Callable[[str, tuple[Any, ...]], None]  # is told a column and the values to keep of it


class Filters:
    """The controls of all columns of a picture, in `box`."""

    def __init__(self, tool: Tool, changed: Changed) -> None:
        self.box = column([])
        self._tool, self._changed = tool, changed
        self._controls: dict[tuple[str, tuple[Any, ...]], Chips | Many] = {}

    def show(
        self, axes: Mapping[str, Sequence[Any]], kept: Mapping[str, Collection[Any]], drawn: Mapping[str, set[Any]]
    ) -> None:
        """Show the columns with their values: which are kept (all, where not said), and of which something is drawn."""
        if len(self._controls) > REMEMBERED:
            self._controls.clear()
        controls = [self._control(name, tuple(values)) for name, values in axes.items()]
        with self._tool.silence():
            for control in controls:
                control.show(tuple(kept.get(control.name, control.values)), drawn[control.name])
        boxes = tuple(control.box for control in controls)
        if boxes != self.box.children:
            self.box.children = boxes

    def _control(self, name: str, values: tuple[Any, ...]) -> "Chips | Many":
        if (name, values) not in self._controls:
            make = Many if len(values) > CHIPS else Chips
            self._controls[name, values] = make(self._tool, name, values, self._changed)
        return self._controls[name, values]


class Chips:
    """A button for each value of a column."""

    def __init__(self, tool: Tool, name: str, values: tuple[Any, ...], changed: Changed) -> None:
        self.name, self.values, self._changed = name, values, changed
        self._kept: tuple[Any, ...] = values
        self._drawn: set[Any] = set(values)
        self._chips = [chip(label_text(shown(name, value), 24), True) for value in values]
        for each in self._chips:
            tool.heard(each, self._clicked)
        self.box = named(inline_text(name.replace("_", " ")), ipywidgets.HBox(self._chips, layout=WRAPPED))

    def show(self, kept: tuple[Any, ...], drawn: set[Any]) -> None:
        self._kept, self._drawn = kept, drawn
        for value, each in zip(self.values, self._chips, strict=True):
            each.disabled = value not in drawn
            each.value = value in kept and value in drawn
            each.tooltip = NOTHING_HERE if each.disabled else shown(self.name, value)

    def _clicked(self) -> None:
        """Keep what is on, and what was before it could not be drawn; none is all, since nothing would be left."""
        on = {value for value, each in zip(self.values, self._chips, strict=True) if each.value}
        waiting = set(self._kept) - self._drawn
        kept = tuple(value for value in self.values if value in on | waiting)
        self._changed(self.name, kept if on else self.values)


class Many:
    """A list of the values of a column of which something can be drawn."""

    def __init__(self, tool: Tool, name: str, values: tuple[Any, ...], changed: Changed) -> None:
        self.name, self.values, self._changed = name, values, changed
        self._kept: tuple[Any, ...] = values
        self._drawn: set[Any] = set()
        self._list = ipywidgets.SelectMultiple(rows=5, layout=ipywidgets.Layout(width="100%"))
        tool.heard(self._list, self._clicked)
        self.box = named(inline_text(name.replace("_", " ")), self._list)

    def show(self, kept: tuple[Any, ...], drawn: set[Any]) -> None:
        listed = [value for value in self.values if value in drawn]
        if drawn != self._drawn:
            self._list.options = [(label_text(shown(self.name, value), 24), value) for value in listed]
            self._list.tooltip = "" if len(listed) == len(self.values) else f"all others: {NOTHING_HERE}"
        self._kept, self._drawn = kept, drawn
        self._list.value = tuple(value for value in listed if value in kept)

    def _clicked(self) -> None:
        waiting = set(self._kept) - self._drawn
        kept = tuple(value for value in self.values if value in {*self._list.value} | waiting)
        self._changed(self.name, kept if self._list.value else self.values)


WRAPPED = {"flex_flow": "row wrap"}
