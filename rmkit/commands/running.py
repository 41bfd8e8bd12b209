"""`run` and `check`: bring a study's jobs to an end, or see whether that could be done."""

import argparse
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from rmkit.commands.pages import write_report_of
from rmkit.commands.request import planned, says_yes
from rmkit.commands.selection import failed_last_time, left_out, selected
from rmkit.errors import JobError, ParamsError
from rmkit.study.monitoring.output import say
from rmkit.study.monitoring.words import counted
from rmkit.study.planning.checks import check_data
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store

MANY_JOBS = 1_000  # that a run starts without asking

if TYPE_CHECKING:
    from rmkit.study.engines.local import Local


def run(options: argparse.Namespace) -> int:
    """Bring every job of the study to an end, then write the report."""
    from rmkit.study.monitoring.terminal import Screen, opening

    project, study, jobs = planned(options)
    store = Store(project.store)
    everything, jobs = jobs, _selected(project, study, jobs, store, options)
    if not jobs:
        say(f"{study.name}: none of the jobs that are asked for failed last time")
        return 0
    for line in check_data(project, study, jobs):
        if getattr(options, "says_data", False):  # otherwise `rmkit check` does
            say(line)
    part = options.only or options.until or options.select or options.job
    if part and (told := left_out(store, everything, jobs, study.arguments)):
        say(told)
    if options.dry_run:
        return _forecast(study, jobs, store, options)
    _ask_about_many(study, jobs, yes=options.yes)
    from rmkit.study.monitoring.run_record import RunRecord
    from rmkit.study.store.locks import using

    started = time.monotonic()
    engine = _engine(options)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's script does that to what it starts by `command &`
        say(f"{study.name}: SIGINT is ignored, as in the background of a script; `kill {os.getpid()}` ends this run")
    with using(store), RunRecord(store, study, jobs, threads=engine.threads) as record:
        say(opening(store, record.run))
        with Screen(store, record.run) as screen, disk_faults(store.root):

            def watch(event: str, job: PlannedJob, text: str) -> None:
                for line in screen.lines(record(event, job, text)):
                    say(line)

            outcomes = engine.execute(jobs, project=project, store=store, study=study.name, watch=watch)
        states = [outcome.state for outcome in outcomes.values()]
        words = {"done": "executed", "found": "already there", "failed": "failed", "blocked": "not run"}
        words |= {"skipped": "not started"}
        counts = {state: states.count(state) for state in words if state in states}
        summary = ", ".join(f"{count} {words[state]}" for state, count in counts.items())
        say(f"{study.name}: {counted(len(jobs), 'job')}: {summary}, in {time.monotonic() - started:.1f} s")
        if not options.no_report and states.count("done") + states.count("found"):
            write_report_of(project, study, everything, store, anew=False)
        failed = [outcome.text for outcome in outcomes.values() if outcome.state == "failed"]
        if failed:
            raise JobError(failed[-1])
    return 0


def check(options: argparse.Namespace) -> int:
    """Validate a study without running anything."""
    project, study, jobs = planned(options)
    for line in check_data(project, study, jobs):
        say(line)
    say(f"{study.where}: sound; {_size(jobs)}")
    return 0


def _size(jobs: list[PlannedJob]) -> str:
    """63 jobs, 1,790 fits."""
    return f"{counted(len(jobs), 'job')}, {counted(sum(job.fits for job in jobs), 'fit')}"


def _ask_about_many(study: Study, jobs: list[PlannedJob], *, yes: bool) -> None:
    """ParamsError for so many jobs that ranges may have multiplied unseen, unless whoever asks says yes to them."""
    if len(jobs) <= MANY_JOBS or yes:
        return
    many = f"{study.name}: {_size(jobs)}"
    if not (sys.stdin.isatty() and says_yes(f"{many}; run them?")):
        raise ParamsError(f"{many}: more than {MANY_JOBS:,}; add --yes to run them, or --dry-run for what they cost")


def _selected(
    project: Project, study: Study, jobs: list[PlannedJob], store: Store, options: argparse.Namespace
) -> list[PlannedJob]:
    """The jobs that the options ask for, and those that they need; none if --retry-failed finds nothing that failed."""
    asked = selected(
        project,
        jobs,
        only=options.only,
        until=options.until,
        select=options.select,
        plan_ids=options.job,
        study=study.arguments,
    )
    return failed_last_time(store, study, asked) if options.retry_failed else asked


def _forecast(study: Study, jobs: list[PlannedJob], store: Store, options: argparse.Namespace) -> int:
    """What the run would do and cost, instead of doing it."""
    from rmkit.commands.dry_run import forecast

    for line in forecast(study.name, jobs, store, threads=_engine(options).threads):
        say(line)
    return 0


def _engine(options: argparse.Namespace) -> "Local":
    """The engine that the options describe."""
    from rmkit.machine import quantities
    from rmkit.study.engines.limits import Limits
    from rmkit.study.engines.local import Local

    limits = Limits(
        seconds=quantities.seconds(options.time_limit, "--time-limit") if options.time_limit is not None else None,
        memory_bytes=quantities.size(options.memory_limit, "--memory-limit")
        if options.memory_limit is not None
        else None,
    )
    threads = {"threads": options.workers} if options.workers else {}
    fork = {"fork": False} if options.fresh_kernels else {}
    return Local(limits=limits, fail_fast=options.fail_fast, **threads, **fork)
