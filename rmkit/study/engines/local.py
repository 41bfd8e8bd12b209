"""Where jobs are executed: on this machine, in a small pool of job processes, each ended at its limits.

`Local.execute(jobs) -> outcomes` is the only door. Jobs are admitted by the sum of the threads that their stages
declare. Keys and statuses travel, data does not. Knows the store and the locks; not what a job computes.
"""

import json
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from rmkit.errors import JobError, ParamsError
from rmkit.machine.hardware import describe, package_versions, usable_cores
from rmkit.machine.processes import end_processes
from rmkit.study.engines.limits import Limits, MemoryWatch
from rmkit.study.engines.worker import LOCKED, forget_doubtful_parts, keep_failure, keep_failure_note
from rmkit.study.planning.keys import named_above
from rmkit.study.planning.named_code import named_entries
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.processes.forked import SECONDS_TO_IMPORT
from rmkit.study.processes.job_processes import JobProcess, JobProcesses
from rmkit.study.processes.named_imports import fault_of
from rmkit.study.processes.preload import imports_of
from rmkit.study.processes.private_folders import remove_abandoned
from rmkit.study.store import locks
from rmkit.study.store.store import Store

SECONDS_BETWEEN_LOOKS = 0.05
IMPORT_NAMED = "rmkit.study.processes.named_imports:import_named"
NOT_STARTED = "another job has failed"

# Told (event, job, text); an event is "warning", "started", "watching", or an outcome's state.
Watch = Callable[[str, PlannedJob, str], None]


@dataclass(frozen=True)
class Outcome:
    """How a job ended: `done` (executed now), `found` (was finished), `failed`, `blocked` by a failed upstream, or
    `skipped`, not started because another failed.
    """

    state: str
    text: str = ""  # the sentence that explains a failure, or who else executed it
    seconds: float = 0.0


@dataclass(frozen=True)
class Local:
    """This machine: so many threads shared by the jobs that run side by side."""

    threads: int = field(default_factory=usable_cores)
    limits: Limits = field(default_factory=Limits)  # of each job
    fail_fast: bool = False  # start nothing more once a job has failed; what runs ends well
    fork: bool = sys.platform == "linux"  # processes and kernels from a server that has imported what they need

    def execute(
        self, jobs: list[PlannedJob], *, project: Project, store: Store, study: str, watch: Watch
    ) -> dict[str, Outcome]:
        """Bring every job to an end, upstream first, side by side where there is room: {plan id: outcome}.

        Finished jobs are found, damaged ones set aside and executed again (`watch` is told), and what dead owners left
        is ended first. A failed job blocks what needs it; all others go on.
        """
        store.prepare()
        for owner in locks.clear_away_the_dead(store):
            for job in jobs:
                if job.plan_id == owner.plan_id:
                    watch("warning", job, f"process {owner.pid} died while executing it; what it left was ended")
        remove_abandoned()
        return Pool(jobs, project, store, study, self, watch).run()


@dataclass(frozen=True)
class Running:
    """A job process and where its outcome will be read."""

    process: JobProcess
    output: IO[str]
    order: Mapping[str, Any]  # what it was told to do
    since: float


