"""Rows that people bring, whatever they are kept in: JSON lines, JSON, CSV, Parquet, or a folder.

A folder is one that `datasets` saved, or holds such files, whose rows are taken together and numbered through.

Knows containers; not what a row says. A file is read in pieces, and of one that must be read whole no more than
rmkit.files.regular.MOST_BYTES. What is wrong is a DataError with file, row and remedy. Reading needs the standard
library alone, but for Parquet and folders of `datasets`, which need pyarrow.
"""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from rmkit.errors import DataError, cut, not_one_of, quoted
from rmkit.files.lines import MOST_IN_A_LINE, numbered_lines, unpacked
from rmkit.files.regular import MOST_BYTES, json_value, open_regular, read_json, require_no_address, why_unreadable

Row = Mapping[str, Any]
Numbered = Iterator[tuple[int, str, Row]]  # the row's number, where it stands as messages say it, and the row

AHEAD = 16  # rows of CSV by which a column is known to hold lists
AT_ONCE = 64  # rows of Parquet or Arrow that become Python's at once
BOM = b"\xef\xbb\xbf"
MOST_ROWS = 1_000_000  # that are held at once, column by column
NAMED = 50  # columns that are kept for a message
SPLITS, STATE = "dataset_dict.json", "state.json"  # what `datasets` writes into a folder
SPLIT_NAMES = ("train", "test", "validation", "valid", "val", "dev", "eval")  # how a file's name begins


def _raise(fault: DataError) -> None:
    raise fault


@dataclass(frozen=True)
class Wanted:
    """What is looked at in a file, and what becomes of a row that cannot be read."""

    columns: Collection[str]
    lists: Collection[str] = ()  # of CSV, those among them that may be columns of JSON lists
    refuse: Callable[[DataError], None] = _raise  # where it returns, the row is left out


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
    """The wanted columns of a file or folder, None where a cell is empty; DataError for more than MOST_ROWS."""
    shown = cut(str(path))
    kept: list[dict[str, Any]] = []
    numbers: list[int] = []
    names: dict[str, None] = {}
    for number, _, row in numbered_rows(path, shown, wanted):
        names.update(dict.fromkeys(islice(row, max(0, NAMED - len(names)))))
        kept.append({name: None if value == "" else value for name, value in row.items() if name in wanted})
        numbers.append(number)
        if len(kept) > MOST_ROWS:
            raise DataError(f"{shown}: holds more than {MOST_ROWS:,} rows")
    there = dict.fromkeys(name for row in kept for name in row)
    word = "line" if _reader(path) is _json_lines else "row"
    return Rows(shown, {name: [row.get(name) for row in kept] for name in there}, tuple(names), numbers, word)


def numbered_rows(
    path: Path,
    shown: str,
    wanted: Collection[str],
    *,
    lists: Collection[str] = (),
    refuse: Callable[[DataError], None] = _raise,
) -> Numbered:
    """Every row of a file or folder, in its order, or DataError.

    wanted: the columns that are looked at. Of CSV, a cell there that is the JSON of messages is these. Rows of Parquet
    and of folders have only these, other columns are there with None. lists: of them, those that may hold lists: of
    CSV, such a column is read as JSON lists if each of its first AHEAD cells that is not empty is one; an answer that
    is such a text by chance stays a text. refuse: called for a row that is none (a line that is no JSON, or no object,
    or has too many cells); where it returns, the row is left out.
    """
    require_no_address(path)
    if path.is_dir():
        return _folder(path, shown, Wanted(wanted, lists, refuse))
    require_known_ending(path, shown)
    read = _reader(path)
    assert read is not None, "its ending is known"
    return read(path, shown, Wanted(wanted, lists, refuse))


def require_known_ending(path: Path, shown: str) -> None:
    """DataError unless a file of this name can be read."""
    if _reader(path) is None:
        endings = [*READERS, *(f"{ending}.gz" for ending in READERS if ending != ".parquet")]
        raise DataError(f"{shown}: its ending {not_one_of(path.suffix, endings)}")


def _reader(path: Path) -> "Reader | None":
    """What reads a file of this name, capitals or not."""
    name = path.name.lower()
    ending = Path(name.removesuffix(".gz")).suffix
    return None if ending == ".parquet" and name.endswith(".gz") else READERS.get(ending)


def _json_lines(path: Path, shown: str, wanted: Wanted) -> Numbered:
    for line, raw in numbered_lines(path, shown):
        where = f"{shown}, line {line}"
        try:
            row = _object(_value(raw.removeprefix(BOM) if line == 1 else raw, where), where)
        except DataError as fault:
            wanted.refuse(fault)
            continue
        yield line, where, row


