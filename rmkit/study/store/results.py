"""A study's stored results as tables: rows, per-prompt evaluations, tallies, costs, of finished jobs alone.

Reads the store; computes nothing.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rmkit.errors import ResultError
from rmkit.stages.graph import EVALUATIONS, ROWS
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from rmkit.artifacts.evaluations import Evaluations


def finished(store: Store, jobs: list[PlannedJob], stage: str | None = None) -> Iterator[tuple[PlannedJob, str]]:
    """The finished jobs of a plan (of one stage) with their keys, in plan order, each key once."""
    seen: set[str] = set()
    known: dict[str, str | None] = {}
    for job in jobs:
        key = store.key_of(job, known) if stage in (None, job.stage) else None
        if key and key not in seen and store.finished(key):
            seen.add(key)
            yield job, key


def rows(store: Store, jobs: list[PlannedJob], stage: str, study: str) -> "pd.DataFrame":
    """The result rows of a stage's finished jobs, with `study`; ResultError if there are none."""
    import pandas as pd

    paths = [store.folder(key) / ROWS for _, key in finished(store, jobs, stage)]
    tables = [pd.read_parquet(path) for path in paths if path.exists()]
    if not tables:
        raise ResultError(f"{stage}: no finished job of study {study} has rows; `rmkit status` says how far it is")
    return pd.concat(tables, ignore_index=True).assign(study=study)


def evaluations(store: Store, jobs: list[PlannedJob], stage: str) -> list[tuple[PlannedJob, "Evaluations"]]:
    """The per-prompt evaluations of a stage's finished jobs, each with its job."""
    from rmkit.artifacts.evaluations import Evaluations

    folders = ((job, store.artifact(key, EVALUATIONS)) for job, key in finished(store, jobs, stage))
    return [(job, Evaluations.load(folder)) for job, folder in folders if folder.is_dir()]


def tallies(store: Store, key: str) -> list[dict[str, Any]]:
    """How many rows came in, went out and were dropped in a finished job."""
    path = store.folder(key) / "tallies.json"
    return json.loads(path.read_text()) if path.exists() else []


def costs(store: Store, key: str) -> dict[str, Any]:
    """A finished job's `seconds` and `peak_memory_bytes`, and what parts of it noted of theirs, as `work`."""
    return json.loads((store.folder(key) / "costs.json").read_text())
