"""What jobs will cost: the median seconds and bytes that a fit took in finished jobs of the same stage, times the fits.

Knows manifests of finished jobs and `measured.json`, the measurements that ship for those who have finished none yet
(made by benchmarks/measured_jobs.py). Jobs of the very same parameters, seeds apart, come before the others of their
stage, and at each this store's before the shipped ones. Where a stage fits nothing, a job counts as one fit. Rough:
apart from the fits no number scales anything, and how much faster this machine is than that of the shipped
measurements is not known.

A language model from outside the store costs what it costs: of a job that takes one only those jobs tell anything that
took the same. A job of which nothing tells anything has no estimate.
"""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmkit.stages.graph import STAGES
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.notebook import SEEDS
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store

SHIPPED = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Cost:
    """What a job is expected to take; None: no estimate."""

    seconds: float | None
    bytes: float | None


@dataclass(frozen=True)
class Measured:
    """A job that ended, or the median of several that differ in their seeds."""

    stage: str
    parameters: Mapping[str, Any]
    fits: int
    seconds: float
    bytes: int


def costs(store: Store, jobs: Sequence[PlannedJob], *, shipped: Path = SHIPPED) -> dict[str, Cost]:
    """What each job that is not finished is expected to take, by plan id."""
    known: dict[str, str | None] = {}
    waiting = [job for job in jobs if not store.done(job, known)]
    tables = [_by_likeness(measured_in(store)), _by_likeness(shipped_measurements(shipped))] if waiting else []
    expected = {}
    for job in waiting:
        alike = (table[like] for like in _likenesses(job.stage, job.parameters) for table in tables if like in table)
        expected[job.plan_id] = _cost(next(alike, []), job.fits)
    return expected


def measured_in(store: Store) -> Iterator[Measured]:
    """The finished jobs of a store, by their manifests; one that says less measures nothing."""
    for manifest in store.manifests():
        if isinstance(manifest.get("seconds"), float) and isinstance(manifest.get("fits"), int):
            size = sum(entry["bytes"] for entry in manifest["files"].values())
            yield Measured(manifest["stage"], manifest["parameters"], manifest["fits"], manifest["seconds"], size)


def shipped_measurements(path: Path) -> list[Measured]:
    """The measurements that lie in the package."""
    return [Measured(**job) for job in json.loads(path.read_text(encoding="utf-8"))["jobs"]]


def shipped_machine() -> str:
    """The machine that the shipped measurements are of."""
    return json.loads(SHIPPED.read_text(encoding="utf-8"))["machine"]


def models_from_outside(stage: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """The language models that a job takes from a folder or a hub, by parameter: those whose name has a slash."""
    names = [file.parameter for file in STAGES[stage].data if file.if_present] if stage in STAGES else []
    return {name: value for name in names if isinstance(value := parameters.get(name), str) and "/" in value}


def _likenesses(stage: str, parameters: Mapping[str, Any]) -> list[str]:
    """What jobs alike share, the nearest first: all parameters but the seeds; the models from outside."""
    everything = {name: value for name, value in parameters.items() if name not in SEEDS}
    return [canonical([stage, everything]), canonical([stage, "models", models_from_outside(stage, parameters)])]


def _by_likeness(measured: Iterable[Measured]) -> dict[str, list[Measured]]:
    table: dict[str, list[Measured]] = defaultdict(list)
    for one in measured:
        for like in _likenesses(one.stage, one.parameters):
            table[like].append(one)
    return table


def _cost(measured: Sequence[Measured], fits: int) -> Cost:
    """The medians a fit, times the fits."""
    if not measured:
        return Cost(None, None)
    seconds = statistics.median(one.seconds / max(one.fits, 1) for one in measured)
    size = statistics.median(one.bytes / max(one.fits, 1) for one in measured)
    return Cost(seconds * max(fits, 1), size * max(fits, 1))
