"""Responses to prompts, flat: texts, embeddings and named scores, R rows sorted by prompt.

Knows arrays, tables and a folder's format. Knows no preference, no reward model and no world: where the responses come
from is told by `embedding_source` and `score_sources`, which are carried and never read here. Texts may be missing,
where they are somebody else's: what needs their lengths reads columns. The embedding may be larger than memory: it is
memory-mapped, and checked in blocks.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import DataError, quoted

FORMAT = 1
SOURCE_KEYS = ("model", "revision", "template")  # what every score says of its scorer
BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Grid:
    """A bank in which every prompt has K responses, as (P, K) views: nothing is copied."""

    response_pk: np.ndarray  # (P, K) int64 positions into R
    embedding_pkd: np.ndarray  # (P, K, D) float16
    scores_pk: Mapping[str, np.ndarray]  # (P, K) float32 by name


@dataclass(frozen=True, eq=False)
class ResponseBank:
    """P prompts and their R responses; every array's row r is the response in row r of `responses`.

    Checked when made, or DataError with the array and the row. Rows count from 0; the tables' indexes are not kept.
    """

    prompts: pd.DataFrame  # P rows: prompt_id int64 unique ascending, any further columns; `prompt`, if there, is text
    responses: pd.DataFrame  # R rows sorted by prompt_id int64, any further columns; `response`, if there, is text
    embedding_rd: np.ndarray  # (R, D) float16, finite
    embedding_source: Mapping[str, Any]  # how the embedding was made, in JSON's types
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)  # (R,) float32 by name, finite
    score_sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by name: model, revision, template

    def __post_init__(self) -> None:
        check_table(self.prompts, "prompts", "prompt")
        check_table(self.responses, "responses", "response")
        check_prompt_ids(self.prompts["prompt_id"].to_numpy(), self.prompt_id_r)
        check_numbers(self.embedding_rd, "embedding_rd", np.float16, (self.n_responses, None))
        if set(self.scores) != set(self.score_sources):
            named, told = sorted(self.scores), sorted(self.score_sources)
            raise DataError(f"score_sources: tells of {told}, but the scores are {named}; each score needs its source")
        for name, score_r in self.scores.items():
            check_numbers(score_r, f"scores[{name!r}]", np.float32, (self.n_responses,))
            if missing := [key for key in SOURCE_KEYS if key not in self.score_sources[name]]:
                raise DataError(f"score_sources[{name!r}]: lacks {', '.join(missing)}; use None where there is none")
        as_json(self.about, "embedding_source, score_sources")

    @property
    def prompt_id_r(self) -> np.ndarray:
        """(R,) int64: the prompt that each response answers."""
        return self.responses["prompt_id"].to_numpy()

    @property
    def characters_r(self) -> np.ndarray:
        """(R,) int64: the length of each response, from the column `characters`, else from `answer` or `response`.

        DataError if the bank has none of them.
        """
        if "characters" in self.responses:
            return self.responses["characters"].to_numpy()
        for text in ("answer", "response"):  # the answer is the response up to where the next turn begins
            if text in self.responses:
                return self.responses[text].str.len().to_numpy()
        found = ", ".join(map(str, self.responses.columns))
        raise DataError(f"responses: have neither characters nor a text ({found}); lengths need one of them")

    @property
    def n_prompts(self) -> int:
        return len(self.prompts)

    @property
    def n_responses(self) -> int:
        return len(self.responses)

    @property
    def n_dimensions(self) -> int:
        return self.embedding_rd.shape[1]

    @property
    def about(self) -> dict[str, Any]:
        """What bank.json says: the format and the sources."""
        sources = {name: dict(source) for name, source in self.score_sources.items()}
        return {"format": FORMAT, "embedding_source": dict(self.embedding_source), "score_sources": sources}

    def grid(self) -> Grid:
        """(P, K) views of a bank in which every prompt has K responses, or DataError with the counts."""
        prompt_ids = self.prompts["prompt_id"].to_numpy()
        ends, starts = (np.searchsorted(self.prompt_id_r, prompt_ids, side=side) for side in ("right", "left"))
        sizes, prompts = np.unique(ends - starts, return_counts=True)
        if len(sizes) > 1:
            counts = ", ".join(f"{n} prompts have {size}" for size, n in zip(sizes, prompts, strict=True))
            raise DataError(f"responses: a grid needs one number of responses for every prompt, but {counts}")
        shape = (self.n_prompts, int(sizes[0]))
        return Grid(
            response_pk=np.arange(self.n_responses).reshape(shape),
            embedding_pkd=self.embedding_rd.reshape(*shape, self.n_dimensions),
            scores_pk={name: score_r.reshape(shape) for name, score_r in self.scores.items()},
        )

    def save(self, folder: str | Path) -> None:
        """Write the bank into a folder, made if need be; equal banks give equal bytes."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.prompts.to_parquet(folder / "prompts.parquet", index=False)
        self.responses.to_parquet(folder / "responses.parquet", index=False)
        part = folder / "embedding.npy.part"  # renamed, because this bank may be mapped from the file it replaces
        with part.open("wb") as stream:
            np.save(stream, np.ascontiguousarray(self.embedding_rd), allow_pickle=False)
        part.replace(folder / "embedding.npy")
        (folder / "scores.safetensors").unlink(missing_ok=True)
        if self.scores:
            contiguous = {name: np.ascontiguousarray(score_r) for name, score_r in self.scores.items()}
            save_file(contiguous, folder / "scores.safetensors")
        (folder / "bank.json").write_text(as_json(self.about, "bank.json"), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "ResponseBank":
        """The bank of a folder that `save` wrote, its embedding memory-mapped and read-only, or DataError."""
        from safetensors.numpy import load_file

        folder = Path(folder)
        if not (folder / "bank.json").exists():
            raise DataError(f"{folder}: holds no bank.json; a bank is a folder that ResponseBank.save wrote")
        about = json.loads((folder / "bank.json").read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise DataError(f"{folder}/bank.json: is of format {about['format']}; this rmkit reads format {FORMAT}")
        scores = load_file(folder / "scores.safetensors") if about["score_sources"] else {}
        return cls(
            prompts=pd.read_parquet(folder / "prompts.parquet"),
            responses=pd.read_parquet(folder / "responses.parquet"),
            embedding_rd=np.load(folder / "embedding.npy", mmap_mode="r", allow_pickle=False),
            embedding_source=about["embedding_source"],
            scores=scores,
            score_sources=about["score_sources"],
        )


def check_table(table: pd.DataFrame, where: str, text: str) -> None:
    """DataError unless the table has int64 prompt ids and, in its text column if there is one, a text in every row."""
    if "prompt_id" not in table:
        raise DataError(f"{where}: lacks the column prompt_id; it has {', '.join(map(str, table.columns))}")
    if table.empty:
        raise DataError(f"{where}: has no rows; a bank needs at least one prompt with one response")
    if table["prompt_id"].dtype != np.int64:
        raise DataError(f"{where}: prompt_id is {table['prompt_id'].dtype}; make it int64")
    is_text = np.array([isinstance(value, str) for value in table[text]]) if text in table else np.ones(1, bool)
    if not is_text.all():
        row = int(np.argmin(is_text))
        raise DataError(f"{where}, row {row}: {text} is {quoted(table[text].iloc[row])}; it must be text")


def check_prompt_ids(prompt_id_p: np.ndarray, prompt_id_r: np.ndarray) -> None:
    """DataError unless prompts ascend without repeats, responses are sorted by prompt, and each has its prompt."""
    if (falls := np.diff(prompt_id_p) <= 0).any():
        row = int(np.argmax(falls)) + 1
        found = f"prompt_id {prompt_id_p[row]} after {prompt_id_p[row - 1]}"
        raise DataError(f"prompts, row {row}: {found}; prompt ids must be unique and ascending")
    if (falls := np.diff(prompt_id_r) < 0).any():
        row = int(np.argmax(falls)) + 1
        found = f"prompt_id {prompt_id_r[row]} after {prompt_id_r[row - 1]}"
        raise DataError(f"responses, row {row}: {found}; sort the responses, and every array with them, by prompt_id")
    if (unknown := ~np.isin(prompt_id_r, prompt_id_p)).any():
        row = int(np.argmax(unknown))
        raise DataError(f"responses, row {row}: prompt_id {prompt_id_r[row]} is not in prompts; add the prompt")


def check_numbers(array: np.ndarray, where: str, dtype: type, shape: tuple[int | None, ...]) -> None:
    """DataError unless the array has the dtype, the shape (None: any) and finite values; reads it block by block."""
    if array.dtype != dtype:
        raise DataError(f"{where}: is {array.dtype}; make it {np.dtype(dtype)}")
    if array.ndim != len(shape) or any(want not in (None, have) for have, want in zip(array.shape, shape, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise DataError(f"{where}: has shape {array.shape}; it must be ({wanted}), a row for each response")
    block = max(1, BLOCK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), block):
        if not (finite := np.isfinite(array[start : start + block])).all():
            row = start + int(np.argmin(finite.reshape(len(finite), -1).all(axis=1)))
            raise DataError(f"{where}, row {row}: holds NaN or infinity; every value must be finite")


def as_json(content: Mapping[str, Any], where: str) -> str:
    """The content as JSON text with sorted keys, or DataError: one content, one sequence of bytes."""
    try:
        return json.dumps(content, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    except (TypeError, ValueError) as fault:
        raise DataError(f"{where}: {fault}; use text, finite numbers, booleans, None, lists and dicts") from fault
