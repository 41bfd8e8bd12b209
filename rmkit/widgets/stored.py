"""What the store holds of each study: stages, finished jobs and their rows, read once and again when jobs were added.

Reads study files, notebooks and the store; runs nothing, writes nothing, draws nothing.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rmkit.errors import RmkitError, StoreError
from rmkit.stages.graph import ROWS
from rmkit.study.notebook_side.drafts import study_sizes
from rmkit.study.notebook_side.gathered import Gathered, costs
from rmkit.study.planning.notebook import declared, read_notebook
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project, find_project, study_path
from rmkit.study.planning.study_file import STUDY, load_study
from rmkit.study.store.store import Store

NOTEBOOK = "08_browse"
TABLE_COLUMNS = ["study", "stage", "jobs done", "planned", "rows", "fault"]


@dataclass(frozen=True)
class StoredStudy:
    """One study file as it plans now, or the sentence that says why it does not."""

    name: str
    title: str = ""
    jobs: tuple[PlannedJob, ...] = ()
    fault: str = ""

    @property
    def stages(self) -> list[str]:
        return list(dict.fromkeys(job.stage for job in self.jobs))


class Stored:
    """The studies of one project and what is finished of them. Plans are kept until `forget`, tables while current."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.store = Store(project.store)
        self._studies: dict[str, StoredStudy] = {}
        self._rows: dict[tuple[str, str], tuple[tuple[str, ...], pd.DataFrame]] = {}

    def names(self) -> list[str]:
        """The study files of the project, by name."""
        return sorted(path.stem for path in (self.project.root / "params").glob("*.yaml"))

    def study(self, name: str) -> StoredStudy:
        """A study, planned; one that cannot be planned says so in `fault`."""
        if name not in self._studies:
            path = study_path(self.project, name)
            try:
                study = load_study(path, self.project.shown(path))
                self._studies[name] = StoredStudy(name, study.title, tuple(make_plan(self.project, study)))
            except RmkitError as error:
                self._studies[name] = StoredStudy(name, fault=str(error))
        return self._studies[name]

    def forget(self) -> None:
        """Plan anew when asked next: study files or code may have changed."""
        self._studies.clear()

    def finished(self, name: str, stage: str) -> dict[str, PlannedJob]:
        """The finished jobs of a stage, by key, in plan order."""
        return self.store.finished_jobs(job for job in self.study(name).jobs if job.stage == stage)

    def with_rows(self, name: str) -> list[str]:
        """The stages of a study of which a finished job has rows, in plan order."""
        return [stage for stage in self.study(name).stages if any(map(self._has_rows, self.finished(name, stage)))]

    def rows(self, name: str, stage: str) -> pd.DataFrame:
        """The rows of a stage's finished jobs; ResultError if there are none. The same table while no job is added."""
        keys = tuple(self.finished(name, stage))
        if (name, stage) not in self._rows or self._rows[name, stage][0] != keys:
            table = Gathered.of_plan(name, self.store, self.study(name).jobs).rows(stage)
            self._rows[name, stage] = (keys, table.assign(study=name))
        return self._rows[name, stage][1]

    def folder(self, key: str) -> Path:
        """Where a finished job lies."""
        return self.store.folder(key)

    def seconds(self, key: str) -> float | None:
        """How long a finished job took, where it says so."""
        with suppress(StoreError):
            return float(costs(self.folder(key))["seconds"])
        return None

    def table(self) -> pd.DataFrame:
        """A row for each stage of each study: jobs done of planned, result rows; a study that does not plan has one."""
        lines: list[dict[str, Any]] = []
        for study in map(self.study, self.names()):
            if study.fault:
                lines.append({"study": study.name, "stage": "", "fault": study.fault})
            for stage in study.stages:
                done = self.finished(study.name, stage)
                counts = {"jobs done": len(done), "planned": sum(job.stage == stage for job in study.jobs), "fault": ""}
                lines.append({"study": study.name, "stage": stage, **counts, "rows": sum(map(self._n_rows, done))})
        table = pd.DataFrame(lines, columns=TABLE_COLUMNS)
        counted = table.astype(dict.fromkeys(("jobs done", "planned", "rows"), "Int64")).set_index(["study", "stage"])
        return counted if table["fault"].any() else counted.drop(columns="fault")

    def _has_rows(self, key: str) -> bool:
        return (self.folder(key) / ROWS).exists()

    def _n_rows(self, key: str) -> int:
        from pyarrow.parquet import read_metadata

        return int(read_metadata(self.folder(key) / ROWS).num_rows) if self._has_rows(key) else 0


def open_store(study: str) -> tuple[Stored, str]:
    """The project's store and the study to look at first: RMKIT_STUDY's where the notebook's default stands."""
    project = find_project()
    path = project.notebook(NOTEBOOK)
    schema = declared(read_notebook(path, project.shown(path)))
    return Stored(project), study_sizes(project, NOTEBOOK, schema, {STUDY: study})[STUDY]


def input_folder(store: Store, job: PlannedJob, name: str) -> Path:
    """The folder of an input artifact of a finished job; StoreError where it is gone."""
    key = store.key_of(job.inputs[name])
    if key is None or not store.finished(key):
        raise StoreError(f"{job}: its {name} is no longer in {store.root}; `rmkit run` makes it again")
    return store.artifact(key, job.artifact(name))
