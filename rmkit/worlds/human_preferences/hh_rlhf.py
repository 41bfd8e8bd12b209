"""HH-RLHF: what people preferred, two dialogues a row that differ in the last answer only.

Knows the file's format, reads it line by line, and says what it dropped and why. Reading needs the standard library
alone, so that `rmkit check` can answer at once; only `bank_and_comparisons` knows arrays and tables. Knows no feature:
how a text becomes numbers is the caller's choice. Source: Bai et al. 2022, arXiv 2204.05862;
https://github.com/anthropics/hh-rlhf.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError
from rmkit.files.lines import numbered_lines
from rmkit.files.regular import json_value
from rmkit.lm.templates import ASSISTANT, HUMAN

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from rmkit.artifacts.bank import ResponseBank
    from rmkit.artifacts.comparisons import Comparisons

SUFFIXES = (".jsonl", ".jsonl.gz")

# Why a row is dropped, in the order in which a row is asked.
DIFFERENT_PROMPTS = "chosen and rejected answer different prompts"
ENDS_WITH_HUMAN = "the human has the last word"
EMPTY = "an empty response"
EQUAL = "chosen equals rejected"
FOUND_TWICE = "found twice"
REASONS = (DIFFERENT_PROMPTS, ENDS_WITH_HUMAN, EMPTY, EQUAL, FOUND_TWICE)


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, of which a person preferred `chosen`."""

    prompt: str  # everything up to and including the last "\n\nAssistant:"
    chosen: str  # stripped
    rejected: str  # stripped
    line: int  # 1-based, in the file


@dataclass(frozen=True)
class Reading:
    """What a file held: `read` rows, of which `pairs` were kept and the rest dropped, each for one reason."""

    pairs: tuple[Pair, ...]
    read: int
    dropped: Mapping[str, int]  # every reason of REASONS, 0 where it did not occur

    @property
    def kept(self) -> int:
        return len(self.pairs)

    @property
    def found_twice(self) -> int:
        """Exact repetitions of an earlier pair; the earlier one is kept. The opposite choice is no repetition."""
        return self.dropped[FOUND_TWICE]


def read_pairs(path: str | Path, shown: str | None = None) -> Reading:
    """All pairs of a .jsonl or .jsonl.gz file, in its order, or DataError with file, line and remedy.

    shown: the path as messages give it, where that is not `path` itself.
    """
    shown = shown or str(path)
    pairs: list[Pair] = []
    seen: set[tuple[str, str, str]] = set()
    dropped: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
    read = 0
    for line, row in numbered_rows(Path(path), shown):
        read += 1
        where = f"{shown}, line {line}"
        prompt, chosen = last_turn(row, "chosen", where)
        rejected_prompt, rejected = last_turn(row, "rejected", where)
        reason = why_dropped(prompt, chosen, rejected_prompt, rejected)
        chosen, rejected = chosen.strip(), rejected.strip()
        if reason is None and (prompt, chosen, rejected) in seen:
            reason = FOUND_TWICE
        if reason:
            dropped[reason] += 1
            continue
        seen.add((prompt, chosen, rejected))
        pairs.append(Pair(prompt=prompt, chosen=chosen, rejected=rejected, line=line))
    if not pairs:
        rows = f"{read} rows{because(dropped)}" if read else "no rows"
        raise DataError(
            f"{shown}: {rows}; a preference file needs at least one pair of different answers to one prompt"
        )
    return Reading(pairs=tuple(pairs), read=read, dropped=dict(dropped))


