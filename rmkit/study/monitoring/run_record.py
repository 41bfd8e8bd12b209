"""What a run writes down of itself, so that any process can follow it: `runs/runs/<id>/`.

    card.json       who runs what: written once, when the run starts
    events.jsonl    a line for each thing that `execute` tells its watch, and a last one, `ended`, with the exit code
    output.log      what it printed, if it was started by `launch`

A run without its last line whose process is gone ended without a word. While it goes on, it touches events.jsonl now
and then: a sign of life for other hosts and containers, which cannot see its process (clocks must agree to a minute).
Knows jobs by plan id and words; not what they compute. A record that cannot be written, or read, never stands in the
way of a run.
"""

import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from rmkit.errors import DataError, ParamsError, StoreError
from rmkit.machine.processes import this_host
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.study_file import Study
from rmkit.study.store import locks
from rmkit.study.store.disk import write_text
from rmkit.study.store.store import Store

FORMAT = 1  # of the card
KEPT = 50  # runs whose records stay when they have ended
SECONDS_HALF_MADE = 86_400.0  # a record without a card, or a log without a run, is rubbish after that
INTERRUPTED = 130
SECONDS_BETWEEN_SIGNS = 10.0  # of life
SECONDS_WITHOUT_SIGN = 120.0  # after which a run of another host has ended without a word


@dataclass(frozen=True)
class RunJob:
    """A job as a run's card has it: what a reader must know without planning the study again."""

    plan_id: str
    stage: str
    title: str
    threads: int
    fits: int
    needs: tuple[str, ...]  # plan ids
    seconds: float | None  # what it was expected to take when the run started


@dataclass(frozen=True)
class Run:
    """The card of a run: one process that brings a study's jobs to an end."""

    id: str
    study: str
    title: str
    pid: int
    start: float  # when the process started, as machine/processes.py counts
    boot: str
    host: str
    since: float  # seconds since 1970
    arguments: str  # how a command line names what it runs: params/tiny.yaml --set seed=3
    threads: int  # that its jobs share
    jobs: tuple[RunJob, ...]
    folder: Path = field(compare=False)

    def alive(self) -> bool:
        """Whether its process still works on it; that of another host does while it gives signs of life."""
        owner = locks.Owner("", "", self.pid, self.start, self.boot, self.host, self.since)
        here = self.host == this_host()
        return owner.alive() and (here or self._gave_a_sign()) and end(self) is None

    def _gave_a_sign(self) -> bool:
        try:
            return time.time() - (self.folder / "events.jsonl").stat().st_mtime < SECONDS_WITHOUT_SIGN
        except OSError:
            return False

    @property
    def log(self) -> Path:
        return self.folder / "output.log"


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
        self.store = store
        self._failed = False
        self._lines: IO[str] | None = None
        self._ended = threading.Event()
        me = locks.myself("", "")
        name = f"{time.strftime('%Y%m%dT%H%M%S')}-{me.pid}-{secrets.token_hex(2)}"
        title = " ".join([study.title, *(f"--set {text}" for text in study.set)])
        self.run = Run(
            name, study.name, title, me.pid, me.start, me.boot, me.host, me.since, study.arguments, threads,
            _run_jobs(store, jobs), _room(store) / name,
        )  # fmt: skip

    def __enter__(self) -> "RunRecord":
        with suppress(OSError):  # a full disk is for the run itself to tell
            forget_old_runs(self.store)
            self.run.folder.mkdir(parents=True)
            self._lines = (self.run.folder / "events.jsonl").open("a", buffering=1)
            write_text(self.run.folder / "card.json", _card(self.run))
            threading.Thread(target=self._give_signs, name=f"signs of {self.run.id}", daemon=True).start()
        return self

    def __call__(self, event: str, job: PlannedJob, text: str) -> None:
        """What `execute` tells its watch."""
        self._failed |= event == "failed"
        self._write(Event(time.time(), event, job.plan_id, text))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._ended.set()
        text = "" if kind is KeyboardInterrupt or error is None else str(error)
        self._write(Event(time.time(), "ended", text=text, code=_exit_code(kind, failed=self._failed)))
        if self._lines is not None:
            with suppress(OSError):
                self._lines.close()

    def _give_signs(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_SIGNS):
            with suppress(OSError):
                os.utime(self.run.folder / "events.jsonl")

    def _write(self, event: Event) -> None:
        if self._lines is not None:
            try:
                self._lines.write(json.dumps(asdict(event)) + "\n")
            except OSError:
                self._lines = None


