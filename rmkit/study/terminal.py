"""What the terminal shows of a study: a bar and a line an event while it runs, and its state at any time.

Reads the store, so it works from any process. Knows words and counts; runs nothing.
"""

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

from rmkit.study import locks
from rmkit.study.params import Study
from rmkit.study.plan import PlannedJob
from rmkit.study.progress import read_progress
from rmkit.study.project import Project
from rmkit.study.store import Store

WORDS = {
    "done": "done in",
    "found": "done",
    "failed": "FAILED:",
    "blocked": "NOT RUN:",
    "warning": "warning:",
    "watching": "waiting:",
}

FAILURES_SHOWN = 3
BLOCKED = "held up by a failed job"


class RunLog:
    """Watches `execute`: a line an event; on a terminal also a bar that shows what runs and how far it is."""

    def __init__(self, study: Study, jobs: list[PlannedJob], store: Store) -> None:
        self.study, self.jobs, self.store = study, jobs, store
        self.ended = 0
        self._running: dict[str, PlannedJob] = {}
        self._bar: Any = None
        self._stop = threading.Event()

    def __enter__(self) -> "RunLog":
        fits = sum(job.fits for job in self.jobs)
        print(f"{self.study.name}: {len(self.jobs)} jobs, {fits} fits", flush=True)
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=len(self.jobs), unit="job", desc=self.study.name)
            threading.Thread(target=self._refresh, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._bar is not None:
            self._bar.close()

    def __call__(self, event: str, job: PlannedJob, text: str) -> None:
        if event == "started":
            self._running[job.plan_id] = job
            return
        if event not in ("warning", "watching"):
            self._running.pop(job.plan_id, None)
            self.ended += 1
            if self._bar is not None:
                self._bar.update(1)
        if event != "found" or text:
            line = f"[{self.ended}/{len(self.jobs)}] {job} {WORDS[event]} {text}".rstrip()
            if self._bar is not None:
                self._bar.write(line, file=sys.stdout)
            else:
                print(line, flush=True)

    def _refresh(self) -> None:
        while not self._stop.wait(0.5):
            self._bar.set_postfix_str("; ".join(_doing(self.store, job) for job in list(self._running.values())))


def status_lines(study: Study, jobs: list[PlannedJob], store: Store, project: Project) -> Iterator[str]:
    """The study's state: a line a stage, then each running and failed job."""
    states = states_of(store, jobs)
    for stage in dict.fromkeys(job.stage for job in jobs):
        found = [states[job.plan_id] for job in jobs if job.stage == stage]
        counts = ", ".join(
            f"{found.count(state)} {state}"
            for state in ("done", "running", "failed", "waiting", BLOCKED)
            if state in found
        )
        yield f"{study.name}: {stage}: {counts}"
    for job in jobs:
        if states[job.plan_id] == "running":
            yield f"running: {_doing(store, job)}"
    failed = [job for job in jobs if states[job.plan_id] == "failed"]
    for job in failed[:FAILURES_SHOWN]:
        yield f"failed: {_failure(store, job)['error']}"
    if len(failed) > FAILURES_SHOWN:
        folder = project.shown(store.root / "failed")
        yield f"failed: {len(failed) - FAILURES_SHOWN} more; their notebooks lie in {folder}"


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
    return "failed" if _failure(store, job) else "waiting"


def _failure(store: Store, job: PlannedJob) -> dict[str, Any]:
    try:
        return json.loads((store.root / "failed" / job.plan_id / "error.json").read_text())
    except (OSError, ValueError):
        return {}


def _doing(store: Store, job: PlannedJob) -> str:
    progress = read_progress(store.root / "locks" / job.plan_id / "progress.json")
    return f"{job}: {progress['what']} {progress['done']}/{progress['total']}" if progress else str(job)
