"""Tables of rows that people bring, as .parquet, .csv, .json or .jsonl: the columns that are asked for, row by row.

Knows containers only, not what a column means; a value is as its container has it, an empty cell of a .csv None. What
a file may hold is bounded, and every mistake is one sentence with the file and the row.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rmkit.errors import DataError, cut, not_one_of
from rmkit.files.lines import numbered_lines, unpacked
from rmkit.files.regular import MOST_BYTES, json_value, open_regular, why_unreadable

MOST_ROWS = 1_000_000
UNPACKED = 8 * MOST_BYTES  # what a Parquet file may hold
NAMED = 50  # columns that are kept for a message


@dataclass(frozen=True)
class Rows:
    """The columns that were asked for and are there, and the number by which a message names each row."""

    shown: str  # the file, as messages name it
    columns: Mapping[str, Sequence[Any]]
    all_columns: tuple[str, ...]  # the first of them, those too that were not asked for
    numbers: Sequence[int]
    word: str = "row"  # what the numbers count

    def where(self, at: int) -> str:
        """`a.csv, row 3`, of the row at a place from 0."""
        return f"{self.shown}, {self.word} {self.numbers[at]}"

    def first_of(self, names: Sequence[str]) -> str | None:
        """The first of these columns that is there."""
        return next((name for name in names if name in self.columns), None)


def read_rows(path: Path, wanted: Collection[str]) -> Rows:
    """The wanted columns of a file, by its ending (.csv, .json and .jsonl also .gz); DataError for what is none."""
    shown = cut(str(path))
    ending = Path(path.name.removesuffix(".gz")).suffix
    readers = {".parquet": _parquet, ".csv": _csv, ".json": _json, ".jsonl": _jsonl}
    if ending not in readers or path.name.endswith(".parquet.gz"):
        endings = [*readers, ".csv.gz", ".json.gz", ".jsonl.gz"]
        raise DataError(f"{shown}: its ending {not_one_of(path.suffix, endings)}")
    try:
        found = readers[ending](path, shown, set(wanted))
    except FileNotFoundError:
        raise DataError(f"{shown}: there is no such file; put it there, or correct the path") from None
    except OSError as fault:
        raise DataError(f"{shown}: {why_unreadable(fault)}; it must be a readable file") from None
    _require_bounded(len(found.numbers), shown)
    return found


def _require_bounded(n_rows: int, shown: str) -> None:
    if n_rows > MOST_ROWS:
        raise DataError(f"{shown}: holds more than {MOST_ROWS:,} rows")


def _text(path: Path, shown: str) -> str:
    with unpacked(path, shown) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        remedy = "leave out the texts, or write .jsonl or .parquet"
        raise DataError(f"{shown}: holds more than {MOST_BYTES // 2**20} MB; {remedy}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise DataError(f"{shown}: is not UTF-8 (byte {fault.start + 1}); save the file as UTF-8") from None


def _csv(path: Path, shown: str, wanted: set[str]) -> Rows:
    text = _text(path, shown)
    before = csv.field_size_limit(MOST_BYTES)
    header: list[str] = []
    columns: dict[str, list[str | None]] = {}
    number = 0
    try:
        for cells in csv.reader(io.StringIO(text, newline="")):
            if not cells:
                continue
            if not header:
                header = cells
                _require_once(header, wanted, shown)
                columns = {name: [] for name in header if name in wanted}
                continue
            number += 1
            if len(cells) != len(header):
                found = f"has {len(cells)} cells, and the header {len(header)}"
                raise DataError(f"{shown}, row {number}: {found}; quote cells that hold commas or line breaks")
            for name, cell in zip(header, cells, strict=True):
                if name in columns:
                    columns[name].append(cell or None)
    except csv.Error as fault:
        raise DataError(f"{shown}, row {number + 1}: is not CSV ({fault})") from None
    finally:
        csv.field_size_limit(before)
    return Rows(shown, columns, tuple(header[:NAMED]), range(1, number + 1))


def _require_once(names: Sequence[str], wanted: set[str], shown: str) -> None:
    for name in wanted & set(names):
        if names.count(name) > 1:
            raise DataError(f"{shown}: the column {name} is there twice; keep one")


def _json(path: Path, shown: str, wanted: set[str]) -> Rows:
    try:
        value = json_value(_text(path, shown))
    except ValueError as fault:
        raise DataError(f"{shown}: is not JSON ({fault})") from None
    if isinstance(value, list):
        return _of_objects(enumerate(value, 1), wanted, shown, "row")
    if not isinstance(value, dict):
        raise DataError(f"{shown}: is a JSON {type(value).__name__}; it must be a list of rows, or lists by column")
    # RewardBench stores names and types beside the columns, one value each; pandas stores a column by its row labels
    columns = {name: list(one.values()) if isinstance(one, dict) else one for name, one in value.items()}
    columns = {name: one for name, one in columns.items() if isinstance(one, list)}
    known = {name: one for name, one in columns.items() if name in wanted}
    for name, one in known.items():
        if len(one) != len(next(iter(known.values()))):
            first = next(iter(known))
            raise DataError(f"{shown}: column {name} has {len(one)} rows, and {first} has {len(known[first])}")
    n_rows = len(next(iter(known.values()))) if known else 0
    return Rows(shown, known, tuple(value)[:NAMED], range(1, n_rows + 1))


def _jsonl(path: Path, shown: str, wanted: set[str]) -> Rows:
    def objects() -> Iterator[tuple[int, Any]]:
        for line, raw in numbered_lines(path, shown):
            try:
                yield line, json_value(raw.decode("utf-8-sig" if line == 1 else "utf-8"))
            except ValueError as fault:  # a UnicodeDecodeError is one
                said = "is not UTF-8" if isinstance(fault, UnicodeDecodeError) else f"is not JSON ({fault})"
                raise DataError(f"{shown}, line {line}: {said}; each line must be one object") from None

    return _of_objects(objects(), wanted, shown, "line")


def _of_objects(objects: Iterator[tuple[int, Any]] | enumerate[Any], wanted: set[str], shown: str, word: str) -> Rows:
    kept: list[dict[str, Any]] = []
    numbers: list[int] = []
    names: dict[str, None] = {}
    for number, one in objects:
        if not isinstance(one, dict):
            raise DataError(f"{shown}, {word} {number}: is a JSON {type(one).__name__}; it must be an object")
        names.update(dict.fromkeys(islice(one, max(0, NAMED - len(names)))))
        kept.append({name: value for name, value in one.items() if name in wanted})
        numbers.append(number)
        _require_bounded(len(kept), shown)
    there = dict.fromkeys(name for row in kept for name in row)
    return Rows(shown, {name: [row.get(name) for row in kept] for name in there}, tuple(names), numbers, word)


def _parquet(path: Path, shown: str, wanted: set[str]) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_regular(path) as file:
        try:
            parquet = pq.ParquetFile(file)
            about, names = parquet.metadata, list(parquet.schema_arrow.names)
            _require_once(names, wanted, shown)
            here = [name for name in names if name in wanted]
            size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
            _require_bounded(about.num_rows, shown)
            if size > UNPACKED:
                raise DataError(f"{shown}: holds more than {UNPACKED // 2**20} MB; leave out the texts")
            table = parquet.read(columns=here, use_threads=False)
            columns = {name: table.column(name).to_pylist() for name in here}
        except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, KeyError) as fault:
            said = " ".join(str(fault).split())
            raise DataError(f"{shown}: is not a sound Parquet file ({cut(said)}); write it again") from None
    return Rows(shown, columns, tuple(names[:NAMED]), range(1, (table.num_rows if here else 0) + 1))
