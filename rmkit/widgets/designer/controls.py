"""The controls of the designer's page, and what they ask.

Knows widgets and their values; computes nothing.
"""

from collections.abc import Sequence

import ipywidgets

from rmkit.evaluation.test_sets.annotation import UNITS
from rmkit.figures.looks import look_of
from rmkit.widgets.controls import chip, column, dropdown, heading, named, words
from rmkit.widgets.designer.answers import Asked
from rmkit.widgets.inert_texts import label_text

BEST_OF_N, KL = "best_of_n", "kl"
OFFERED = ("accuracy", "spearman", "best_of_all", "ndcg", "mrr", "top_win_rate")
MOST_CANDIDATES, MOST_BUDGET = 60, 10_000_000
WIDE = {"width": "100%", "margin": "0 0 2px 0"}


class Controls:
    """Every control by name; `box` has them under their headings."""

    def __init__(self, banks: Sequence[str], asked: Asked) -> None:
        self.bank = dropdown([(label_text(name), name) for name in banks])
        self.budget = _whole(asked.budget, 1, MOST_BUDGET)
        self.unit = ipywidgets.ToggleButtons(
            options=[(f"{unit}s", unit) for unit in UNITS], value=asked.unit, tooltips=list(UNITS.values()),
            layout=ipywidgets.Layout(**WIDE),
        )  # fmt: skip
        kind = KL if asked.n is None else BEST_OF_N
        self.outcome = dropdown([("Best-of-n", BEST_OF_N), ("KL optimum", KL)], value=kind)
        self.n = _whole(asked.n or 16, 2, 100_000)
        self.nats = _real(asked.nats or 1.0, 0.01, 100.0, 0.25)
        self.samples = dropdown([("samples of the policy", True), ("all that it can say", False)], value=asked.samples)
        self.flip = _slider(asked.flip, 0.45, 0.05)
        self.temperature = _slider(asked.temperature, 2.0, 0.1)
        self.n_models = _whole(asked.n_models, 2, MOST_CANDIDATES)
        offered = dict.fromkeys([*OFFERED, *asked.measures])
        self.measures = {name: chip(look_of(name, "measure").label, name in asked.measures) for name in offered}
        self.criterion = dropdown(
            [("gold that is lost", "selection_regret"), ("right choice of two", "right_choice")], value=asked.criterion
        )
        self.half_width = _real(asked.half_width, 0.001, 0.5, 0.005)
        self._named = {"n": named("n", self.n), "nats": named("nats from the base, mean", self.nats),
                       "flip": named("labels turned round (share)", self.flip)}  # fmt: skip
        self.box = self._arranged()
        self.show_what_counts()

    def asked(self, seed: int = 0) -> Asked:
        """What the controls say now."""
        best_of_n = self.outcome.value == BEST_OF_N
        return Asked(
            budget=self.budget.value,
            unit=self.unit.value,
            n=self.n.value if best_of_n else None,
            nats=None if best_of_n else self.nats.value,
            samples=self.samples.value,
            flip=self.flip.value,
            temperature=self.temperature.value,
            n_models=self.n_models.value,
            measures=tuple(name for name, button in self.measures.items() if button.value),
            criterion=self.criterion.value,
            half_width=self.half_width.value,
            seed=seed,
        )

    @property
    def every(self) -> list[ipywidgets.Widget]:
        """All controls that change an answer."""
        alone = [self.bank, self.budget, self.unit, self.outcome, self.n, self.nats, self.samples, self.flip]
        return [*alone, self.temperature, self.n_models, *self.measures.values(), self.criterion, self.half_width]

    def show_what_counts(self) -> None:
        """Hide controls that change nothing under the others: n beside a KL, flips of ratings."""
        best_of_n = self.outcome.value == BEST_OF_N
        for name, counts in (("n", best_of_n), ("nats", not best_of_n), ("flip", self.unit.value == "comparison")):
            self._named[name].layout.display = None if counts else "none"

    def _arranged(self) -> ipywidgets.VBox:
        chips = ipywidgets.Box([*self.measures.values()], layout=ipywidgets.Layout(flex_flow="row wrap"))
        return column([
            heading("responses and their scores", first=True), self.bank,
            named("reward models to choose between", self.n_models),
            heading("what may be spent"), self.budget, self.unit,
            heading("what the choice is for"), self.outcome, self._named["n"], self._named["nats"],
            named("the bank's responses are", self.samples), named("designs are judged by", self.criterion),
            heading("noise of the labels"), self._named["flip"],
            named("temperature (s.d. of gold)", self.temperature),
            heading("measures"), chips.add_class("rmkit-chips"),
            heading("how sure"), named("half-width of an interval, ±", self.half_width), words(),
        ]).add_class("rmkit-side")  # fmt: skip


def _whole(value: int, low: int, high: int) -> ipywidgets.BoundedIntText:
    return ipywidgets.BoundedIntText(value=value, min=low, max=high, layout=ipywidgets.Layout(**WIDE))


def _real(value: float, low: float, high: float, step: float) -> ipywidgets.BoundedFloatText:
    return ipywidgets.BoundedFloatText(value=value, min=low, max=high, step=step, layout=ipywidgets.Layout(**WIDE))


def _slider(value: float, high: float, step: float) -> ipywidgets.FloatSlider:
    layout = ipywidgets.Layout(width="auto", margin="0 0 2px 8px")  # else half of the handle is cut off at 0
    return ipywidgets.FloatSlider(value=value, min=0.0, max=high, step=step, readout_format=".2f", layout=layout,
                                  continuous_update=False)  # fmt: skip
