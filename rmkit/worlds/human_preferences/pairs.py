"""What people preferred: pairs of answers to a prompt, read from a file or folder, and as a bank with comparisons.

Says which rows were dropped and why, what was not read, and which pairs were judged both ways. Reading needs the
standard library alone (but for Parquet and Arrow), so that `rmkit check` can answer at once; only
`bank_and_comparisons` knows arrays and tables. Knows no feature: how a text becomes numbers is the caller's choice.
Which files are understood is said by rmkit/files/rows.py, which rows by row_forms.py.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, cut
from rmkit.files.rows import numbered_rows
from rmkit.worlds.human_preferences.row_forms import (
    DIFFERENT_PROMPTS,
    EMPTY,
    ENDS_WITH_HUMAN,
    EQUAL,
    TEXTS,
    sides_of,
    why_dropped,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from rmkit.artifacts.bank import ResponseBank
    from rmkit.artifacts.comparisons import Comparisons

FOUND_TWICE = "found twice"
REASONS = (DIFFERENT_PROMPTS, ENDS_WITH_HUMAN, EMPTY, EQUAL, FOUND_TWICE)  # in the order in which a row is asked
NAMED = 6  # columns that are not read and that a sentence names


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, of which a person preferred `chosen`."""

    prompt: str  # everything up to and including the last "\n\nAssistant:"
    chosen: str  # stripped
    rejected: str  # stripped
    line: int  # 1-based, in the file: of JSON lines the line, else the row


@dataclass(frozen=True)
class Reading:
    """What a file held: `read` rows, of which `pairs` were kept and the rest dropped, each for one reason."""

    pairs: tuple[Pair, ...]
    read: int
    dropped: Mapping[str, int]  # every reason of REASONS, 0 where it did not occur
    forms: Mapping[str, int] = field(default_factory=dict)  # how many rows were of which form
    unread: tuple[str, ...] = ()  # columns that nothing is made of

    @property
    def kept(self) -> int:
        return len(self.pairs)

    @property
    def found_twice(self) -> int:
        """Exact repetitions of an earlier pair; the earlier one is kept. The opposite choice is no repetition."""
        return self.dropped[FOUND_TWICE]

    @property
    def both_ways(self) -> int:
        """How many pairs of answers were judged both ways: as often one was chosen, as the other. All are kept."""
        judged = {(pair.prompt, pair.chosen, pair.rejected) for pair in self.pairs}
        return sum((prompt, rejected, chosen) in judged for prompt, chosen, rejected in judged) // 2


def read_pairs(path: str | Path, shown: str | None = None) -> Reading:
    """All pairs of a file or folder, in its order, or DataError with file, row and remedy.

    shown: the path as messages give it, where that is not `path` itself.
    """
    shown = shown or str(path)
    pairs: list[Pair] = []
    seen: set[tuple[str, str, str]] = set()
    dropped: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
    forms: Counter[str] = Counter()
    unread: dict[str, None] = {}
    for number, where, row in numbered_rows(Path(path), shown, TEXTS):
        first, second, form = sides_of(row, where)
        forms[form] += 1
        if len(unread) <= NAMED:
            unread |= dict.fromkeys(str(name) for name in row if name not in TEXTS)
        reason = why_dropped(first, second)
        prompt, chosen, rejected = first.prompt, first.answer.strip(), second.answer.strip()
        if reason is None and (prompt, chosen, rejected) in seen:
            reason = FOUND_TWICE
        if reason:
            dropped[reason] += 1
            continue
        seen.add((prompt, chosen, rejected))
        pairs.append(Pair(prompt=prompt, chosen=chosen, rejected=rejected, line=number))
    read = forms.total()
    if not pairs:
        rows = f"{read} rows{because(dropped)}" if read else "no rows"
        raise DataError(
            f"{shown}: {rows}; a preference file needs at least one pair of different answers to one prompt"
        )
    return Reading(tuple(pairs), read, dict(dropped), dict(forms), tuple(unread))


def check(path: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """A sentence on what the file holds and its counts (pairs, prompts), or the DataError that `read_pairs` raises."""
    reading = read_pairs(path, shown)
    prompts = len({pair.prompt for pair in reading.pairs})
    kept = f"{reading.kept} of {reading.read} pairs kept, {prompts} prompts"
    parts = [because(reading.dropped), f"; read as {' and '.join(reading.forms)}"]
    if reading.both_ways:
        parts.append(f"; judged both ways: {reading.both_ways} of the pairs")
    if reading.unread:
        named = ", ".join(cut(name, 40) for name in reading.unread[:NAMED])
        parts.append(f"; not used: {named}{' and more' if len(reading.unread) > NAMED else ''}")
    return f"{shown or path}: {kept}{''.join(parts)}", {"pairs": reading.kept, "prompts": prompts}


def because(dropped: Mapping[str, int]) -> str:
    """`; dropped: 5 chosen and rejected answer different prompts, 4 an empty response`, or nothing."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    return f"; dropped: {reasons}" if reasons else ""


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
