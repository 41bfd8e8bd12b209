"""What was written stays when the power goes: a file, or a folder's entries, brought onto the disk. Knows paths."""

import os
from pathlib import Path


def fsync(path: Path) -> None:
    """Bring a file, or a folder's entries, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
