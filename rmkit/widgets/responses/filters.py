"""The controls by which prompts are chosen: words, whether the fit is right, gold, margin, and the order.

Knows controls and the ranges that a reading has; which prompts pass is wanted.py's business.
"""

import math

import ipywidgets
import numpy as np
import pandas as pd

from rmkit.widgets.controls import dropdown, named, row
from rmkit.widgets.inert_texts import inline_text
from rmkit.widgets.responses.reading import GoldReading, HumanReading
from rmkit.widgets.responses.wanted import (
    AGREES,
    AS_STORED,
    BEST,
    CONTRADICTS,
    MARGIN,
    NOT_BEST,
    ORDERS,
    UNDECIDED,
    Span,
    Wanted,
)

ANY = ""  # the choice that asks for nothing; None would leave the control blank
LABELS = {GoldReading: (BEST, NOT_BEST), HumanReading: (AGREES, CONTRADICTS, UNDECIDED)}
QUESTIONS = {GoldReading: "the fit's favourite is", HumanReading: "of the label, the fit"}
WORDS = {AGREES: "agrees with it", CONTRADICTS: "contradicts it", UNDECIDED: "is undecided"}
GOLD_NAME = "gold of the favourite"
MARGIN_NAMES = {GoldReading: "margin to its second choice", HumanReading: "margin, chosen minus rejected"}
GOLD_MEANS = "the gold reward of the response that the fit likes best"
MARGIN_MEANS = {
    GoldReading: "the fit's reward of its favourite minus that of its second choice",
    HumanReading: "the fit's reward of the chosen response minus that of the rejected one",
}
LOOK_FOR, NO_TEXTS = "words in prompts or responses", "no texts to search in"
WIDTHS = {
    "search": (2, 200),
    "label": (1, 150),
    "gold": (1, 215),
    "margin": (1, 215),
    "order": (1, 175),
}  # grow, pixels
PLACES = 100  # that a range has at least


class Filters:
    """The controls, in `box`, and what they ask for. `bind` gives them what a reading has."""

    def __init__(self) -> None:
        self.search = ipywidgets.Text(placeholder=LOOK_FOR, layout=ipywidgets.Layout(width="100%", margin="0 0 2px 0"))
        self.label, self.order = dropdown([("any", ANY)], value=ANY), dropdown(list(ORDERS.items()), value=AS_STORED)
        self.gold, self.margin = _range(), _range()
        self.gold.tooltip = GOLD_MEANS
        self.boxes = {
            "search": named("search", self.search),
            "label": named("", self.label),
            "order": named("order", self.order),
            "gold": named(GOLD_NAME, self.gold),
            "margin": named("", self.margin),
        }
        for name, (grow, pixels) in WIDTHS.items():
            self.boxes[name].layout.flex, self.boxes[name].layout.min_width = f"{grow} 1 {pixels}px", "0"
        boxes = list(self.boxes.values())
        halves = [row(boxes[:3], flex="1.2 1 530px"), row(boxes[3:], flex="1 1 480px")]  # beside, or under each other
        for half in halves:
            half.layout.grid_gap, half.layout.min_width = "14px", "0"
        self.box = row(halves, grid_gap="2px 14px", flex_flow="row wrap")

    @property
    def controls(self) -> list[ipywidgets.Widget]:
        """All controls, in the order in which they stand."""
        return [self.search, self.label, self.order, self.gold, self.margin]

    @property
    def wanted(self) -> Wanted:
        """What is asked for now; a range at its full width asks for nothing."""
        return Wanted(self.search.value.strip(), self.label.value or None, _asked(self.gold), _asked(self.margin))

    def bind(self, reading: GoldReading | HumanReading, by_prompt: pd.DataFrame) -> None:
        """Offer what a reading has, in ranges that hold all its values; what is asked for stays where it still can."""
        kind, before = type(reading), self.label.value
        self.label.options = [("any", ANY), *((WORDS.get(word, word), word) for word in LABELS[kind])]
        self.label.value = before if before in LABELS[kind] else ANY
        for name, said in (("label", QUESTIONS[kind]), ("margin", MARGIN_NAMES[kind])):
            self.boxes[name].children[0].value = f'<div class="rmkit-name">{said}</div>'
        self.boxes["gold"].layout.display = None if isinstance(reading, GoldReading) else "none"
        if isinstance(reading, GoldReading):
            _hold(self.gold, reading.gold_r)
        else:
            self.gold.value = (self.gold.min, self.gold.max)
        _hold(self.margin, by_prompt[MARGIN].to_numpy())
        self.margin.tooltip = MARGIN_MEANS[kind]
        self.search.disabled, self.search.placeholder = bool(reading.missing), NO_TEXTS if reading.missing else LOOK_FOR
        if reading.missing:
            self.search.value = ""

    def reset(self) -> None:
        """Ask for nothing; the order stays."""
        self.search.value, self.label.value = "", ANY
        for control in (self.gold, self.margin):
            control.value = (control.min, control.max)

    def said(self, reading: GoldReading | HumanReading) -> str:
        """What is asked for, as HTML of ours: “soil”, gold of the favourite from 0.5 to 1.2; empty where nothing is."""
        wanted, kind = self.wanted, type(reading)
        parts = [f"“{inline_text(wanted.text)}”"] if wanted.text else []
        if wanted.label:
            parts.append(f"{QUESTIONS[kind]} {WORDS.get(wanted.label, wanted.label)}")
        ranges = {GOLD_NAME: (wanted.gold, self.gold), MARGIN_NAMES[kind]: (wanted.margin, self.margin)}
        parts += [f"{name} {_from_to(span, control)}" for name, (span, control) in ranges.items() if span]
        return ", ".join(parts)


def _range() -> ipywidgets.FloatRangeSlider:
    """A range that is told of once it is let go."""
    layout = ipywidgets.Layout(width="calc(100% - 8px)", margin="0 0 2px 8px")  # room for half a handle
    return ipywidgets.FloatRangeSlider(value=(0, 1), min=0, max=1, step=0.01, continuous_update=False, layout=layout)


def _hold(control: ipywidgets.FloatRangeSlider, values: np.ndarray) -> None:
    """Have a range hold all values, in round steps; one that was full stays full, another keeps what it still can."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    step = 10.0 ** math.floor(math.log10((high - low or 1.0) / PLACES))
    digits = max(0, -round(math.log10(step)))
    low, high = (round(part(value / step) * step, digits) for part, value in ((math.floor, low), (math.ceil, high)))
    asked = _asked(control)
    with control.hold_trait_notifications():  # bounds that cross on the way are no mistake
        control.min, control.max, control.step, control.readout_format = low, high, step, f".{digits}f"
        control.value = tuple(min(max(value, low), high) for value in asked) if asked else (low, high)


def _asked(control: ipywidgets.FloatRangeSlider) -> Span | None:
    low, high = control.value
    return None if (low, high) == (control.min, control.max) else (low, high)


def _from_to(span: Span, control: ipywidgets.FloatRangeSlider) -> str:
    low, high = (format(value, control.readout_format).replace("-", "−") for value in span)
    return f"from {low} to {high}"
