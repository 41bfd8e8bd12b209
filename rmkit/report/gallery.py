"""Executed notebooks of a study as pages to read, with an index: `rmkit gallery`.

Knows which finished jobs to show and what sets them apart; notebook_page.py makes a page of each.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rmkit.errors import ResultError
from rmkit.report.freshness import gallery_digest, gallery_folder, report_path
from rmkit.report.notebook_page import POLICY, notebook_page, whole_notebook
from rmkit.report.templates import rendered, template
from rmkit.study.monitoring.words import duration
from rmkit.study.notebook_side.gathered import read_stored
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.notebook import SEEDS
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store.store import Store


def write_gallery(study: Study, jobs: list[PlannedJob], store: Store, project: Project, *, every: bool) -> Path:
    """Write the folder of pages anew, whole or not at all; the path of its index.

    every: all finished jobs instead of one seed of each setting. ResultError if no job is finished.
    """
    finished = store.finished_jobs(jobs)
    shown = finished if every else one_seed_each(finished)
    if not shown:
        raise ResultError(
            f"{study.where}: no job is finished, so no notebook is there; `rmkit run {study.arguments}` executes them"
        )
    folder = gallery_folder(store, study)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        target = link_target(shown, project, folder)
        for key, job in shown.items():
            facts = {"title": f"{job} – {study.title}", "study": study.title, "what": str(job), "key": key}
            facts["seconds"] = duration(store.manifest(key)["seconds"])
            executed, written = store.folder(key) / "notebook.ipynb", project.notebook(job.stage)
            page = notebook_page(executed, written, facts, target)
            (beside / f"{key}.html").write_text(page, encoding="utf-8")
        index = index_page(study, shown, finished, len({job.plan_id for job in jobs}), store)
        (beside / "index.html").write_text(index, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder / "index.html"


def one_seed_each(finished: Mapping[str, PlannedJob]) -> dict[str, PlannedJob]:
    """Of the finished jobs the first of each setting, in plan order: jobs that differ in their seeds alone are one."""
    settings: dict[tuple[str, str], str] = {}
    for key, job in finished.items():
        setting = canonical({name: value for name, value in job.parameters.items() if name not in SEEDS})
        settings.setdefault((job.stage, setting), key)
    return {key: finished[key] for key in settings.values()}


def link_target(shown: Mapping[str, PlannedJob], project: Project, folder: Path) -> Callable[[str], str | None]:
    """Where a notebook's relative links lead: another notebook's first page, else a file of the checkout."""
    pages = {job.stage: f"{key}.html" for key, job in reversed(list(shown.items()))}

    def target(url: str) -> str | None:
        path, mark, place = url.partition("#")
        if path.endswith(".ipynb") and Path(path).stem in pages:
            return pages[Path(path).stem]
        if "\0" in path:
            return None
        file = Path(os.path.realpath(project.root / "notebooks" / path))  # resolve() refuses links that go in a circle
        return Path(os.path.relpath(file, folder)).as_posix() + mark + place if file.exists() else None

    return target


def index_page(
    study: Study, shown: Mapping[str, PlannedJob], finished: Mapping[str, PlannedJob], planned: int, store: Store
) -> str:
    """The list of pages by stage: what each notebook asks, and what sets its jobs apart."""
    stages = [
        stage_rows(stage, {key: job for key, job in shown.items() if job.stage == stage}, store)
        for stage in dict.fromkeys(job.stage for job in shown.values())
    ]
    return rendered(
        "gallery.html.j2",
        study=study,
        stages=stages,
        shown=len(shown),
        finished=len(finished),
        planned=planned,
        digest=gallery_digest(store, finished),
        report=report_path(store, study).name,
        policy=POLICY,
        style=template("gallery.css.j2"),
    )


def stage_rows(stage: str, jobs: Mapping[str, PlannedJob], store: Store) -> dict[str, Any]:
    """A stage's part of the index: its title and question, the parameters that differ, and a row a page."""
    place = store.folder(next(iter(jobs))) / "notebook.ipynb"
    first = read_stored(place, whole_notebook)
    prose = next((cell.source for cell in first.cells if cell.cell_type == "markdown"), "")
    title, question = (re.search(pattern, prose, re.M) for pattern in (r"^# (.+)$", r"^\*\*(.+)\*\*$"))
    differ = differing(jobs.values())
    pages = [
        {
            "called": str(job),
            "file": f"{key}.html",
            "differ": [canonical(job.parameters[name]).strip('"') for name in differ],
            "seconds": duration(store.manifest(key)["seconds"]),
        }
        for key, job in jobs.items()
    ]
    return {
        "name": stage,
        "title": title.group(1) if title else stage,
        "question": question.group(1) if question else "",
        "differ": differ,
        "pages": pages,
    }


def differing(jobs: Iterable[PlannedJob]) -> list[str]:
    """The parameters in which jobs of one stage differ."""
    values: dict[str, set[str]] = {}
    for job in jobs:
        for name, value in job.parameters.items():
            values.setdefault(name, set()).add(canonical(value))
    return [name for name, found in values.items() if len(found) > 1]