def _json(path: Path, shown: str, wanted: Wanted) -> Numbered:
    """A list of objects, alone or as the one value of an object; or an object of columns."""
    with unpacked(path, shown) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        most = f"{MOST_BYTES // 2**20} MB"
        raise DataError(f"{shown}: holds more than {most}; write .jsonl or .parquet, which are read in pieces")
    value = _value(content.removeprefix(BOM), shown)
    if isinstance(value, dict) and len(value) == 1:
        (held,) = value.values()
        value = held if isinstance(held, list) and all(isinstance(row, dict) for row in held) else value
    if isinstance(value, dict):
        value = _of_columns(value, wanted.columns, shown)
    if not isinstance(value, list):
        raise DataError(f"{shown}: is a JSON {type(value).__name__}; it must be a list of objects, or lists by column")
    for number, row in enumerate(value, 1):
        where = f"{shown}, row {number}"
        try:
            row = _object(row, where)
        except DataError as fault:
            wanted.refuse(fault)
            continue
        yield number, where, row


def _of_columns(value: dict[str, Any], wanted: Collection[str], shown: str) -> Any:
    """The rows of an object of columns: lists, or as pandas has them objects by row; the value itself if it has none.

    RewardBench stores names and types beside the columns, one value each, which are left out.
    """
    columns = {name: list(one.values()) if isinstance(one, dict) else one for name, one in value.items()}
    columns = {name: one for name, one in columns.items() if isinstance(one, list)}
    known = {name: one for name, one in columns.items() if name in wanted}
    for name, one in known.items():
        if len(one) != len(next(iter(known.values()))):
            first = next(iter(known))
            raise DataError(
                f"{shown}: column {cut(name)} has {len(one)} rows, and {cut(first)} has {len(known[first])}"
            )
    others = dict.fromkeys(name for name in value if name not in known)
    rows = [{**dict(zip(known, row, strict=True)), **others} for row in zip(*known.values(), strict=True)]
    return rows if columns else value


def _require_once(names: Sequence[str], wanted: Collection[str], shown: str) -> None:
    for name in wanted:
        if names.count(name) > 1:
            raise DataError(f"{shown}: the column {name} is there twice; keep one")


def _csv(path: Path, shown: str, wanted: Wanted, delimiter: str = ",") -> Numbered:
    rows = _of_texts(path, shown, wanted, delimiter)
    ahead = list(islice(rows, AHEAD))
    cells = {name: [row[name] for _, _, row in ahead if row.get(name)] for name in wanted.lists}
    lists = {name for name, texts in cells.items() if texts and all(_json_list(text) is not None for text in texts)}
    for number, where, row in chain(ahead, rows):
        read = {name: _cell(value, name in lists) if name in wanted.columns else value for name, value in row.items()}
        yield number, where, read


def _of_texts(path: Path, shown: str, wanted: Wanted, delimiter: str) -> Numbered:
    """The rows of CSV, every cell the text that it is."""
    csv.field_size_limit(MOST_IN_A_LINE)  # the library's own is less than a long dialogue
    number = 0
    with unpacked(path, shown) as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")  # type: ignore[type-var]
        try:
            names: list[str] = []
            for cells in csv.reader(_bounded(text, shown), delimiter=delimiter, strict=True):
                if not cells:
                    continue
                if not names:
                    names = cells
                    _require_once(names, wanted.columns, shown)
                    continue
                number += 1
                where = f"{shown}, row {number}"
                if len(cells) != len(names):
                    found = f"has {len(cells)} cells, and the header {len(names)}"
                    wanted.refuse(DataError(f"{where}: {found}; quote cells that hold commas or line breaks"))
                    continue
                yield number, where, dict(zip(names, cells, strict=True))
        except csv.Error as fault:
            raise DataError(f"{shown}, row {number + 1}: is not CSV ({quoted(fault)})") from None
        except UnicodeDecodeError:
            raise DataError(f"{shown}, row {number + 1} or soon after: is not UTF-8; save the file as UTF-8") from None


def _tsv(path: Path, shown: str, wanted: Wanted) -> Numbered:
    return _csv(path, shown, wanted, "\t")


def _bounded(text: io.TextIOWrapper, shown: str) -> Iterator[str]:
    while line := text.readline(MOST_IN_A_LINE + 1):
        if len(line) > MOST_IN_A_LINE:
            raise DataError(f"{shown}: a line is longer than {MOST_IN_A_LINE // 2**20} million characters")
        yield line


def _cell(text: str, is_list: bool) -> Any:
    """The list of a cell in a column of lists, messages where any other cell is their JSON, else the text as it is."""
    value = _json_list(text)
    if is_list and value is not None:
        return value
    return value if value and all(isinstance(message, dict) for message in value) else text


def _json_list(text: str) -> list[Any] | None:
    if text.lstrip()[:1] != "[":
        return None
    try:
        value = json_value(text)
    except ValueError:
        return None
    return value if isinstance(value, list) else None


