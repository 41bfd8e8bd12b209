"""Whether a study's report is still the report of what is stored: then it need not be made again.

Compares digests; neither reads results nor draws.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from rmkit.errors import StoreError
from rmkit.files.regular import open_regular
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.reached_code import reached
from rmkit.study.planning.study_file import Study
from rmkit.study.planning.tree_digest import text_digest
from rmkit.study.store.store import Store

PAGE = "rmkit.report.page:write_report"


def report_path(store: Store, study: Study) -> Path:
    """Where a study's report lies."""
    return store.root / "reports" / f"{study.report_name}.html"


def gallery_folder(store: Store, study: Study) -> Path:
    """Where a study's executed notebooks lie as pages, once `rmkit gallery` has made them."""
    return store.root / "reports" / f"{study.report_name}-notebooks"


def gallery_digest(store: Store, finished: Iterable[str]) -> str:
    """Which executions a gallery is of. finished: the keys of the study's finished jobs."""
    return text_digest(canonical([store.manifest(key)["execution"] for key in finished]))


def gallery_on_disk(store: Store, study: Study) -> str:
    """The digest of the gallery that is there; empty if there is none."""
    try:
        with open_regular(gallery_folder(store, study) / "index.html") as file:
            found = re.search(rb'name="rmkit-gallery" content="(\w+)"', file.read(800))
    except OSError:
        return ""
    return found.group(1).decode() if found else ""


def report_digest(store: Store, study: Study, jobs: list[PlannedJob], project: Project) -> str:
    """What a report depends on: the study and its jobs, what was executed, its own code, and more.

    The more is what notebooks say of parameters, and the gallery that is linked. An execution stands for its results,
    costs and environment: a damaged job that is executed again keeps its key.
    """
    executions = [store.manifest(key)["execution"] for key in store.finished_jobs(jobs)]
    schemas = {stage: schema_of(project, stage) for stage in dict.fromkeys(job.stage for job in jobs)}
    said = {stage: {name: item.comment for name, item in schema.items()} for stage, schema in schemas.items()}
    asked = [study.title, study.question, study.where, [job.plan_id for job in jobs], gallery_on_disk(store, study)]
    return text_digest(canonical([*asked, executions, said, report_code(project.package)]))


def report_code(package: Path) -> dict[str, str]:
    """{module or template: digest} of all that the page can reach by imports, as with a job's key.

    package: the folder of rmkit's source. Comments and docstrings do not count.
    """
    modules = reached([], [], [PAGE], package, without=())
    templates = sorted((package / "report").rglob("*.j2"))
    return modules | {path.relative_to(package).as_posix(): text_digest(path.read_text("utf-8")) for path in templates}


def fresh_report(store: Store, study: Study, jobs: list[PlannedJob], project: Project) -> bool:
    """Whether the report on disk is the one that would be made now."""
    try:
        with open_regular(report_path(store, study)) as file:
            return report_digest(store, study, jobs, project).encode() in file.read(400)
    except (OSError, StoreError):  # of a damaged job no report can be the one
        return False
