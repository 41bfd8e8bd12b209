"""A study's data as one folder that `datasets.load_dataset` and the hub read without code, its policies beside them.

    README.md                         the dataset card: its front matter names what there is (`configs`)
    export.json                       what the folder is made of, for `rmkit export`, which may replace it
    data/<bank>/                      bank.json, prompts/, responses/, labels/; worlds/exported_study.py reads it
    data/demonstrations/<world>/      what policies were fine-tuned on
    policies/<policy>/                a model, with its card; where LoRA made it also adapter/
    policies/<base model>/            what an adapter is for, where a world made that too

Tables go from file to file a block of rows at a time, embeddings from a memory-mapped file. Knows stored artifacts as
folders; nothing of the jobs that made them, nor of the store.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmkit.artifacts import bank as banks
from rmkit.errors import DataError, cut
from rmkit.files.regular import read_json
from rmkit.worlds.exported_study import ABOUT, DATA, EMBEDDING, FORMAT, MARK, MOST_TOLD, SCORE, TABLES, mark, parquet

if TYPE_CHECKING:
    import pyarrow as pa

WRITTEN_BY = "rmkit export"
PARTS = {"bank": "train", "test_bank": "test"}  # artifact -> split
SHARD_BYTES, GROUP_BYTES = 256 * 2**20, 4 * 2**20  # of a file, and of a row group of it: what is in memory at once
ROW_BYTES = 1_000  # of texts and numbers beside an embedding, about
ADAPTER = "adapter"  # of a fine-tuned model's folder
BASE_KEY = "base_model_name_or_path"  # of adapter_config.json


@dataclass(frozen=True)
class Made:
    """What every exported artifact says of the job that made it."""

    name: str  # in file names and configurations
    stage: str
    key: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Labels:
    """Comparisons of one job, and the parameters that tell it from the others of its bank."""

    made: Made
    folder: Path
    apart: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bank:
    """A stored bank, its test bank if there is one, and the comparisons of its responses."""

    made: Made
    parts: Mapping[str, Path]  # train, test -> folder
    labels: Sequence[Labels] = ()


@dataclass(frozen=True)
class Demonstrations:
    """A stored table of prompts and completions."""

    made: Made
    folder: Path


@dataclass(frozen=True)
class Policy:
    """A stored fine-tuned model, and the model that it was made of, where a world made that."""

    made: Made
    folder: Path
    base: Path | None = None


@dataclass(frozen=True)
class Study:
    """What is exported, and of which study."""

    name: str
    arguments: str  # how a command line names it
    title: str
    question: str
    version: str  # of rmkit
    packages: Mapping[str, str]  # their versions
    banks: Sequence[Bank] = ()
    demonstrations: Sequence[Demonstrations] = ()
    policies: Sequence[Policy] = ()


@dataclass(frozen=True)
class Configuration:
    """One table of the dataset: its name, and by split its files and rows."""

    name: str
    files: Mapping[str, str]  # split -> pattern from the folder on
    rows: Mapping[str, int]
    columns: Sequence[str]


def write_study(study: Study, folder: Path) -> list[Configuration]:
    """Write everything but the cards and export.json into a new folder; what tables there are.

    DataError for a bank of another format, or with a column of a name that is needed here.
    """
    found: list[Configuration] = []
    for bank in study.banks:
        found += _write_bank(bank, folder, f"{bank.made.name}-" if len(study.banks) > 1 else "")
    for each in study.demonstrations:
        place = f"{DATA}/demonstrations/{each.made.name}"
        written = _write_shards(_table_blocks(each.folder / "table.parquet"), folder / place, "train")
        name = f"demonstrations-{each.made.name}" if len(study.demonstrations) > 1 else "demonstrations"
        found.append(_configuration(name, place, {"train": written}))
    for policy in study.policies:
        _write_policy(policy, folder / "policies")
    return found


def _write_bank(bank: Bank, folder: Path, prefix: str) -> list[Configuration]:
    place = f"{DATA}/{bank.made.name}"
    job = bank.made.key
    told, written = {}, {table: {} for table in TABLES}  # type: ignore[var-annotated]
    for name, source in bank.parts.items():
        about = read_json(source / "bank.json", MOST_TOLD)
        if about["format"] != banks.FORMAT:
            raise DataError(f"{source}/bank.json: is of format {about['format']}; this rmkit reads {banks.FORMAT}")
        embedding_rd = np.load(source / "embedding.npy", mmap_mode="r", allow_pickle=False)
        columns = {}
        for table in TABLES:
            with parquet(source / f"{table}.parquet", f"{source}/{table}.parquet") as file:
                columns[table] = list(file.schema_arrow.names)
        prompts = _table_blocks(source / "prompts.parquet")
        written["prompts"][name] = _write_shards(prompts, folder / place / "prompts", name, job=job)
        responses = _response_blocks(source, embedding_rd, columns["responses"], list(about["score_sources"]))
        written["responses"][name] = _write_shards(
            responses, folder / place / "responses", name, embedding_rd.shape[1] * embedding_rd.itemsize, job
        )
        told[name] = {
            "prompts": written["prompts"][name][0],
            "responses": written["responses"][name][0],
            "dimensions": embedding_rd.shape[1],
            "columns": columns,
            "embedding_source": about["embedding_source"],
            "score_sources": about["score_sources"],
        }
    content = {"format": FORMAT, "written_by": WRITTEN_BY, "job": job, "parts": told}
    (folder / place / ABOUT).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if bank.labels:
        written["labels"] = {"train": _write_shards(_label_blocks(bank.labels), folder / place / "labels", "train")}
    return [_configuration(f"{prefix}{table}", f"{place}/{table}", splits) for table, splits in written.items()]


def _configuration(name: str, place: str, written: Mapping[str, tuple[int, list[str]]]) -> Configuration:
    files = {split: f"{place}/{split}-*.parquet" for split in written}
    (*_, (_, columns)) = written.values()
    return Configuration(name, files, {split: rows for split, (rows, _) in written.items()}, columns)


def _table_blocks(path: Path) -> "Iterator[pa.Table]":
    """The rows of a Parquet file, block by block, each with the whole schema; at least one block."""
    import pyarrow as pa

    with parquet(path, str(path)) as file:
        empty = file.schema_arrow.empty_table()
        yield empty
        for batch in file.iter_batches(batch_size=GROUP_BYTES // ROW_BYTES):
            yield pa.Table.from_batches([batch], empty.schema)


def _response_blocks(
    source: Path, embedding_rd: np.ndarray, columns: Sequence[str], scores: Sequence[str]
) -> "Iterator[pa.Table]":
    """The responses of a bank with their scores and embeddings, block by block."""
    import pyarrow as pa
    from safetensors.numpy import load_file

    added = [*(f"{SCORE}{name}" for name in scores), EMBEDDING]
    if taken := [name for name in added if name in columns]:
        raise DataError(f"{source}: its responses have a column {cut(taken[0])}, which an export adds; rename it")
    score_r = load_file(source / "scores.safetensors") if scores else {}
    n_dimensions, start = embedding_rd.shape[1], 0
    at_once = max(1, GROUP_BYTES // (ROW_BYTES + n_dimensions * embedding_rd.itemsize))
    for whole in _table_blocks(source / "responses.parquet"):
        pieces = [whole.slice(at, at_once) for at in range(0, max(1, len(whole)), at_once)]
        for piece in pieces:
            rows = slice(start, start + len(piece))
            block = piece
            for name in scores:
                block = block.append_column(f"{SCORE}{name}", pa.array(score_r[name][rows], pa.float32()))
            value_v = pa.array(np.ascontiguousarray(embedding_rd[rows]).reshape(-1), pa.float16())
            block = block.append_column(EMBEDDING, pa.FixedSizeListArray.from_arrays(value_v, n_dimensions))
            yield block
            start += len(piece)


def _label_blocks(labels: Sequence[Labels]) -> "Iterator[pa.Table]":
    """The comparisons of several jobs one after another, with what tells the jobs apart as columns."""
    import pyarrow as pa

    schemas = []
    for each in labels:
        path = each.folder / "comparisons.parquet"
        with parquet(path, str(path)) as file:
            schemas.append(_labelled(file.schema_arrow.empty_table(), each.apart).schema.remove_metadata())
    schema = pa.unify_schemas(schemas)
    for each in labels:
        for block in _table_blocks(each.folder / "comparisons.parquet"):
            told = _labelled(block, each.apart)
            missing = [name for name in schema.names if name not in told.column_names]
            for name in missing:
                told = told.append_column(name, pa.nulls(len(told), schema.field(name).type))
            yield told.select(schema.names).cast(schema)


def _labelled(block: "pa.Table", apart: Mapping[str, Any]) -> "pa.Table":
    import pyarrow as pa

    for name, value in apart.items():
        named = f"param_{name}" if name in block.column_names else name
        plain = value if isinstance(value, bool | int | float | str) else json.dumps(value)
        block = block.append_column(named, pa.array([plain] * len(block), pa.scalar(plain).type))
    return block


def _write_shards(
    blocks: "Iterator[pa.Table]", folder: Path, split: str, row_bytes: int = 0, job: str = ""
) -> tuple[int, list[str]]:
    """Write blocks into files of about SHARD_BYTES, named as the hub names them; how many rows, and the columns.

    job: that made the bank, as each file of it says.
    """
    from pyarrow.parquet import ParquetWriter

    folder.mkdir(parents=True, exist_ok=True)
    rows_a_shard = max(1, SHARD_BYTES // (ROW_BYTES + row_bytes))
    parts: list[Path] = []
    writer, held, n_rows, columns = None, 0, 0, []
    try:
        for block in blocks:
            if writer is None or (held and held + len(block) > rows_a_shard):
                if writer is not None:
                    writer.close()
                parts.append(folder / f"{split}-{len(parts):05}.part")
                columns = block.column_names
                metadata = {**(block.schema.metadata or {}), MARK: mark(folder.name, split, len(parts) - 1, job)}
                schema = block.schema.with_metadata(metadata)
                repeating = [name for name in columns if name != EMBEDDING]  # a dictionary of numbers is large and slow
                writer, held = ParquetWriter(parts[-1], schema, use_dictionary=repeating), 0
            if len(block):
                writer.write_table(block.cast(schema), row_group_size=len(block))
            held, n_rows = held + len(block), n_rows + len(block)
    finally:
        if writer is not None:
            writer.close()
    for number, part in enumerate(parts):
        part.rename(folder / f"{split}-{number:05}-of-{len(parts):05}.parquet")
    return n_rows, columns


def _write_policy(policy: Policy, folder: Path) -> None:
    """Copy a model, and what it was made of if its adapter needs that; an adapter names its base as the card does."""
    place = folder / policy.made.name
    shutil.copytree(policy.folder, place, copy_function=shutil.copyfile)  # a link into the store would let edits in
    config = place / ADAPTER / "adapter_config.json"
    if not config.is_file():
        return
    told = read_json(config, MOST_TOLD)
    told[BASE_KEY] = base_name(policy)
    config.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if policy.base and not (target := folder / policy.base.name).exists():
        shutil.copytree(policy.base, target, copy_function=shutil.copyfile)


def base_name(policy: Policy) -> str:
    """The base model as parameters name it; of a folder of this machine the last name alone."""
    return without_place(str(policy.made.parameters["base_model"]))


def without_place(value: Any) -> Any:
    """A parameter's value for others: of an absolute path the last name alone, since it says who worked where."""
    if isinstance(value, list):
        return [without_place(each) for each in value]
    return Path(value).name if isinstance(value, str) and value.startswith(("/", "~")) else value
