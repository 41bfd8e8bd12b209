"""Whether a study's report is still the report of what is stored: then it need not be made again.

Compares digests; neither reads results nor draws.
"""

from pathlib import Path

from rmkit.study.planning.keys import canonical
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.reached_code import digest
from rmkit.study.planning.study_file import Study
from rmkit.study.store.results import finished
from rmkit.study.store.store import Store


def report_path(store: Store, study: Study) -> Path:
    """Where a study's report lies."""
    return store.root / "reports" / f"{study.report_name}.html"


def report_digest(store: Store, study: Study, jobs: list[PlannedJob], project: Project) -> str:
    """What a report depends on: the study, its finished jobs, and the code that draws and words it."""
    keys = [key for _, key in finished(store, jobs)]
    files = [
        *project.package.glob("report/*.[pj]*"),
        *project.package.glob("figures/*.py"),
        *project.package.glob("*.py"),
    ]
    code = [path.read_text() for path in sorted(files)]
    return digest(canonical([study.title, study.question, study.where, len(jobs), keys, code]))


def fresh_report(store: Store, study: Study, jobs: list[PlannedJob], project: Project) -> bool:
    """Whether the report on disk is the one that would be made now."""
    try:
        with report_path(store, study).open() as file:
            head = file.read(400)
    except OSError:
        return False
    return report_digest(store, study, jobs, project) in head
