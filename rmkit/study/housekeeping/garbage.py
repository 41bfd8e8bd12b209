"""What no study under params/ refers to any more, and its removal.

Finished jobs, parts of unfinished ones, failures, notes, records of runs and reports go when no study refers to them;
drafts, opened copies, and jobs that were set aside as damaged, when they are old. A job whose key is not known yet
keeps all that it may still come to (references.py), so that after a removal no study executes more than before.

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
from rmkit.study.housekeeping.references import References, differing, references
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.project import Project
from rmkit.study.planning.quantities import size_text
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.locks import clear_away_the_dead
from rmkit.study.store.store import Store

KINDS = {
    "job": "finished jobs that no study refers to",
    "part": "parts of unfinished jobs that no study plans",
    "failure": "notebooks of failed jobs that no study plans",
    "note": "notes of jobs that are gone",
    "run": "records of runs that no study plans a job of",
    "report": "files of reports of studies that are gone",
    "draft": "old drafts",
    "opened": "old copies of executed notebooks, made to be opened",
    "damaged": "jobs set aside long ago as damaged",
}
NAMED = re.compile(r".+-[0-9a-f]{16}")  # a key or a plan id
DAY = 86_400.0


@dataclass(frozen=True)
class Entry:
    """One thing in the store that can go."""

    kind: str
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
    """All that can go, by kind, with its size and words. older_than: days that drafts and damaged jobs stay."""
    seen: set[tuple[int, int]] = set()
    return [
        Entry(
            kind, path, _bytes(path, seen), _last_written(path), _apart(store, path, referred) if kind == "job" else ""
        )
        for kind, path in _unreferred(store, referred, older_than=older_than)
    ]


def _unreferred(store: Store, referred: References, *, older_than: float) -> list[tuple[str, Path]]:
    """The kind and place of all that can go. Only what decides that: it is asked again while no run can start."""
    jobs = _named(store, "jobs")
    gone = [
        path for path in jobs if not referred.refer_to(path.name, _manifest(store, path.name).get("ingredients", {}))
    ]
    found = [("job", path) for path in gone]
    found += [("part", path) for path in _named(store, "partial") if not _may_go_on(path.name, referred)]
    found += [("failure", path) for path in _named(store, "failed") if path.name not in referred.plan_ids]
    found += [("note", path) for path in _notes(store, {path.name for path in jobs} - {path.name for path in gone})]
    found += [("run", path) for path in _runs(store, referred)]
    found += [("report", path) for path in _reports(store, referred)]
    old = time.time() - older_than * DAY
    for kind, room in (("draft", "drafts"), ("opened", "opened"), ("damaged", "corrupt")):
        found += [(kind, path) for path in _listed(store, room) if _last_written(path) <= old]
    return found


def listing(entries: list[Entry], referred: References) -> Iterator[str]:
    """What can go, in words: a line a kind with counts and sizes, and a line a finished job."""
    for kind, words in KINDS.items():
        found = [entry for entry in entries if entry.kind == kind]
        if found:
            yield f"{words}: {len(found)}, {_size(found)}"
        for entry in found if kind == "job" else []:
            yield f"  {entry.path.name}  {size_text(entry.bytes):>7}  {_how_old(entry.since)} old  {entry.text}"
    names = ", ".join(study.name for study in referred.studies) or "none"
    if not entries:
        yield f"nothing to remove; studies under params/: {names}"
    else:
        yield f"in all {len(entries)}, {_size(entries)}; studies under params/: {names}"
        yield "Trials by `--set`, and studies that lie elsewhere, no file there refers to: their jobs are listed too."


def collect(project: Project, store: Store, shown: list[Entry], *, older_than: float) -> list[Entry]:
    """Remove what was shown and can still go; returns that. StoreError, with nothing removed, beside a living run.

    What can go is looked up anew once no run can start: a study may have come, and a job have been found, since.
    """
    with alone(store):
        still = {path for _, path in _unreferred(store, references(project, store), older_than=older_than)}
        going = [entry for entry in shown if entry.path in still]
        away = _put_away(store, going)
    for folder in away:
        shutil.rmtree(folder, ignore_errors=True)  # a run that has started since may be removing it too
    return going


def _put_away(store: Store, entries: list[Entry]) -> list[Path]:
    """Remove the files, and rename each folder into tmp/: no folder is made for them, a full disk may not give one."""
    store.prepare()
    clear_away_the_dead(store)
    name, away = f"collected-{secrets.token_hex(4)}", []
    with disk_faults(store.root):
        for number, entry in enumerate(entries):
            with suppress(FileNotFoundError):  # somebody removed it by hand
                if entry.path.is_dir() and not entry.path.is_symlink():
                    away.append(entry.path.rename(store.root / "tmp" / f"{name}-{number}"))
                else:
                    entry.path.unlink()
    return away


def _size(entries: list[Entry]) -> str:
    return size_text(sum(entry.bytes for entry in entries))


def _how_old(since: float) -> str:
    """How long ago something was touched, in the largest unit that fits: 3 days, 5 h, 12 min."""
    seconds = max(0.0, time.time() - since)
    for unit, length in (("days", DAY), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _manifest(store: Store, key: str) -> dict[str, Any]:
    try:
        return store.manifest(key)
    except StoreError:
        return {}


def _apart(store: Store, path: Path, referred: References) -> str:
    """What sets a job apart from the nearest one that a study refers to."""
    if not (manifest := _manifest(store, path.name)):
        return "its manifest cannot be read"
    near = referred.nearest(manifest["stage"], manifest["parameters"])
    if near is None:
        return "no study has its stage"
    own, other = manifest["parameters"], near.parameters
    changes = [
        f"{name}={canonical(own[name]) if name in own else '-'}"
        f" (a study has {canonical(other[name]) if name in other else 'no such parameter'})"
        for name in differing(own, other)
    ]
    return ", ".join(changes) or "made with other code, data or inputs"


def _may_go_on(key: str, referred: References) -> bool:
    """Whether parts may be those of a planned job: by its key, or its stage where a job's key is not known yet."""
    return key in referred.keys or key.rpartition("-")[0] in referred.open_stages


