"""What no study under params/ refers to any more, and its removal.

What is named as a job stays while a study refers to that job, or may still come to it (references.py): after a removal
no study executes more than before. A report stays while its study is there; drafts, opened copies and jobs that were
set aside as damaged stay for some days. All else goes, when no run is alive.

Each folder is renamed into `runs/tmp/` and removed from there, so that it is in its place whole or not at all; what a
killed process leaves in `runs/tmp/` the next run removes. presence.py keeps runs off until all is renamed.
"""

import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmkit.errors import ParamsError, StoreError
from rmkit.study.housekeeping.presence import alone
from rmkit.study.housekeeping.references import References, references
from rmkit.study.planning.key_changes import differences
from rmkit.study.planning.project import Project
from rmkit.study.planning.quantities import size_text
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.locks import clear_away_the_dead
from rmkit.study.store.store import Store
from rmkit.study.store.why import wanted

ROOMS = {
    "jobs": "finished jobs that no study refers to",
    "partial": "parts of unfinished jobs that no study plans",
    "failed": "notebooks of failed jobs that no study plans",
    "plans": "keys noted of jobs that no study plans",
    "verified": "checksums noted of jobs that are gone",
    "reports": "files of reports of studies that are gone",
    "drafts": "old drafts",
    "opened": "old copies of executed notebooks, made to be opened",
    "corrupt": "jobs set aside long ago as damaged",
}
AGING = ("drafts", "opened", "corrupt")
OF_A_JOB = re.compile(r".+-[0-9a-f]{16}(\.json)?")  # a key or a plan id
DIFFERENCES_SHOWN = 3
DAY = 86_400.0


@dataclass(frozen=True)
class Entry:
    """One thing in the store that can go."""

    path: Path
    bytes: int
    since: float  # when it was made or last touched, in seconds since 1970
    text: str = ""  # of a job: what sets it apart from those that a study refers to


def clean(
    project: Project, store: Store, *, older_than: float, dry_run: bool, ask: Callable[[str], bool] | None
) -> Iterator[str]:
    """List what can go and, if `ask` says yes, remove it; what to tell, line by line. ask: None if nobody is there.

    ParamsError or DataError for a study that cannot be planned: what it refers to is not known, so nothing is removed.
    """
    if (project.root / "rmkit").is_dir() and project.root / "rmkit" != project.package:
        text = "by its code this project's studies refer to none of their jobs"
        raise ParamsError(f"rmkit runs from {project.package}, and {text}; run this project's own rmkit/")
    referred = references(project, store)
    found = collectable(store, referred, older_than=older_than)
    yield from listing(found, referred)
    if not found or dry_run:
        return
    if ask is None:
        yield "nothing was removed: nobody is here to ask; give --yes to remove all of it"
        return
    with alone(store):  # nobody should be asked for nothing
        pass
    if ask("remove all of it?"):
        gone = collect(project, store, found, older_than=older_than)
        yield f"removed {len(gone)}, freed {_size(gone)}"
    else:
        yield "nothing was removed"


def collectable(store: Store, referred: References, *, older_than: float) -> list[Entry]:
    """All that can go, by room, with its size and words. older_than: days that drafts and damaged jobs stay."""
    seen: set[tuple[int, int]] = set()
    return [
        Entry(path, _bytes(path, seen), _last_written(path), _apart(store, path, referred))
        for path in _unreferred(store, referred, older_than=older_than)
    ]


def _unreferred(store: Store, referred: References, *, older_than: float) -> list[Path]:
    """All that can go. Only what decides that: it is asked again while no run can start."""
    old = time.time() - older_than * DAY
    jobs = {path.name for path in _listed(store, "jobs") if referred.may_need(path.name, _manifest(store, path.name))}
    stays: dict[str, Callable[[str], bool]] = {
        "jobs": jobs.__contains__,
        "partial": referred.may_go_on_from,
        "failed": referred.jobs.__contains__,
        "plans": referred.jobs.__contains__,
        "verified": lambda name: name.removesuffix(".json") in jobs,
        "reports": lambda name: name.startswith(referred.studies),  # name.html, name+key=value.html, name-figure.png
    }
    found = [path for room, keeps in stays.items() for path in _listed(store, room) if not keeps(path.name)]
    return found + [path for room in AGING for path in _listed(store, room) if _last_written(path) <= old]


