"""Where a command puts a new folder: asked before long work, so that nothing is computed for a place that refuses."""

import os
from pathlib import Path

from rmkit.errors import ParamsError, cut


def require_new_folder_fits(folder: Path, where: str) -> None:
    """ParamsError, beginning with `where`, unless a folder can be made beside this one, which is then renamed."""
    if not folder.parent.is_dir():
        raise ParamsError(f"{where}: there is no folder {cut(str(folder.parent))}; make it")
    trial = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError as fault:
        why = fault.strerror or fault
        raise ParamsError(
            f"{where}: cannot be written in {cut(str(folder.parent))} ({why}); name another folder"
        ) from None


def files_in(folder: Path) -> list[Path]:
    """All files and links in a folder and below, as paths from it on; links are not followed."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder) for path in found)


def is_named(path: Path, patterns: tuple[str, ...]) -> bool:
    """Whether a path from a folder on is one of these, in which * is a part of a name."""
    return any(Path("/", path).match(f"/{pattern}") for pattern in patterns)