class Pool:
    """The state of one `execute`: what waits, what runs, what has ended."""

    def __init__(
        self, jobs: list[PlannedJob], project: Project, store: Store, study: str, engine: Local, watch: Watch
    ) -> None:
        self.project, self.store, self.study, self.engine, self.watch = project, store, study, engine, watch
        self.jobs = {job.plan_id: job for job in jobs}
        self.running: dict[str, Running] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.watched: set[str] = set()
        self.warnings: set[str] = set()
        self.keys: dict[str, str] = {}
        self.processes: JobProcesses | None = None
        self.imported = False  # whether what the jobs name in registries was imported once
        self.memory = MemoryWatch(engine.limits)
        self.has_failed = False
        self.machine, self.packages = describe(), package_versions()

    def run(self) -> dict[str, Outcome]:
        try:
            while waiting := [job for job in self.jobs.values() if job.plan_id not in self.outcomes]:
                ended = len(self.outcomes)
                for plan_id in list(self.running):
                    self._collect(plan_id)
                self._hold_to_limits()
                for job in waiting:
                    if job.plan_id not in self.running and job.plan_id not in self.outcomes:
                        self._advance(job)
                if len(self.outcomes) == ended:
                    time.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            with uninterrupted(again=False):  # an impatient second Ctrl-C must not break off the cleaning up
                doubts = {}
                for plan_id, running in list(self.running.items()):  # after an interruption; a good end leaves none
                    self._clear(plan_id)
                    if doubt := forget_doubtful_parts(self.store, running.order):
                        doubts[plan_id] = doubt
                if self.processes:
                    self.processes.close()
                for plan_id, doubt in doubts.items():  # last: where it is told, a disk may be full
                    self.watch("warning", self.jobs[plan_id], doubt)
        return self.outcomes

    def _advance(self, job: PlannedJob) -> None:
        """Move a waiting job on: find it finished, block it, watch another's execution, or start it."""
        ends = [self.outcomes.get(upstream.plan_id) for upstream in job.needs()]
        if blocked := [end for end in ends if end and end.state in ("failed", "blocked")]:
            self._end(job, Outcome("blocked", f"{job}: not run, an upstream job failed: {blocked[0].text}"))
            return
        if any(end and end.state == "skipped" for end in ends):
            self._end(job, Outcome("skipped", NOT_STARTED))
        if job.plan_id in self.outcomes or not all(ends):
            return
        if job.plan_id in self.keys and job.plan_id not in self.watched and not self._admits(job):
            return  # it was not there when its inputs were done; look again when there is room for it
        if job.plan_id not in self.keys:  # its inputs are done, so their content is fixed and so is the key
            key = self.store.key_of(job)
            assert key is not None, f"{job}: its inputs are done and it has no key"
            self.keys[job.plan_id] = key
            if os.path.lexists(self.store.folder(key)) and (damage := self.store.damage(key)):
                place = self.project.shown(self.store.set_aside(key))
                self.watch("warning", job, f"damaged in the store: {damage}; moved to {place}, executing it again")
        key = self.keys[job.plan_id]
        if self.store.finished(key):
            self.store.note(job, key)
            if versions := self._other_versions(key):
                self._warn(job, f"was made, as others may have been, with {versions}; its result is kept")
            self._end(job, Outcome("found", "by the other process" if job.plan_id in self.watched else ""))
        elif self.engine.fail_fast and self.has_failed:
            self._end(job, Outcome("skipped", NOT_STARTED))
        elif key not in {running.order["key"] for running in self.running.values()} and self._admits(job):
            if holder := locks.holder(self.store, job.plan_id):
                if job.plan_id not in self.watched:
                    self.watched.add(job.plan_id)
                    text = f"process {holder.pid} on {holder.host.split()[0]} executes it; waiting for its result"
                    self.watch("watching", job, text)
            elif self._processes_for(job).ready(job.threads):
                self._start(job, key)

    def _other_versions(self, key: str) -> str:
        """Under which other package versions than these a finished job was made."""
        then, now = self.store.manifest(key)["environment"]["packages"], self.packages
        other = [name for name in now if then.get(name, now[name]) != now[name]]  # one not there then made nothing
        return ", ".join(f"{name} {then[name]}, now {now[name]}" for name in other)

    def _warn(self, job: PlannedJob, text: str) -> None:
        """Tell `watch`, once in a run: what holds for one job may hold for all."""
        if text not in self.warnings:
            self.warnings.add(text)
            self.watch("warning", job, text)

    def _admits(self, job: PlannedJob) -> bool:
        used = sum(self.jobs[plan_id].threads for plan_id in self.running)
        return not self.running or used + job.threads <= self.engine.threads

    def _processes_for(self, job: PlannedJob) -> JobProcesses:
        """What starts job processes; made when the first job is to be executed, for all that may follow."""
        if self.processes is None:
            todo = [job for job in self.jobs.values() if job.plan_id not in self.outcomes]
            imports = imports_of(self.project, todo) if self.engine.fork else None
            self.processes = JobProcesses(self.project, imports, lambda text: self.watch("warning", job, text))
        return self.processes

    def _import_named(self, threads: int) -> None:
        """Import once what the jobs name in registries; ParamsError for what cannot be, before any job has run."""
        if self.processes and not self.imported:
            todo = [job for job in self.jobs.values() if job.plan_id not in self.outcomes]
            entries = named_entries(todo, self.project.package, self.study)
            given = [(str(entry), entry.target, entry.protocol) for entry in entries]
            if given:
                code, said = self.processes.said_by(threads, IMPORT_NAMED, [given], seconds=SECONDS_TO_IMPORT)
                if fault := fault_of(given, code, said, seconds=SECONDS_TO_IMPORT):
                    raise ParamsError(fault)
            self.imported = True

    def _start(self, job: PlannedJob, key: str) -> None:
        self._import_named(job.threads)
        execution = f"{job.plan_id}.{secrets.token_hex(4)}"
        order = self._order(job, key, execution)
        output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed when the outcome is read
        with uninterrupted():  # what is started is known, or is not started
            try:
                process = self._processes_for(job).start(order, output)
            except OSError as error:
                output.close()
                self._fail(job, f"{job}: its process could not be started: {error.strerror or error}")
                return
            self.running[job.plan_id] = Running(process, output, order, time.monotonic())
        self.watched.discard(job.plan_id)
        self.watch("started", job, "")

    def _order(self, job: PlannedJob, key: str, execution: str) -> Mapping[str, Any]:
        """All that the job process and its notebook need to know."""
        return {
            "stage": job.stage,
            "title": str(job),
            "study": self.study,
            "project": str(self.project.root),
            "store": str(self.store.root),
            "plan_id": job.plan_id,
            "key": key,
            "execution": execution,
            "draft": False,
            "parameters": dict(job.parameters),
            "ingredients": self.store.ingredients(job),
            "named_above": named_above(job),
            **self.store.handed(job),
            "threads": job.threads,
            "fits": job.fits,
            "machine": self.machine,
            "prefix": sys.prefix,
        }

    def _hold_to_limits(self) -> None:
        """End the running jobs that take more time or memory than they may."""
        limit = self.engine.limits.seconds
        for plan_id, running in list(self.running.items()):
            if limit is not None and time.monotonic() - running.since > limit:
                self._end_at_limit(plan_id, f"ran for {limit:g} s, its limit")
        executions = {plan_id: running.order["execution"] for plan_id, running in self.running.items()}
        for plan_id, sentence in self.memory.too_much(executions):
            self._end_at_limit(plan_id, sentence)

    def _end_at_limit(self, plan_id: str, sentence: str) -> None:
        """End a running job, keep its notebook as far as it came, and report it as failed."""
        running, job = self.running[plan_id], self.jobs[plan_id]
        end_processes(running.order["execution"], group=running.process.pid)
        if self.store.finished(running.order["key"]):  # it was quicker
            return
        doubt = forget_doubtful_parts(self.store, running.order)
        error = "; ".join(filter(None, [f"{job}: {sentence}, and was ended", doubt]))
        with suppress(JobError):  # it had not begun one
            made = self.store.root / "tmp" / running.order["execution"]
            error = f"{error}; notebook kept: {keep_failure(self.store, plan_id, made, error)}"
        self._clear(plan_id)
        self._fail(job, error)

    def _clear(self, plan_id: str) -> str:
        """Forget a job process that has ended, with whatever it left; returns what it printed."""
        running = self.running.pop(plan_id)
        end_processes(running.order["execution"], group=running.process.pid)
        running.process.wait()
        locks.clear_away(self.store, plan_id)
        with running.output as output:
            output.seek(0)
            return output.read()

    def _collect(self, plan_id: str) -> None:
        """Take a finished job process's outcome and end whatever it left."""
        running, job = self.running[plan_id], self.jobs[plan_id]
        code = running.process.poll()
        if code is None:
            return
        said = self._clear(plan_id)
        for text in _told(said, "warning"):
            self._warn(job, text)
        if code == LOCKED:
            return
        if self.store.finished(running.order["key"]):
            self.store.note(job, running.order["key"])
            self._end(job, Outcome("done", seconds=time.monotonic() - running.since))
        else:
            self._fail(job, _why(job, code, said))

    def _fail(self, job: PlannedJob, error: str) -> None:
        keep_failure_note(self.store, job.plan_id, error)
        self._end(job, Outcome("failed", error))

    def _end(self, job: PlannedJob, outcome: Outcome) -> None:
        self.outcomes[job.plan_id] = outcome
        self.has_failed |= outcome.state == "failed"
        self.watched.discard(job.plan_id)
        self.watch(outcome.state, job, outcome.text or (f"{outcome.seconds:.1f} s" if outcome.seconds else ""))


@contextmanager
def uninterrupted(*, again: bool = True) -> Iterator[None]:
    """Hold SIGINT, SIGTERM and SIGHUP back while this is open. again: let one that came be heard at the end.

    A SIGHUP that is ignored, as under `nohup`, stays so: what is started inherits that.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone hears signals
        yield
        return
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, lambda heard, _: held.append(heard))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for heard in held if again else ():
            signal.raise_signal(heard)


def _told(said: str, kind: str) -> list[str]:
    """What a job process told its runner of one kind: lines of JSON among whatever else was printed."""
    told = []
    for line in said.splitlines():
        with suppress(ValueError, TypeError, KeyError):
            told.append(str(json.loads(line)[kind]))
    return told


def _why(job: PlannedJob, code: int, said: str) -> str:
    """The sentence that explains a failed job process: its own, or what its end tells."""
    lines = said.strip().splitlines()
    if errors := _told("".join(lines[-1:]), "error"):
        return errors[0]
    if code < 0:
        known = -code in {number.value for number in signal.Signals}
        name = signal.Signals(-code).name if known else f"signal {-code}"
        return f"{job}: its process was killed by {name}; run again"
    return f"{job}: its process ended with {code}: {lines[-1] if lines else 'without a word'}"
