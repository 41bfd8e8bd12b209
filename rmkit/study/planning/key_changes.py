"""What differs between two jobs' ingredients, a line each, as people are told it.

Compares; reads nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rmkit.study.planning.keys import canonical

NOT_BUILT, CHANGED = "not built yet", "changed"
PARAMETER, GATHERED = "parameter", "results of"  # how lines on these begin


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two jobs' ingredients, a line each."""
    if before.get("format") != now["format"]:
        yield f"format of the store: {before.get('format')} → {now['format']}"
    yield from _changes(PARAMETER, before["parameters"], now["parameters"], show=True)
    yield from _changes("input", before["inputs"], now["inputs"])
    yield from _gathered_changes(before.get("gathered", []), now.get("gathered", []))
    yield from _changes("module", before["modules"], now["modules"])
    yield from _changes("data file", before["data"], now["data"])
    if before.get("streams", []) != now["streams"]:
        yield "random streams: drawn from those of another stage"
    old, new = before["notebook"], now["notebook"]
    if len(old) != len(new):
        yield f"notebook: {len(old)} → {len(new)} code cells that can change a result"
    else:
        for number, (was, is_now) in enumerate(zip(old, new, strict=True), 1):
            if was != is_now:
                yield f"notebook: code cell {number} of {len(new)} that can change a result"


def _gathered_changes(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> Iterator[str]:
    """What differs between two lists of gathered jobs, each named by what tells it from others of its stage."""
    telling = _telling(before) | _telling(now)

    def title(job: Mapping[str, Any]) -> str:
        shown = [f"{name}={value}" for name, value in sorted(job["parameters"].items())]
        return " ".join([job["stage"], *(text for text in shown if (job["stage"], text.partition("=")[0]) in telling)])

    was, is_now = (
        {title(job): job["results"] if job["results"] == NOT_BUILT else canonical(job) for job in jobs}
        for jobs in (before, now)
    )
    yield from _changes(GATHERED, was, is_now)
    if [name for name in was if name in is_now] != [name for name in is_now if name in was]:
        yield "gathered jobs: in another order"


def _telling(gathered: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """(stage, parameter) of the parameters that have more than one value among a stage's gathered jobs."""
    values: dict[tuple[str, str], set[str]] = {}
    for job in gathered:
        for name, value in job["parameters"].items():
            values.setdefault((job["stage"], name), set()).add(canonical(value))
    return {pair for pair, seen in values.items() if len(seen) > 1}


def _changes(what: str, before: Mapping[str, Any], now: Mapping[str, Any], *, show: bool = False) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield f"{what} {name}: no longer part of the job"
        elif name not in before:
            yield f"{what} {name}: new"
        elif canonical(before[name]) != canonical(now[name]):
            told = NOT_BUILT if now[name] == NOT_BUILT else CHANGED
            yield f"{what} {name}: {f'{canonical(before[name])} → {canonical(now[name])}' if show else told}"
