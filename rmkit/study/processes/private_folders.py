"""Folders for sockets under /tmp, each held by its process: what a killed process left there, the next run removes.

A folder has a file `held`, of which its process holds the lock as long as it lives, however it ends: one that nobody
holds is a dead process's. A folder without that file may be anybody's, and stays. Knows nothing of what lies in them.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from rmkit.files.regular import open_regular
from rmkit.study.store.locks import try_lock

ROOM_FOR_SOCKETS = "/tmp"  # whose paths hold about 107 bytes: the folder for temporary files may be longer
PREFIX, HELD = "rmkit-", "held"


class PrivateFolder:
    """A folder of this process alone, until it is closed: `with PrivateFolder() as path`."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=ROOM_FOR_SOCKETS))
        made = self.path / f".{HELD}"
        self._held = made.open("w", encoding="utf-8")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        made.rename(self.path / HELD)  # it is held before anybody can see it

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._held.close()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.close()


def remove_abandoned(room: str | Path = ROOM_FOR_SOCKETS) -> list[Path]:
    """Remove the folders of our own user whose process is dead; returns those."""
    gone = []
    for path in sorted(Path(room).glob(f"{PREFIX}*")):
        with suppress(OSError):
            if path.lstat().st_uid == os.getuid() and not path.is_symlink():
                with open_regular(path / HELD) as held:
                    if try_lock(held, fcntl.LOCK_EX):
                        shutil.rmtree(path)
                        gone.append(path)
    return gone
