"""Who uses the store: any number of runs side by side, or one that removes things, alone.

A lock of the operating system on the store's folder (`flock`): shared by runs, exclusive for whoever removes. It ends
with its process, however that ends, so that nothing stale is ever left. Nothing else in the store is locked by it; one
executor a job is the matter of locks.py.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rmkit.errors import StoreError
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store


@contextmanager
def using(store: Store) -> Iterator[None]:
    """While this is open, nobody removes what is in the store; waits for one who does.

    A file system without locks stands in the way of no run: there, `alone` refuses.
    """
    with _opened(store) as folder:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_SH)
        yield


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """While this is open, no run starts; StoreError if one is alive, or if that cannot be told here."""
    with _opened(store) as folder:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise StoreError(f"{store.root}: {_who(store)}; nothing was removed, try again after it") from None
            text = f"{store.root}: this file system has no locks ({error.strerror}), so a run may be alive"
            raise StoreError(f"{text}; nothing was removed") from None
        _refuse_beside_jobs(store)
        yield


def _refuse_beside_jobs(store: Store) -> None:
    """StoreError if a job is executed though its run is gone: a runner that is killed leaves its jobs to finish."""
    from rmkit.study.store import locks

    for path in (store.root / "locks").glob("*"):
        owner = locks.holder(store, path.name)
        if owner and owner.alive():
            who = f"process {owner.pid} on {owner.host.split()[0]} executes {owner.plan_id}"
            raise StoreError(f"{store.root}: {who}; nothing was removed, try again after it")


def _who(store: Store) -> str:
    """The runs that are alive, as a message names them."""
    from rmkit.study.monitoring.run_record import living

    found = [f"process {run.pid} runs {run.arguments}" for run in living(store)]
    return " and ".join(found) or "another rmkit uses it"


@contextmanager
def _opened(store: Store) -> Iterator[int]:
    """The store's folder as something to lock; made if it is not there."""
    with disk_faults(store.root):
        Path(store.root).mkdir(parents=True, exist_ok=True)
        folder = os.open(store.root, os.O_RDONLY)
    try:
        yield folder
    finally:
        os.close(folder)
