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

import heapq
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rmkit.study.planning.keys import canonical
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    import numpy as np

SHIPPED = Path(__file__).with_name("measured.json")
SEEDS = ("seed", "world_seed")
ABSENT, NUMBER = -1, -2  # beside words, which are counted from 0

Origin = Literal["this store", "shipped", "unknown"]
Signature = tuple[tuple[str, float | str], ...]  # parameters by name, as `distance` sees them


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
    by_stage: dict[str, list[Measured]] = defaultdict(list)
    for one in (*measured_in(store), *(shipped_measurements(shipped) if shipped else ())):
        by_stage[one.stage].append(one)
    start = min((one.seconds for found in by_stage.values() for one in found), default=0.0)
    near = {stage: Nearest(found) for stage, found in by_stage.items()}
    told: dict[tuple[Any, ...], Estimate] = {}  # jobs that differ in their seeds are told alike, and asked about once
    estimates = {}
    for job in jobs:
        alike = (job.stage, job.fits, _signature(job.parameters))
        if alike not in told:
            told[alike] = _estimate(job, near[job.stage].to(job.parameters) if job.stage in near else [], start)
        estimates[job.plan_id] = told[alike]
    return estimates


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
    left = [job for job in jobs if job.plan_id not in done]
    known = [value for job in left if (value := seconds.get(job.plan_id)) is not None]
    if len(known) < len(left):
        return None
    schedule = _Schedule(left, threads)
    for position, (job, value) in enumerate(zip(left, known, strict=True)):
        if job.plan_id in running:
            schedule.start(position, max(0.0, value - running[job.plan_id]))
    schedule.end()  # what has run for as long as was expected leaves its threads to others
    while schedule.left:
        while (ready := schedule.next()) is not None:
            schedule.start(ready, schedule.now + known[ready])
        schedule.go_on()
    return schedule.now