def _notes(store: Store, kept: set[str]) -> Iterator[Path]:
    """What was noted of keys that are gone, or go now."""
    for path in _listed(store, "plans"):
        with suppress(OSError, UnicodeDecodeError):
            if path.read_text() not in kept:
                yield path
    yield from (path for path in _listed(store, "verified") if path.name.removesuffix(".json") not in kept)


def _runs(store: Store, referred: References) -> Iterator[Path]:
    """The records of ended runs none of whose jobs is planned any more."""
    from rmkit.study.monitoring.run_record import runs

    for run in runs(store):
        if not run.alive() and not referred.plan_ids & {job.plan_id for job in run.jobs}:
            yield run.folder


def _reports(store: Store, referred: References) -> Iterator[Path]:
    """The pages and figures of studies that are gone; those of a trial (`name+key=value`) belong to its study."""
    names = [study.name for study in referred.studies]
    for path in _listed(store, "reports"):
        owner = path.stem.partition("+")[0]
        figure = path.suffix != ".html"  # name-figure.png: a name may have a hyphen, so any study that fits keeps it
        if owner not in names and not (figure and any(owner.startswith(f"{name}-") for name in names)):
            yield path


def _named(store: Store, room: str) -> list[Path]:
    return [path for path in _listed(store, room) if NAMED.fullmatch(path.name)]


def _listed(store: Store, room: str) -> list[Path]:
    try:
        return sorted((store.root / room).iterdir())
    except FileNotFoundError:
        return []


def _files(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        yield from path.rglob("*")


def _last_written(path: Path) -> float:
    """When a file or anything in a folder was last written; for what was set aside, when that happened."""
    times = [0.0]
    for file in _files(path):
        with suppress(OSError):
            times.append(file.lstat().st_mtime)
    if stamp := re.search(r"-(\d{8}T\d{6})-\d+$", path.name):
        times.append(time.mktime(time.strptime(stamp[1], "%Y%m%dT%H%M%S")))
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
