"""`report` and `gallery`: the pages of a study."""

import argparse
import shutil
from pathlib import Path

from rmkit.commands.request import planned
from rmkit.errors import StoreError
from rmkit.study.monitoring.output import say
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store


def report(options: argparse.Namespace) -> int:
    """Figures and HTML again, from stored rows."""
    project, study, jobs = planned(options)
    write_report_of(project, study, jobs, Store(project.store), anew=True)
    return 0


def gallery(options: argparse.Namespace) -> int:
    """Executed notebooks as pages to read, with an index, which the report links."""
    project, study, jobs = planned(options)
    store = Store(project.store)
    from rmkit.report.gallery import write_gallery

    with disk_faults(store.root):
        index = write_gallery(study, jobs, store, project, every=options.all)
    say(f"notebooks: {index}")
    write_report_of(project, study, jobs, store, anew=False, because=", written again, so that it links them")
    return 0


def report_line(project: Project, study: Study, jobs: list[PlannedJob], store: Store) -> str:
    """Where a study's report lies, and whether it is of what is stored now."""
    from rmkit.report.freshness import fresh_report, report_path

    path = report_path(store, study)
    anew = f"`rmkit report {study.arguments}` makes it"
    if not path.exists():
        return f"report: none yet; {anew}"
    try:
        fresh = fresh_report(store, study, jobs, project)
    except (StoreError, KeyError):  # a damaged job: the next run makes it again
        fresh = False
    state = "up to date" if fresh else f"out of date; {anew} again"
    return f"report: {project.shown(path)}, {state}"


def keep_earlier(store: Store, report: Path) -> str:
    """Keep a report beside the next one if it may be of jobs that only another version reads; says so, or nothing."""
    earlier = report.with_name(f"{report.stem}-earlier.html")
    if not (report.is_file() and (count := store.other_formats())) or earlier.exists():
        return ""
    shutil.copy2(report, earlier)
    return f"{count} finished jobs are in a format of another version of rmkit; the report so far is kept: {earlier}"


def write_report_of(
    project: Project, study: Study, jobs: list[PlannedJob], store: Store, *, anew: bool, because: str = ""
) -> None:
    """Write a study's report, or only if it is not fresh, and say where it is; `because` too where it was written."""
    from rmkit.report.freshness import fresh_report, report_path

    path = report_path(store, study)
    if anew or not fresh_report(store, study, jobs, project):
        from rmkit.report.page import write_report

        with disk_faults(path):
            if kept := keep_earlier(store, path):
                say(kept)
            write_report(path, study, jobs, store, project)
    else:
        because = ""
    say(f"report: {path}{because}")