def distance(given: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[int, float]:
    """How far two jobs' parameters are apart: the words that differ, then the sum of |log ratio| of the numbers."""
    one, two = dict(_signature(given)), dict(_signature(other))
    words, logs = 0, 0.0
    for name in sorted(one.keys() | two.keys()):
        ours, theirs = one.get(name), two.get(name)
        if isinstance(ours, float) and isinstance(theirs, float):
            logs += abs(math.log(ours / theirs))
        else:
            words += ours != theirs
    return words, round(logs, 9)


class Nearest:
    """The measured jobs of one stage, those that differ in nothing that `distance` sees taken together."""

    def __init__(self, measured: Iterable[Measured]) -> None:
        self._groups: dict[Signature, list[Measured]] = defaultdict(list)
        for one in measured:
            self._groups[_signature(one.parameters)].append(one)
        self._places = {name: n for n, name in enumerate(sorted({name for key in self._groups for name, _ in key}))}
        self._words: dict[str, int] = {}

    @cached_property
    def _word_and_log_ng(self) -> "tuple[np.ndarray, np.ndarray]":
        """`_row` of each group; made when the first job comes that none equals."""
        import numpy as np

        rows = [self._row(key) for key in self._groups]
        return np.array([row[0] for row in rows]).T.copy(), np.array([row[1] for row in rows]).T.copy()

    def to(self, parameters: Mapping[str, Any]) -> list[Measured]:
        """All measured jobs of the least `distance` to these parameters."""
        wanted = _signature(parameters)
        if wanted in self._groups:
            return self._groups[wanted]
        import numpy as np

        word_ng, log_ng = self._word_and_log_ng
        word_n, log_n = self._row(wanted)
        differ_ng = word_ng != word_n[:, None]
        words_g = differ_ng.sum(axis=0)
        number_n = word_n == NUMBER
        logs_g = np.where(differ_ng[number_n], 0.0, np.abs(log_ng[number_n] - log_n[number_n, None])).sum(axis=0)
        logs_g[words_g > words_g.min()] = np.inf
        near_g = logs_g <= logs_g.min() + 1e-9  # the digits to which `distance` rounds
        return [one for group, near in zip(self._groups.values(), near_g, strict=True) if near for one in group]

    def _row(self, signature: Signature) -> "tuple[np.ndarray, np.ndarray]":
        """Of each parameter the number that stands for its word, and the logarithm of its size."""
        import numpy as np

        word_n, log_n = np.full(len(self._places), ABSENT), np.zeros(len(self._places))
        for name, value in signature:
            if (place := self._places.get(name)) is None:
                continue  # no measured job has it: it sets all of them apart alike
            if isinstance(value, float):
                word_n[place], log_n[place] = NUMBER, math.log(value)
            else:
                word_n[place] = self._words.setdefault(value, len(self._words))
        return word_n, log_n


class _Schedule:
    """Jobs by position, as a run starts them: what each waits for is counted, so that nobody is looked at twice."""

    def __init__(self, jobs: Sequence[Schedulable], threads: int) -> None:
        self.now, self.left = 0.0, len(jobs)
        self._jobs, self._threads, self._used = jobs, threads, 0
        self._ends: list[tuple[float, int]] = []  # a heap of what runs
        self._started: set[int] = set()
        self._ready: dict[int, list[int]] = defaultdict(list)  # by threads, a heap of positions
        self._needed_by: dict[str, list[int]] = defaultdict(list)
        there = {job.plan_id for job in jobs}
        self._open = [len(set(job.needs) & there) for job in jobs]
        for position, job in enumerate(jobs):
            for need in set(job.needs) & there:
                self._needed_by[need].append(position)
            if not self._open[position]:
                heapq.heappush(self._ready[job.threads], position)

    def next(self) -> int | None:
        """The first job that may start now, or None."""
        for waiting in self._ready.values():
            while waiting and waiting[0] in self._started:
                heapq.heappop(waiting)
        fitting = [
            waiting[0]
            for threads, waiting in self._ready.items()
            if waiting and (not self._ends or self._used + threads <= self._threads)
        ]
        return min(fitting, default=None)

    def start(self, position: int, end: float) -> None:
        self._started.add(position)
        self._used += self._jobs[position].threads
        heapq.heappush(self._ends, (end, position))

    def go_on(self) -> None:
        """Go on to the next end; ValueError if nothing runs."""
        if not self._ends:
            stuck = [job.plan_id for position, job in enumerate(self._jobs) if position not in self._started]
            raise ValueError(f"jobs wait for each other: {', '.join(stuck)}")
        self.now = self._ends[0][0]
        self.end()

    def end(self) -> None:
        """End the jobs whose time has come: what needs them may start."""
        while self._ends and self._ends[0][0] <= self.now:
            ended = self._jobs[heapq.heappop(self._ends)[1]]
            self.left, self._used = self.left - 1, self._used - ended.threads
            for position in self._needed_by[ended.plan_id]:
                self._open[position] -= 1
                if not self._open[position]:
                    heapq.heappush(self._ready[self._jobs[position].threads], position)


def _estimate(job: PlannedJob, near: list[Measured], start: float) -> Estimate:
    """The estimate of one job from the measured jobs nearest to it."""
    if not near:
        return Estimate(None, None, "unknown")
    near = [one for one in near if one.source == "this store"] or near
    ratios = [job.fits / one.fits if job.fits and one.fits else 1.0 for one in near]
    seconds = [start + (one.seconds - start) * ratio for one, ratio in zip(near, ratios, strict=True)]
    size = [one.bytes * ratio for one, ratio in zip(near, ratios, strict=True)]
    return Estimate(statistics.median(seconds), round(statistics.median(size)), near[0].source)


def _signature(parameters: Mapping[str, Any]) -> Signature:
    """What `distance` sees of parameters: a number or a sum by its size, all else as a word; no seeds."""
    return tuple(
        (name, _size(value) or canonical(value)) for name, value in sorted(parameters.items()) if name not in SEEDS
    )


def _size(value: Any) -> float | None:
    """A positive number, or the sum of a list of such; None for anything else."""
    if isinstance(value, list):
        sizes = [_size(item) for item in value]
        return sum(size for size in sizes if size) if sizes and all(sizes) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value > 0 else None
