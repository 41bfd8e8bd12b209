"""How far a run, or a study, is at one moment: one picture for terminal and notebook.

Reads run records, locks and the store, so it works from any process at any time. Runs nothing, draws nothing.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rmkit.errors import StoreError
from rmkit.study.monitoring.run_record import INTERRUPTED, Event, Run, RunJob, events
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.study_file import Study
from rmkit.study.store import locks
from rmkit.study.store.progress import read_progress
from rmkit.study.store.store import Store

BLOCKED = "held up by a failed job"  # of a job at rest; a run says HELD_UP
HELD_UP = "held up"
NOTEBOOK_KEPT = "; notebook kept: "  # what the worker adds to the sentence of a failure

# Of a run; a study that no run works on is "at rest".
State = Literal["running", "ended well", "ended with failures", "interrupted", "ended without a word", "at rest"]
STATE_OF_EVENT = {
    "started": "running",
    "watching": "watched",
    "done": "done",
    "found": "done",
    "failed": "failed",
    "blocked": HELD_UP,
    "skipped": "waiting",  # not started, because another job failed
}
COUNTS = ("done", "running", "failed", HELD_UP, "waiting")


@dataclass(frozen=True)
class StageCount:
    """How many jobs of a stage are in which state; those that another run executes count as running."""

    stage: str
    jobs: int
    done: int = 0
    running: int = 0
    failed: int = 0
    held_up: int = 0
    waiting: int = 0

    def count(self, state: str) -> int:
        """How many jobs are in a state of COUNTS, or `jobs`, how many there are."""
        return getattr(self, state.replace(" ", "_"))


@dataclass(frozen=True)
class Busy:
    """A job that is being executed, and what it last said of itself."""

    plan_id: str
    title: str
    seconds: float | None  # since it was started
    what: str = ""
    done: int = 0
    total: int = 0  # 0: it said nothing yet
    by: str = ""  # who executes it, if it is not this run


@dataclass(frozen=True)
class Failure:
    """A job that failed, why, and where its notebook lies."""

    plan_id: str
    title: str
    sentence: str
    notebook: Path | None


@dataclass(frozen=True)
class Snapshot:
    """How far a run or a study is at one moment."""

    study: str
    title: str
    state: State
    stages: tuple[StageCount, ...]
    busy: tuple[Busy, ...] = ()
    failed: tuple[Failure, ...] = ()
    seconds: float | None = None  # since the run started, until it ended
    seconds_left: float | None = None  # None: not known
    sentence: str = ""  # how the run itself explains its end
    run: Run | None = field(default=None, compare=False)

    def count(self, state: str) -> int:
        """How many jobs are in a state of COUNTS, or `jobs`, how many there are."""
        return sum(stage.count(state) for stage in self.stages)


def snapshot(store: Store, run: Run) -> Snapshot:
    """How far a run is, from its record and its jobs' locks."""
    told = events(run)
    ended = told[-1] if told and told[-1].event == "ended" else None
    state: State = _end_state(ended) if ended else "running" if run.alive() else "ended without a word"
    last = {event.plan_id: event for event in told if event.event in STATE_OF_EVENT}
    now = time.time() if state == "running" else (ended or (told[-1] if told else None) or Event(run.since, "")).time
    states, busy = _states_and_busy(store, run, last, alive=state == "running")
    jobs = {job.plan_id: job for job in run.jobs}
    failed = tuple(
        _failure(store, jobs[plan_id], event.text)
        for plan_id, event in last.items()
        if event.event == "failed" and plan_id in jobs
    )
    return Snapshot(
        run.study, run.title, state, _stages(run.jobs, states), busy, failed,
        seconds=max(now - run.since, 0.0),
        seconds_left=_seconds_left(run, states, busy) if state == "running" else None,
        sentence=ended.text if ended else "",
        run=run,
    )  # fmt: skip


def study_snapshot(store: Store, study: Study, jobs: Sequence[PlannedJob]) -> Snapshot:
    """How far a study is, from the store alone: what is done, what somebody executes, what failed last time."""
    states = {
        plan_id: HELD_UP if state == BLOCKED else state for plan_id, state in states_of(store, list(jobs)).items()
    }
    busy = tuple(_busy(store, job, None, "") for job in jobs if states[job.plan_id] == "running")
    failed = tuple(
        _failure(store, job, str(failure_note(store, job).get("error", "")))
        for job in jobs
        if states[job.plan_id] == "failed"
    )
    return Snapshot(study.name, study.title, "at rest", _stages(jobs, states), busy, failed)


