"""What a file or folder holds, as one digest: a declared data file in a job's key, an artifact in the store.

Knows paths and bytes; no format. A file is read again in one process only if size, times or inode changed.
"""

import hashlib
from pathlib import Path

_digests: dict[Path, tuple[list[int], str]] = {}


def data_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's files; OSError if there is none.

    Of a folder: all files in it and below, sorted by name, without what starts with a dot (a cache, a `.git`).
    """
    if not path.is_dir():
        return _file_digest(path)
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    seen = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
    return hashlib.sha256("\n".join(f"{_file_digest(path / name)}  {name}" for name in seen).encode()).hexdigest()


def stamp(path: Path) -> list[int]:
    """What a file has as long as nobody touches it: size, times, inode."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _file_digest(path: Path) -> str:
    now = stamp(path)
    if path not in _digests or _digests[path][0] != now:
        with path.open("rb") as file:
            _digests[path] = (now, hashlib.file_digest(file, "sha256").hexdigest())
    return _digests[path][1]
