"""Files written whole or not at all, and what a disk that refuses says in one sentence.

Knows paths and faults; not what is written.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def append_line(path: Path, text: str) -> None:
    """Add a line to a log that several processes share, onto the disk."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
    fsync(path)


def fsync(path: Path) -> None:
    """Bring a file, or a folder's entries, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
