"""Files that people bring, opened only if they are regular: a pipe, a device or a folder is one sentence, never a wait.

A file is asked what it is through its open descriptor, so that it cannot be another one when it is read. Whatever is
wrong is an OSError, a path that no system can have included; an address is a DataError. Knows paths and bytes; no
format but JSON.
"""

import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import IO, Any, NoReturn

from rmkit.errors import DataError, cut

MOST_BYTES = 64 * 2**20  # of a file that is read whole
YAML_BYTES = 2**18  # of one that people write: reading a MB of YAML takes 10 s
ADDRESS = re.compile(r"(https?|ftp|s3|gs|hf):/", re.IGNORECASE)
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: str | Path) -> IO[bytes]:
    """A regular file, or a link to one, open for reading; OSError for anything else, and where there is nothing."""
    require_regular(path)  # a device may act when it is opened
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)  # a pipe would wait
    if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
        os.close(descriptor)
        _refuse(path, mode)
    return os.fdopen(descriptor, "rb")


def require_regular(path: str | Path) -> os.stat_result:
    """The state of a regular file, or of the one that a link names; OSError for anything else."""
    try:
        found = Path(path).stat()
    except ValueError as fault:  # a NUL in it, or half of a character
        raise OSError(errno.EINVAL, f"can be no path ({fault})", repr(str(path))) from None
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "is not a regular file but a link to itself", str(path)) from None
        if fault.errno == errno.ENOENT and Path(path).is_symlink():
            raise OSError(errno.ELOOP, "is not a regular file but a link that leads nowhere", str(path)) from None
        raise
    if not stat.S_ISREG(found.st_mode):
        _refuse(path, found.st_mode)
    return found


def read_bytes(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """What a regular file holds; OSError for one that holds more than `most` bytes."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"holds more than {most / 2**20:g} MB", str(path))
    return content


def read_text(path: str | Path, most: int = MOST_BYTES) -> str:
    """The UTF-8 text of a regular file of at most `most` bytes; OSError, or UnicodeDecodeError."""
    return read_bytes(path, most).decode("utf-8")


def read_json(path: str | Path, most: int = MOST_BYTES, *, finite: bool = False) -> Any:
    """The JSON value of a regular file of at most `most` bytes; OSError, or ValueError where it is none.

    finite: NaN and infinities, which JSON does not have and Python writes, are none either.
    """
    return json_value(read_text(path, most), finite=finite)


def json_value(text: str, *, finite: bool = False) -> Any:
    """The value of a JSON text; ValueError where it is none, or is nested too deeply to be read."""
    try:
        return json.loads(text, parse_constant=_no_number if finite else None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def require_no_address(given: str | Path) -> None:
    """DataError for what is on the web or in a bucket: nothing here downloads a file that it is given."""
    shown = cut(str(given))
    if scheme := ADDRESS.match(shown):  # a Path has one slash of the two
        rest = shown[scheme.end() :].lstrip("/")
        raise DataError(f"{scheme.group()}/{rest}: is an address; download the file first, and name it")


def why_unreadable(fault: OSError) -> str:
    """What an OSError of this module says of a file, as a verb: `is not a regular file but a pipe`."""
    said = str(fault.strerror or fault)
    return said if said.startswith(("is not ", "can be ", "holds ", "is a ")) else f"cannot be read ({said})"


def _refuse(path: str | Path, mode: int) -> NoReturn:
    kind = KINDS.get(stat.S_IFMT(mode), "something else")
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(number, f"is not a regular file but {kind}", str(path))


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
