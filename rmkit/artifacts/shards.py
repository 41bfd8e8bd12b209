"""Finished parts of long work, each a table in a Parquet file: what was computed before a fault is not computed again.

Knows one folder and names; not what the parts are, nor when they are of no more use. A part is there whole or not at
all. Read every part back, those just computed too: Parquet returns a list as an array, and work that was taken up again
then sees the same as work in peace.

    for name in names:
        if shards.get(name) is None:
            shards.put(name, compute(name))
    table = pd.concat([shards.get(name) for name in names])
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.errors import ResultError
from rmkit.files.durable import fsync

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=,+-]{0,99}")


@dataclass(frozen=True)
class Shards:
    """The finished parts in a folder, which is made with the first of them."""

    folder: Path

    def get(self, name: str) -> "pd.DataFrame | None":
        """The part of this name, or None if it is not finished. An unreadable file is named and deleted."""
        import pandas as pd

        path = self._path(name)
        try:
            return pd.read_parquet(path, page_checksum_verification=True)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, NotImplementedError) as error:  # by which byte is damaged
            print(f"finished part {name} cannot be read ({error}): deleted, to be computed again")
            path.unlink(missing_ok=True)
            return None

    def put(self, name: str, table: "pd.DataFrame") -> None:
        """Keep a finished part: written beside, brought onto the disk, then renamed into place."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with beside.open("wb") as file:
                table.to_parquet(file, write_page_checksum=True)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        fsync(path.parent)

    def _path(self, name: str) -> Path:
        return self.folder / f"{file_name(name)}.parquet"


def file_name(text: str) -> str:
    """The text itself if it can name a file on every system, or a ResultError."""
    if not NAME.fullmatch(text):
        raise ResultError(f"{text!r} cannot name a part of the work; use up to 100 letters, digits and _ . = , + -")
    return text
