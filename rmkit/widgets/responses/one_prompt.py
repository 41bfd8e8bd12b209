"""One prompt and its responses as a fit sees them, with the slider of n; or a sentence in their place.

Knows a reading and which prompt of it to show; not how one comes to it.
"""

import re

import ipywidgets

from rmkit.figures.picks import picks_figure
from rmkit.widgets.canvas import Tool, as_base64, png_of
from rmkit.widgets.controls import column, row, words
from rmkit.widgets.responses.cards import answers_html, pair_html, pick_html, prompt_html
from rmkit.widgets.responses.reading import GoldReading, HumanReading


class OnePrompt(Tool):
    """What is shown of one prompt: `show` it, or `say` something instead."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: tuple[GoldReading | HumanReading, int, int, re.Pattern[str] | None] | None = None
        self._curve_of: tuple[GoldReading, int, int, int] | None = None  # what the curve is drawn of
        self.n = ipywidgets.IntSlider(min=1, max=1, description="n", layout=ipywidgets.Layout(width="100%", margin="0"))
        self.n.style.description_width = "18px"
        self.text, self.answers, self.said = words(), words(), words()
        curve = ipywidgets.Layout(flex="0 1 372px", max_width="372px", min_width="0")
        self.curve = ipywidgets.Image(format="png", layout=curve)
        beside = [column([self.n, self.said], flex="1 1 300px", min_width="0"), self.curve]
        self.side = row(beside, flex="1 1 372px", flex_flow="row wrap", align_items="flex-start", grid_gap="4px 16px")
        left = column(
            [self.answers], flex="999 1 430px", min_width="0"
        )  # takes the room, and is alone where it is short
        self.below = row([left, self.side], align_items="flex-start", flex_flow="row wrap", grid_gap="12px 16px")
        self.below.layout.margin = "8px 0 0 0"
        self.children = [self.text, self.below]
        self.heard(self.n, self._draw_n)

    def show(
        self, reading: GoldReading | HumanReading, prompt: int, fit: int, pattern: re.Pattern[str] | None = None
    ) -> None:
        """Show a prompt of a reading by its position, as one of the reading's fits sees it; mark a pattern."""
        self.shown = reading, prompt, fit, pattern
        self.text.value = prompt_html(reading.prompt_p[prompt], pattern)
        self.text.layout.display = self.below.layout.display = None
        self.side.layout.display = None if isinstance(reading, GoldReading) else "none"
        if isinstance(reading, HumanReading):
            pair = reading.chosen_p[prompt], reading.rejected_p[prompt]
            self.answers.value = pair_html(*pair, float(reading.margins(fit)[prompt]), reading.missing, pattern)
            self.said.value, self.curve.value, self._curve_of = "", b"", None
            return
        size, at_the_end = len(reading.answers(prompt, fit)), self.n.value == self.n.max
        with self.silence():
            self.n.max = size
            self.n.value = size if at_the_end else min(self.n.value, size)
        self._draw_n()

    def say(self, sentence: str) -> None:
        """Show a sentence, HTML of ours, in place of texts; or nothing at all."""
        self.shown, self.answers.value, self.said.value, self.curve.value = None, "", "", b""
        self._curve_of = None
        self.below.layout.display = "none"
        self.text.value = f'<div class="rmkit-prompt">{sentence}</div>'
        self.text.layout.display = None if sentence else "none"

    def still(self) -> dict[str, str]:
        html = "".join(part.value for part in (self.text, self.answers, self.said) if part.layout.display != "none")
        return {"text/html": html + self._curve_html()}

    def _draw_n(self) -> None:
        """Show which response is kept of the first n."""
        if self.shown is None:
            return
        reading, prompt, fit, pattern = self.shown
        assert isinstance(reading, GoldReading)
        n, answers, picks = self.n.value, reading.answers(prompt, fit), reading.picks(prompt, fit)
        pick = int(picks["pick"].iloc[n - 1])
        self.answers.value = answers_html(answers, n, pick, pattern)
        self.said.value = pick_html(answers, n, pick, pattern)
        if self._curve_of != (seen := (reading, prompt, fit, n)):  # drawn anew only where it differs: drawing is slow
            self.curve.value, self._curve_of = png_of(picks_figure(picks, n)), seen

    def _curve_html(self) -> str:
        if not self.curve.value:
            return ""
        return f'<img alt="gold and proxy reward against n" src="data:image/png;base64,{as_base64(self.curve.value)}">'
