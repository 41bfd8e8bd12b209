"""A file of responses as a pool of pairs to label: the files that `rmkit fit` reads, and rows that nobody has judged.

| row | what it gives |
|---|---|
| `responses`, `completions` or `answers`, a list without ranks or scores | responses |
| `response_a` and `response_b` (or as judgements.py has it) without a label, as in `label_next.jsonl` | responses |
| any row that `rmkit fit` reads | responses, and a label that the model learns from and nobody is asked for again |

Asked about are all pairs of responses to one prompt that the file has no judgement of; but of a prompt that is only in
rows of two responses without a label, the pairs of these rows alone. With `look_at`, the list
`look_at_first.csv` that `rmkit fit` writes, the labels of the file that are on that list are asked for again, in its
order. Ids of responses are of the texts, so that labels outlive a file that is sorted, split or added to.

Knows files and texts; how these become numbers is the caller's choice.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, cut, listed
from rmkit.files.one_line import one_line
from rmkit.files.rows import numbered_rows, read_rows
from rmkit.worlds.human_preferences.judgements import COLUMNS, LIST_COLUMNS, answers_of, judgements_of
from rmkit.worlds.human_preferences.pairs import REPLACED, Pair, Reading, bank_and_comparisons, because
from rmkit.worlds.human_preferences.row_forms import DIFFERENT_PROMPTS, EMPTY, ENDS_WITH_HUMAN, EQUAL, Side, why_dropped
from rmkit.worlds.human_preferences.second_judgements import replaced, says_again

if TYPE_CHECKING:
    import numpy as np

    from rmkit.active.label_pool import Pool

MOST_PAIRS = 500_000  # of a pool
LINE, TEXTS = "line", ("prompt", "chosen", "rejected")
FEW = "a response alone"


@dataclass(frozen=True)
class ToLabel:
    """What a file holds: its responses as pairs of neighbours that say nothing, and its judgements."""

    responses: tuple[Pair, ...]  # of each prompt, each response with the next: they carry texts, no preference
    judged: tuple[Pair, ...]
    rows: int
    dropped: dict[str, int]
    named: frozenset[str] = frozenset()  # prompts of which only pairs that a row names are asked about

    @property
    def told(self) -> str:
        """What was read, in a sentence."""
        prompts = {pair.prompt for pair in (*self.responses, *self.judged)}
        texts = {
            (pair.prompt, text) for pair in (*self.responses, *self.judged) for text in (pair.chosen, pair.rejected)
        }
        judged = {(pair.prompt, *sorted((pair.chosen, pair.rejected))) for pair in self.judged}
        found = f"{self.rows:,} rows: {len(texts):,} responses to {len(prompts):,} prompts"
        return f"{found}, {len(judged):,} pairs judged already{because(self.dropped)}"


def read_to_label(path: str | Path, shown: str | None = None) -> ToLabel:
    """All rows of a file or folder, or DataError with file, row and remedy."""
    shown = shown or str(path)
    responses: list[Pair] = []
    judged: list[Pair] = []
    dropped: Counter[str] = Counter()
    rows = 0
    paired: set[str] = set()
    whole: set[str] = set()
    for number, where, row in numbered_rows(Path(path), shown, COLUMNS, lists=LIST_COLUMNS):
        rows += 1
        sides = answers_of(row, where)
        if sides is not None:
            kept = _usable(sides, dropped)
            (paired if len(sides) == 2 else whole).update(side.prompt for side in kept)
            for one, other in itertools.pairwise(kept):
                responses.append(Pair(one.prompt, one.answer.strip(), other.answer.strip(), number))
            continue
        for said in judgements_of(row, where).judgements:
            if reason := why_dropped(said.better, said.worse):
                dropped[reason] += 1
                continue
            better, worse = said.better.answer.strip(), said.worse.answer.strip()
            whole.add(said.better.prompt)
            by, again = said.annotator, says_again(row)
            judged.append(Pair(said.better.prompt, better, worse, number, annotator=by, tie=said.tie, again=again))
    if any(gone := replaced(judged)):
        dropped[REPLACED] += sum(gone)
        judged = [pair for pair, is_gone in zip(judged, gone, strict=True) if not is_gone]
    if not responses and not judged:
        raise DataError(f"{shown}: {rows} rows{because(dropped)}; there must be a prompt with two different responses")
    return ToLabel(tuple(responses), tuple(judged), rows, dict(dropped), frozenset(paired - whole))


def pool_of(
    read: ToLabel,
    embed: "Callable[[Sequence[str]], tuple[np.ndarray, dict[str, Any]]]",
    *,
    with_prompts: bool = False,
    look_at: str | Path | None = None,
) -> "Pool":
    """The pool of what was read. embed, with_prompts: as for `bank_and_comparisons`. DataError for no pair to ask."""
    import numpy as np

    from rmkit.active.label_pool import Pool
    from rmkit.active.to_judge import unjudged_pairs
    from rmkit.artifacts.comparisons import Comparisons

    every = Reading((*read.judged, *read.responses), 0, {})
    _require_few(every.pairs)
    bank, comparisons = bank_and_comparisons(every, embed, with_prompts=with_prompts)
    pair_m2 = np.stack([comparisons.first_m, comparisons.second_m], axis=1)[: len(read.judged)]
    decides_m = np.array([not pair.tie for pair in read.judged], dtype=bool)
    table = comparisons.table.iloc[: len(read.judged)][["first", "second", "label"]][decides_m].reset_index(drop=True)
    judged = Comparisons(table) if len(table) else None
    prompts = bank.prompts["prompt"].to_numpy()[np.searchsorted(bank.prompts["prompt_id"], bank.prompt_id_r)]
    ids = [response_id(prompt, text) for prompt, text in zip(prompts, bank.responses["response"], strict=True)]
    if look_at is not None:
        listed_m2 = np.array([pair_m2[m] for m in _on_the_list(read.judged, Path(look_at))], dtype=np.int64)
        _, first = np.unique(listed_m2.reshape(-1, 2), axis=0, return_index=True)
        return Pool(bank, ids, listed_m2[np.sort(first)], judged, is_list=True)
    left_m2 = unjudged_pairs(bank.prompt_id_r, pair_m2)
    named_m2 = np.stack([comparisons.first_m, comparisons.second_m], axis=1)[len(read.judged) :]
    rows = set(map(tuple, named_m2.tolist()))
    asked_m = [prompts[i] not in read.named or (i, j) in rows for i, j in left_m2.tolist()]
    return Pool(bank, ids, left_m2[np.array(asked_m, dtype=bool)], judged)


def response_id(prompt: str, text: str) -> str:
    """The id of a response: 16 hexadecimal digits of the SHA-256 of prompt and text."""
    return hashlib.sha256(f"{prompt}\0{text}".encode()).hexdigest()[:16]


def _usable(sides: Sequence[Side], dropped: Counter[str]) -> list[Side]:
    """The different responses to one prompt; why others are left out is counted."""
    kept: dict[str, Side] = {}
    for side in sides:
        text = side.answer.strip()
        if side.by_human:
            dropped[ENDS_WITH_HUMAN] += 1
        elif not text:
            dropped[EMPTY] += 1
        elif kept and side.prompt != next(iter(kept.values())).prompt:
            dropped[DIFFERENT_PROMPTS] += 1
        elif text in kept:
            dropped[EQUAL] += 1
        else:
            kept[text] = side
    if len(kept) == 1:
        dropped[FEW] += 1
    return list(kept.values())


def _require_few(pairs: Sequence[Pair]) -> None:
    texts: dict[str, set[str]] = {}
    for pair in pairs:
        texts.setdefault(pair.prompt, set()).update((pair.chosen, pair.rejected))
    if (n_pairs := sum(len(each) * (len(each) - 1) // 2 for each in texts.values())) > MOST_PAIRS:
        raise DataError(f"these responses make {n_pairs:,} pairs; keep so few that they make {MOST_PAIRS:,}")


def _on_the_list(judged: Sequence[Pair], path: Path) -> list[int]:
    """Positions of the judged pairs on a list that `rmkit fit` wrote, in its order; DataError for what is not there."""
    rows = read_rows(path, (LINE, *TEXTS))
    if missing := [name for name in (LINE, *TEXTS) if name not in rows.columns]:
        raise DataError(
            f"{rows.shown}: has no column {listed(missing)}; give look_at_first.csv as `rmkit fit` writes it"
        )
    of_line: dict[int, list[int]] = {}
    for m, pair in enumerate(judged):
        of_line.setdefault(pair.line, []).append(m)
    found = []
    for at, line in enumerate(rows.columns[LINE]):
        cells = [rows.columns[name][at] for name in TEXTS]
        number = int(line) if isinstance(line, int) or (isinstance(line, str) and line.isdecimal()) else -1
        same = [m for m in of_line.get(number, []) if _cells(judged[m]) == cells]
        if not same:
            shown = cut(str(line), 20)
            raise DataError(
                f"{rows.where(at)}: is of no pair on line {shown} of the pairs; give the file it was made of"
            )
        found.append(same[0])
    if not found:
        raise DataError(f"{rows.shown}: lists no pair; there is nothing to look at again")
    return found


def _cells(pair: Pair) -> list[str]:
    return [one_line(pair.prompt, end=True), one_line(pair.chosen), one_line(pair.rejected)]
