"""What jobs will cost: the median seconds and bytes that a fit took in finished jobs of the same stage, times the fits.

Where a stage's fits cost unlike much beside each other (`Stage.work`), seconds are of a fit of the cheapest kind.

Knows manifests of finished jobs and `measured.json`, the measurements that ship for those who have finished none yet
(made by benchmarks/measured_jobs.py). Jobs of the very same parameters, seeds apart, come before the others of their
stage; of these, jobs with all of its heads, trained like them, come first, those with the fewest others. At each this
store's come before the shipped ones. Where a stage fits nothing, a job counts as one fit. Rough: apart from the fits no
number scales anything, and how much faster this machine is than that of the shipped measurements is not known. A head
or a training that no measured job has makes the estimate a lower bound, `Cost.unlike`.

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
from rmkit.study.planning.planned_job import PlannedJob, work_of
from rmkit.study.store.store import Store

METHODS = ("reward_models", "reward_model", "procedure")  # parameters that say what is fitted, and how
SHIPPED = Path(__file__).with_name("measured.json")


@dataclass(frozen=True)
class Cost:
    """What a job is expected to take; None: no estimate."""

    seconds: float | None
    bytes: float | None
    unlike: tuple[str, ...] = ()  # its heads and trainings that no measured job has: it may take longer

    def times(self, job: PlannedJob) -> "Cost":
        """The cost of a job, where this is that of a fit."""
        if self.seconds is None or self.bytes is None:
            return self
        work = work_of(job.stage, job.parameters, job.fits)
        return Cost(self.seconds * work, self.bytes * max(job.fits, 1), self.unlike)


@dataclass(frozen=True)
class Measured:
    """A job that ended, or the median of several that differ in their seeds."""

    stage: str
    parameters: Mapping[str, Any]
    fits: int
    seconds: float
    bytes: int


Methods = frozenset[tuple[str, str]]  # parameter and value
Table = Mapping[str, Mapping[Methods, list[Measured]]]  # of each likeness, measured jobs by their methods


def costs(store: Store, jobs: Sequence[PlannedJob], *, shipped: Path = SHIPPED) -> dict[str, Cost]:
    """What each job that is not finished is expected to take, by plan id."""
    known: dict[str, str | None] = {}
    waiting = [job for job in jobs if not store.done(job, known)]
    tables = [_by_likeness(measured_in(store)), _by_likeness(shipped_measurements(shipped))] if waiting else []
    expected: dict[str, Cost] = {}
    of_a_fit: dict[tuple[str, Methods], Cost] = {}  # by what jobs share, since thousands may share it
    for job in waiting:
        methods = _methods(job.parameters)
        everything, models = _likenesses(job.stage, job.parameters)
        like = everything if any(everything in table for table in tables) else models
        if (like, methods) not in of_a_fit:
            of_a_fit[like, methods] = _of_a_fit(*_most_alike(like, methods, tables))
        expected[job.plan_id] = of_a_fit[like, methods].times(job)
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


def _most_alike(like: str, methods: Methods, tables: Sequence[Table]) -> tuple[list[Measured], Methods]:
    """The measured jobs that tell most of those that share this, and the methods of theirs that none of them has."""
    unlike = methods
    found: list[Measured] = []
    for table in tables:
        groups = table.get(like, {})
        covering = [has for has, alike in groups.items() if not _unlike(methods, has, alike)]
        if covering:
            fewest = min(len(has - methods) for has in covering)
            return [one for has in covering if len(has - methods) == fewest for one in groups[has]], frozenset()
        unlike = unlike.intersection(*(_unlike(methods, has, alike) for has, alike in groups.items()))
        found = found or [one for alike in groups.values() for one in alike]
    return found, unlike if found else frozenset()


def _methods(parameters: Mapping[str, Any]) -> Methods:
    """What a job fits, and how."""
    held = {name: parameters[name] for name in METHODS if name in parameters}
    values = {name: value if isinstance(value, list) else [value] for name, value in held.items()}
    return frozenset((name, str(value)) for name, several in values.items() for value in several)


def _unlike(methods: Methods, has: Methods, alike: Sequence[Measured]) -> Methods:
    """The methods that jobs do not have; of a parameter that they lack, as when it is new, they say nothing."""
    return frozenset(one for one in methods - has if one[0] in alike[0].parameters)


def _likenesses(stage: str, parameters: Mapping[str, Any]) -> tuple[str, str]:
    """What jobs alike share, the nearest first: all parameters but the seeds; the models from outside."""
    everything = {name: value for name, value in parameters.items() if name not in SEEDS}
    return canonical([stage, everything]), canonical([stage, "models", models_from_outside(stage, parameters)])


def _by_likeness(measured: Iterable[Measured]) -> Table:
    table: dict[str, dict[Methods, list[Measured]]] = defaultdict(lambda: defaultdict(list))
    for one in measured:
        for like in _likenesses(one.stage, one.parameters):
            table[like][_methods(one.parameters)].append(one)
    return table


def _of_a_fit(measured: Sequence[Measured], unlike: Methods) -> Cost:
    """The medians a fit."""
    if not measured:
        return Cost(None, None)
    seconds = statistics.median(one.seconds / work_of(one.stage, one.parameters, one.fits) for one in measured)
    size = statistics.median(one.bytes / max(one.fits, 1) for one in measured)
    return Cost(seconds, size, tuple(sorted(value for _, value in unlike)))
