"""Who uses the store: any number of runs side by side, or one that removes things, alone.

A lock of the operating system on the store's folder, as that of a job (locks.py): shared by runs, exclusive for whoever
removes. It ends with its process, however that ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rmkit.errors import StoreError
from rmkit.study.monitoring.run_record import living
from rmkit.study.store import locks
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.locks import try_lock
from rmkit.study.store.store import Store


@contextmanager
def using(store: Store) -> Iterator[None]:
    """While this is open, nobody removes what is in the store; waits for one who does."""
    with _opened(store) as folder:
        with disk_faults(store.root):
            fcntl.flock(folder, fcntl.LOCK_SH)
        yield


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """While this is open, no run starts; StoreError if one is alive, or a job whose runner was killed."""
    with _opened(store) as folder:
        is_ours = try_lock(folder, fcntl.LOCK_EX)
        if users := _users(store) or ([] if is_ours else ["another rmkit uses it"]):
            raise StoreError(f"{store.root}: {' and '.join(users)}; nothing was removed, try again after it")
        yield


def _users(store: Store) -> list[str]:
    """The runs that are alive, or the jobs where there are none, as a message names them."""
    runs = [f"process {run.pid} runs {run.arguments}" for run in living(store)]
    owners = [locks.holder(store, path.name) for path in (store.root / "locks").glob("*")]
    return runs or [f"process {owner.pid} executes {owner.plan_id}" for owner in owners if owner]


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
