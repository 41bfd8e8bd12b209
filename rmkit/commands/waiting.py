"""Why jobs wait, a line a stage: what changed since the nearest finished job, or what they need and do not have yet.

Reads the manifests of finished jobs once, so that `rmkit status` stays quick; `rmkit why STAGE` tells it job by job.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rmkit.errors import StoreError, listed
from rmkit.study.planning.key_changes import CHANGED, GATHERED, NOT_BUILT, PARAMETER, differences
from rmkit.study.planning.keys import ingredients
from rmkit.study.planning.notebook import SEEDS
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store

CHANGES_SHOWN = 3
COMPARED = 3  # finished jobs, the newest of those whose parameters are nearest
NEVER, SEED = "never run", "a seed that was never run"
DAMAGED = "what it needs is damaged in the store"

Manifests = Sequence[Mapping[str, Any]]


def why_waiting(store: Store, jobs: Sequence[PlannedJob], states: Mapping[str, str]) -> Iterator[str]:
    """A line for each stage with jobs that wait: how many, and why. states: of each job, by plan id.

    04_reward_models: 12 jobs: module rmkit.measures.ranking changed since the nearest finished job
    """
    waiting = [job for job in jobs if states.get(job.plan_id) == "waiting"]
    finished: dict[str, list[Mapping[str, Any]]] = {}
    for manifest in store.manifests() if waiting else ():
        finished.setdefault(manifest["stage"], []).append(manifest)
    if waiting and not finished.keys() & {job.stage for job in jobs}:
        others = store.other_formats()
        by = f" by this version; {others} finished jobs of another version are there, which it cannot read"
        yield f"all {len(waiting)} jobs: {NEVER}{by if others else ''}"
        return
    known: dict[str, str | None] = {}
    for stage in dict.fromkeys(job.stage for job in waiting):
        of_stage = [job for job in waiting if job.stage == stage]
        changes = [_changes(store, job, finished[stage], known) for job in of_stage] if stage in finished else None
        needs = [need for job in of_stage for need in job.needs()]
        missing = list(dict.fromkeys(need.stage for need in needs if states.get(need.plan_id) != "done"))
        reasons = [NEVER if changes is None else _told(changes), f"waits for {listed(missing, 3)}" if missing else ""]
        reason = "; ".join(filter(None, reasons)) or "what is needed is there"
        yield f"{stage}: {len(of_stage)} job{'s' * (len(of_stage) > 1)}: {reason}"


def _changes(store: Store, job: PlannedJob, finished: Manifests, known: dict[str, str | None]) -> list[str]:
    """What differs from the nearest finished job of its stage, apart from what is not built."""
    try:
        content = store.content(job, known)
    except StoreError:  # what it needs is damaged, and is made again first
        return [DAMAGED]
    now = ingredients(job, {name: digest or NOT_BUILT for name, digest in content.items()})
    found = [list(differences(manifest["ingredients"], now)) for manifest in _nearest(job, finished)]
    return [line for line in min(found, key=len) if not line.endswith(NOT_BUILT)]


def _nearest(job: PlannedJob, finished: Manifests) -> Manifests:
    """The newest of the finished jobs that differ from this one in the fewest parameters."""

    def distance(manifest: Mapping[str, Any]) -> int:
        there, here = manifest["ingredients"].get("parameters", {}), job.parameters
        return sum(there.get(name, ...) != here.get(name, ...) for name in there.keys() | here.keys())

    away = [distance(manifest) for manifest in finished]
    near = [manifest for manifest, steps in zip(finished, away, strict=True) if steps == min(away)]
    return sorted(near, key=lambda manifest: manifest.get("started", 0.0), reverse=True)[:COMPARED]


def _told(changes: Sequence[Sequence[str]]) -> str:
    """What changed in the jobs of a stage, in a few words, the most frequent first; empty if nothing did.

    Values of a parameter are shown where all jobs have the same.
    """
    same = all(lines == changes[0] for lines in changes)
    named: Counter[str] = Counter()
    for lines in changes:
        named.update({_in_short(line, values=same) for line in lines})
    told = [name for name, _ in named.most_common() if name not in (SEED, DAMAGED)]
    since = f"{listed(told, CHANGES_SHOWN)} since the nearest finished job" if told else ""
    return ", ".join(filter(None, [since, *(name for name in (SEED, DAMAGED) if name in named)]))


def _in_short(line: str, *, values: bool) -> str:
    what, _, change = line.partition(": ")
    if what in {f"{PARAMETER} {name}" for name in SEEDS}:
        return SEED
    if what.startswith(GATHERED):
        return "what it gathers changed"
    return f"{what} {CHANGED}" if change == CHANGED or ("→" in change and not values) else line
