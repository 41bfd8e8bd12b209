"""One executor a job: a lock of the operating system (`flock`), held by its process; the end of what the dead left.

    runs/locks/<plan id>/owner.json    who executes it; that process holds the file's lock as long as it lives
    runs/                              the store as a whole: runs share its lock, who removes things holds it alone

So a lock ends with its process, however that ends: a card that nobody holds is a dead owner's. Whoever takes the lock
next ends the processes that the dead left, by their stamp (machine/processes.py), and removes what they half made. No
child of a job keeps its lock: the descriptor is closed where another program starts, and a fork server never had it.
One machine; on a shared file system, as far as its locks reach.
"""

import errno
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from rmkit.files.regular import json_value, open_regular
from rmkit.machine.processes import end_processes, this_host
from rmkit.study.store.disk import described, disk_faults, remove
from rmkit.study.store.store import Store

CARD = "owner.json"
OPENING = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
MOST_OF_A_CARD = 2**16  # bytes


@dataclass(frozen=True)
class Owner:
    """Who holds a lock: one process of one host, the calling one if nothing else is said."""

    execution: str  # the stamp that every process of this execution carries
    plan_id: str
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=this_host)  # with its process namespace, in which the pid means something
    since: float = field(default_factory=time.time)  # seconds since 1970


@contextmanager
def held(store: Store, owner: Owner) -> Iterator[bool]:
    """Hold the lock of the owner's plan id while this is open; False if somebody else does."""
    if (card := _taken(_folder(store, owner.plan_id))) is None:
        yield False
        return
    with card:
        _end_what_is_left(store, card, owner.plan_id)
        card.seek(0)
        card.truncate(0)
        card.write(json.dumps(asdict(owner)).encode())
        card.flush()
        try:
            yield True
        finally:
            _remove(_folder(store, owner.plan_id))


def holder(store: Store, plan_id: str) -> Owner | None:
    """Who holds the lock of a plan id, or None."""
    with suppress(OSError), open_regular(_folder(store, plan_id) / CARD) as card:
        if not try_lock(card, fcntl.LOCK_SH):
            return _owner(card, plan_id) or Owner("", plan_id, pid=0)  # it is being written
    return None


def clear_away(store: Store, plan_id: str) -> Owner | None:
    """End what a dead owner left of a job and remove its lock; returns that owner, None if there is none."""
    if not _folder(store, plan_id).exists() or (card := _taken(_folder(store, plan_id))) is None:
        return None
    with card:
        owner = _end_what_is_left(store, card, plan_id)
        _remove(_folder(store, plan_id))
        return owner


def clear_away_the_dead(store: Store) -> list[Owner]:
    """End what dead owners left, remove their locks and all that is half made; returns those owners."""
    half_made = list((store.root / "tmp").glob("*"))  # listed before the locks: an execution locks first, then makes
    held_once = [path.name for path in (store.root / "locks").glob("*") if path.is_dir()]
    dead = [owner for plan_id in held_once if (owner := clear_away(store, plan_id))]
    living = {owner.execution for plan_id in held_once if (owner := holder(store, plan_id))}
    for path in half_made:
        if path.name not in living:
            remove(path)
    for path in (store.root / "partial").glob("*"):
        if store.finished(path.name):  # killed after its job was published and before it was removed
            store.forget_parts(path.name)
    return dead


@contextmanager
def using(store: Store, *, alone: bool = False) -> Iterator[bool]:
    """Hold the lock of the store itself while this is open; waits for somebody who removes things.

    alone: share it with nobody; False, at once, if somebody else uses the store.
    """
    with disk_faults(store.root):
        store.root.mkdir(parents=True, exist_ok=True)
        folder = os.open(store.root, os.O_RDONLY)
        is_ours = not alone or try_lock(folder, fcntl.LOCK_EX)
        if not alone:
            fcntl.flock(folder, fcntl.LOCK_SH)
    try:
        yield is_ours
    finally:
        os.close(folder)


def try_lock(file: IO[Any] | int, how: int) -> bool:
    """Lock an open file or folder (`fcntl.LOCK_EX` or `LOCK_SH`) until it is closed; False if another has it."""
    with suppress(BlockingIOError):
        fcntl.flock(file, how | fcntl.LOCK_NB)
        return True
    return False


def _folder(store: Store, plan_id: str) -> Path:
    return store.root / "locks" / plan_id


def _taken(folder: Path) -> IO[bytes] | None:
    """A lock's card, made if there is none, and locked until it is closed; None if somebody else has it."""
    while True:
        with suppress(FileExistsError):  # `exist_ok` would look whether it is still there
            folder.mkdir()
        try:
            card = os.fdopen(os.open(folder / CARD, OPENING), "r+b")
        except FileNotFoundError:  # the folder was removed in between
            continue
        except OSError as fault:  # a folder, a pipe or a link, which no process of ours made: nobody holds it
            if fault.errno not in (errno.EISDIR, errno.ENXIO, errno.ELOOP, None):
                raise
            remove(folder / CARD)
            continue
        if not try_lock(card, fcntl.LOCK_EX):
            card.close()
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat((folder / CARD).stat(), os.fstat(card.fileno())):
                return card
        card.close()  # its owner has removed it since it was opened here


def _end_what_is_left(store: Store, card: IO[bytes], plan_id: str) -> Owner | None:
    """End every process of the execution that a dead owner's card names, and remove what it half made."""
    if owner := _owner(card, plan_id):
        end_processes(owner.execution)
        remove(store.root / "tmp" / owner.execution)
    return owner


def _owner(card: IO[bytes], plan_id: str) -> Owner | None:
    """Whom a card names; None where it is none of this job, or names what would be another folder."""
    with suppress(OSError, ValueError):
        card.seek(0)
        owner = described(Owner, json_value(card.read(MOST_OF_A_CARD).decode("utf-8"), finite=True))
        if owner and owner.plan_id == plan_id and re.fullmatch(r"[\w.+-]*\w", owner.execution):
            return owner
    return None


def _remove(folder: Path) -> None:
    """Remove a lock that is held here, the card last: from then on another process may make it anew."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == CARD):
        remove(path)
    with suppress(OSError):
        folder.rmdir()
