"""What the terminal shows of a study: a bar and a line an event while it runs, and its state at any time.

Reads the store, so it works from any process. Knows words and counts; runs nothing.
"""

import sys
import threading
from collections.abc import Iterator
from typing import Any

from rmkit.study.params import Study
from rmkit.study.plan import PlannedJob
from rmkit.study.progress import read_progress
from rmkit.study.project import Project
from rmkit.study.runs import Run, living
from rmkit.study.snapshot import snapshot
from rmkit.study.states import BLOCKED, failure_note, states_of
from rmkit.study.store import Store
from rmkit.study.words import about, busy_words, run_words

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
SECONDS_BETWEEN_LOOKS = 0.5

FAILURES_SHOWN = 3


class RunLog:
    """Watches `execute`: a line an event; on a terminal also a bar that shows what runs, how far it is, what is left.

    run: its record, from which the bar tells what other processes would be told too.
    """

    def __init__(self, study: Study, jobs: list[PlannedJob], store: Store, run: Run | None = None) -> None:
        self.study, self.jobs, self.store, self.run = study, jobs, store, run
        self.ended = 0
        self._bar: Any = None
        self._stop = threading.Event()

    def __enter__(self) -> "RunLog":
        fits = sum(job.fits for job in self.jobs)
        print(f"{self.study.name}: {len(self.jobs)} jobs, {fits} fits", flush=True)
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
            return
        if event not in ("warning", "watching"):
            self.ended += 1
            if self._bar is not None:
                self._bar.update(1)
        if event != "found" or text:
            line = event_line(event, self.ended, len(self.jobs), str(job), text)
            if self._bar is not None:
                self._bar.write(line, file=sys.stdout)
            else:
                print(line, flush=True)

    def _refresh(self) -> None:
        while self.run and not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            shot = snapshot(self.store, self.run)
            left = [f"{about(shot.seconds_left)} left"] if shot.seconds_left is not None else []
            self._bar.set_postfix_str("; ".join([*left, *(busy_words(busy) for busy in shot.busy)]))


def event_line(event: str, ended: int, jobs: int, title: str, text: str) -> str:
    """[3/8] 01_sums seed=0 done in 2.1 s."""
    return f"[{ended}/{jobs}] {title} {WORDS.get(event, event)} {text}".rstrip()


def status_lines(study: Study, jobs: list[PlannedJob], store: Store, project: Project) -> Iterator[str]:
    """The study's state: who runs it, a line a stage, then each running and failed job."""
    for run in living(store, study.name):
        yield f"{study.name}: {run_words(run, snapshot(store, run))}"
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
        yield f"failed: {failure_note(store, job)['error']}"
    if len(failed) > FAILURES_SHOWN:
        folder = project.shown(store.root / "failed")
        yield f"failed: {len(failed) - FAILURES_SHOWN} more; their notebooks lie in {folder}"


def _doing(store: Store, job: PlannedJob) -> str:
    progress = read_progress(store.root / "locks" / job.plan_id / "progress.json")
    return f"{job}: {progress['what']} {progress['done']}/{progress['total']}" if progress else str(job)
