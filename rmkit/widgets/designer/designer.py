"""The page on which a test set is designed: controls on the left; sentences, picture and table of the answer beside.

    Designer(open_banks("tiny"))

An answer takes seconds, so a thread of its own computes it; whoever changes a control meanwhile gets the answer to the
last change alone. Pictures are drawn where the page is built, never in that thread: matplotlib's settings are shared.
Knows banks by name; what is said of them is answers.py's matter.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rmkit.errors import RmkitError
from rmkit.evaluation.score_bank import ScoreBank
from rmkit.widgets.canvas import Tool
from rmkit.widgets.controls import STYLE, column, row, sheet, words
from rmkit.widgets.designer import parts
from rmkit.widgets.designer.answers import Answer, Asked, answer
from rmkit.widgets.designer.controls import Controls
from rmkit.widgets.designer.opening import Banks

USUAL = Asked()
BUSY = '<div class="rmkit-busy">working it out anew …</div>'
AT_REST = '<div class="rmkit-busy"></div>'


@dataclass(frozen=True)
class Wanted:
    """A question, and which bank it is of; numbered, so that the last one is known."""

    number: int
    bank: str
    asked: Asked


class Designer(Tool):
    """The widget: it is answered when it is made, and again whenever a control changes.

    background: False answers before a control's change returns, as scripts want it; so does a process without a loop.
    """

    def __init__(self, banks: Banks, asked: Asked = USUAL, *, background: bool = True) -> None:
        super().__init__()
        self._banks, self._loaded, self._seed = banks, dict[str, ScoreBank](), asked.seed
        self.answer: Answer | None = None
        self._png = b""
        self._number, self._wanted, self._at_work = 0, None, False
        self._lock = threading.Lock()
        self._loop = _running_loop() if background else None
        self.controls = Controls(list(banks), asked)
        self.busy, self.said, self.picture, self.table = (words() for _ in range(4))
        main = column([self.busy, self.said, self.picture, self.table], min_width="0").add_class("rmkit-main")
        body = row([self.controls.box, main], align_items="stretch").add_class("rmkit-body")
        self.children = [sheet(), words(parts.STYLE, height="0", overflow="hidden"), body]
        self.add_class("rmkit")
        self.add_class("rmkit-designer")
        for control in self.controls.every:
            self.heard(control, self._changed)
        self._ask()
        self._work(_at_once)

    _wanted: Wanted | None

    def still(self) -> dict[str, str]:
        html = self.said.value + self.picture.value + self.table.value
        return {"text/html": f'{STYLE}{parts.STYLE}<div class="rmkit rmkit-designer">{html}</div>'}

    def _changed(self) -> None:
        self.controls.show_what_counts()
        if self._ask():
            return
        if self._loop is None:
            self._work(_at_once)
        else:
            call = self._loop.call_soon_threadsafe
            threading.Thread(target=self._work, args=(call,), name="designer", daemon=True).start()

    def _ask(self) -> bool:
        """Put down what the controls ask now; whether somebody is at work already, who will come to it."""
        with self._lock:
            self._number += 1
            self._wanted = Wanted(self._number, self.controls.bank.value, self.controls.asked(self._seed))
            before, self._at_work = self._at_work, True
        self.busy.value = BUSY
        for part in (self.said, self.picture, self.table):
            part.add_class("rmkit-stale")
        return before

    def _work(self, call: Callable[[Callable[[], None]], object]) -> None:
        """Answer until the last question is answered; `call` has a function called where pictures may be drawn."""
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, None
                if wanted is None:
                    self._at_work = False
                    return
            found = self._found(wanted)
            call(partial(self._show, wanted, found))

    def _found(self, wanted: Wanted) -> Answer | str:
        """The answer, or the sentence of why there is none."""
        try:
            if wanted.bank not in self._loaded:
                self._loaded[wanted.bank] = self._banks[wanted.bank]()
            return answer(self._loaded[wanted.bank], wanted.asked)
        except RmkitError as fault:
            return str(fault)
        except Exception as fault:  # a fault of ours must not leave the page at work for ever
            return f"{type(fault).__name__}: {fault}"

    def _show(self, wanted: Wanted, found: Answer | str) -> None:
        if wanted.number != self._number:  # asked anew meanwhile
            return
        if isinstance(found, str):
            self.answer, self._png = None, b""
            self.said.value, self.picture.value, self.table.value = parts.fault_html(found), "", ""
        else:
            self.answer, self._png = found, parts.picture(found)
            self.said.value = parts.said_html(found)
            self.picture.value, self.table.value = parts.picture_html(self._png), parts.table_html(found.table)
        self.busy.value = AT_REST
        for part in (self.said, self.picture, self.table):
            part.remove_class("rmkit-stale")


def _at_once(show: Callable[[], None]) -> None:
    show()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop in which a kernel runs cells and hears controls; None where there is none, as in a script."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
