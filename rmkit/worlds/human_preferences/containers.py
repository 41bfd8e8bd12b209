"""The rows of a file of preferences, whatever it is kept in: JSON lines, JSON, CSV, Parquet, or a folder of `datasets`.

Knows containers; not what a row says. A file is read in pieces, and of one that must be read whole no more than
rmkit.files.regular.MOST_BYTES. What is wrong is a DataError with file, row and remedy. Reading needs the standard
library alone, but for Parquet and folders, which need pyarrow.
"""

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from rmkit.errors import DataError, cut, quoted
from rmkit.files.lines import MOST_IN_A_LINE, numbered_lines, unpacked
from rmkit.files.regular import MOST_BYTES, json_value, open_regular, read_json, why_unreadable

Row = Mapping[str, Any]
Numbered = Iterator[tuple[int, str, Row]]  # the row's number, where it stands as messages say it, and the row

AT_ONCE = 64  # rows of Parquet or Arrow that become Python's at once
BOM = b"\xef\xbb\xbf"
AN_OBJECT = '{"chosen": …, "rejected": …}'
SPLITS, STATE = "dataset_dict.json", "state.json"  # what `datasets` writes into a folder


def numbered_rows(path: Path, shown: str, texts: Collection[str]) -> Numbered:
    """Every row of a file or folder, in its order, or DataError.

    texts: the columns that hold texts or messages; in CSV, messages are JSON. Rows of Parquet and folders have only
    these, other columns are there with None.
    """
    if path.is_dir():
        return _folder(path, shown, texts)
    name = path.name.lower().removesuffix(".gz")
    read = next((read for suffix, read in READERS.items() if name.endswith(suffix)), None)
    if read is None or (read is _parquet and path.name.lower().endswith(".gz")):
        known = f"{', '.join(READERS)} (all but .parquet also with .gz)"
        raise DataError(
            f"{shown}: is not named as a file of preferences; use {known}, or a folder written by `datasets`"
        )
    return read(path, shown, texts)


def _json_lines(path: Path, shown: str, texts: Collection[str]) -> Numbered:
    for line, raw in numbered_lines(path, shown):
        where = f"{shown}, line {line}"
        yield line, where, _object(_value(raw.removeprefix(BOM) if line == 1 else raw, where), where)


def _json(path: Path, shown: str, texts: Collection[str]) -> Numbered:
    """A list of objects, alone or as the one value of an object; or an object of columns."""
    with unpacked(path, shown) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DataError(
            f"{shown}: holds more than {MOST_BYTES // 2**20} MB; write JSON lines, which are read in pieces"
        )
    value = _value(content.removeprefix(BOM), shown)
    if isinstance(value, dict) and len(value) == 1:
        (held,) = value.values()
        value = held if isinstance(held, list) and all(isinstance(row, dict) for row in held) else value
    if isinstance(value, dict):
        if not all(isinstance(column, list) for column in value.values()):
            raise DataError(f"{shown}: is a JSON object; a .json file must be a list of objects {AN_OBJECT}")
        if len({len(column) for column in value.values()}) > 1:
            lengths = ", ".join(f"{cut(name)} {len(column)}" for name, column in list(value.items())[:6])
            raise DataError(f"{shown}: its columns differ in length ({lengths})")
        value = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    if not isinstance(value, list):
        raise DataError(
            f"{shown}: is a JSON {type(value).__name__}; a .json file must be a list of objects {AN_OBJECT}"
        )
    for number, row in enumerate(value, 1):
        where = f"{shown}, row {number}"
        yield number, where, _object(row, where)


def _csv(path: Path, shown: str, texts: Collection[str], delimiter: str = ",") -> Numbered:
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
                    continue
                number += 1
                where = f"{shown}, row {number}"
                if len(cells) != len(names):
                    raise DataError(f"{where}: has {len(cells)} cells, and the first line names {len(names)} columns")
                row = dict(zip(names, cells, strict=True))
                yield number, where, {name: _cell(value) if name in texts else value for name, value in row.items()}
        except csv.Error as fault:
            raise DataError(f"{shown}, row {number + 1}: is not CSV ({quoted(fault)})") from None
        except UnicodeDecodeError:
            raise DataError(f"{shown}, row {number + 1} or soon after: is not UTF-8; save the file as UTF-8") from None


def _tsv(path: Path, shown: str, texts: Collection[str]) -> Numbered:
    return _csv(path, shown, texts, "\t")


def _bounded(text: io.TextIOWrapper, shown: str) -> Iterator[str]:
    while line := text.readline(MOST_IN_A_LINE + 1):
        if len(line) > MOST_IN_A_LINE:
            raise DataError(f"{shown}: a line is longer than {MOST_IN_A_LINE // 2**20} million characters")
        yield line


def _cell(text: str) -> Any:
    """Messages where a cell is their JSON, else the text as it stands."""
    if text.lstrip()[:1] != "[":
        return text
    try:
        value = json_value(text)
    except ValueError:
        return text
    return value if value and all(isinstance(message, dict) for message in value) else text


def _parquet(path: Path, shown: str, texts: Collection[str]) -> Numbered:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with open_regular(path) as file, ParquetFile(file) as table:
            names = table.schema_arrow.names
            wanted = [name for name in names if name in texts]
            batches = table.iter_batches(batch_size=AT_ONCE, columns=wanted)
            yield from _of_batches(batches, names, wanted, shown, 0)
    except OSError as fault:
        raise DataError(f"{shown}: {_why(fault)}") from None
    except (pyarrow.ArrowException, ValueError) as fault:  # a ValueError: a column whose name is no text
        raise DataError(f"{shown}: cannot be read as Parquet ({quoted(fault)}); write it anew") from None


def _folder(path: Path, shown: str, texts: Collection[str]) -> Numbered:
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
                wanted = [column for column in names if column in texts]
                for batch in stream:
                    parts = (batch.select(wanted).slice(at, AT_ONCE) for at in range(0, batch.num_rows, AT_ONCE))
                    yield from _of_batches(parts, names, wanted, shown, number)
                    number += batch.num_rows
    except FileNotFoundError as fault:
        missing = Path(str(fault.filename or STATE)).name
        raise DataError(
            f"{shown}: is a folder without {missing}; a folder of preferences is one that `Dataset.save_to_disk` wrote"
        ) from None
    except OSError as fault:
        raise DataError(f"{shown}: {_why(fault)}") from None
    except (pyarrow.ArrowException, ValueError, KeyError, TypeError) as fault:
        raise DataError(f"{shown}: is not what `datasets` wrote ({quoted(fault)})") from None


def _of_batches(batches: Any, names: list[str], wanted: list[str], shown: str, before: int) -> Numbered:
    others = dict.fromkeys(name for name in names if name not in wanted)
    number = before
    for batch in batches:
        batch.validate(full=True)  # a damaged one may hold texts of negative length, or none at all
        for row in batch.to_pylist() if wanted else [{}] * batch.num_rows:
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
        remedy = f"each line must be one object {AN_OBJECT}"
        remedy = remedy if ", line " in where else f"it must be a list of objects {AN_OBJECT}"
        raise DataError(f"{where}: is not JSON ({fault_text}); {remedy}") from fault


def _object(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise DataError(f"{where}: is a JSON {type(value).__name__}; it must be an object {AN_OBJECT}")
    return value


READERS: Mapping[str, Callable[[Path, str, Collection[str]], Numbered]] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}
