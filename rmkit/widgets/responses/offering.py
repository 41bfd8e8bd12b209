"""What is shown in place of texts when a fit has none: why, and the saved fits most like it, a click away.

Knows controls; which fits are saved, and which are near, is saved.py's business.
"""

from collections.abc import Callable, Sequence

from rmkit.widgets.canvas import Tool
from rmkit.widgets.controls import dropdown, row, text_button, words
from rmkit.widgets.inert_texts import inline_text, label_text
from rmkit.widgets.responses.saved import Saved

NONE = ""  # nothing is chosen; None would leave the list blank
BUTTONS = 3  # fits that have a button each; all others are in a list


class Offer(Tool):
    """A sentence, buttons and a list; `on_choice` hears of the fit that is chosen. Hidden while there is nothing."""

    def __init__(self, on_choice: Callable[[Saved], None]) -> None:
        super().__init__()
        self.offered: list[Saved] = []
        self._on_choice = on_choice
        self.sentence, self.near = words(), words('<div class="rmkit-name">saved, and most like it</div>')
        self.buttons = [text_button() for _ in range(BUTTONS)]
        self.others = dropdown(width="280px")
        for place, button in enumerate(self.buttons):
            button.on_click(lambda _, place=place: self._on_choice(self.offered[place]))
        self.heard(self.others, lambda: self._on_choice(self.others.value) if self.others.value else None)
        self.choices = row([*self.buttons, self.others], grid_gap="6px", flex_flow="row wrap", align_items="center")
        self.children = [self.sentence, self.near, self.choices]
        self.clear()

    def show(self, sentence: str, offered: Sequence[Saved], own_job: str) -> None:
        """Say a sentence, plain text without its full stop, and offer fits, best first; own_job: that of the fit."""
        self.offered = list(offered)
        self.sentence.value = f'<div class="rmkit-prompt">{inline_text(sentence)}.</div>'
        labels = [label_text(saved.label(own_job), 100) for saved in offered]
        for place, button in enumerate(self.buttons):
            button.description = labels[place] if place < len(labels) else ""
            button.layout.display = None if place < len(labels) else "none"
        left = list(zip(labels, offered, strict=True))[BUTTONS:]
        with self.silence():
            self.others.options = [(f"{len(left)} others …", NONE), *left]
            self.others.value = NONE
        self.others.layout.display = None if left else "none"
        self.near.layout.display = self.choices.layout.display = None if offered else "none"
        self.layout.display = None

    def clear(self) -> None:
        """Hide."""
        self.offered, self.sentence.value, self.layout.display = [], "", "none"

    def still(self) -> dict[str, str]:
        return {"text/html": self.sentence.value}