def check(path: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """A sentence on what the file holds and its counts (pairs, prompts), or the DataError that `read_pairs` raises."""
    reading = read_pairs(path, shown)
    prompts = len({pair.prompt for pair in reading.pairs})
    said = f"{shown or path}: {reading.kept} of {reading.read} pairs kept, {prompts} prompts{because(reading.dropped)}"
    return said, {"pairs": reading.kept, "prompts": prompts}


def because(dropped: Mapping[str, int]) -> str:
    """`; dropped: 5 chosen and rejected answer different prompts, 4 an empty response`, or nothing."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    return f"; dropped: {reasons}" if reasons else ""


def numbered_rows(path: Path, shown: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The 1-based line number and the object of each line that is not blank, or DataError."""
    if not path.name.endswith(SUFFIXES):
        raise DataError(f"{shown}: is not named as a file of preferences; use {' or '.join(SUFFIXES)}")
    for line, raw in numbered_lines(path, shown):
        yield line, parsed(raw, f"{shown}, line {line}")


def parsed(raw: bytes, where: str) -> dict[str, Any]:
    """The JSON object of one line, or DataError."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        remedy = "a gzip is named .jsonl.gz" if raw.startswith(b"\x1f\x8b") else "save the file as UTF-8"
        raise DataError(f"{where}: is not UTF-8 (byte {fault.start + 1}); {remedy}") from fault
    try:
        row = json_value(text)
    except ValueError as fault:
        fault_text = str(fault).partition(": line")[0]
        remedy = 'each line must be one object {"chosen": …, "rejected": …}'
        raise DataError(f"{where}: is not JSON ({fault_text}); {remedy}") from fault
    if not isinstance(row, dict):
        remedy = 'it must be an object {"chosen": …, "rejected": …}'
        raise DataError(f"{where}: is a JSON {type(row).__name__}; {remedy}")
    return row


def last_turn(row: Mapping[str, Any], name: str, where: str) -> tuple[str, str]:
    """The prompt, up to and including the last assistant marker, and what follows it, or DataError."""
    if name not in row:
        found = ", ".join(repr(key)[1:-1][:40] for key in list(row)[:5]) or "no keys"
        raise DataError(f"{where}: has no {name!r} (found {found}); a row needs 'chosen' and 'rejected'")
    dialogue = row[name]
    if not isinstance(dialogue, str):
        raise DataError(f"{where}: {name!r} is {type(dialogue).__name__}, not text; it must be a whole dialogue")
    try:
        dialogue.encode("utf-8")
    except UnicodeEncodeError as fault:  # JSON can spell half a surrogate pair, which no file can store as text
        found = ascii(dialogue[fault.start])
        raise DataError(f"{where}: {name!r} holds {found}, which is no character; write the pair in full") from fault
    before, marker, answer = dialogue.rpartition(ASSISTANT)
    if not marker:
        remedy = r"a dialogue must contain '\n\nAssistant:' before the answer"
        raise DataError(f"{where}: {name!r} has no assistant turn; {remedy}")
    return before + marker, answer


def why_dropped(prompt: str, chosen: str, rejected_prompt: str, rejected: str) -> str | None:
    """The reason why a row says nothing about one preference, or None. The answers come as they stand in the file."""
    if prompt != rejected_prompt:
        return DIFFERENT_PROMPTS
    if HUMAN in chosen or HUMAN in rejected:
        return ENDS_WITH_HUMAN
    if not (chosen.strip() and rejected.strip()):
        return EMPTY
    return EQUAL if chosen.strip() == rejected.strip() else None


def bank_and_comparisons(
    reading: Reading,
    embed: Callable[[Sequence[str]], "tuple[np.ndarray, dict[str, Any]]"],
    *,
    with_prompts: bool = False,
) -> "tuple[ResponseBank, Comparisons]":
    """The reading as a bank of responses, with no scores, and M comparisons in the order of the pairs.

    Prompts are numbered from 0 by first appearance. `embed` takes the R response texts in the bank's order, each after
    its prompt if with_prompts, without labels, and returns (R, D) float16 and how it was made. The comparisons' `first`
    is the lower position, and their column `line` (int64) is the pair's line in the file.
    """
    import numpy as np
    import pandas as pd

    from rmkit.artifacts.bank import ResponseBank
    from rmkit.artifacts.comparisons import Comparisons

    prompts, flat = in_bank_order(reading)
    position = {(p, text): r for r, (p, text) in enumerate(flat)}
    number = {prompt: p for p, prompt in enumerate(prompts)}
    chosen_m = np.array([position[number[pair.prompt], pair.chosen] for pair in reading.pairs], dtype=np.int64)
    rejected_m = np.array([position[number[pair.prompt], pair.rejected] for pair in reading.pairs], dtype=np.int64)
    texts_r = [text for _, text in flat]
    embedding_rd, embedding_source = embed([f"{prompts[p]} {text}" for p, text in flat] if with_prompts else texts_r)
    bank = ResponseBank(
        prompts=text_table(range(len(prompts)), "prompt", prompts),
        responses=text_table([p for p, _ in flat], "response", texts_r),
        embedding_rd=embedding_rd,
        embedding_source=embedding_source | ({"read": "prompt and response"} if with_prompts else {}),
    )
    table = {
        "first": np.minimum(chosen_m, rejected_m),
        "second": np.maximum(chosen_m, rejected_m),
        "label": (chosen_m < rejected_m).astype(np.int8),
        "line": np.array([pair.line for pair in reading.pairs], dtype=np.int64),
    }
    return bank, Comparisons(pd.DataFrame(table))


def in_bank_order(reading: Reading) -> tuple[list[str], list[tuple[int, str]]]:
    """The P prompts by first appearance, and the R responses of a bank, each with its prompt's number.

    A prompt's responses are sorted by their hash, so that a position says nothing about which one was preferred: in the
    file's order every chosen response would come first, and "take the first" would be a perfect reward model.
    """
    answers: dict[str, set[str]] = {}
    for pair in reading.pairs:
        answers.setdefault(pair.prompt, set()).update((pair.chosen, pair.rejected))
    return list(answers), [(p, text) for p, texts in enumerate(answers.values()) for text in sorted(texts, key=sha256)]


def text_table(prompt_ids: Iterable[int], name: str, texts: Sequence[str]) -> "pd.DataFrame":
    """A bank's table of texts: prompt_id, characters and words int64, and the text itself under its name."""
    import numpy as np
    import pandas as pd

    lengths = {"characters": [len(text) for text in texts], "words": [len(text.split()) for text in texts]}
    numbers = {"prompt_id": list(prompt_ids), **lengths}
    return pd.DataFrame(
        {column: np.array(values, dtype=np.int64) for column, values in numbers.items()} | {name: texts}
    )


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()
