"""How far a run, or a study, is at one moment: one picture for terminal and notebook.

Reads run records, locks and the store, so it works from any process at any time. Runs nothing, draws nothing.
"""

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rmkit.study.monitoring.run_record import INTERRUPTED, Run, RunJob, events, runs
from rmkit.study.planning.keys import data_files
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import find_project, study_path
from rmkit.study.planning.study_file import Study, load_study
from rmkit.study.store import locks
from rmkit.study.store.disk import described, read_json
from rmkit.study.store.progress import read_progress
from rmkit.study.store.store import Store

STATES = ("done", "running", "failed", "held up", "waiting")  # of a job; held up: by a failed one that it needs
NOTEBOOK_KEPT = "; notebook kept: "  # what the worker adds to the sentence of a failure
TELLING = ("jobs", "plans", "failed", "locks", "runs")  # rooms of the store: whenever a state changes, one of them does

# Of a run, and of a study at rest.
RUNNING, ALL_DONE, WITH_FAILURES = "running", "all done", "ended with failures"
STOPPED = "interrupted; finished jobs are kept"
GONE = "ended without a word: its process was killed, or the machine went down"
NO_RUN, ONLY_JOBS = "no run is going on", "no run is going on, but jobs are running"


@dataclass(frozen=True)
class Busy:
    """A job that is being executed, and what it last said of itself."""

    plan_id: str
    title: str
    seconds: float  # since it was started
    what: str = ""
    done: int = 0
    total: int = 0  # 0: it said nothing yet
    by: str = ""  # who executes it, if it is not this run


@dataclass(frozen=True)
class Failure:
    """A job that failed, why, and where its notebook lies."""

    title: str
    sentence: str
    notebook: Path | None


@dataclass(frozen=True)
class FailureNote:
    """What is kept of a job's last failure."""

    error: str
    time: float  # seconds since 1970


@dataclass(frozen=True)
class Snapshot:
    """How far a run or a study is at one moment."""

    study: str
    title: str
    state: str
    stages: Mapping[str, Mapping[str, int]]  # how many jobs of a stage are in each of the STATES
    busy: tuple[Busy, ...] = ()
    failed: tuple[Failure, ...] = ()
    seconds: float | None = None  # since the run started, until it ended
    seconds_left: float | None = None  # None: not known
    sentence: str = ""  # how the run itself explains its end
    run: Run | None = field(default=None, compare=False)
    states: Mapping[str, str] = field(default_factory=dict, compare=False)  # of each job, by plan id

    def drawn(self, stage: str, *, one: float) -> dict[str, float]:
        """The part of a stage's bar that each state is drawn as, from 0 to 1; what waits is the rest.

        A running job is a sign, of size `one`, and never more than its part: nobody knows how far it is, and a full
        bar would say that it is done.
        """
        counts = self.stages[stage]
        parts = {state: n / sum(counts.values()) for state, n in counts.items() if n and state != STATES[-1]}
        if "running" in parts:
            parts["running"] = min(parts["running"], one * counts["running"])
        return parts

    def count(self, *states: str) -> int:
        """How many jobs are in one of these states; without any, how many there are."""
        return sum(counts.get(state, 0) for counts in self.stages.values() for state in states or STATES)


def snapshot(store: Store, run: Run) -> Snapshot:
    """How far a run is, from its record and the store."""
    told = events(run)
    done = {job.plan_id for job in run.jobs if (key := store.noted(job.plan_id)) and store.finished(key)}
    elsewhere = {plan_id for plan_id, event in {e.plan_id: e.event for e in told}.items() if event == "watching"}
    states, stages, busy, failed = _states(store, run.jobs, done, since=run.since, elsewhere=elsewhere)
    ended = told[-1] if told and told[-1].event == "ended" else None
    if ended:
        state = {0: ALL_DONE, INTERRUPTED: STOPPED}.get(ended.code or 0, WITH_FAILURES)
    else:
        state = RUNNING if run.alive() else GONE
    now = time.time() if state == RUNNING else told[-1].time if told else run.since
    return Snapshot(
        run.study, run.title, state, stages, busy, failed,
        seconds=max(now - run.since, 0.0),
        seconds_left=_seconds_left(run, states, busy) if state == RUNNING else None,
        sentence=ended.text if ended else "",
        run=run,
    )  # fmt: skip


def study_snapshot(store: Store, study: Study, jobs: Sequence[PlannedJob]) -> Snapshot:
    """How far a study is, from the store alone: what is done, what somebody executes, what failed last time."""
    known: dict[str, str | None] = {}
    done = {job.plan_id for job in jobs if store.done(job, known)}
    run_jobs = [RunJob.of(job) for job in jobs]
    states, stages, busy, failed = _states(store, run_jobs, done)
    state = ALL_DONE if len(done) == len(jobs) else ONLY_JOBS if busy else NO_RUN
    return Snapshot(study.name, study.title, state, stages, busy, failed, states=states)