def told_to(*watches: Callable[[str, PlannedJob, str], None]) -> Callable[[str, PlannedJob, str], None]:
    """One watch for `execute` that tells several, in this order."""

    def watch(event: str, job: PlannedJob, text: str) -> None:
        for each in watches:
            each(event, job, text)

    return watch


def runs(store: Store, study: str | None = None) -> list[Run]:
    """The runs that have a record, newest first. study: only those of the study with this name."""
    found = [run for run in map(_read, _folders(store)) if run and study in (None, run.study)]
    return sorted(found, key=lambda run: run.since, reverse=True)


def living(store: Store, study: str | None = None) -> list[Run]:
    """The runs whose process is alive, newest first."""
    return [run for run in runs(store, study) if run.alive()]


def events(run: Run) -> list[Event]:
    """What happened in a run so far, in order. A line that is still being written is not there yet."""
    try:
        text = (run.folder / "events.jsonl").read_text()
    except (OSError, UnicodeDecodeError):
        return []
    return [event for line in text.splitlines(keepends=True) if line.endswith("\n") and (event := _event(line))]


def end(run: Run) -> Event | None:
    """How a run says that it ended, or None."""
    told = events(run)
    return told[-1] if told and told[-1].event == "ended" else None


def forget_old_runs(store: Store, kept: int = KEPT) -> None:
    """Remove the records of ended runs but for the last ones, and what never became a record; reads old cards alone."""
    cards = {}
    for folder in _folders(store):
        with suppress(OSError):
            cards[folder] = (folder / "card.json").stat().st_mtime_ns
    for folder in sorted(cards, key=cards.__getitem__, reverse=True)[kept:]:
        if (run := _read(folder)) and not run.alive():
            shutil.rmtree(folder, ignore_errors=True)
    for path in _room(store).glob("*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > SECONDS_HALF_MADE and not (path / "card.json").exists():
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _room(store: Store) -> Path:
    return store.root / "runs"


def _folders(store: Store) -> Iterator[Path]:
    with suppress(OSError):
        yield from (path for path in sorted(_room(store).iterdir()) if path.is_dir())


def _run_jobs(store: Store, jobs: Sequence[PlannedJob]) -> tuple[RunJob, ...]:
    seconds = _expected_seconds(store, jobs)
    return tuple(
        RunJob(
            job.plan_id, job.stage, str(job), job.threads, job.fits,
            tuple(other.plan_id for other in job.needs()), seconds.get(job.plan_id),
        )
        for job in jobs
    )  # fmt: skip


def _expected_seconds(store: Store, jobs: Sequence[PlannedJob]) -> dict[str, float | None]:
    """What each job is expected to take, by plan id: nothing where it is finished. No fault of it may stop a run."""
    try:
        from rmkit.study.store.estimate import seconds_and_bytes

        known: dict[str, str | None] = {}
        there = {job.plan_id for job in jobs if _done(store, job, known)}
        expected = seconds_and_bytes(store, [job for job in jobs if job.plan_id not in there])
        return {**dict.fromkeys(there, 0.0), **{plan_id: told.seconds for plan_id, told in expected.items()}}
    except Exception:
        return {}


def _done(store: Store, job: PlannedJob, known: dict[str, str | None]) -> bool:
    try:
        return store.done(job, known)
    except StoreError:  # what it needs is damaged: the run makes it again
        return False


def _exit_code(kind: type[BaseException] | None, *, failed: bool) -> int:
    """The code that the command line ends with after this exception."""
    if kind is None:
        return int(failed)
    if issubclass(kind, KeyboardInterrupt):
        return INTERRUPTED
    return 2 if issubclass(kind, ParamsError | DataError) else 1


def _card(run: Run) -> str:
    content = {name: value for name, value in asdict(run).items() if name != "folder"}
    return json.dumps({"format": FORMAT, **content})


def _read(folder: Path) -> Run | None:
    """The run whose record lies in a folder, or None where it has no card that can be read."""
    try:
        return _read_once(folder, (folder / "card.json").stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=4 * KEPT)
def _read_once(folder: Path, _written: int) -> Run | None:
    """A card is written once and read by a panel once a second."""
    try:
        card: dict[str, Any] = json.loads((folder / "card.json").read_text())
        if card.pop("format") != FORMAT:
            return None
        jobs = tuple(RunJob(**{**job, "needs": tuple(job["needs"])}) for job in card.pop("jobs"))
        numbers = {"pid": int(card["pid"]), "start": float(card["start"]), "since": float(card["since"])}
        return Run(**{**card, **numbers, "jobs": jobs, "folder": folder})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _event(line: str) -> Event | None:
    try:
        event = Event(**json.loads(line))
        return event if isinstance(event.time, int | float) else None
    except (ValueError, TypeError):
        return None
