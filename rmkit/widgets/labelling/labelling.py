"""The page on which a person labels: a prompt, two responses, keys and buttons, and what the labels are worth.

Every answer is on the disk before the next pair is shown (annotation/people/label_log.py). Knows a session and what is
to be seen; what is asked next is the session's matter, how texts are made harmless inert_texts.py's.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets

from rmkit.active.label_pool import Pool
from rmkit.active.labelling_session import INFORMATIVE, LISTED, Options, Session
from rmkit.errors import RmkitError
from rmkit.widgets.canvas import Tool
from rmkit.widgets.controls import STYLE, column, row, sheet, text_button, words
from rmkit.widgets.inert_texts import inline_text
from rmkit.widgets.labelling import parts
from rmkit.widgets.page import Page
from rmkit.worlds.human_preferences.label_files import write_labels

KEYS = {
    **dict.fromkeys(("ArrowLeft", "1"), "rmkit-left"),
    **dict.fromkeys(("ArrowRight", "2"), "rmkit-right"),
    **dict.fromkeys(("3", "t"), "rmkit-tie"),
    **dict.fromkeys(("4", "s"), "rmkit-skip"),
    **dict.fromkeys(("u", "Backspace"), "rmkit-undo"),
}
TOO_SOON = 0.25  # seconds in which nobody has read a pair: the second half of a double click
RECOUNT = 10  # labels after which agreement and what was foretold are counted anew
WHY = {INFORMATIVE: "the model learns most from this pair", LISTED: "a label to look at again"}
OPEN: dict[Path, "Labelling"] = {}  # of this kernel, by their files: a cell that runs again takes the place of the last


class Labelling(Tool):
    """One window on a queue."""

    def __init__(self, pool: Pool, log: str | Path, annotator: str, options: Options | None = None) -> None:
        """As `Session`; an older page of this kernel on the same labels is closed."""
        super().__init__()
        self.path = Path(log).absolute()
        if (older := OPEN.pop(self.path, None)) is not None:
            older.close_session()
        self.session = Session(pool, self.path, annotator, options)
        OPEN[self.path] = self
        self._shown, self._shown_at = 0, 0.0
        self._counted_at, self._foretold, self._agreement = -1, "", ""
        self.pair, self.fault, self.stop, self.status = words(), words(), words(), words()
        self.who = ipywidgets.Text(value=annotator, continuous_update=False, layout=ipywidgets.Layout(width="170px"))
        self.left, self.right = self._answer("←  left is better", "left"), self._answer("right is better  →", "right")
        self.tie, self.skip = self._answer("tie · 3", "tie"), self._answer("skip · 4", "skip")
        self.back = self._answer("undo · u", "undo")
        self.export, self.exported, self.page = text_button("write the labels as a file"), words(), Page()
        self.children = self._arranged()
        self.add_class("rmkit")
        self.add_class("rmkit-labelling")
        self._connect()
        self.fault.value = self._sentences(self.session.log.told + self._others())
        self.page.hear_keys(KEYS)
        self._ask()

    def close_session(self) -> None:
        """Give the file back; what is shown may be shown elsewhere."""
        self.session.close()
        for button in self._answers:
            button.disabled = True
        self.fault.value = self._sentences(["This page is closed: its cell was run again."])

    def still(self) -> dict[str, str]:
        html = "".join(part.value for part in (self.fault, self.pair, self.stop, self.status))
        return {"text/html": f'{STYLE}{parts.STYLE}<div class="rmkit rmkit-labelling">{html}</div>'}

    @property
    def _answers(self) -> list[ipywidgets.Button]:
        return [self.left, self.tie, self.skip, self.back, self.right]

    def _answer(self, text: str, name: str) -> ipywidgets.Button:
        made = ipywidgets.Button(description=text)
        made.add_class(f"rmkit-{name}")
        return made

    def _arranged(self) -> list[ipywidgets.Widget]:
        answers = ipywidgets.Box(self._answers).add_class("rmkit-answers")
        answers.layout.display = "grid"
        who = row([words('<div class="rmkit-name">who labels</div>'), self.who], align_items="center", grid_gap="8px")
        keys = words('<div class="rmkit-note">keys: ← or 1, → or 2, 3 tie, 4 skip, u undo</div>', flex="1 1 auto")
        head = ipywidgets.Box([who, keys, self.exported, self.export]).add_class("rmkit-who")
        style = ipywidgets.HTML(parts.STYLE, layout=ipywidgets.Layout(height="0", margin="0", overflow="hidden"))
        return [sheet(), style, self.page, head, self.fault, column([self.pair]), answers, self.stop, self.status]

    def _connect(self) -> None:
        session = self.session
        self.left.on_click(lambda _: self._answered(lambda: session.choose("left")))
        self.right.on_click(lambda _: self._answered(lambda: session.choose("right")))
        self.tie.on_click(lambda _: self._answered(lambda: session.answer("tie")))
        self.skip.on_click(lambda _: self._answered(lambda: session.answer("skip")))
        self.back.on_click(lambda _: self._answered(session.undo, is_undo=True))
        self.export.on_click(lambda _: self._write())
        self.heard(self.who, self._person_changed)

    def _answered(self, act: Callable[[], Any], *, is_undo: bool = False) -> None:
        """Do what a button says, then show the next pair; a fault is told, and the pair stays."""
        if not is_undo and time.monotonic() - self._shown_at < TOO_SOON:
            self._draw()
            return
        self.fault.value = ""
        try:
            done = act()
            if not done:
                nothing = (
                    "There is nothing to undo."
                    if is_undo
                    else "Somebody else has labelled that pair; yours is not kept."
                )
                self.fault.value = self._sentences([nothing])
        except RmkitError as fault:
            self.fault.value = self._sentences([str(fault)])
        self._ask()

    def _person_changed(self) -> None:
        self.fault.value = ""
        try:
            self.session.change_person(self.who.value.strip())
        except RmkitError as fault:
            self.fault.value = self._sentences([str(fault)])
            with self.silence():
                self.who.value = self.session.annotator
        self._ask()

    def _ask(self) -> None:
        """Show the next pair, or why there is none."""
        try:
            self.session.next()
        except RmkitError as fault:
            self.fault.value = self._sentences([str(fault)])
        self._shown_at = time.monotonic()
        self._draw()

    def _draw(self) -> None:
        self._shown += 1
        session, claim = self.session, self.session.claim
        for button in (self.left, self.right, self.tie, self.skip):
            button.disabled = claim is None
        try:
            nothing = self._nothing_left() if claim is None else ""
            self._draw_status()
        except RmkitError as fault:  # of a file that is gone, say: nothing is counted, and the pair stays
            nothing = ""
            self.fault.value = self._sentences([str(fault)])
        if claim is None:
            self.pair.value = parts.empty_html(self._shown, nothing)
        else:
            bank = session.pool.bank
            left, right = session.sides(claim)
            prompt = bank.prompts.set_index("prompt_id")["prompt"].loc[bank.prompt_id_r[left]]
            texts = bank.responses["response"]
            why = f" · {WHY[claim.pick.rule]}" if claim.pick.rule in WHY else " · a pair at random"
            self.pair.value = parts.pair_html(prompt, texts[left], texts[right], self._shown, why)

    def _draw_status(self) -> None:
        """Counts at once; what resamples labels, once in RECOUNT of them: it takes longer than a key may."""
        session = self.session
        standing = session.queue.standing()
        counts = session.pool.counts(standing)
        mine = counts.people.get(session.annotator, 0)
        if session.pool.is_list:
            columns = parts.overturned_html(*session.pool.overturned(standing))
        else:
            columns = parts.worth_html(session.worths, session.is_picking)
        if counts.labels // RECOUNT != self._counted_at:
            self._counted_at = counts.labels // RECOUNT
            self._agreement = parts.agreement_text(session.pool.agreement(standing), counts.twice)
            if not session.pool.is_list:
                foretold = (session.pool.foretold(standing, shared=shared) for shared in (False, True))
                self._foretold = parts.foretold_html(*foretold)
                self.stop.value = parts.stop_html(session.worths) if session.may_stop() else ""
        progress = parts.counts_html(counts, mine, self._agreement)
        self.status.value = f'<div class="rmkit-status">{progress}{columns}{self._foretold}</div>'

    def _nothing_left(self) -> str:
        others = self.session.queue.claimed_elsewhere()
        if others:
            return f"No pair is left for you but {others} that another window shows; answer there, or come back later."
        return "No pair is left for you: every one is labelled or skipped. Thank you."

    def _others(self) -> list[str]:
        n = self.session.other_pairs
        return [
            f"{n:,} labels of {self.path.name} are of pairs that the file does not have; they are left alone."
        ] * bool(n)

    def _write(self) -> None:
        path = self.path.with_name(f"{self.path.name.removesuffix('.jsonl')}-for-fit.jsonl")
        try:
            pool = self.session.pool
            n = write_labels(path, pool, pool.labels(self.session.queue.standing()))
        except RmkitError as fault:
            self.fault.value = self._sentences([str(fault)])
        else:
            said = f"{n:,} labels in {inline_text(path.name)}, beside the log: <code>rmkit fit</code> reads it"
            self.exported.value = f'<div class="rmkit-note">{said}</div>'

    @staticmethod
    def _sentences(said: list[str]) -> str:
        return "".join(f'<div class="rmkit-fault">{inline_text(sentence)}</div>' for sentence in said)
