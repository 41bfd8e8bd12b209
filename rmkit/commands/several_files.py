"""Several files of rows as one folder, which is read as one set: what `rmkit fit FILE FILE …` reads.

The files are copied, because a study names one path, and because an earlier fit should find what it read. The folder's
name is made of names and contents, so equal files give the same folder. Knows files; no row.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rmkit.errors import DataError, ParamsError, cut
from rmkit.files.digests import digest_of_files, file_digest
from rmkit.files.regular import require_no_address, why_unreadable
from rmkit.files.rows import require_known_ending
from rmkit.study.store.disk import disk_faults

PLACE = "pairs"  # in the store


@contextmanager
def as_one_set(paths: Sequence[Path], store: Path, *, keep: bool) -> Iterator[Path]:
    """The one path itself, or a folder with a copy of each file, in their order; DataError or ParamsError for no file.

    keep: whether the folder stays, in the store; else it is a temporary one.
    """
    for path in paths:
        require_no_address(path)
    if len(paths) == 1:
        yield paths[0]
        return
    digests = {f"{number:02}-{path.name}": _digest(path) for number, path in enumerate(paths, 1)}
    name = digest_of_files(digests)[:16]
    if keep:
        yield _copied(paths, list(digests), store / PLACE / name)
        return
    with tempfile.TemporaryDirectory() as elsewhere:
        yield _copied(paths, list(digests), Path(elsewhere) / name)


def _copied(paths: Sequence[Path], names: Sequence[str], folder: Path) -> Path:
    """The folder with the copies, made whole or not at all."""
    with disk_faults(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
            try:
                for path, name in zip(paths, names, strict=True):
                    shutil.copyfile(path, beside / name)
                beside.rename(folder)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
    return folder


def _digest(path: Path) -> str:
    if path.is_dir():
        raise ParamsError(f"{cut(str(path))}: is a folder; name files, or one folder alone, whose files are one set")
    require_known_ending(path, cut(str(path)))
    try:
        return file_digest(path)
    except OSError as fault:
        raise DataError(f"{cut(str(path))}: {why_unreadable(fault)}; name a file of pairs") from None
