"""How far a job is: a bar where it runs, and a small file that any other process can read.

Knows counts only. Progress is never part of a result.
"""

import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rmkit.characters import in_one_line
from rmkit.study.store.disk import described, read_json, write_text

SECONDS_BETWEEN_TELLINGS = 0.2


class Place:
    """A place where text is rewritten: in a notebook an output, which keeps its last state; elsewhere lines of it."""

    def __init__(self) -> None:
        self._display: Any = None
        self._shown = ""

    def show(self, text: str, *, last: bool = False) -> None:
        """The text in place of what stood there. Outside of notebooks its first line alone, where another was said."""
        if in_notebook():
            from IPython.display import display

            bundle = {"text/plain": text}
            if self._display is None:
                self._display = display(bundle, raw=True, display_id=True)
            elif text != self._shown:
                self._display.update(bundle, raw=True)
        elif last or self._said(text) != self._said(self._shown):
            print(self._said(text) if not last else text, file=sys.stderr, flush=True)
        self._shown = text

    def _said(self, text: str) -> str:
        """How many jobs are done, without the time, which changes all the while."""
        return text.partition("\n")[0].partition(";")[0]


def in_notebook() -> bool:
    """Whether what is shown may be rewritten later: in a kernel, also one that papermill or nbconvert runs."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


@dataclass(frozen=True)
class Said:
    """What a job last said of itself."""

    what: str
    done: int
    total: int


class Progress:
    """Called with (done, total) as work goes on: `fit(..., progress=job.progress("fitting linear_bt"))`.

    In a notebook one line that is rewritten in place, so that the stored output holds its last state; elsewhere a bar.
    """

    def __init__(self, what: str, file: Path | None = None) -> None:
        self.what = what
        self._file = file
        self._place = Place()
        self._started = time.monotonic()
        self._told = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - self._told > SECONDS_BETWEEN_TELLINGS:
            self._told = now
            self._show(done, total, now - self._started)
            with suppress(OSError):  # progress that cannot be written down must not end the work
                if self._file:
                    write_text(self._file, json.dumps(asdict(Said(self.what, done, total))))

    def _show(self, done: int, total: int, seconds: float) -> None:
        from tqdm import tqdm

        line = tqdm.format_meter(done, total, seconds, prefix=in_one_line(self.what), ncols=90)
        if in_notebook():
            self._place.show(line)
        else:
            print(f"\r{line}", end="\n" if done >= total else "", file=sys.stderr, flush=True)


def read_progress(file: Path) -> tuple[str, int, int]:
    """What a job last said of itself: what it does, how much is done, of how much; 0 of 0 where it said nothing."""
    said = described(Said, read_json(file))
    return (in_one_line(said.what), said.done, said.total) if said else ("", 0, 0)
