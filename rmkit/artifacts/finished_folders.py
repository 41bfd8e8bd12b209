"""Finished parts of long work that are folders, as models are: as shards.py keeps tables.

Knows one folder, names, and a function that writes. A part is there whole or not at all.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rmkit.artifacts.shards import file_name
from rmkit.files.durable import fsync


@dataclass(frozen=True)
class FinishedFolders:
    """The finished parts in a folder, which is made with the first of them."""

    folder: Path

    def get(self, name: str) -> Path | None:
        """The folder of this name, or None if it is not finished."""
        path = self.folder / file_name(name)
        return path if path.is_dir() else None

    def put(self, name: str, write: Callable[[Path], object]) -> Path:
        """Keep what `write` puts into the empty folder that it is given, brought onto the disk; its folder is returned.

        ResultError for a name that cannot name a file, OSError for one that is finished already.
        """
        path = self.folder / file_name(name)
        beside = self.folder / f".{path.name}.{os.getpid()}"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            write(beside)
            for written in beside.rglob("*"):
                fsync(written)
            beside.rename(path)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        fsync(self.folder)
        return path
