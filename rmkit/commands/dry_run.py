"""What a run would do, why, and what it would cost, told without doing it: jobs, fits, time and disk.

Reads the store's manifests and the shipped measurements; runs and writes nothing.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence

from rmkit.machine.quantities import size_text
from rmkit.study.monitoring.run_record import RunJob
from rmkit.study.monitoring.snapshot import wall_seconds
from rmkit.study.monitoring.words import about, counted, duration
from rmkit.study.planning.key_changes import differences
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.estimate import Cost, costs, models_from_outside, shipped_machine
from rmkit.study.store.store import Store

HEAD = ("stage", "jobs", "there", "to run", "fits", "time of the jobs", "disk")
NO_ESTIMATE = "no estimate"


def forecast(study: str, jobs: list[PlannedJob], store: Store, *, threads: int) -> Iterator[str]:
    """The lines of a dry run. threads: that the jobs share."""
    expected = costs(store, jobs)
    stages = list(dict.fromkeys(job.stage for job in jobs))
    yield f"{study}: {counted(len(jobs), 'job')}, {len(expected)} to run; a dry run: nothing is executed or written"
    rows = [_row(stage, [job for job in jobs if job.stage == stage], expected) for stage in stages]
    yield from aligned([HEAD, *rows, _row("all", jobs, expected)])
    left = {job.plan_id: expected[job.plan_id].seconds if job.plan_id in expected else 0.0 for job in jobs}
    wall = wall_seconds([RunJob.of(job) for job in jobs], left, threads)
    said = NO_ESTIMATE if wall is None else about(wall) if expected else "none"
    if wall and any(cost.unlike for cost in expected.values()):
        said = f"at least {said}"
    yield f"wall time on {threads} thread{'s' * (threads > 1)}: {said}"
    place = next(folder for folder in (store.root, *store.root.parents) if folder.exists())
    free, needed = shutil.disk_usage(place).free, sum(cost.bytes or 0.0 for cost in expected.values())
    yield f"free disk: {size_text(free)}"
    if needed > free:
        yield f"warning: the jobs are expected to need {size_text(needed)}, and {place} has {size_text(free)} free"
    if expected:
        yield (
            "estimates: a stage's median time and size a fit, of jobs finished here, else of shipped measurements "
            f"({shipped_machine()}), times the fits; rough"
        )
        unmeasured = [job for job in jobs if job.plan_id in expected and expected[job.plan_id].seconds is None]
        yield from dict.fromkeys(_no_estimate(job) for job in unmeasured)
        unlike = [(job.stage, expected[job.plan_id].unlike) for job in jobs if job.plan_id in expected]
        yield from dict.fromkeys(_stand_in(stage, methods) for stage, methods in unlike if methods)
        yield "Fewer jobs may run: if a job makes the same result as before, the jobs that need it are there."


def explain(store: Store, job: PlannedJob) -> list[str]:
    """Why a job is not finished: a line an ingredient of its key that differs from those of the nearest finished job.

    The nearest one is named first; says so when no job of the stage was ever finished.
    """
    now = store.ingredients(job)
    finished = [manifest for manifest in store.manifests() if manifest["stage"] == job.stage]
    if not finished:
        return ["no job of this stage was ever finished here"]
    compared = [(list(differences(manifest["ingredients"], now)), manifest["key"]) for manifest in finished]
    lines, key = min(compared, key=lambda pair: len(pair[0]))
    return [f"nearest finished job: {key}", *lines]


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in plain text: the first column to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def _row(name: str, jobs: list[PlannedJob], expected: dict[str, Cost]) -> tuple[str, ...]:
    waiting = [job for job in jobs if job.plan_id in expected]
    counts = [len(jobs), len(jobs) - len(waiting), len(waiting), sum(job.fits for job in waiting)]
    found = [expected[job.plan_id] for job in waiting]
    seconds = _sum_text([cost.seconds for cost in found], duration, at_least=any(cost.unlike for cost in found))
    return (name, *map(str, counts), seconds, _sum_text([cost.bytes for cost in found], size_text))


def _sum_text(values: list[float | None], text: Callable[[float], str], *, at_least: bool = False) -> str:
    """A sum in words: a lower bound where a part of it is not known, or may be more."""
    known = [value for value in values if value is not None]
    if not known:
        return NO_ESTIMATE if values else "-"
    return f"over {text(sum(known))}" if at_least or len(known) < len(values) else text(sum(known))


def _stand_in(stage: str, methods: Sequence[str]) -> str:
    return f"{stage} with {', '.join(methods)}: no such job was ever measured; by others, and it may take longer"


def _no_estimate(job: PlannedJob) -> str:
    models = ", ".join(dict.fromkeys(models_from_outside(job.stage, job.parameters).values()))
    return f"no estimate of {job.stage}{f' with {models}' if models else ''}: no such job was ever measured"
