"""One executor a job, and nothing left behind: locks with an owner, and the end of what a dead owner left.

A lock is a folder that holds its owner's card: made ready aside and renamed into place, so that no lock is ever without
an owner. A dead owner's lock is broken by a rename that only one process can win. Its processes
are ended by their stamp (machine/processes.py); where that cannot be read, the children noted with the lock are ended.
One host: a lock of another host counts as alive.
"""

import errno
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from rmkit.errors import StoreError
from rmkit.machine.processes import boot_id, end_processes, lives, started_at, this_host
from rmkit.study.store.disk import write_text
from rmkit.study.store.store import Store

KEPT_SECONDS = {"lock": 60.0, "released": 60.0, "broken": 86_400.0}  # what lies in tmp/ beside the half-made jobs


@dataclass(frozen=True)
class Owner:
    """Who holds a lock: one process of one boot of one host."""

    execution: str  # the stamp that every process of this execution carries
    plan_id: str
    pid: int
    start: float  # when the process started, as the system counts: a pid alone is used again
    boot: str
    host: str  # with its process namespace, in which the pid means something
    since: float  # seconds since 1970

    def alive(self) -> bool:
        """Whether the process still runs. A process of another host is taken to."""
        if self.host != this_host():
            return True
        return self.boot == boot_id() and lives(self.pid, self.start)


def myself(execution: str, plan_id: str) -> Owner:
    """The card of the calling process."""
    return Owner(execution, plan_id, os.getpid(), started_at(os.getpid()), boot_id(), this_host(), time.time())


def take(store: Store, owner: Owner) -> bool:
    """Take the lock of a plan id for `owner`; False if somebody holds it."""
    ready = store.root / "tmp" / f"lock-{owner.execution}"
    ready.mkdir()
    write_text(ready / "owner.json", json.dumps(asdict(owner)))
    try:
        ready.rename(_lock(store, owner.plan_id))  # fails on a folder that holds anything, as every lock does
    except OSError as error:
        shutil.rmtree(ready)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def note_child(store: Store, plan_id: str, pid: int) -> None:
    """Note a child that starts a session of its own, for machines where its stamp cannot be read."""
    with suppress(psutil.Error):
        write_text(_lock(store, plan_id) / f"child-{pid}", repr(started_at(pid)))


def release(store: Store, owner: Owner) -> None:
    """Give the lock back, if it is still this owner's."""
    if holder(store, owner.plan_id) == owner:
        released = store.root / "tmp" / f"released-{owner.execution}"
        _lock(store, owner.plan_id).rename(released)
        shutil.rmtree(released, ignore_errors=True)


def holder(store: Store, plan_id: str) -> Owner | None:
    """Who holds the lock of a plan id, dead or alive; StoreError if the lock says nothing that can be read."""
    card = _lock(store, plan_id) / "owner.json"
    for _attempt in range(3):  # a lock may be given back and taken by another while it is looked at
        try:
            return Owner(**json.loads(card.read_text()))
        except FileNotFoundError:
            if not card.parent.exists():
                return None
            time.sleep(0.05)
        except (OSError, ValueError, TypeError):
            break
    raise StoreError(
        f"{card.parent}: a lock whose owner cannot be read; remove the folder if no other rmkit is running"
    )


def clear_away_the_dead(store: Store) -> list[Owner]:
    """End what dead owners left, break their locks, remove what was half made; returns those owners."""
    half_made = list((store.root / "tmp").glob("*"))  # listed before the locks: an execution locks first, then makes
    owners = [holder(store, path.name) for path in (store.root / "locks").glob("*")]
    dead = [owner for owner in owners if owner and not owner.alive()]
    for owner in dead:
        bury(store, owner)
    living = {owner.execution for owner in owners if owner and owner not in dead}
    for path in half_made:
        kind = path.name.partition("-")[0]
        if path.name not in living and _age(path) > KEPT_SECONDS.get(kind, 0.0):
            shutil.rmtree(path, ignore_errors=True)
    for path in (store.root / "partial").glob("*"):
        if store.finished(path.name):  # killed after its job was published and before it was removed
            store.forget_parts(path.name)
    return dead


def bury(store: Store, owner: Owner) -> None:
    """End every process of a dead owner's execution, then break its lock and remove its half-made folder.

    The lock moves to a grave that bears the execution's name and stays there: a second process that read the same dead
    owner cannot rename a newer lock onto it.
    """
    end_processes(owner.execution, _children(store, owner.plan_id))
    if holder(store, owner.plan_id) == owner:
        try:
            grave = store.root / "tmp" / f"broken-{owner.execution}"
            _lock(store, owner.plan_id).rename(grave)
            os.utime(grave)  # its age counts from now
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise
    shutil.rmtree(store.root / "tmp" / owner.execution, ignore_errors=True)


def _lock(store: Store, plan_id: str) -> Path:
    return store.root / "locks" / plan_id


def _children(store: Store, plan_id: str) -> list[tuple[int, float]]:
    found = []
    for path in _lock(store, plan_id).glob("child-*"):
        try:
            found.append((int(path.name.removeprefix("child-")), float(path.read_text())))
        except (OSError, ValueError):
            continue
    return found


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
