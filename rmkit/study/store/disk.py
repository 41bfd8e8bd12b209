"""Files written whole or not at all, what a disk that refuses says in one sentence, and one reader for stored JSON.

Knows paths and faults; not what is written. What a file of the store holds may be of any shape: the reader gives a
mapping, or a data class of the right types, or nothing.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from rmkit.errors import ParamsError, StoreError
from rmkit.files import regular
from rmkit.files.durable import fsync

Described = TypeVar("Described")
LARGEST = 2**53  # of a number that is kept: no count and no time is larger

REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space"),
    errno.EROFS: "make the folder writable",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "make it readable and writable"),
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


def refuse_unpermitted(fault: OSError, path: Path) -> None:
    """ParamsError where a file may not be read, as under another user: it is no damage, and making it again no help."""
    if isinstance(fault, PermissionError):
        why = os.strerror(fault.errno or errno.EACCES)
        raise ParamsError(f"{path}: cannot be read ({why}); make it readable for this user and run again") from None


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all, and onto the disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    fsync(beside)
    beside.replace(path)


def write_cache(path: Path, text: str) -> None:
    """Write a small file that can be made anew at any time; a folder in its place goes."""
    try:
        write_text(path, text)
    except IsADirectoryError:
        path.with_name(f".{path.name}.{os.getpid()}").unlink(missing_ok=True)
        remove(path)
        write_text(path, text)


def remove(path: Path) -> None:
    """Remove a file, or a folder and all in it, as far as the disk allows; there may be none."""
    with suppress(OSError):
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file that several processes share, and bring it onto the disk; OSError if it is no such file."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe in its place would wait
    with os.fdopen(os.open(path, flags, 0o666), "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def read_json(path: Path) -> dict[str, Any]:
    """The mapping that a file of the store holds, empty where there is none that can be read: then it is made anew."""
    with suppress(OSError, ValueError):
        found = regular.read_json(path, finite=True)
        return found if isinstance(found, dict) else {}
    return {}


def described(kind: type[Described], content: object) -> Described | None:
    """The data class that a stored mapping describes; None where a field is missing, unknown or of another type."""
    with suppress(TypeError):
        made = kind(**content)  # type: ignore[arg-type]  # a TypeError where it is no mapping of names
        hints = get_type_hints(kind)
        if all(_is(getattr(made, each.name), hints[each.name]) for each in fields(made)):  # type: ignore[arg-type]
            return made
    return None


def _is(value: object, hint: Any) -> bool:
    """Whether a value is of a field's type, as far as JSON and tuples of data classes have types."""
    if isinstance(hint, UnionType):
        return any(_is(value, one) for one in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_is(item, get_args(hint)[0]) for item in value)
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool) and abs(value) < LARGEST
    return isinstance(value, hint)
