"""What finished jobs stored: rows and per-prompt evaluations, read by a stage that gathers, and by whoever shows them.

Knows the jobs' folders and what the graph of stages says of them; computes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rmkit.errors import DataError, ResultError, StoreError
from rmkit.files.digests import files_below
from rmkit.files.regular import read_json, require_regular
from rmkit.stages.graph import EVALUATIONS, ROWS, STAGES
from rmkit.study.notebook_side.result_rows import REQUIRED
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.disk import refuse_unpermitted
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from rmkit.artifacts.evaluations import Evaluations

Read = TypeVar("Read")
TALLY = {"what", "in", "out", "dropped"}
COSTS = ("seconds", "peak_memory_bytes")


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
        return pd.concat([read_stored(path, _rows) for path in paths], ignore_index=True)

    def evaluations(self, stage: str) -> "list[tuple[dict[str, Any], Evaluations]]":
        """The parameters and per-prompt evaluations of each job of a gathered stage that saved some, in plan order.

        Those of no fit are left out. ResultError if the stage is not gathered here, or saves no evaluations.
        """
        from rmkit.artifacts.evaluations import Evaluations

        folders = [(job["parameters"], Path(job["folder"]) / "artifacts" / EVALUATIONS) for job in self._jobs_of(stage)]
        if EVALUATIONS not in STAGES[stage].outputs:
            raise ResultError(f"{self.stage}: {stage} saves no {EVALUATIONS}, says rmkit/stages/graph.py")
        found = [(dict(given), read_stored(folder, Evaluations.load)) for given, folder in folders if folder.is_dir()]
        return [(parameters, evaluations) for parameters, evaluations in found if len(evaluations.fits)]

    def tables(self, stage: str, name: str) -> "list[tuple[dict[str, Any], pd.DataFrame]]":
        """The parameters and the rows of a table that jobs of a gathered stage saved, of those that saved it."""
        from rmkit.artifacts.table import Table

        folders = [(job["parameters"], Path(job["folder"]) / "artifacts" / name) for job in self._jobs_of(stage)]
        return [(dict(given), read_stored(path, Table.load).rows) for given, path in folders if path.is_dir()]

    def _jobs_of(self, stage: str) -> list[Mapping[str, Any]]:
        if stage not in self.gathered:
            listed = ", ".join(self.gathered) or "none"
            raise ResultError(f"{self.stage}: no results of {stage!r} are gathered here, but of {listed}")
        return [job for job in self._gathered_jobs if job["stage"] == stage]


def tallies(job: Path) -> list[dict[str, Any]]:
    """How many rows came in, went out and were dropped in a finished job, by its folder; StoreError if damaged."""
    path = job / "tallies.json"
    found = read_stored(path, read_json) if path.exists() else []
    if not (isinstance(found, list) and all(isinstance(tally, dict) and tally.keys() >= TALLY for tally in found)):
        raise StoreError(f"{path}: holds no tallies; `rmkit run` makes the job again")
    return found


def costs(job: Path) -> dict[str, Any]:
    """The `seconds` and `peak_memory_bytes` that a finished job took, by its folder; StoreError if damaged."""
    path = job / "costs.json"
    found = read_stored(path, read_json)
    if not (isinstance(found, dict) and all(isinstance(found.get(name), int | float) for name in COSTS)):
        raise StoreError(f"{path}: holds no costs; `rmkit run` makes the job again")
    return found


def _rows(path: Path) -> "pd.DataFrame":
    import pandas as pd

    require_regular(path)  # an empty folder would be read as a table of nothing
    rows = pd.read_parquet(path)
    if missing := [name for name in REQUIRED if name not in rows]:
        raise ValueError(f"it has no {', '.join(missing)}")
    return rows


def read_stored(path: Path, read: Callable[[Path], Read]) -> Read:
    """What a file or an artifact of a finished job holds; StoreError for a damaged one, whatever is wrong with it.

    ParamsError for one that this user may not read.
    """
    try:
        for file in [path / name for name in files_below(path)] if path.is_dir() else [path]:
            require_regular(file)
        return read(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, DataError) as fault:
        if isinstance(fault, OSError):
            refuse_unpermitted(fault, Path(fault.filename or path))
        why = (str(fault).splitlines() or [type(fault).__name__])[0][:200]
        raise StoreError(f"{path}: cannot be read ({why}); `rmkit run` makes the job again") from None
