"""What the terminal shows of a study: while it runs, its state at any time, and a run that is watched from outside.

A run prints a line an event, with a bar below; one that is watched is redrawn in place until it ends, or told line by
line where nobody sees a screen. Watching looks only: ending it leaves the run alone. Reads the store, so it works from
any process. Knows words and counts; runs nothing.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from rmkit.study.monitoring.run_record import Run, events, living
from rmkit.study.monitoring.snapshot import BLOCKED, COUNTS, HELD_UP, Snapshot, StageCount, snapshot, study_snapshot
from rmkit.study.monitoring.words import about, busy_words, headline, run_words, stage_words
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store.store import Store

WORDS = {
    "done": "done in",
    "found": "done",
    "failed": "FAILED:",
    "blocked": "NOT RUN:",
    "warning": "warning:",
    "watching": "waiting:",
    "skipped": "not started:",
}
BAR = "{desc}: {n_fmt}/{total_fmt} |{bar:20}| {elapsed}{postfix}"  # tqdm's own time left takes all jobs to be alike
SECONDS_BETWEEN_LOOKS = 0.5  # of a run at its own bar
SHARE_OF_TIME = 0.05  # that looking may take
FAILURES_SHOWN = 3
SECONDS_WORTH_SAYING = 60.0
SECONDS_BETWEEN_PICTURES = 1.0  # of a run that is watched
BAR_WIDTH = 24
BUSY_SHOWN = 8
UP_AND_CLEAR = "\x1b[{}F\x1b[J"  # to the start of the line so many lines above, and all below it blank


def say(line: str, bar: Any = None) -> None:
    """Print a line, above the bar if there is one. That nobody reads it any more (`| head`) ends no run."""
    try:
        if bar is None:
            print(line)
        else:
            bar.write(line, file=sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to be flushed goes there too


class RunLog:
    """Watches `execute`: a line an event; on a terminal also a bar that shows what runs, how far it is, what is left.

    run: its record, from which the bar tells what other processes would be told too.
    """

    def __init__(self, study: Study, jobs: list[PlannedJob], store: Store, run: Run | None = None) -> None:
        self.study, self.jobs, self.store, self.run = study, jobs, store, run
        self.ended = 0
        self._told_of_found = False
        self._bar: Any = None
        self._stop = threading.Event()

    def __enter__(self) -> "RunLog":
        fits = sum(job.fits for job in self.jobs)
        say(f"{self.study.name}: {len(self.jobs)} jobs, {fits} fits{self._expected()}")
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=len(self.jobs), desc=self.study.name, bar_format=BAR, dynamic_ncols=True)
            threading.Thread(target=self._refresh, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._bar is not None:
            self._bar.close()

    def __call__(self, event: str, job: PlannedJob, text: str) -> None:
        if event == "started":
            if self.ended and not self._told_of_found:
                say(f"[{self.ended}/{len(self.jobs)}] already there", self._bar)
            self._told_of_found = True
            return
        if event not in ("warning", "watching"):
            self._told_of_found |= event != "found"
            self.ended += 1
            if self._bar is not None:
                self._bar.update(1)
        if event != "found" or text:
            say(event_line(event, self.ended, len(self.jobs), str(job), text), self._bar)

    def _expected(self) -> str:
        """How long it may take, where that is known and long enough to be worth saying."""
        left = snapshot(self.store, self.run).seconds_left if self.run else None
        long = left is not None and left > SECONDS_WORTH_SAYING
        return f", {about(left)} by measured jobs; `rmkit status --watch` follows it" if left and long else ""

    def _refresh(self) -> None:
        seconds = SECONDS_BETWEEN_LOOKS
        while self.run and not self._stop.wait(seconds):
            started = time.monotonic()
            shot = snapshot(self.store, self.run)
            left = [f"{about(shot.seconds_left)} left"] if shot.seconds_left is not None else []
            self._bar.set_postfix_str("; ".join([*left, *(busy_words(busy) for busy in shot.busy)]))
            seconds = max(SECONDS_BETWEEN_LOOKS, (time.monotonic() - started) / SHARE_OF_TIME)


def event_line(event: str, ended: int, jobs: int, title: str, text: str) -> str:
    """[3/8] 01_sums seed=0 done in 2.1 s."""
    said = text.removeprefix(f"{title}: ").removeprefix("not run, ")  # the line begins with both already
    return f"[{ended}/{jobs}] {title} {WORDS.get(event, event)} {said}".rstrip()


def status_lines(study: Study, jobs: list[PlannedJob], store: Store, project: Project) -> Iterator[str]:
    """The study's state: who runs it, a line a stage, then each running and failed job."""
    for run in living(store, study.name):
        yield f"{study.name}: {run_words(run, snapshot(store, run))}"
    shot = study_snapshot(store, study, jobs)
    for stage in shot.stages:
        counts = {BLOCKED if state == HELD_UP else state: stage.count(state) for state in COUNTS}
        said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        yield f"{study.name}: {stage.stage}: {said}"
    for busy in shot.busy:
        yield f"running: {busy_words(busy)}"
    for failure in shot.failed[:FAILURES_SHOWN]:
        kept = f"; notebook kept: {failure.notebook}" if failure.notebook else ""
        yield f"failed: {failure.sentence or failure.title}{kept}"
    if len(shot.failed) > FAILURES_SHOWN:
        folder = project.shown(store.root / "failed")
        yield f"failed: {len(shot.failed) - FAILURES_SHOWN} more; their notebooks lie in {folder}"


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
        time.sleep(SECONDS_BETWEEN_PICTURES)


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
        time.sleep(SECONDS_BETWEEN_PICTURES)
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
