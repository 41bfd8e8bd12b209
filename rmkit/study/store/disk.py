"""Files written whole or not at all, and what a disk that refuses says in one sentence.

Knows paths and faults; not what is written.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rmkit.errors import StoreError

REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "make the folder writable"),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR), "move the file in the way"),
    **dict.fromkeys((errno.ENOLCK, errno.ENOTSUP), "keep runs/ on a file system with locks"),
    errno.EIO: "check the disk",
}


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden disk into a StoreError of one sentence; other faults are not its own."""
    try:
        yield
    except BrokenPipeError:  # whoever read what is printed
        raise
    except OSError as error:
        if error.errno not in (*REMEDIES, None) and error.filename is None:  # None: pandas and others have but words
            raise
        raise StoreError(disk_sentence(error, path)) from None


def disk_sentence(error: OSError, path: Path) -> str:
    """What the disk refused, and what would help."""
    remedy = REMEDIES.get(error.errno or 0, "mend that")
    return f"{error.filename or path}: {error.strerror or error}; {remedy} and run again, finished jobs are kept"


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all, and onto the disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    fsync(beside)
    beside.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The mapping that a small file holds, empty where it cannot be read: for notes that nothing hangs on."""
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    return {}


def fsync(path: Path) -> None:
    """Bring a file, or a folder's entries, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
