"""`status` and `why`: how far a study is, and why jobs are not finished."""

import argparse
import os
from dataclasses import replace

from rmkit.commands.pages import report_line
from rmkit.commands.request import living_run, planned
from rmkit.commands.selection import stage_named
from rmkit.study.monitoring.output import say
from rmkit.study.planning.project import STORE_VARIABLE, find_project
from rmkit.study.store.store import Store


def status(options: argparse.Namespace) -> int:
    """How far the study is, stage by stage, and what failed; the runs that are going on, if there are any."""
    from rmkit.study.monitoring.terminal import picture, watch_run

    if options.watch and (run := living_run(options)):
        watch_run(Store(find_project().store), run)
        return 0
    project, study, jobs = planned(options)
    store = Store(project.store)
    from rmkit.commands.waiting import why_waiting
    from rmkit.study.monitoring.run_record import living
    from rmkit.study.monitoring.snapshot import snapshot, study_snapshot
    from rmkit.study.monitoring.words import run_words

    going_on = [(run, snapshot(store, run)) for run in living(store, study.name)]
    for run, shot in going_on:
        say(f"{run.arguments}: {run_words(run, shot)}", *picture(shot))
    if all(run.arguments != study.arguments for run, _ in going_on):  # a trial's run says nothing of the study
        shot = study_snapshot(store, study, jobs)
        shot = replace(shot, study=study.arguments) if going_on else shot
        say(*picture(shot), *(f"  waiting  {line}" for line in why_waiting(store, jobs, shot.states)))
    say(report_line(project, study, jobs, store))
    if os.environ.get(STORE_VARIABLE):
        say(f"store: {store.root}")
    return 0


def why(options: argparse.Namespace) -> int:
    """Which ingredient of a job's key differs from the nearest finished job."""
    project, _, jobs = planned(options)
    stage = stage_named(options.stage, list(dict.fromkeys(job.stage for job in jobs)), "rmkit why")
    from rmkit.commands.dry_run import explain

    store = Store(project.store)
    unfinished = [job for job in jobs if job.stage == stage and not store.done(job)]
    if not unfinished:
        say(f"{stage}: every job is finished")
    for job in unfinished:
        say(f"{job}:")
        for line in explain(store, job):
            say(f"  {line}")
    return 0
