"""How far a job is: a bar where it runs, and a small file that any other process can read.

Knows counts only. Progress is never part of a result.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from rmkit.study.store import write_text

SECONDS_BETWEEN_WRITES = 0.5


class Progress:
    """Called with (done, total) as work goes on: `fit(..., progress=job.progress("fits"))`."""

    def __init__(self, what: str, file: Path | None) -> None:
        self.what = what
        self._file = file
        self._bar: Any = None
        self._written = 0.0

    def __call__(self, done: int, total: int) -> None:
        from tqdm import tqdm

        if self._bar is None or self._bar.total != total:
            self._bar = tqdm(total=total, desc=self.what, file=sys.stdout, mininterval=0.5)
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
        if self._file and (done >= total or time.monotonic() - self._written > SECONDS_BETWEEN_WRITES):
            self._written = time.monotonic()
            try:
                write_text(self._file, json.dumps({"what": self.what, "done": done, "total": total}))
            except OSError:
                self._file = None  # a bar that cannot be written down must not end the work


def read_progress(file: Path) -> dict[str, Any] | None:
    """What a job last said of itself, or None."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None
