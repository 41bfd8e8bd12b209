"""A run in the terminal, followed from outside: redrawn in place until it ends, or a line for each change.

Looks only: ending it leaves the run alone.
"""

import shutil
import sys
import time
from collections.abc import Iterator

from rmkit.study.monitoring.run_record import Run, events
from rmkit.study.monitoring.snapshot import Snapshot, StageCount, snapshot
from rmkit.study.monitoring.terminal import WORDS, event_line
from rmkit.study.monitoring.words import busy_words, headline, run_words, stage_words
from rmkit.study.store.store import Store

SECONDS_BETWEEN_LOOKS = 1.0
BAR_WIDTH = 24
BUSY_SHOWN, FAILURES_SHOWN = 8, 3
UP_AND_CLEAR = "\x1b[{}F\x1b[J"  # to the start of the line so many lines above, and all below it blank


def watch_run(store: Store, run: Run) -> None:
    """Show a run on standard output until it ends. Ctrl-C ends the looking, not the run."""
    try:
        if sys.stdout.isatty():
            _redraw(store, run)
        else:
            _tell_changes(store, run)
    except KeyboardInterrupt:
        print(f"\n{run.study}: no longer watched; the run goes on", flush=True)


def picture(shot: Snapshot, *, width: int = 100, height: int = 40) -> list[str]:
    """The lines that a terminal shows of a snapshot, none longer than its width, no more than its height."""
    name = max((len(stage.stage) for stage in shot.stages), default=0)
    lines = [headline(shot), *(f"  {stage.stage:{name}}  {_bar(stage)}  {stage_words(stage)}" for stage in shot.stages)]
    lines += _some([f"  running  {busy_words(busy)}" for busy in shot.busy], BUSY_SHOWN, "  running  {} more")
    for failure in shot.failed[:FAILURES_SHOWN]:
        lines += [f"  FAILED   {failure.sentence}"]
        lines += [f"           notebook: {failure.notebook}"] if failure.notebook else []
    if len(shot.failed) > FAILURES_SHOWN:
        lines += [f"  FAILED   {len(shot.failed) - FAILURES_SHOWN} more"]
    if shot.sentence and not shot.failed:
        lines += [f"  {shot.sentence}"]
    plain = ["".join(char if char.isprintable() else "�" for char in line) for line in lines[: height - 1]]
    return [line if len(line) < width else f"{line[: width - 2]}…" for line in plain]  # a sentence may hold anything


def _redraw(store: Store, run: Run) -> None:
    drawn = 0
    while True:
        shot = snapshot(store, run)
        size = shutil.get_terminal_size()
        lines = picture(shot, width=size.columns, height=size.lines)
        print((UP_AND_CLEAR.format(drawn) if drawn else "") + "\n".join(lines), flush=True)
        drawn = len(lines)
        if shot.state != "running":
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _tell_changes(store: Store, run: Run) -> None:
    """What happened until now in one line, then a line for each thing that happens."""
    told = len(events(run))
    print(headline(snapshot(store, run)), flush=True)
    while True:
        alive = run.alive()  # asked before its lines are read, so that none is missed
        lines = list(_event_lines(run))
        for line in lines[told:]:
            if line:
                print(line, flush=True)
        told = max(told, len(lines))
        if not alive:
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    shot = snapshot(store, run)
    because = f": {shot.sentence}" if shot.sentence and not shot.failed else ""
    print(f"{headline(shot)}\n{run_words(run, shot)}{because}", flush=True)


def _event_lines(run: Run) -> Iterator[str]:
    """A line for each event of a run, empty where the terminal of the run itself would say nothing."""
    titles, ended = {job.plan_id: job.title for job in run.jobs}, 0
    for event in events(run):
        ended += event.event in ("done", "found", "failed", "blocked", "skipped")
        if event.event == "started":
            yield f"[{ended}/{len(run.jobs)}] {titles.get(event.plan_id, event.plan_id)} started"
        elif event.event in WORDS:
            title = titles.get(event.plan_id, event.plan_id)
            yield event_line(event.event, ended, len(run.jobs), title, event.text)
        else:
            yield ""


def _bar(stage: StageCount) -> str:
    """Done █, running ▓, failed x, the rest ·: told apart without colour."""
    ends, signs = (stage.done, stage.running, stage.failed), "█▓x"
    bar = "".join(sign * _cells(count, stage.jobs) for count, sign in zip(ends, signs, strict=True))[:BAR_WIDTH]
    return bar.ljust(BAR_WIDTH, "·")


def _cells(count: int, jobs: int) -> int:
    """How many of a bar's cells so many jobs take: at least one, so that none is hidden."""
    return max(int(BAR_WIDTH * count / jobs), 1) if count and jobs else 0


def _some(lines: list[str], shown: int, more: str) -> list[str]:
    return lines if len(lines) <= shown else [*lines[:shown], more.format(len(lines) - shown)]