def listing(entries: list[Entry], referred: References) -> Iterator[str]:
    """What can go, in words: a line a room with counts and sizes, and a line a finished job."""
    for room, words in ROOMS.items():
        if found := [entry for entry in entries if entry.path.parent.name == room]:
            yield f"{words}: {len(found)}, {_size(found)}"
        for entry in found if room == "jobs" else []:
            made = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.since))
            yield f"  {entry.path.name}  {size_text(entry.bytes):>7}  of {made}  {entry.text}"
    names = ", ".join(referred.studies) or "none"
    if not entries:
        yield f"nothing to remove; studies under params/: {names}"
    else:
        yield f"in all {len(entries)}, {_size(entries)}; studies under params/: {names}"
        yield "Trials by `--set`, and studies that lie elsewhere, no file there refers to: their jobs are listed too."


def collect(project: Project, store: Store, shown: list[Entry], *, older_than: float) -> list[Entry]:
    """Remove what was shown and can still go; returns that. StoreError, with nothing removed, beside a living run.

    What can go is looked up anew once no run can start: a study may have come, and a job have been found, since.
    """
    away: list[Path] = []  # no folder is made for them, a full disk may not give one
    name = f"collected-{secrets.token_hex(4)}"
    with alone(store), disk_faults(store.root):
        store.prepare()
        clear_away_the_dead(store)
        still = set(_unreferred(store, references(project, store), older_than=older_than))
        going = [entry for entry in shown if entry.path in still]
        for path in (entry.path for entry in going):
            if path.is_dir() and not path.is_symlink():
                away.append(path.rename(store.root / "tmp" / f"{name}-{len(away)}"))
            else:
                path.unlink()
    for folder in away:
        shutil.rmtree(folder, ignore_errors=True)  # a run that has started since may be removing it too
    return going


def _size(entries: list[Entry]) -> str:
    return size_text(sum(entry.bytes for entry in entries))


def _manifest(store: Store, key: str) -> dict[str, Any]:
    try:
        return store.manifest(key)
    except StoreError:
        return {}


def _apart(store: Store, path: Path, referred: References) -> str:
    """What sets a finished job apart from the nearest one that a study refers to; of other things nothing."""
    if path.parent.name != "jobs":
        return ""
    if not (made := _manifest(store, path.name)):
        return "its manifest cannot be read"
    jobs = [job for job in referred.jobs.values() if job.stage == made["stage"]]
    changes = [list(differences(made["ingredients"], wanted(store, job))) for job in jobs]
    first = min(changes, key=len, default=["no study has its stage"])
    more = [f"{len(first) - DIFFERENCES_SHOWN} more changes"] if len(first) > DIFFERENCES_SHOWN else []
    return "; ".join([*first[:DIFFERENCES_SHOWN], *more])


def _listed(store: Store, room: str) -> list[Path]:
    """What lies in a room of the store; where things are named as jobs, only what is."""
    with suppress(FileNotFoundError):
        paths = sorted((store.root / room).iterdir())
        return [path for path in paths if room in (*AGING, "reports") or OF_A_JOB.fullmatch(path.name)]
    return []


def _files(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        yield from path.rglob("*")


def _last_written(path: Path) -> float:
    """When a file or anything in a folder was last written."""
    times = [0.0]
    for file in _files(path):
        with suppress(OSError):
            times.append(file.lstat().st_mtime)
    return max(times)


def _bytes(path: Path, seen: set[tuple[int, int]]) -> int:
    """The size of a file, or of all files of a folder, each file once however many names it has."""
    size = 0
    for file in _files(path):
        with suppress(OSError):
            stat = file.lstat()
            if not file.is_dir() and (stat.st_dev, stat.st_ino) not in seen:
                seen.add((stat.st_dev, stat.st_ino))
                size += stat.st_size
    return size
