"""What a run would do and cost, told without doing it: jobs, fits, time and disk, stage by stage.

Reads the store's manifests and the shipped measurements; runs and writes nothing.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from rmkit.study.monitoring.words import about, duration
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.quantities import size_text
from rmkit.study.store.estimate import Estimate, Scheduled, seconds_and_bytes, seconds_left, shipped_machine
from rmkit.study.store.store import Store

HEAD = ("stage", "jobs", "there", "to run", "fits", "time of the jobs", "disk")
UNKNOWN = "unknown"


def forecast(study: str, jobs: list[PlannedJob], store: Store, *, threads: int) -> Iterator[str]:
    """The lines of a dry run. threads: that the jobs share."""
    known: dict[str, str | None] = {}
    there = {job.plan_id for job in jobs if store.done(job, known)}
    waiting = [job for job in jobs if job.plan_id not in there]
    costs = seconds_and_bytes(store, waiting)
    yield f"{study}: {len(jobs)} jobs, {len(waiting)} to run; a dry run: nothing is executed or written"
    yield from aligned([HEAD, *_rows(jobs, costs)])
    seconds = {plan_id: cost.seconds for plan_id, cost in costs.items()}
    wall = seconds_left([Scheduled.of(job) for job in jobs], seconds, threads=threads, done=there)
    said = UNKNOWN if wall is None else about(wall) if waiting else "none"
    yield f"wall time on {threads} thread{'s' * (threads > 1)}: {said}"
    yield from _disk(store, list(costs.values()))
    if waiting:
        yield from _sources(waiting, costs)
        yield "A job to run may turn out to be there after all, when what it needs turns out as it was before."


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in plain text: the first column to the left, all others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *others = (
            text.rjust(width) if position else text.ljust(width)
            for position, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def _rows(jobs: list[PlannedJob], costs: dict[str, Estimate]) -> Iterator[tuple[str, ...]]:
    """A row a stage, and one for all."""
    for stage in dict.fromkeys(job.stage for job in jobs):
        yield _row(stage, [job for job in jobs if job.stage == stage], costs)
    yield _row("all", jobs, costs)


def _row(name: str, jobs: list[PlannedJob], costs: dict[str, Estimate]) -> tuple[str, ...]:
    waiting = [job for job in jobs if job.plan_id in costs]
    expected = [costs[job.plan_id] for job in waiting]
    counts = [len(jobs), len(jobs) - len(waiting), len(waiting), sum(job.fits for job in waiting)]
    seconds = [cost.seconds for cost in expected if cost.seconds is not None]
    sizes = [cost.bytes for cost in expected if cost.bytes is not None]
    missing = len(seconds) < len(expected)
    return (
        name,
        *map(str, counts),
        _sum_text(duration(sum(seconds)), some=bool(seconds), missing=missing),
        _sum_text(size_text(sum(sizes)), some=bool(sizes), missing=missing),
    )


def _sum_text(text: str, *, some: bool, missing: bool) -> str:
    """A sum in words. some: whether it has a part; missing: whether a part of it is unknown."""
    if some:
        return f"over {text}" if missing else text
    return UNKNOWN if missing else "-"


def _disk(store: Store, costs: list[Estimate]) -> Iterator[str]:
    """How much disk is free, and a warning when the jobs are expected to need more."""
    place = next(folder for folder in (store.root, *store.root.parents) if folder.exists())
    free, needed = free_bytes(place), sum(cost.bytes or 0 for cost in costs)
    yield f"free disk: {size_text(free)}"
    if needed > free:
        yield f"warning: the jobs are expected to need {size_text(needed)}, and {place} has {size_text(free)} free"


def free_bytes(folder: Path) -> int:
    """What the disk that holds a folder has left."""
    return shutil.disk_usage(folder).free


def _sources(waiting: list[PlannedJob], costs: dict[str, Estimate]) -> Iterator[str]:
    """From what the estimates come, and which stages have none."""
    sources = [cost.source for cost in costs.values()]
    words = {
        "this store": "by the nearest jobs in this store",
        "shipped": f"by shipped measurements ({shipped_machine()})",
    }
    said = [f"{sources.count(source)} {text}" for source, text in words.items() if source in sources]
    if said:
        yield f"estimates: {', '.join(said)}; rough, they scale with the number of fits alone"
    unmeasured = list(dict.fromkeys(job.stage for job in waiting if costs[job.plan_id].source == "unknown"))
    if unmeasured:
        yield f"unknown: no measured job of {', '.join(unmeasured)}"
