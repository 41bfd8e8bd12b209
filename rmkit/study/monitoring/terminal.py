"""What the terminal shows of runs: a line for each thing that happens, and, where somebody sees it, a live picture.

The run itself and whoever watches it from outside show the same. Watching looks only: ending it leaves the run alone.
Knows words and counts; runs nothing.
"""

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rmkit.characters import in_one_line
from rmkit.study.monitoring.output import say
from rmkit.study.monitoring.run_record import Event, Run, events, followed
from rmkit.study.monitoring.snapshot import Snapshot, snapshot
from rmkit.study.monitoring.words import about, busy_words, counted, headline, run_words, stage_words
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    from rich.text import Text

WORDS = {
    "started": "started",
    "done": "done in",
    "found": "done",
    "failed": "FAILED:",
    "blocked": "NOT RUN:",
    "warning": "warning:",
    "watching": "waiting:",
    "skipped": "not started:",
}
ENDS = ("done", "found", "failed", "blocked", "skipped")  # of a job
SECONDS_WORTH_SAYING = 60.0
SHARE_OF_TIME = 0.05  # that looking at a run may take: the picture of thousands of jobs may take a second
BAR_WIDTH, SHORTEST_BAR = 24, 6
BUSY_SHOWN, FAILURES_SHOWN = 8, 3


class Screen:
    """Where a run is shown: what happens as a line each; on a terminal, while this is open, the picture below them."""

    def __init__(self, store: Store, run: Run) -> None:
        self.store, self.run = store, run
        self._titles = {job.plan_id: job.title for job in run.jobs}
        self._ended, self._found = 0, False
        self._live: Any = None
        self._picture: Text | None = None
        self._next_look = 0.0

    def __enter__(self) -> "Screen":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console, printed = Console(stderr=True), sys.stdout.isatty()
            self._live = Live(
                console=console,
                get_renderable=self._look,
                refresh_per_second=2,
                transient=True,
                redirect_stdout=printed,
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            with suppress(OSError):  # a terminal that was closed
                self._live.stop()

    def lines(self, event: Event) -> list[str]:
        """[3/8] 01_sums seed=0 done in 2.1 s; jobs that were there already are told together, by what comes next."""
        there = [f"[{self._ended}/{len(self._titles)}] already there"] if self._found else []
        self._ended += event.event in ENDS
        self._found = event.event == "found" and not event.text
        if self._found or event.event not in WORDS:
            return []
        if event.event == "started" and self._live:  # the picture says it
            return there
        title = self._titles.get(event.plan_id, event.plan_id)
        said = event.text.removeprefix(f"{title}: ").removeprefix("not run, ")  # the line begins with both already
        return [*there, f"[{self._ended}/{len(self._titles)}] {title} {WORDS[event.event]} {said}".rstrip()]

    def _look(self) -> "Text":
        from rich.text import Text

        started = time.monotonic()
        if started > self._next_look:
            with suppress(OSError):  # a disk that fails is for the run itself to tell
                lines = picture(snapshot(self.store, self.run), width=self._live.console.width if self._live else None)
                self._picture = Text("\n".join(lines), no_wrap=True, overflow="ellipsis")
            now = time.monotonic()
            self._next_look = now + (now - started) / SHARE_OF_TIME
        return self._picture or Text()


def opening(store: Store, run: Run) -> str:
    """What a run says when it starts, with the time that it may take where that is long enough to be worth saying."""
    left = snapshot(store, run).seconds_left or 0.0
    long = left > SECONDS_WORTH_SAYING
    expected = f", {about(left)} by measured jobs; `rmkit status {run.arguments} --watch` follows it" if long else ""
    return (
        f"{run.study}: {counted(len(run.jobs), 'job')}, {counted(sum(job.fits for job in run.jobs), 'fit')}{expected}"
    )


def watch_run(store: Store, run: Run) -> None:
    """Show a run until it ends. Ctrl-C ends the looking, not the run."""
    try:
        say(headline(snapshot(store, run)))
        before = len(events(run))
        with Screen(store, run) as screen:
            for number, event in enumerate(followed(run)):
                lines = screen.lines(event)
                if lines and number >= before:
                    say(*lines)
        shot = snapshot(store, run)
        say(headline(shot), f"{run.study}: {run_words(run, shot)}")
    except KeyboardInterrupt:
        say("", f"{run.study}: no longer watched; the run goes on")


def picture(shot: Snapshot, *, width: int | None = None) -> list[str]:
    """The lines that a terminal shows of a snapshot. width: of its window; bars leave room for what is counted."""
    name = max(map(len, shot.stages), default=0)
    words = {stage: stage_words(counts) for stage, counts in shot.stages.items()}
    room = BAR_WIDTH if width is None else width - name - len("      ") - max(map(len, words.values()), default=0)
    bar = min(room, BAR_WIDTH) if room >= SHORTEST_BAR else 0
    lines = [headline(shot)]
    lines += [f"  {stage:{name}}  {_bar(shot, stage, bar) + '  ' * (bar > 0)}{said}" for stage, said in words.items()]
    lines += [f"  running  {busy.title}: {busy_words(busy)}" for busy in shot.busy[:BUSY_SHOWN]]
    if len(shot.busy) > BUSY_SHOWN:
        lines += [f"  running  {len(shot.busy) - BUSY_SHOWN} more"]
    for failure in shot.failed[:FAILURES_SHOWN]:
        lines += [f"  FAILED   {failure.sentence or failure.title}"]
        lines += [f"           notebook: {failure.notebook}"] if failure.notebook else []
    if len(shot.failed) > FAILURES_SHOWN:
        lines += [f"  FAILED   {len(shot.failed) - FAILURES_SHOWN} more"]
    return [in_one_line(line) for line in lines]


def _bar(shot: Snapshot, stage: str, width: int) -> str:
    """Done █, running ▓, failed x, the rest ·: told apart without colour, and none so few that it is hidden."""
    if not width:
        return ""
    drawn, signs = shot.drawn(stage, one=1 / width), {"done": "█", "running": "▓", "failed": "x"}
    cells = {sign: round(drawn.get(state, 0.0) * width, 6) for state, sign in signs.items()}
    return "".join(sign * max(int(n), n > 0) for sign, n in cells.items())[:width].ljust(width, "·")
