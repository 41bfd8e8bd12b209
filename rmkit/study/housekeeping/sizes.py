"""How large files and folders of the store are, and when they were last written. What goes meanwhile is left out."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path


def sizes_of(paths: Sequence[Path]) -> dict[Path, int]:
    """The bytes of each file, or of all files of a folder; a file that has several names counts once."""
    seen: set[tuple[int, int]] = set()
    sizes = dict.fromkeys(paths, 0)
    for path in paths:
        for found in _stats(path):
            if not stat.S_ISDIR(found.st_mode) and (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                sizes[path] += found.st_size
    return sizes


def last_written(path: Path) -> float:
    """When a file or anything in a folder was last written."""
    return max((found.st_mtime for found in _stats(path)), default=0.0)


def _stats(path: Path) -> Iterator[os.stat_result]:
    """The state of a file, or of a folder and all in it; what goes meanwhile is left out."""
    for file in [path, *(path.rglob("*") if path.is_dir() and not path.is_symlink() else ())]:
        with suppress(OSError):
            yield file.lstat()
