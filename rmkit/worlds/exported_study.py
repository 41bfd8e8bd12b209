"""A bank that `rmkit export` published, read back as it was: the same tables, embeddings, scores and sources.

    bank.json                                  the format, and of each part its counts, columns and sources
    prompts/train-00000-of-00001.parquet       a row for each prompt
    responses/train-00000-of-00003.parquet     a row for each response: its columns, then score_<name>, then embedding
    labels/train-00000-of-00001.parquet        comparisons; not read here

Likewise for `test`. The folder is a bank's own, or an export with one bank. Embeddings may be larger than memory: they
go to a file row group by row group. Knows the layout, which export/study_dataset.py writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rmkit.errors import DataError, cut, listed, quoted
from rmkit.files.regular import open_regular, read_json, why_unreadable
from rmkit.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from rmkit.artifacts.bank import ResponseBank

FORMAT = 1
ABOUT, ROOT, DATA = "bank.json", "export.json", "data"  # of a bank; of a whole export, and where its banks are
EMBEDDING, SCORE = "embedding", "score_"  # columns of responses that are not of their table
TABLES = ("prompts", "responses")
PARTS = ("train", "test")
MARK = b"rmkit"  # in a shard's metadata: which table, part and shard it is
INTEGERS = ("prompt_id", "characters", "words")  # columns of whole numbers, none below 0 but of prompt_id
TEXTS = ("prompt", "response", "answer")
MOST_TOLD = 2**22  # bytes of a bank.json


@dataclass(frozen=True)
class ExportedPart:
    """The training or the test responses of a bank, as its bank.json describes them; nothing is read yet."""

    folder: Path
    shown: str  # as messages give it
    name: str  # train or test
    n_prompts: int
    n_rows: int  # R
    n_dimensions: int
    columns: Mapping[str, Sequence[str]]  # by table: its own columns, in order
    embedding_source: Mapping[str, Any]
    score_sources: Mapping[str, Mapping[str, Any]]
    job: str = ""  # that made the bank, as its shards say too; empty for an export that does not say it
    exported: ClassVar = True

    @property
    def has_lengths(self) -> bool:
        """Whether the bank knows how long its responses are."""
        return not {"characters", "answer", "response"}.isdisjoint(self.columns["responses"])

    @property
    def n_responses(self) -> int:
        """To each prompt; DataError unless all have as many, as far as counts tell."""
        each, rest = divmod(self.n_rows, self.n_prompts)
        if rest or each < 2:
            held = f"{self.n_rows:,} responses to {self.n_prompts:,} {self.name} prompts"
            raise DataError(f"{self.shown}: holds {held}; each prompt needs the same number of responses, 2 at least")
        return each

    def __str__(self) -> str:
        kept = f"{self.n_prompts:,} prompts with {self.n_responses} responses in {self.n_dimensions:,} dimensions"
        return f"{kept}, as exported"

    def bank(self, scratch: str | Path, *, progress: Progress | None = None) -> "ResponseBank":
        """The bank, byte for byte as it was exported, its embedding memory-mapped from the new file `scratch`.

        DataError that names the file that is missing, damaged or of another shape.
        """
        from rmkit.artifacts.bank import ResponseBank

        parts: dict[str, Any] = {
            "scores": {name: self._numbers(f"{SCORE}{name}") for name in self.score_sources},
            **{table: self._table(table) for table in TABLES},
            "embedding_rd": self._embedding(Path(scratch), progress),
        }
        try:
            bank = ResponseBank(embedding_source=self.embedding_source, score_sources=self.score_sources, **parts)
            bank.grid()  # counts alone do not tell that each prompt has as many responses
            return bank
        except DataError as fault:
            raise DataError(f"{self.shown}, {self.name}: {fault}; fetch it again") from None

    def files(self, table: str) -> list[tuple[Path, str]]:
        """The shards of a table in order and how messages give them, or DataError if one is missing."""
        found = sorted((self.folder / table).glob(f"{self.name}-*-of-*.parquet"))
        numbers = [path.stem.removeprefix(f"{self.name}-").partition("-of-") for path in found]
        wanted = [f"{number:05}" for number in range(len(found))]
        if (
            not found
            or [first for first, _, _ in numbers] != wanted
            or {last for *_, last in numbers} != {f"{len(found):05}"}
        ):
            has = listed([path.name for path in found]) or "none"
            raise DataError(f"{self.shown}/{table}: the files of {self.name} are not whole ({has}); fetch them again")
        return [(path, f"{self.shown}/{table}/{path.name}") for path in found]

    def check(self) -> None:
        """DataError unless the shards are there and hold as many rows, and the columns, that bank.json says."""
        import pyarrow as pa

        for table, n_rows in (("prompts", self.n_prompts), ("responses", self.n_rows)):
            held = 0
            wanted = dict.fromkeys(self.columns[table])
            if table == "responses":
                wanted |= dict.fromkeys([*(f"{SCORE}{name}" for name in self.score_sources), EMBEDDING])
            for path, shown in self.files(table):
                with parquet(path, shown) as file:
                    held += file.metadata.num_rows
                    if list(file.schema_arrow.names) != list(wanted):
                        names = listed(file.schema_arrow.names)
                        raise DataError(f"{shown}: has the columns {names}; bank.json says {listed(list(wanted))}")
                    self._require_marked(file.schema_arrow, table, path, shown)
                    for name in wanted:
                        kind = file.schema_arrow.field(name).type
                        if name == "prompt_id" and pa.types.is_integer(kind) and kind != pa.int64():
                            raise DataError(f"{shown}: prompt_id is {kind}; it must be int64")
                        if name in INTEGERS and not pa.types.is_integer(kind):
                            raise DataError(f"{shown}: {name} is {cut(str(kind))}; it must be whole numbers")
                        if name in TEXTS and not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                            raise DataError(f"{shown}: {name} is {cut(str(kind))}; it must be text")
                        if name.startswith(SCORE) and name not in self.columns[table] and kind != pa.float32():
                            raise DataError(f"{shown}: {name} is {kind}; it must be float")
                        if name == EMBEDDING and table == "responses" and not _holds_halves(kind):
                            raise DataError(f"{shown}: {name} is {cut(str(kind))}; it must be a list of halffloat")
                        each = getattr(kind, "list_size", self.n_dimensions)
                        if name == EMBEDDING and table == "responses" and each != self.n_dimensions:
                            said = f"bank.json says {self.n_dimensions} dimensions"
                            raise DataError(f"{shown}: an {EMBEDDING} has {each} numbers, and {said}; fetch it again")
            if held != n_rows:
                raise DataError(
                    f"{self.shown}/{table}: holds {held:,} rows of {n_rows:,} of {self.name}; fetch it again"
                )

    def _require_marked(self, schema: Any, table: str, path: Path, shown: str) -> None:
        """DataError where a shard says that it is another one: of the other part, say, which may be as long."""
        said = (schema.metadata or {}).get(MARK)
        number = int(path.stem.removeprefix(f"{self.name}-").partition("-of-")[0])
        if said is not None and said != mark(table, self.name, number, self.job):
            raise DataError(f"{shown}: is {quoted(said.decode(errors='replace'))} by what it says; fetch it again")

    def _table(self, table: str) -> "pd.DataFrame":
        import pyarrow as pa
        import pyarrow.compute as pc

        parts: list[Any] = []
        for path, shown in self.files(table):
            with parquet(path, shown) as file:
                part = file.read(columns=list(self.columns[table]))
            for name in (*INTEGERS, *TEXTS):
                if name not in part.column_names:
                    continue
                column = part.column(name)
                if column.null_count:
                    row = pc.index(pc.is_null(column), value=True).as_py()
                    raise DataError(f"{shown}, row {row + 1}: has no {name}; fetch it again")
                if name in INTEGERS[1:] and len(column) and pc.min(column).as_py() < 0:
                    row = pc.index(pc.less(column, 0), value=True).as_py()
                    raise DataError(f"{shown}, row {row + 1}: {name} is {column[row]}; it must be 0 or more")
            if parts and (other := [name for name in part.column_names if _kind(part, name) != _kind(parts[0], name)]):
                kinds = f"{cut(_kind(part, other[0]))}, and {cut(_kind(parts[0], other[0]))} in the file before"
                raise DataError(f"{shown}: {cut(other[0])} is {kinds}; fetch it again")
            parts.append(part)
        try:
            return pa.concat_tables(parts).select(list(self.columns[table])).to_pandas()
        except (pa.ArrowException, ValueError) as fault:  # of a kind that its metadata do not say, or no text in UTF-8
            said = cut(" ".join(str(fault).split()))
            where = f"{self.shown}/{table}: the files of {self.name}"
            raise DataError(
                f"{where} hold a column that is not what they say of it ({said}); fetch them again"
            ) from None

    def _numbers(self, column: str) -> np.ndarray:
        """(R,) float32."""
        parts = []
        for shown, first, block in self._column(column):
            value_r = np.asarray(block.to_numpy(zero_copy_only=False), np.float32)
            if len(bad := np.flatnonzero(~np.isfinite(value_r))):
                raise DataError(f"{shown}, row {first + bad[0] + 1}: {column} is no finite number; fetch it again")
            parts.append(value_r)
        return np.concatenate(parts)

    def _embedding(self, scratch: Path, progress: Progress | None) -> np.ndarray:
        """(R, D) float16, memory-mapped."""
        done = 0
        with scratch.open("wb") as stream:
            header = {"descr": "<f2", "fortran_order": False, "shape": (self.n_rows, self.n_dimensions)}
            np.lib.format.write_array_header_1_0(stream, header)
            offset = stream.tell()
            for shown, first, block in self._column(EMBEDDING):
                length_b = block.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
                if len(other := np.flatnonzero(length_b != self.n_dimensions)):
                    where = f"{shown}, row {first + other[0] + 1}"
                    raise DataError(f"{where}: an {EMBEDDING} has not {self.n_dimensions} numbers; fetch it again")
                value_v = np.asarray(block.flatten().to_numpy(zero_copy_only=False), "<f2")
                if len(bad := np.flatnonzero(~np.isfinite(value_v))):
                    where = f"{shown}, row {first + bad[0] // self.n_dimensions + 1}"
                    raise DataError(f"{where}: an {EMBEDDING} holds a value that is not finite; fetch it again")
                value_v.tofile(stream)
                done += len(block)
                if progress:
                    progress(done, self.n_rows)
        return np.memmap(scratch, np.float16, "r", offset=offset, shape=(self.n_rows, self.n_dimensions))

    def _column(self, column: str) -> Iterator[tuple[str, int, Any]]:
        """A column of the responses, block by block: the file that each is from, its first row there, and the block."""
        for path, shown in self.files("responses"):
            first = 0
            with parquet(path, shown) as file:
                for group in range(file.num_row_groups):  # `iter_batches` would hold more of a list than a group
                    for batch in file.read_row_group(group, columns=[column]).to_batches():
                        yield shown, first, batch.column(0)
                        first += len(batch)


def mark(table: str, part: str, number: int, job: str = "") -> bytes:
    """What a shard's metadata say of it. job: that made the bank; another one's may have as many rows."""
    return f"{table} of {part}, file {number}{f', by {job}' if job else ''}".encode()


def bank_folder(folder: Path, shown: str) -> tuple[Path, str] | None:
    """The folder of an exported bank, given itself or the export that has it alone; None for anything else.

    DataError for an export with several banks, or none.
    """
    if (folder / ABOUT).is_file():
        return folder, shown
    inside = f"{DATA}/" if (folder / ROOT).is_file() else ""
    found = sorted(path.parent.name for path in (folder / inside).glob(f"*/{ABOUT}"))
    if not inside and not found:
        return None
    if len(found) == 1:
        return folder / inside / found[0], f"{shown}/{inside}{found[0]}"
    has = f"holds {len(found)} banks" if found else "holds no bank"
    named = ", ".join(f"{shown}/{inside}{name}" for name in found[:8]) or "another folder"
    raise DataError(f"{shown}: {has}; name one with --set embeddings_folder=FOLDER: {named}")


def read_exported(folder: Path, shown: str) -> dict[str, ExportedPart]:
    """The parts `train` and `test` of an exported bank, from bank.json and the footers of its files, or DataError."""
    place = f"{shown}/{ABOUT}"
    try:
        about = read_json(folder / ABOUT, MOST_TOLD, finite=True)
        if about["format"] != FORMAT:
            raise DataError(f"{place}: is of format {quoted(about['format'])}; this rmkit reads format {FORMAT}")
        job = about.get("job", "")
        if not isinstance(job, str):
            raise TypeError("job")
        told = about["parts"]
        parts = {name: _part(folder, shown, name, told[name], job) for name in PARTS if name in told}
    except OSError as fault:
        raise DataError(f"{place}: {why_unreadable(fault)}; fetch it again") from None
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise DataError(f"{place}: is not what `rmkit export` wrote ({quoted(fault)}); fetch it again") from None
    if len(parts) < len(PARTS) or any("gold" not in part.score_sources for part in parts.values()):
        lacks = next((f"has no {name} responses" for name in PARTS if name not in parts), "has no score named gold")
        use = "use pairs that people judged with 00_human_preferences and 09_human_preferences"
        raise DataError(f"{shown}: {lacks}, which notebooks 03 to 06 need; {use}")
    if len({part.n_dimensions for part in parts.values()}) > 1:
        raise DataError(f"{shown}: train and test have embeddings of different lengths; both must be of one encoder")
    for part in parts.values():
        part.check()
    return parts


def _part(folder: Path, shown: str, name: str, told: Mapping[str, Any], job: str) -> ExportedPart:
    counts = [told[key] for key in ("prompts", "responses", "dimensions")]
    columns = {table: list(told["columns"][table]) for table in TABLES}
    if not all(type(count) is int and count > 0 for count in counts):
        raise ValueError(f"{name}: counts {counts}")
    if not all(isinstance(each, str) for table in columns.values() for each in table):
        raise TypeError(f"{name}: columns")
    if not all("prompt_id" in table for table in columns.values()):
        raise ValueError(f"{name}: columns without prompt_id")
    for score, source in told["score_sources"].items():
        if not isinstance(source, Mapping) or not {"model", "revision", "template"} <= source.keys():
            raise ValueError(f"{name}: the source of {score} is no object of model, revision and template")
    return ExportedPart(
        folder=folder,
        shown=shown,
        name=name,
        n_prompts=counts[0],
        n_rows=counts[1],
        n_dimensions=counts[2],
        columns=columns,
        embedding_source=dict(told["embedding_source"]),
        score_sources=dict(told["score_sources"]),
        job=job,
    )


@contextmanager
def parquet(path: Path, shown: str) -> Iterator[Any]:
    """A Parquet file, open; DataError where it cannot be read, also later on."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        with open_regular(path) as stream, ParquetFile(stream) as file:
            yield file
    except MemoryError:  # one of Arrow's is an ArrowException too
        raise
    except OSError as fault:
        raise DataError(f"{shown}: {cut(why_unreadable(fault))}; fetch it again") from None
    except (pa.ArrowException, ValueError, KeyError) as fault:
        said = cut(" ".join(str(fault).split()))
        raise DataError(f"{shown}: is not a sound Parquet file ({said}); fetch it again") from None


def _kind(table: Any, column: str) -> str:
    return str(table.schema.field(column).type)


def _holds_halves(kind: Any) -> bool:
    import pyarrow as pa

    lists = (pa.types.is_list, pa.types.is_fixed_size_list, pa.types.is_large_list)
    return any(is_list(kind) for is_list in lists) and pa.types.is_float16(kind.value_type)