def states_of(store: Store, jobs: list[PlannedJob]) -> dict[str, str]:
    """The state of each job, by plan id, upstream first: what waits for a failed job says so."""
    states: dict[str, str] = {}
    known: dict[str, str | None] = {}
    for job in jobs:
        above = {states[other.plan_id] for other in job.needs()}
        state = state_of(store, job, known)
        states[job.plan_id] = BLOCKED if state == "waiting" and above & {"failed", BLOCKED} else state
    return states


def state_of(store: Store, job: PlannedJob, known: dict[str, str | None] | None = None) -> str:
    """done, running, failed or waiting."""
    if store.done(job, known):
        return "done"
    holder = locks.holder(store, job.plan_id)
    if holder and holder.alive():
        return "running"
    return "failed" if failure_note(store, job) else "waiting"


def failure_note(store: Store, job: PlannedJob) -> dict[str, Any]:
    """How a job failed last time (`error`, `time`), or nothing."""
    try:
        return json.loads((store.root / "failed" / job.plan_id / "error.json").read_text())
    except (OSError, ValueError):
        return {}


def _end_state(ended: Event) -> State:
    if ended.code == 0:
        return "ended well"
    return "interrupted" if ended.code == INTERRUPTED else "ended with failures"


def _states_and_busy(
    store: Store, run: Run, last: Mapping[str, Event], *, alive: bool
) -> tuple[dict[str, str], tuple[Busy, ...]]:
    """The state of each job by plan id, and what is being executed."""
    states, busy = {}, []
    for job in run.jobs:
        event = last.get(job.plan_id)
        state = STATE_OF_EVENT[event.event] if event else "waiting"
        if event and state in ("running", "watched"):
            state, is_ours = "running", state == "running"
            holder = None if alive and is_ours else _living_holder(store, job.plan_id)
            if not alive and holder is None:
                state = "waiting"  # what it was doing when it ended is not finished
            else:
                since = holder.since if holder else event.time
                by = "" if is_ours else f"process {holder.pid}" if holder else "another run"
                busy.append(_busy(store, job, since, by))
        states[job.plan_id] = state
    return states, tuple(busy)


def _busy(store: Store, job: RunJob | PlannedJob, since: float | None, by: str) -> Busy:
    folder = store.root / "locks" / job.plan_id
    if since is None and (holder := _living_holder(store, job.plan_id)):
        since = holder.since
    seconds = None if since is None else max(time.time() - since, 0.0)
    said = read_progress(folder / "progress.json") or {}
    try:
        what, done, total = str(said["what"]), int(said["done"]), int(said["total"])
    except (KeyError, TypeError, ValueError):
        what, done, total = "", 0, 0
    return Busy(job.plan_id, _title(job), seconds, what, done, total, by)


def _living_holder(store: Store, plan_id: str) -> locks.Owner | None:
    try:
        holder = locks.holder(store, plan_id)
    except StoreError:
        return None
    return holder if holder and holder.alive() else None


def _failure(store: Store, job: RunJob | PlannedJob, text: str) -> Failure:
    notebook = store.root / "failed" / job.plan_id / "notebook.ipynb"
    sentence = text.partition(NOTEBOOK_KEPT)[0]
    return Failure(job.plan_id, _title(job), sentence, notebook if notebook.exists() else None)


def _title(job: RunJob | PlannedJob) -> str:
    return job.title if isinstance(job, RunJob) else str(job)


def _stages(jobs: Sequence[RunJob] | Sequence[PlannedJob], states: Mapping[str, str]) -> tuple[StageCount, ...]:
    counts: list[StageCount] = []
    for stage in dict.fromkeys(job.stage for job in jobs):
        found = [states[job.plan_id] for job in jobs if job.stage == stage]
        counts.append(StageCount(stage, len(found), *(found.count(state) for state in COUNTS)))
    return tuple(counts)


def _seconds_left(run: Run, states: Mapping[str, str], busy: Sequence[Busy]) -> float | None:
    """By list scheduling of what was expected of each job when the run started; None if that is not known."""
    try:
        from rmkit.study.store.estimate import seconds_left

        left = seconds_left(
            list(run.jobs),
            {job.plan_id: job.seconds for job in run.jobs},
            threads=run.threads,
            done={plan_id for plan_id, state in states.items() if state in ("done", "failed", HELD_UP)},
            running={job.plan_id: job.seconds or 0.0 for job in busy},
        )
        return left or None  # nothing left, and jobs run: they take longer than was expected, nobody knows how much
    except Exception:  # an estimate is a courtesy: it may not take the picture away
        return None
