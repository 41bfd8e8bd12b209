"""Why a job is not finished: which ingredients of its key differ from those of the nearest finished job of its stage.

Compares what make_plan and the manifests hold; runs nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rmkit.study.plan import PlannedJob, canonical, ingredients
from rmkit.study.store import Store


def explain(store: Store, job: PlannedJob) -> list[str]:
    """One line an ingredient that differs, nearest finished job first; says so when there is none."""
    digests = store.digests_of_inputs(job) or dict.fromkeys(job.inputs, "not built yet")
    wanted = ingredients(job, digests)
    finished = [manifest for manifest in store.manifests() if manifest["stage"] == job.stage]
    if not finished:
        return ["no job of this stage was ever finished here"]
    compared = [(list(differences(manifest["ingredients"], wanted)), manifest["key"]) for manifest in finished]
    lines, key = min(compared, key=lambda pair: len(pair[0]))
    return [f"nearest finished job: {key}", *lines]


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two jobs' ingredients, a line each."""
    if before.get("format") != now["format"]:
        yield f"format of the store: {before.get('format')} → {now['format']}"
    yield from _changes("parameter", before["parameters"], now["parameters"], show=True)
    yield from _changes("input", before["inputs"], now["inputs"])
    yield from _changes("module", before["modules"], now["modules"])
    yield from _changes("data file", before["data"], now["data"])
    old, new = before["notebook"], now["notebook"]
    if len(old) != len(new):
        yield f"notebook: {len(old)} → {len(new)} code cells that can change a result"
    else:
        for number, (was, is_now) in enumerate(zip(old, new, strict=True), 1):
            if was != is_now:
                yield f"notebook: code cell {number} of {len(new)} that can change a result"


def _changes(what: str, before: Mapping[str, Any], now: Mapping[str, Any], *, show: bool = False) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield f"{what} {name}: no longer part of the job"
        elif name not in before:
            yield f"{what} {name}: new"
        elif canonical(before[name]) != canonical(now[name]):
            yield (
                f"{what} {name}: {canonical(before[name])} → {canonical(now[name])}"
                if show
                else f"{what} {name}: changed"
            )