class FollowedStudy:
    """One study, looked at again and again: a study by file or name, in the project around the working directory.

    Made for a look a second from a kernel that has other work: a study is planned, and its jobs' states are read, again
    only when its file, a notebook, rmkit's source, its data or something in the store changed.
    """

    def __init__(self, study: str) -> None:
        self.project = find_project()
        self.path = study_path(self.project, study)
        self.store = Store(self.project.store)
        self._data: set[Path] = set()  # files and folders that its jobs read
        self._seen: tuple[object, Snapshot, Snapshot | None] | None = None

    def look(self) -> tuple[Snapshot, Snapshot | None]:
        """Its living run; or how the study stands, and its last run if there was one.

        One of our errors where it cannot be planned.
        """
        found = runs(self.store, self.path.stem)
        if run := next((run for run in found if run.alive()), None):
            return snapshot(self.store, run), None
        if self._seen is None or self._seen[0] != self._stamp():
            study = load_study(self.path, self.project.shown(self.path))
            jobs = make_plan(self.project, study)
            self._data = {self.project.root / given for job in jobs for given, *_ in data_files(job)}
            stamp = self._stamp()
            last = snapshot(self.store, found[0]) if found else None
            self._seen = stamp, study_snapshot(self.store, study, jobs), last
        return self._seen[1:]

    def _stamp(self) -> dict[Path, int | None]:
        """When each file that a plan or a state hangs on was written."""
        files = [self.path, *self.project.root.glob("notebooks/*.ipynb"), *self.project.package.rglob("*.py")]
        files += [self.store.root / room for room in TELLING]
        files += [path for given in self._data for path in (given, *given.rglob("*"))]
        return {path: path.stat().st_mtime_ns if path.exists() else None for path in files}


def wall_seconds(jobs: Sequence[RunJob], left: Mapping[str, float | None], threads: int) -> float | None:
    """The wall time of jobs, at the least: all threads share the work, and no chain of jobs is cut short.

    jobs: what is needed comes first. left: what each takes, by plan id; None if that of one is not known.
    """
    work, chains = 0.0, {"": 0.0}
    for job in jobs:
        if (seconds := left.get(job.plan_id)) is None:
            return None
        work += seconds * min(job.threads, threads)
        chains[job.plan_id] = seconds + max((chains.get(need, 0.0) for need in job.needs), default=0.0)
    return max(work / threads, *chains.values())


def _states(
    store: Store, jobs: Sequence[RunJob], done: Collection[str], *, since: float = 0.0, elsewhere: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, Counter[str]], tuple[Busy, ...], tuple[Failure, ...]]:
    """The state of each job by plan id, the jobs in each by stage, those that are executed, those that failed.

    since: only failures from then on. elsewhere: the jobs of which another run has begun the execution.
    """
    states: dict[str, str] = {}
    stages: dict[str, Counter[str]] = {}
    busy, failed = [], []
    for job in jobs:
        state = "waiting"
        if job.plan_id in done:
            state = "done"
        elif holder := locks.holder(store, job.plan_id):
            state = "running"
            said = read_progress(store.root / "locks" / job.plan_id / "progress.json")
            by = f"process {holder.pid}" if job.plan_id in elsewhere else ""
            busy.append(Busy(job.plan_id, job.title, max(time.time() - holder.since, 0.0), *said, by))
        elif (note := _failure(store, job.plan_id)) and note.time >= since:
            state = "failed"
            notebook = store.root / "failed" / job.plan_id / "notebook.ipynb"
            sentence = note.error.partition(NOTEBOOK_KEPT)[0]
            failed.append(Failure(job.title, sentence, notebook if notebook.exists() else None))
        elif {states.get(need) for need in job.needs} & {"failed", "held up"}:
            state = "held up"
        states[job.plan_id] = state
        stages.setdefault(job.stage, Counter())[state] += 1
    return states, stages, tuple(busy), tuple(failed)


def _failure(store: Store, plan_id: str) -> FailureNote | None:
    return described(FailureNote, read_json(store.root / "failed" / plan_id / "error.json"))


def _seconds_left(run: Run, states: Mapping[str, str], busy: Sequence[Busy]) -> float | None:
    """By what was expected of each job when the run started; None if that is not known, or was too little."""
    spent = {each.plan_id: each.seconds for each in busy}
    left = {job.plan_id: job.seconds and max(job.seconds - spent.get(job.plan_id, 0.0), 0.0) for job in run.jobs}
    ended = {plan_id: 0.0 for plan_id, state in states.items() if state in ("done", "failed", "held up")}
    return wall_seconds(run.jobs, left | ended, run.threads) or None
