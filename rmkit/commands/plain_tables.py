"""Rows of text in columns that fit a terminal, and a table written into a file that somebody named.

Knows texts, widths and endings; nothing of what a table is about.
"""

import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.errors import ParamsError, cut, one_of
from rmkit.study.store.disk import disk_faults

if TYPE_CHECKING:
    import pandas as pd

GAP = "  "


def width_of_window() -> int | None:
    """How many letters fit beside each other; None where nobody's window is written to."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() or os.environ.get("COLUMNS") else None


def total_width(wide: Mapping[str, int]) -> int:
    """The letters of a line whose columns are this wide."""
    return sum(wide.values()) + len(GAP) * (len(wide) - 1)


def aligned(rows: Sequence[Mapping[str, str]], wide: Mapping[str, int], right: Collection[str] = ()) -> Iterator[str]:
    """A line of the columns' names and one for each row; numbers, and the columns `right`, stand at the right."""
    for row in ({name: name for name in wide}, *rows):
        cells = [shortened(row[name], size) for name, size in wide.items()]
        texts = [
            cell.rjust(size) if name in right or is_number(row[name]) else cell.ljust(size)
            for cell, (name, size) in zip(cells, wide.items(), strict=True)
        ]
        yield GAP.join(texts).rstrip()


def shortened(text: str, size: int) -> str:
    """A text of at most this many letters: both its ends are kept, which tell names apart."""
    return text if len(text) <= size else f"{text[: size // 2]}…{text[len(text) - (size - 1) // 2 :]}"


def is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "", 1).isdecimal()


def require_writable(out: Path, *, json: bool = False) -> None:
    """ParamsError unless --out names a table that may be written there: asked before long work, too."""
    where = f"--out {cut(str(out))}"
    one_of(out.suffix, [".csv", ".parquet", *([".json"] if json else [])], f"{where}: its ending")
    with disk_faults(out):
        if not out.parent.is_dir():
            raise ParamsError(f"{where}: there is no folder {cut(str(out.parent))}; make it, or name another")
        if out.exists() and not out.is_file():  # a pipe would wait for who reads it
            raise ParamsError(f"{where}: is not a regular file; name another")


def write_table(rows: "pd.DataFrame", out: Path, *, json: bool = False) -> None:
    """Write a table as --out names it: .csv, .parquet, and .json where `json` says so; ParamsError or StoreError."""
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": lambda path: rows.to_csv(path, index=False),
        ".parquet": lambda path: rows.to_parquet(path, index=False),
        ".json": lambda path: rows.to_json(path, orient="records", indent=1),
    }
    require_writable(out, json=json)
    writer = writers[out.suffix]
    with disk_faults(out):
        whole = Path(os.path.realpath(out))  # a link stays one
        beside = whole.with_name(f".rmkit-results.{os.getpid()}")
        try:  # whole or not at all: a full disk leaves the file that was there
            writer(beside)
            beside.replace(whole)
        finally:
            beside.unlink(missing_ok=True)
