"""Long files read line by line, plain or as gzip, never more of them at once than a line may hold.

Knows bytes and gzip; not what a line says. A packed file may hold a thousand times its size: what counts is what one
line unpacks to.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rmkit.errors import DataError
from rmkit.files.regular import open_regular, why_unreadable

MOST_IN_A_LINE = 8 * 2**20  # bytes
MOST_BLANK = 100_000  # blank lines in a row: a packed file of nothing has no end that one would wait for


def numbered_lines(path: Path, shown: str) -> Iterator[tuple[int, bytes]]:
    """The 1-based number and the bytes of each line that is not blank; a name in .gz is unpacked.

    DataError with file, line and remedy: no regular file, a damaged gzip, a line that is too long, too many blank ones.
    """
    line = blank = 0
    with unpacked(path, shown, lambda: f", line {line + 1}") as stream:
        while raw := stream.readline(MOST_IN_A_LINE + 1):
            line += 1
            blank = 0 if raw.strip() else blank + 1
            if len(raw) > MOST_IN_A_LINE:
                most = f"{MOST_IN_A_LINE // 2**20} MB"
                raise DataError(f"{shown}, line {line}: is longer than {most}; write one JSON object a line")
            if blank > MOST_BLANK:
                raise DataError(f"{shown}, line {line}: ends {MOST_BLANK:,} blank lines in a row; remove them")
            if not blank:
                yield line, raw


@contextmanager
def unpacked(path: Path, shown: str, place: Callable[[], str] = str) -> Iterator[IO[bytes]]:
    """The bytes of a regular file, unpacked where its name ends in .gz; what is wrong with it is a DataError.

    place: where in the file one is, as messages say it.
    """
    packed = path.suffix.lower() == ".gz"
    try:
        with open_regular(path) as file, gzip.open(file) if packed else file as stream:
            yield stream  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        remedy = f"fetch the file again, or name it {Path(path.stem).suffix} if it is not compressed"
        raise DataError(f"{shown}{place()}: the gzip is cut short or damaged ({fault}); {remedy}") from fault
    except FileNotFoundError:
        raise DataError(f"{shown}: there is no such file; put it there, or correct the path") from None
    except OSError as fault:
        raise DataError(f"{shown}: {why_unreadable(fault)}; it must be a readable file") from fault