def _parquet(path: Path, shown: str, wanted: Wanted) -> Numbered:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with open_regular(path) as file, ParquetFile(file) as table:
            names = table.schema_arrow.names
            _require_once(names, wanted.columns, shown)
            here = [name for name in names if name in wanted.columns]
            yield from _of_batches(table.iter_batches(batch_size=AT_ONCE, columns=here), names, here, shown, 0)
    except OSError as fault:
        raise DataError(f"{shown}: {_why(fault)}") from None
    except (pyarrow.ArrowException, ValueError) as fault:  # a ValueError: a column whose name is no text
        said = cut(" ".join(str(fault).split()))
        raise DataError(f"{shown}: is not a sound Parquet file ({said}); write it again") from None


def _folder(path: Path, shown: str, wanted: Wanted) -> Numbered:
    """What `datasets` wrote, or the rows of all files in a folder, by name, numbered through."""
    if (path / SPLITS).exists() or (path / STATE).exists() or not (names := _files_of(path, shown)):
        yield from _of_datasets(path, shown, wanted)
        return
    number = before = 0
    for name in names:
        read = _reader(path / name)
        assert read is not None, "files without a reader are left out"
        for number, where, row in read(path / name, f"{shown}/{cut(name)}", wanted):
            yield before + number, where, row
        before += number
        number = 0


def _files_of(path: Path, shown: str) -> list[str]:
    """The files of a folder that can be read, sorted; DataError where they are of several splits."""
    try:
        names = sorted(one.name for one in path.iterdir() if _reader(one) and one.is_file())
    except OSError as fault:
        raise DataError(f"{shown}: {_why(fault)}") from None
    names = [name for name in names if not name.startswith((".", "dataset_info"))]
    splits = {split for name in names if (split := re.split(r"[-_.]", name.lower())[0]) in SPLIT_NAMES}
    if len(splits) > 1:
        raise DataError(f"{shown}: has the splits {', '.join(sorted(splits))}; name a file, or put one split's apart")
    return names


def _of_datasets(path: Path, shown: str, wanted: Wanted) -> Numbered:
    """What `Dataset.save_to_disk` wrote, or `DatasetDict.save_to_disk` of one split."""
    import pyarrow

    try:
        if (path / SPLITS).is_file():
            splits = [str(split) for split in read_json(path / SPLITS)["splits"]]
            if len(splits) != 1 or Path(splits[0]).name != splits[0]:
                raise DataError(
                    f"{shown}: has the splits {cut(', '.join(splits))}; name the folder of one, as {shown}/train"
                )
            path, shown = path / splits[0], f"{shown}/{splits[0]}"
        files = [str(file["filename"]) for file in read_json(path / STATE)["_data_files"]]
        number = 0
        for name in files:
            if Path(name).name != name:
                raise ValueError(f"{name!r} is no file of it")
            with open_regular(path / name) as file, pyarrow.ipc.open_stream(file) as stream:
                names = stream.schema.names
                here = [column for column in names if column in wanted.columns]
                for batch in stream:
                    parts = (batch.select(here).slice(at, AT_ONCE) for at in range(0, batch.num_rows, AT_ONCE))
                    yield from _of_batches(parts, names, here, shown, number)
                    number += batch.num_rows
    except FileNotFoundError as fault:
        missing = Path(str(fault.filename or STATE)).name
        there = f"{shown}/data" if (path / "data").is_dir() else "a folder of files or one that `datasets` saved"
        raise DataError(f"{shown}: is a folder without {missing} and without files of rows; name {there}") from None
    except OSError as fault:
        raise DataError(f"{shown}: {_why(fault)}") from None
    except (pyarrow.ArrowException, ValueError, KeyError, TypeError) as fault:
        raise DataError(f"{shown}: is not what `datasets` wrote ({quoted(fault)})") from None


def _of_batches(batches: Any, names: list[str], here: list[str], shown: str, before: int) -> Numbered:
    others = dict.fromkeys(name for name in names if name not in here)
    number = before
    for batch in batches:
        batch.validate(full=True)  # a damaged one may hold texts of negative length, or none at all
        for row in batch.to_pylist() if here else [{}] * batch.num_rows:
            number += 1
            yield number, f"{shown}, row {number}", {**row, **others}


def _why(fault: OSError) -> str:
    if isinstance(fault, FileNotFoundError):
        return "there is no such file; put it there, or correct the path"
    return f"{cut(why_unreadable(fault))}; it must be a readable file"


def _value(raw: bytes, where: str) -> Any:
    """The JSON value of some bytes, or DataError."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        remedy = "a gzip is named .jsonl.gz" if raw.startswith(b"\x1f\x8b") else "save the file as UTF-8"
        raise DataError(f"{where}: is not UTF-8 (byte {fault.start + 1}); {remedy}") from fault
    try:
        return json_value(text)
    except ValueError as fault:
        fault_text = str(fault).partition(": line")[0]
        remedy = "each line must be one object" if ", line " in where else "it must be a list of objects"
        raise DataError(f"{where}: is not JSON ({fault_text}); {remedy}") from fault


def _object(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise DataError(f"{where}: is a JSON {type(value).__name__}; it must be an object")
    return value


Reader = Callable[[Path, str, Wanted], Numbered]
READERS: Mapping[str, Reader] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}
