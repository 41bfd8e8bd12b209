"""What jobs will cost: seconds and bytes as of the nearest measured job, and the wall time of a whole schedule.

Knows manifests of finished jobs and `measured.json`, the measurements that ship (made by benchmarks/measured_jobs.py);
not what a stage computes, nor how much faster this machine is than that of the measurements. Nearest is, of the jobs of
the same stage, the one with the fewest differing words, then the smallest sum of |log ratio| over differing numbers (a
list of numbers counts by its sum); seeds do not matter, ties give the median, and at a tie this store's own jobs come
before the shipped ones.

Only the number of fits scales: bytes by its ratio, seconds by its ratio beyond the quickest job measured, which stands
for the start of a kernel. Other numbers choose the nearest job and scale nothing: that twice the dialogues take twice
the time is not known. How far off this is, over the 128 jobs of a store with tiny, smoke and grammar, as the larger of
estimate/truth and its inverse: leaving one job out, median 1.2 and worst 2.4 (what else the machine did); leaving all
jobs of its parameters out, median 1.8 and worst 4.7; leaving its whole study out, median 1.7 and worst 12 (00_world of
smoke, after nothing but large worlds); of bytes the medians are 1.0, 1.1 and 1.1, the worst 16. Fits are made side by
side, so their ratio errs upwards: without it the second median is 1.3, but a hundred times the fits would cost nothing.
"""

import json
import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

from rmkit.study.plan import PlannedJob
from rmkit.study.store import Store

SHIPPED = Path(__file__).with_name("measured.json")
SEEDS = ("seed", "world_seed")

Origin = Literal["this store", "shipped", "unknown"]


@dataclass(frozen=True)
class Estimate:
    """What a job is expected to take; None where no job of its stage was ever measured."""

    seconds: float | None
    bytes: int | None
    source: Origin


@dataclass(frozen=True)
class Measured:
    """A job that ended, or the median of several that differ in their seeds."""

    stage: str
    parameters: Mapping[str, Any]
    seconds: float
    bytes: int
    source: Origin = "this store"

    @property
    def fits(self) -> int:
        """How many fits it made; 0 where its stage fits nothing, or no longer declares what it was given."""
        try:
            return PlannedJob(self.stage, self.parameters, {}, {}, "").fits
        except KeyError:
            return 0


class Schedulable(Protocol):
    """What the schedule needs to know of a job; a `Scheduled` and a run's own record of its jobs have it."""

    @property
    def plan_id(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def needs(self) -> Collection[str]: ...


@dataclass(frozen=True)
class Scheduled:
    """A planned job as the schedule sees it."""

    plan_id: str
    threads: int
    needs: tuple[str, ...]

    @classmethod
    def of(cls, job: PlannedJob) -> "Scheduled":
        return cls(job.plan_id, job.threads, tuple(other.plan_id for other in job.needs()))


def seconds_and_bytes(
    store: Store, jobs: Iterable[PlannedJob], *, shipped: Path | None = SHIPPED
) -> dict[str, Estimate]:
    """What each job is expected to take, by plan id. shipped: the measurements beside the store's own, if any."""
    measured = [*measured_in(store), *(shipped_measurements(shipped) if shipped else ())]
    start = min((one.seconds for one in measured), default=0.0)
    return {job.plan_id: _estimate(job, [one for one in measured if one.stage == job.stage], start) for job in jobs}


def measured_in(store: Store) -> list[Measured]:
    """The finished jobs of a store, by their manifests."""
    found = []
    for manifest in store.manifests():
        try:
            size = sum(entry["bytes"] for entry in manifest["files"].values())
            found.append(Measured(manifest["stage"], manifest["parameters"], manifest["seconds"], size))
        except (KeyError, TypeError):  # a manifest that says less: it measures nothing
            continue
    return found


@cache
def shipped_measurements(path: Path) -> tuple[Measured, ...]:
    """The measurements that lie in the package."""
    return tuple(Measured(**job, source="shipped") for job in json.loads(path.read_text())["jobs"])


def shipped_machine(path: Path = SHIPPED) -> str:
    """The machine that the shipped measurements are of."""
    return json.loads(path.read_text())["machine"]


def seconds_left(
    jobs: Sequence[Schedulable],
    seconds: Mapping[str, float | None],
    *,
    threads: int,
    done: Collection[str] = (),
    running: Mapping[str, float] | None = None,
) -> float | None:
    """The wall time until all jobs have ended, started as a run starts them; None if any one's seconds are unknown.

    A job starts as soon as what it needs is done and its threads are free, earlier jobs first; one that asks for more
    threads than there are starts alone. done: plan ids of jobs that have ended, however; running: seconds since the
    start of each job that runs, which takes no more time once these exceed its estimate. What a job needs and is not
    among `jobs` counts as done.
    """
    running = running or {}
    left = {job.plan_id: job for job in jobs if job.plan_id not in done}
    known = {plan_id: value for plan_id in left if (value := seconds.get(plan_id)) is not None}
    if len(known) < len(left):
        return None
    ends = {plan_id: max(0.0, known[plan_id] - running[plan_id]) for plan_id in left if plan_id in running}
    now = 0.0
    while left:
        for job in left.values():
            used = sum(left[plan_id].threads for plan_id in ends)
            free = not ends or used + job.threads <= threads
            if job.plan_id not in ends and free and not any(need in left for need in job.needs):
                ends[job.plan_id] = now + known[job.plan_id]
        if not ends:
            raise ValueError(f"jobs wait for each other: {', '.join(left)}")
        now = min(ends.values())
        for plan_id in [plan_id for plan_id, end in ends.items() if end <= now]:
            del ends[plan_id], left[plan_id]
    return now


def distance(given: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[int, float]:
    """How far two jobs' parameters are apart: the words that differ, then the sum of |log ratio| of the numbers."""
    words, logs = 0, 0.0
    for name in sorted((given.keys() | other.keys()) - set(SEEDS)):
        if name not in given or name not in other:
            words += 1
        elif given[name] != other[name]:
            one, two = _size(given[name]), _size(other[name])
            if one and two:
                logs += abs(math.log(one / two))
            else:
                words += 1
    return words, round(logs, 9)


def _estimate(job: PlannedJob, measured: list[Measured], start: float) -> Estimate:
    """The estimate of one job from the measured jobs of its stage."""
    if not measured:
        return Estimate(None, None, "unknown")
    apart = [distance(job.parameters, one.parameters) for one in measured]
    near = [one for one, far in zip(measured, apart, strict=True) if far == min(apart)]
    near = [one for one in near if one.source == "this store"] or near
    ratios = [job.fits / one.fits if job.fits and one.fits else 1.0 for one in near]
    seconds = [start + (one.seconds - start) * ratio for one, ratio in zip(near, ratios, strict=True)]
    size = [one.bytes * ratio for one, ratio in zip(near, ratios, strict=True)]
    return Estimate(statistics.median(seconds), round(statistics.median(size)), near[0].source)


def _size(value: Any) -> float | None:
    """A positive number, or the sum of a list of such; None for anything else."""
    if isinstance(value, list):
        sizes = [_size(item) for item in value]
        return sum(size for size in sizes if size) if sizes and all(sizes) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value > 0 else None
