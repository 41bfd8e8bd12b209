"""What a run writes down of itself, so that any process can follow it: `runs/runs/<id>/`.

    card.json       who runs what: written once, when the run starts
    events.jsonl    a line for each thing that `execute` tells its watch, and a last one, `ended`, with the exit code
    output.log      what it printed, if it was started by `launch`

While it goes on, its process holds a lock of the operating system on events.jsonl, which ends with it: a run without
its last line whose file nobody holds ended without a word. Knows jobs by plan id and words; not what they compute. A
record that cannot be written, or read, never stands in the way of a run.
"""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

from rmkit.files.regular import json_value, open_regular, read_text
from rmkit.machine.processes import this_host
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.study_file import Study
from rmkit.study.store.disk import described, read_json, write_text
from rmkit.study.store.estimate import costs
from rmkit.study.store.locks import try_lock
from rmkit.study.store.store import Store

ROOM, CARD, EVENTS, LOG = "runs", "card.json", "events.jsonl", "output.log"
RUN_VARIABLE = "RMKIT_RUN"  # the id of the run that a process is to be
KEPT = 50  # runs whose records stay when they have ended
INTERRUPTED = 130
SECONDS_BETWEEN_LOOKS = 1.0  # of who follows a run


@dataclass(frozen=True)
class RunJob:
    """A job as a run's card has it: what a reader must know without planning the study again."""

    plan_id: str
    stage: str
    title: str
    threads: int
    fits: int
    needs: tuple[str, ...]  # plan ids
    seconds: float | None = None  # what it was expected to take when the run started

    @classmethod
    def of(cls, job: PlannedJob, seconds: float | None = None) -> "RunJob":
        needs = tuple(other.plan_id for other in job.needs())
        return cls(job.plan_id, job.stage, str(job), job.threads, job.fits, needs, seconds)


@dataclass(frozen=True)
class Run:
    """The card of a run: one process that brings a study's jobs to an end."""

    id: str
    pid: int
    host: str  # with its process namespace, in which the pid means something
    since: float  # seconds since 1970
    study: str
    title: str
    arguments: str  # how a command line names what it runs: params/tiny.yaml --set seed=3
    threads: int  # that its jobs share
    jobs: tuple[RunJob, ...]  # what is needed comes first
    folder: Path = field(compare=False)

    def alive(self) -> bool:
        """Whether its process still works on it."""
        with suppress(OSError), open_regular(self.folder / EVENTS) as lines:
            return not try_lock(lines, fcntl.LOCK_SH)
        return False


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run."""

    time: float  # seconds since 1970
    event: str  # what `execute` tells its watch, or `ended`
    plan_id: str = ""
    text: str = ""
    code: int | None = None  # the exit code, of `ended` alone


class RunRecord:
    """A run that writes itself down: `with RunRecord(store, study, jobs) as record: execute(..., watch=record)`."""

    def __init__(self, store: Store, study: Study, jobs: Sequence[PlannedJob], *, threads: int = 1) -> None:
        name = os.environ.pop(RUN_VARIABLE, "") or new_id()
        title = " ".join([study.title, *(f"--set {text}" for text in study.set)])
        expected = costs(store, jobs)
        run_jobs = [RunJob.of(job, expected[job.plan_id].seconds if job.plan_id in expected else 0.0) for job in jobs]
        self.run = Run(
            name, os.getpid(), this_host(), time.time(), study.name, title, study.arguments, threads, tuple(run_jobs),
            store.root / ROOM / name,
        )  # fmt: skip
        self.store = store
        self._lines: IO[str] | None = None

    def __enter__(self) -> "RunRecord":
        with suppress(OSError):  # a full disk is for the run itself to tell
            forget_old_runs(self.store)
            self.run.folder.mkdir(parents=True, exist_ok=True)
            self._lines = (self.run.folder / EVENTS).open("a", buffering=1, encoding="utf-8")
            fcntl.flock(self._lines, fcntl.LOCK_EX)
            card = {name: value for name, value in asdict(self.run).items() if name != "folder"}
            write_text(self.run.folder / CARD, json.dumps(card))
        return self

    def __call__(self, event: str, job: PlannedJob, text: str) -> Event:
        """Write down what `execute` tells its watch."""
        return self._write(Event(time.time(), event, job.plan_id, text))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        interrupted = isinstance(error, KeyboardInterrupt)
        code = INTERRUPTED if interrupted else getattr(error, "exit_code", 1) if error else 0
        self._write(Event(time.time(), "ended", text=str(error) if error and not interrupted else "", code=code))
        if self._lines is not None:
            with suppress(OSError):
                self._lines.close()

    def _write(self, event: Event) -> Event:
        if self._lines is not None:
            try:
                self._lines.write(json.dumps(asdict(event)) + "\n")
            except OSError:
                self._lines = None
        return event


def new_id() -> str:
    """The name of a run's record: later ones come later in the alphabet."""
    return f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(4)}"


def runs(store: Store, study: str | None = None) -> list[Run]:
    """The runs that have a record, newest first. study: only those of the study with this name."""
    found = [run for run in map(read, _records(store)) if run and study in (None, run.study)]
    return sorted(found, key=lambda run: run.since, reverse=True)


def living(store: Store, study: str | None = None) -> list[Run]:
    """The runs whose process is alive, newest first."""
    return [run for run in runs(store, study) if run.alive()]


def read(folder: Path) -> Run | None:
    """The run whose record lies in a folder, or None where it has no card that can be read."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        return _read_once(folder)
    return None


def events(run: Run) -> list[Event]:
    """What happened in a run so far, in order. A line that is still being written is not there yet."""
    told = []
    with suppress(OSError, UnicodeDecodeError):
        for line in read_text(run.folder / EVENTS).splitlines(keepends=True):
            with suppress(ValueError):
                event = described(Event, json_value(line, finite=True)) if line.endswith("\n") else None
                told += [event] if event else []
    return told


def followed(run: Run) -> Iterator[Event]:
    """What happens in a run, from its first event on, as it happens; ends when the run does."""
    told = 0
    while True:
        alive = run.alive()  # asked before its lines are read, so that none is missed
        for event in events(run)[told:]:
            told += 1
            yield event
        if not alive:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def forget_old_runs(store: Store, kept: int = KEPT) -> None:
    """Remove the records of ended runs but for the last ones, and what never became a record; reads old cards alone."""
    for folder in _records(store)[::-1][kept:]:
        if not ((run := read(folder)) and run.alive()):
            shutil.rmtree(folder, ignore_errors=True)


def _records(store: Store) -> list[Path]:
    """The folders of records, oldest first."""
    return sorted(path for path in (store.root / ROOM).glob("*") if path.is_dir())


@lru_cache(maxsize=4 * KEPT)
def _read_once(folder: Path) -> Run:
    """A card is written once and read by a panel once a second. What cannot be read is tried again."""
    card = read_json(folder / CARD)
    jobs = [described(RunJob, {**job, "needs": tuple(job["needs"])}) for job in card["jobs"]]
    if run := described(Run, {**card, "jobs": tuple(jobs), "folder": folder}):
        return run
    raise ValueError(f"{folder / CARD}: is no card of a run")
