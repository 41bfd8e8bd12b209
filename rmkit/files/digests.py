"""What a file or folder holds, as one digest: a declared data file in a job's key, an artifact in the store.

Knows paths and bytes; no format. A file is read again in one process only if size, times or inode changed. Whoever
waits for a long reading at a terminal is told so, once a file.
"""

import errno
import hashlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rmkit.files.regular import open_regular, require_regular

AT_ONCE = 2**22  # bytes
PATIENCE = 3.0  # seconds of reading before a word is said
MOST_FILES = 10_000  # of a folder: more are a disk, or a project, that was named by mistake
_digests: dict[Path, tuple[list[int], str]] = {}


def data_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's files; OSError if there is none.

    Of a folder: all files in it and below, sorted by name, without what starts with a dot (a cache, a `.git`); OSError
    if one of them is no regular file, or there are too many.
    """
    if not path.is_dir():
        return file_digest(path)
    return digest_of_files({name: file_digest(path / name) for name in files_below(path)})


def digest_of_files(digests: Mapping[str, str]) -> str:
    """The digest of a folder, by those of its files: {name from the folder on: SHA-256}."""
    lines = [f"{digests[name]}  {name}" for name in sorted(digests)]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def files_below(folder: Path) -> list[str]:
    """The names of all files in a folder and below, as paths from it on; what starts with a dot is left out.

    Links to folders are not followed. OSError for anything else that is no regular file, and for too many files.
    """
    names: list[str] = []
    todo = [""]
    while todo:
        inside = todo.pop()
        with os.scandir(folder / inside) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    todo.append(f"{inside}{entry.name}/")
                elif not Path(entry.path).is_dir():  # False for a link to itself
                    require_regular(entry.path)
                    names.append(f"{inside}{entry.name}")
        if len(names) + len(todo) > MOST_FILES:
            raise OSError(errno.EFBIG, f"holds more than {MOST_FILES:,} files", str(folder))
    return sorted(names)


def file_digest(path: Path) -> str:
    """SHA-256 of a regular file's bytes; OSError if it is none."""
    now = stamp(path)
    if path not in _digests or _digests[path][0] != now:
        _digests[path] = (now, _read_digest(path, now[0]))
    return _digests[path][1]


def stamp(path: Path) -> list[int]:
    """What a regular file has as long as nobody touches it: size, times, inode; OSError if it is none."""
    stat = require_regular(path)
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _read_digest(path: Path, size: int) -> str:
    digest, done, started, told = hashlib.sha256(), 0, time.monotonic(), False
    with open_regular(path) as file:
        while content := file.read(AT_ONCE):
            digest.update(content)
            done += len(content)
            if not told and time.monotonic() - started > PATIENCE and sys.stderr.isatty():
                told = True
                how_far = f"{done / 1e9:.1f} of {size / 1e9:.1f} GB"
                print(f"reading {str(path)!r} ({how_far})", file=sys.stderr, flush=True)
    return digest.hexdigest()
