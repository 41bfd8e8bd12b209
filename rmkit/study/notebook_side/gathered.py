"""What finished jobs stored: rows and per-prompt evaluations, read by a stage that gathers, and by whoever shows them.

Knows the jobs' folders and what the graph of stages says of them; computes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import ResultError
from rmkit.stages.graph import EVALUATIONS, ROWS, STAGES
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from rmkit.artifacts.evaluations import Evaluations


class Gathered:
    """The results of the jobs that the job of a stage gathers, in plan order. jobs: `stage`, `parameters`, `folder`."""

    def __init__(self, stage: str, jobs: Sequence[Mapping[str, Any]]) -> None:
        self.stage = stage
        self._gathered_jobs = jobs

    @classmethod
    def of_plan(cls, reader: str, store: Store, jobs: Iterable[PlannedJob]) -> "Gathered":
        """The results of the finished jobs of a plan. reader: who asks, as errors name it."""
        finished = store.finished_jobs(jobs).items()
        return cls(
            reader, [{"stage": j.stage, "parameters": j.parameters, "folder": store.folder(key)} for key, j in finished]
        )

    @property
    def gathered(self) -> tuple[str, ...]:
        """The stages whose results are here: of those that this stage gathers, the ones that the study has."""
        return tuple(dict.fromkeys(job["stage"] for job in self._gathered_jobs))

    def rows(self, stage: str) -> "pd.DataFrame":
        """The result rows of all jobs of a gathered stage, in plan order, with `param_*`, `job` and `stage`.

        ResultError if the stage is not gathered here, or records no rows.
        """
        import pandas as pd

        paths = [Path(job["folder"]) / ROWS for job in self._jobs_of(stage)]
        if not STAGES[stage].rows:
            raise ResultError(f"{self.stage}: {stage} records no rows, says rmkit/stages/graph.py")
        return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)

    def evaluations(self, stage: str) -> "list[tuple[dict[str, Any], Evaluations]]":
        """The parameters and per-prompt evaluations of each job of a gathered stage that saved some, in plan order.

        Those of no fit are left out. ResultError if the stage is not gathered here, or saves no evaluations.
        """
        from rmkit.artifacts.evaluations import Evaluations

        folders = [(job["parameters"], Path(job["folder"]) / "artifacts" / EVALUATIONS) for job in self._jobs_of(stage)]
        if EVALUATIONS not in STAGES[stage].outputs:
            raise ResultError(f"{self.stage}: {stage} saves no {EVALUATIONS}, says rmkit/stages/graph.py")
        found = [(dict(parameters), Evaluations.load(folder)) for parameters, folder in folders if folder.is_dir()]
        return [(parameters, evaluations) for parameters, evaluations in found if len(evaluations.fits)]

    def _jobs_of(self, stage: str) -> list[Mapping[str, Any]]:
        if stage not in self.gathered:
            listed = ", ".join(self.gathered) or "none"
            raise ResultError(f"{self.stage}: no results of {stage!r} are gathered here, but of {listed}")
        return [job for job in self._gathered_jobs if job["stage"] == stage]


def tallies(job: Path) -> list[dict[str, Any]]:
    """How many rows came in, went out and were dropped in a finished job, by its folder."""
    path = job / "tallies.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
