"""A folder of embeddings and rewards as arXiv 2411.04991 and 2502.04354 publish them: four .npy arrays, no texts.

    embd*_train.npy   (P, K, D)                reward*_train.npy   (P, K) or (P, K, 1)
    embd*_test.npy    (P, K, D)                reward*_test.npy    (P, K) or (P, K, 1)

each float16, float32, float64 or whole numbers: P prompts with K responses each, in D dimensions; the published ones
are (40000, 10, 2048) and (2000, 500, 2048), in float32. They are stored as float16 embeddings and float32 rewards, and
a sentence says so of other types. Arrays may be larger than memory: `check` reads their headers alone, and `bank_of`
goes through them in blocks. A folder that `rmkit export` wrote is taken too (exported_study.py). Knows the layout and
numbers; no model, and nothing of how the embeddings were made.
"""

import io
import math
import os
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rmkit.errors import DataError
from rmkit.files.regular import open_regular, why_unreadable
from rmkit.measures.embedding_health import SMALLEST_SCALE, mean_and_spread_of
from rmkit.progress import Progress
from rmkit.worlds.exported_study import ExportedPart, bank_folder, read_exported

if TYPE_CHECKING:
    from rmkit.artifacts.bank import ResponseBank

SPLITS = ("train", "test")
BLOCK_BYTES = 32 * 2**20  # read at once
LARGEST, LARGEST_REWARD = float(np.finfo(np.float16).max), float(np.finfo(np.float32).max)
LARGEST_EXPONENT = 15  # of two, for the largest value once all are enlarged: float16 ends at 2^16
LONGEST_HEADER = 16_384  # bytes; what numpy.save writes of three axes is 128
MOST_AXES, LONGEST_AXIS = 8, 2**48
NO_HEADER = (ValueError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError)
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True)
class ArrayFile:
    """One .npy file as its header describes it; the data begin at byte `offset`."""

    path: Path
    shown: str  # as messages give it
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int

    @property
    def n_rows(self) -> int:
        """R = P K."""
        return self.shape[0] * self.shape[1]

    @property
    def is_converted(self) -> bool:
        """Whether its numbers are of another kind than the published ones, so that a person should be told."""
        return self.dtype.kind != "f" or self.dtype.itemsize > 4

    def place(self, row: int) -> str:
        """Where the row-th response stands in (P, K)."""
        p, k = divmod(row, self.shape[1])
        return f"{self.shown}: prompt {p}, response {k}"

    def blocks(self) -> "Iterator[tuple[int, np.ndarray]]":
        """(first row, (B, D) values) of the R = P K responses, block by block, or DataError where one is not finite."""
        width = int(np.prod(self.shape[2:]))
        at_once = max(1, BLOCK_BYTES // (width * self.dtype.itemsize))
        with open_regular(self.path) as stream:
            stream.seek(self.offset)
            for start in range(0, self.n_rows, at_once):
                n_values = min(at_once, self.n_rows - start) * width
                block_rd = np.fromfile(stream, self.dtype, n_values).reshape(-1, width)
                if not (finite := np.isfinite(block_rd).all(axis=1)).all():
                    where = self.place(start + int(np.argmin(finite)))
                    raise DataError(f"{where}: holds NaN or infinity; every value must be finite")
                yield start, block_rd


@dataclass(frozen=True)
class Split:
    """The embeddings and rewards of P prompts with K responses each."""

    embedding: ArrayFile
    reward: ArrayFile
    exported: ClassVar = False
    has_lengths: ClassVar = False

    @property
    def n_rows(self) -> int:
        """R = P K."""
        return self.embedding.n_rows

    @property
    def n_prompts(self) -> int:
        return self.embedding.shape[0]

    @property
    def n_responses(self) -> int:
        """To each prompt."""
        return self.embedding.shape[1]

    def __str__(self) -> str:
        held = f"{self.n_prompts:,} prompts with {self.n_responses} responses in {self.embedding.shape[2]:,} dimensions"
        kinds = (("embeddings", self.embedding, "float16"), ("rewards", self.reward, "float32"))
        told = [f"{kind} converted from {file.dtype.name} to {to}" for kind, file, to in kinds if file.is_converted]
        return f"{held} ({', '.join(told)})" if told else held


def read_folder(folder: str | Path, shown: str | None = None) -> dict[str, Split] | dict[str, ExportedPart]:
    """The splits `train` and `test` of a folder, from the headers of its files alone, or DataError with the remedy.

    shown: the folder as messages give it, where that is not `folder` itself.
    """
    folder, shown = Path(folder), shown or str(folder)
    if exported := bank_folder(folder, shown):
        return read_exported(*exported)
    splits = {split: split_of(folder, shown, split) for split in SPLITS}
    train, test = (splits[split].embedding for split in SPLITS)
    if train.shape[2] != test.shape[2]:
        found = f"{test.shape[2]} dimensions, and {train.shown} {train.shape[2]}"
        raise DataError(f"{test.shown}: has {found}; both must come from one encoder")
    return splits


def check(path: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """A sentence on what the folder holds and its counts, or the DataError that `read_folder` raises."""
    splits = read_folder(path, shown)
    counts = {"lengths": int(all(split.has_lengths for split in splits.values()))}
    counts |= {f"n_{name}_prompts": split.n_prompts for name, split in splits.items()}
    counts |= {f"n_{name}_responses": split.n_responses for name, split in splits.items()}
    return f"{shown or path}: " + ", ".join(f"{name} {split}" for name, split in splits.items()), counts


def split_of(folder: Path, shown: str, name: str) -> Split:
    """One split, or DataError unless its two files are there and of one shape."""
    embedding, reward = (array_file(*the_one(folder, shown, f"{kind}*_{name}.npy")) for kind in ("embd", "reward"))
    if len(embedding.shape) != 3:
        raise DataError(f"{embedding.shown}: has shape {embedding.shape}; it must be (prompts, responses, dimensions)")
    if reward.shape not in (embedding.shape[:2], (*embedding.shape[:2], 1)):
        wanted = f"{embedding.shape[:2]}, or that and 1, as {embedding.shown} is {embedding.shape}"
        raise DataError(f"{reward.shown}: has shape {reward.shape}; it must be {wanted}")
    if 0 in embedding.shape:
        raise DataError(f"{embedding.shown}: has shape {embedding.shape}, so it holds nothing; none may be 0")
    if embedding.shape[1] < 2:
        raise DataError(f"{embedding.shown}: has shape {embedding.shape}; a prompt needs at least 2 responses")
    return Split(embedding, reward)


def the_one(folder: Path, shown: str, pattern: str) -> tuple[Path, str]:
    """The one file that a pattern names and how messages give it, or DataError that lists what there is."""
    found = sorted(folder.glob(pattern)) if folder.is_dir() else []
    if len(found) > 1:
        listed = ", ".join(path.name for path in found)
        raise DataError(
            f"{shown}: {listed} are {pattern}, and one is needed; give each set of four a folder (links do)"
        )
    if not found:
        remedy = "put embd*_train.npy, reward*_train.npy, embd*_test.npy and reward*_test.npy there, or name another "
        raise DataError(f"{shown}: holds no {pattern}; {remedy}folder with --set embeddings_folder=FOLDER")
    return found[0], f"{shown}/{found[0].name}"


def array_file(path: Path, shown: str) -> ArrayFile:
    """What the header of a .npy file says, or DataError unless it is a whole file of numbers in C order."""
    try:
        with open_regular(path) as stream:
            size, head = os.fstat(stream.fileno()).st_size, stream.read(LONGEST_HEADER)
        shape, fortran, dtype, offset = header(head)
    except OSError as fault:
        raise DataError(f"{shown}: {why_unreadable(fault)}; it must be a readable file") from fault
    except NO_HEADER as fault:
        raise DataError(f"{shown}: is no whole .npy file; write it with numpy.save") from fault
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        held = "pickled Python objects" if dtype.hasobject else str(dtype)[:60]
        raise DataError(f"{shown}: holds {held}; it must be float16, float32, float64 or whole numbers")
    if fortran and len(shape) > 1:
        raise DataError(f"{shown}: is in Fortran order; save numpy.ascontiguousarray of it")
    needed = offset + dtype.itemsize * int(np.prod(shape, dtype=object))
    if size < needed:
        raise DataError(f"{shown}: is cut short, {size:,} of {needed:,} bytes for shape {shape}; fetch it again")
    if size > needed:
        raise DataError(f"{shown}: holds {size:,} bytes, and shape {shape} needs {needed:,}; fetch it again")
    return ArrayFile(path, shown, shape, dtype, offset)


def header(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, Fortran order, type and the first byte of the data, from the first bytes of a .npy file.

    One of NO_HEADER where they are none: a damaged header may claim to be longer than memory, or so many values.
    """
    stream = io.BytesIO(head)
    with warnings.catch_warnings(action="ignore"):  # numpy warns of what it had to guess
        shape, fortran, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
    if len(shape) > MOST_AXES or any(isinstance(n, bool) or not 0 <= n <= LONGEST_AXIS for n in shape):
        raise ValueError("no shape of an array")
    return shape, fortran, dtype, stream.tell()


def enlargement(split: Split | ExportedPart) -> int:
    """The power of two by which all embeddings are multiplied before they are rounded: 0, unless they are tiny.

    They are if they spread by less than 2^-12 about their mean, where float16 keeps fewer than its eleven bits. Then
    their spread becomes 1 to 2, or less if a value would leave float16. What is in float16 already stays as it is.
    """
    if isinstance(split, ExportedPart) or split.embedding.dtype == np.float16:
        return 0
    (sum_d, square_d), largest = np.zeros((2, split.embedding.shape[2])), 0.0
    for _, block_rd in split.embedding.blocks():
        wide_rd = block_rd.astype(np.float64)
        sum_d += wide_rd.sum(axis=0)
        square_d += np.einsum("rd,rd->d", wide_rd, wide_rd)
        largest = max(largest, float(np.abs(wide_rd).max()))
    _, spread_d = mean_and_spread_of(sum_d, square_d, split.embedding.n_rows)
    if not 0 < (spread := float(np.sqrt(np.mean(spread_d**2)))) < SMALLEST_SCALE:
        return 0
    return max(0, min(-math.floor(math.log2(spread)), LARGEST_EXPONENT - math.ceil(math.log2(largest))))


def bank_of(
    split: Split | ExportedPart, scratch: str | Path, *, exponent: int = 0, progress: Progress | None = None
) -> "ResponseBank":
    """The split as a bank whose gold is the given reward; DataError names file, prompt and response.

    Embeddings are multiplied by 2^exponent (`enlargement`, one for both splits) and rounded to float16 into the new
    file `scratch`, a block at a time; those in float16 with exponent 0 stay where they are. Either way the bank's
    embedding is memory-mapped. Prompts and responses are named by their numbers. A bank that was exported is the same
    again.
    """
    if isinstance(split, ExportedPart):
        return split.bank(scratch, progress=progress)
    import pandas as pd

    from rmkit.artifacts.bank import ResponseBank

    prompt_id_p = np.arange(split.n_prompts, dtype=np.int64)
    text_r = np.tile([f"response {k}" for k in range(split.n_responses)], split.n_prompts)
    ids = np.repeat(prompt_id_p, split.n_responses)
    held = split.embedding.dtype == np.float16 and not exponent
    source = {"method": "given", "file": split.embedding.path.name, "dtype": split.embedding.dtype.name}
    kept = (
        as_it_lies(split.embedding, progress) if held else rounded(split.embedding, Path(scratch), exponent, progress)
    )
    return ResponseBank(
        prompts=pd.DataFrame({"prompt_id": prompt_id_p, "prompt": [f"prompt {p}" for p in prompt_id_p]}),
        responses=pd.DataFrame({"prompt_id": ids, "response": text_r, "answer": text_r}),
        embedding_rd=kept,
        embedding_source=source | ({"multiplied_by": 2.0**exponent} if exponent else {}),
        scores={"gold": rewards(split.reward)},
        score_sources={"gold": {"model": split.reward.path.name, "revision": None, "template": None}},
    )


def rewards(file: ArrayFile) -> np.ndarray:
    """(R,) float32, or DataError for one beyond it."""
    parts = []
    for start, block_r1 in file.blocks():
        with np.errstate(over="ignore"):
            single_r = block_r1.astype(np.float32).ravel()
        if np.isinf(single_r).any():
            row = int(np.argmax(np.isinf(single_r)))
            found = f"{float(block_r1[row, 0]):g}, and float32 ends at {LARGEST_REWARD:g}"
            raise DataError(f"{file.place(start + row)}: is {found}; divide all rewards by one number")
        parts.append(single_r)
    return np.concatenate(parts)


def as_it_lies(file: ArrayFile, progress: Progress | None) -> np.ndarray:
    """(R, D) float16, the file itself memory-mapped once it was read through."""
    for start, block_rd in file.blocks():
        if progress:
            progress(start + len(block_rd), file.n_rows)
    return np.memmap(file.path, np.float16, "r", offset=file.offset, shape=(file.n_rows, file.shape[2]))


def rounded(file: ArrayFile, scratch: Path, exponent: int, progress: Progress | None) -> np.ndarray:
    """(R, D) float16, times 2^exponent, in the new file `scratch`, memory-mapped; DataError for a value beyond it."""
    with scratch.open("wb") as stream:
        header = {"descr": "<f2", "fortran_order": False, "shape": (file.n_rows, file.shape[2])}
        np.lib.format.write_array_header_1_0(stream, header)
        offset = stream.tell()
        for start, block_rd in file.blocks():
            if exponent:
                block_rd = np.ldexp(block_rd.astype(np.float64), exponent)  # exact
            with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named below
                half_rd = block_rd.astype("<f2")
            if len(beyond := np.argwhere(np.isinf(half_rd))):
                row, dimension = beyond[0]
                found = f"dimension {dimension} is {block_rd[row, dimension]:g}, and float16 ends at {LARGEST:g}"
                remedy = "divide all embeddings, of both splits, by one number"
                raise DataError(f"{file.place(start + int(row))}: {found}; {remedy}")
            half_rd.tofile(stream)
            if progress:
                progress(start + len(half_rd), file.n_rows)
    return np.memmap(scratch, np.float16, "r", offset=offset, shape=(file.n_rows, file.shape[2]))
