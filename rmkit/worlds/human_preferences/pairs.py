"""What people preferred: pairs of answers to a prompt, read from a file or folder, and as a bank with comparisons.

Says which rows were dropped and why, what was not read, and which pairs were judged both ways. Reading needs the
standard library alone (but for Parquet and Arrow), so that `rmkit check` can answer at once; only
`bank_and_comparisons` knows arrays and tables. Knows no feature: how a text becomes numbers is the caller's choice.
Which files are understood is said by rmkit/files/rows.py, which rows by row_forms.py and judgements.py.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rmkit.errors import DataError, cut, one_of
from rmkit.files.rows import numbered_rows
from rmkit.worlds.human_preferences.judgements import (
    COLUMNS,
    LABELS,
    LIST_COLUMNS,
    MOST_PAIRS,
    Judgement,
    answers_of,
    columns_of_answers,
    judgements_of,
)
from rmkit.worlds.human_preferences.row_forms import DIFFERENT_PROMPTS, EMPTY, ENDS_WITH_HUMAN, EQUAL, Side, why_dropped
from rmkit.worlds.human_preferences.second_judgements import AGAIN, replaced, says_again

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from rmkit.artifacts.bank import ResponseBank
    from rmkit.artifacts.comparisons import Comparisons

FOUND_TWICE, TIE, NOT_READABLE = "found twice", "a tie", "not readable"
REPLACED, UNLABELLED = "replaced by a second judgement", "without a label"
REASONS = (  # in the order of asking
    *(DIFFERENT_PROMPTS, ENDS_WITH_HUMAN, EMPTY, EQUAL, TIE, FOUND_TWICE, REPLACED, UNLABELLED, NOT_READABLE),
)
RESPONSES = "responses without a label"  # the form of rows that nobody has judged
NAMED = 6  # columns that are not read and that a sentence names
MOST_MADE = 2_000_000  # pairs that are made of rows with more than two answers

TiedPairs = Literal["leave_out", "half_each"]
LEAVE_OUT, HALF_EACH = "leave_out", "half_each"


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, of which `chosen` was preferred."""

    prompt: str  # everything up to and including the last "\n\nAssistant:"
    chosen: str  # stripped
    rejected: str  # stripped
    line: int  # 1-based, in the file: of JSON lines the line, else the row
    weight: float = 1.0  # of one judgement; less where a row or a tie makes several pairs that count once together
    annotator: str | None = None  # who judged, where that is said
    margin: float | None = None  # how clearly, where that is said
    tie: bool = False  # one of the two opposite pairs that a tie is
    chosen_first: bool | None = None  # whether the chosen one was shown first, where that is said
    again: bool = False  # whether it is a second judgement, which takes the place of a first one

    @property
    def judgement(self) -> tuple[object, ...]:
        """What tells it from other judgements: those of two annotators differ, and a second one from the first."""
        answers = sorted((self.chosen, self.rejected)) if self.tie else (self.chosen, self.rejected)
        return self.prompt, *answers, self.annotator, self.tie, self.again


@dataclass(frozen=True)
class Reading:
    """What a file held: `read` pairs, of which `pairs` were kept and the rest dropped, each for one reason."""

    pairs: tuple[Pair, ...]
    read: int  # a row is one pair, unless it has more answers or votes; a row that is not readable counts as one
    dropped: Mapping[str, int]  # every reason of REASONS, 0 where it did not occur
    forms: Mapping[str, int] = field(default_factory=dict)  # how many rows were of which form
    unread: tuple[str, ...] = ()  # columns that nothing is made of
    rows: int = 0
    first_unreadable: str = ""  # what is wrong with the first row that was left out for that, and where it stands
    unlabelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by prompt, responses that wait for labels

    @property
    def kept(self) -> int:
        return len(self.pairs)

    @property
    def found_twice(self) -> int:
        """Exact repetitions of an earlier judgement; the earlier one is kept. The opposite choice is no repetition."""
        return self.dropped[FOUND_TWICE]

    @property
    def both_ways(self) -> int:
        """How many pairs of answers were judged both ways: as often one was chosen, as the other. All are kept."""
        judged = {(pair.prompt, pair.chosen, pair.rejected) for pair in self.pairs if not pair.tie}
        return sum((prompt, rejected, chosen) in judged for prompt, chosen, rejected in judged) // 2

    @property
    def annotators(self) -> tuple[str, ...]:
        """Who judged the pairs that were kept, by first appearance; nobody where the file does not say."""
        return tuple(dict.fromkeys(pair.annotator for pair in self.pairs if pair.annotator is not None))

    def comparisons(self) -> "tuple[Comparisons, np.ndarray]":
        """Its M comparisons in the order of the pairs, and the (R,) int64 prompts of the bank's responses: no text."""
        import numpy as np

        prompts, flat = in_bank_order(self)
        return _comparisons(self, prompts, flat), np.array([p for p, _ in flat], dtype=np.int64)

    @property
    def told(self) -> tuple[str, ...]:
        """What else is to be said of it, a clause each."""
        said = [f"read as {' and '.join(self.forms)}"]
        if halves := sum(pair.tie for pair in self.pairs):
            said.append(f"ties: {halves // 2}, each two opposite pairs of weight 1/2")
        if self.both_ways:
            said.append(f"judged both ways: {self.both_ways} of the pairs")
        if named := self.annotators:
            judgements = {pair.judgement: pair for pair in self.pairs}.values()  # the halves of a tie are one
            judged = Counter((pair.prompt, *sorted((pair.chosen, pair.rejected))) for pair in judgements)
            several = sum(count > 1 for count in judged.values())
            said.append(f"annotators: {len(named)}; judged more than once: {several} of {len(judged)} pairs of answers")
        if any(pair.weight != 1 and not pair.tie for pair in self.pairs):
            said.append("weights: the pairs of a row with several answers count once together")
        if self.unlabelled:
            waiting = sum(map(len, self.unlabelled.values()))
            said.append(f"without a label: {waiting} responses to {len(self.unlabelled)} prompts, to label next")
        if any(pair.margin is not None for pair in self.pairs):
            said.append("margin: kept beside the pairs; no reward model uses it")
        if self.unread:
            shown = ", ".join(cut(name, 40) for name in self.unread[:NAMED])
            said.append(f"not used: {shown}{' and more' if len(self.unread) > NAMED else ''}")
        return tuple(said)


def read_pairs(
    path: str | Path, shown: str | None = None, *, tied_pairs: TiedPairs = "leave_out", skip_bad_rows: bool = False
) -> Reading:
    """All pairs of a file or folder, in its order, or DataError with file, row and remedy.

    shown: the path as messages give it, where that is not `path` itself. tied_pairs: whether a tie is left out and
    counted, or becomes two opposite pairs of weight 1/2 each. skip_bad_rows: rows that cannot be read are left out and
    counted, and no DataError. A row of responses that nobody has judged is counted, and its responses are kept apart.
    """
    one_of(tied_pairs, (LEAVE_OUT, HALF_EACH), "tied_pairs", DataError)
    shown = shown or str(path)
    pairs: list[Pair] = []
    seen: set[tuple[object, ...]] = set()
    dropped: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
    forms: Counter[str] = Counter()
    names: dict[str, None] = {}
    used: set[str] = set()
    faults: list[DataError] = []
    unlabelled: dict[str, dict[str, None]] = {}
    made = 0

    def refuse(fault: DataError) -> None:
        if not skip_bad_rows:
            raise fault
        if not faults:
            faults.append(fault)
        dropped[NOT_READABLE] += 1

    for number, where, row in numbered_rows(Path(path), shown, COLUMNS, lists=LIST_COLUMNS, refuse=refuse):
        try:
            waiting = _unlabelled(row, where)
            judged = judgements_of(row, where) if waiting is None else None
        except DataError as fault:
            refuse(fault)
            continue
        if len(names) <= NAMED + len(COLUMNS):
            names |= dict.fromkeys(map(str, row))
        if judged is None:
            forms[RESPONSES] += 1
            dropped[UNLABELLED] += 1
            used |= columns_of_answers(row, where)
            for prompt, texts in (waiting or {}).items():
                unlabelled.setdefault(prompt, {}).update(dict.fromkeys(texts))
            continue
        forms[judged.form] += 1
        again = says_again(row)
        used |= judged.used | ({AGAIN} if again else set())
        of_row = []
        for each in judged.judgements:
            pair = _pair(each, number, again)
            reason = why_dropped(each.better, each.worse) or (TIE if each.tie and tied_pairs == LEAVE_OUT else None)
            if reason is None and pair.judgement in seen:
                reason = FOUND_TWICE
            if reason:
                dropped[reason] += 1
                continue
            seen.add(pair.judgement)
            of_row.append(pair)
        kept = [half for pair in of_row for half in _weighted(pair, 1 / len(of_row) if judged.counts_once else 1.0)]
        pairs += kept
        made += len(kept) if len(kept) > 2 else 0
        if made > MOST_MADE:
            raise DataError(f"{where}: the rows make more than {MOST_MADE:,} pairs of their answers; keep fewer")
    gone = replaced(pairs)
    dropped[REPLACED] += sum(gone)
    pairs = [pair for pair, is_gone in zip(pairs, gone, strict=True) if not is_gone]
    read = len(pairs) + dropped.total()
    rows = forms.total() + dropped[NOT_READABLE]
    first = str(faults[0]) if faults else ""
    if not pairs:
        raise DataError(f"{shown}: {_nothing(rows, dropped, first)}")
    unread = tuple(name for name in names if name not in used)
    waiting_of = {prompt: tuple(texts) for prompt, texts in unlabelled.items()}
    return Reading(tuple(pairs), read, dict(dropped), dict(forms), unread, rows, first, waiting_of)


def _nothing(rows: int, dropped: Mapping[str, int], first: str) -> str:
    """What is wrong with a file of which no pair is kept, and what would be right."""
    found = f"{rows} rows{because(dropped)}{f' ({first})' if first else ''}" if rows else "no rows"
    if dropped[UNLABELLED]:
        label = f"{', '.join(LABELS[:-1])} or {LABELS[-1]}"
        remedy = f"label some of them first: say a, b or tie in a column {label}, or use notebooks/11_labelling.ipynb"
        return f"{found}; {remedy}"
    return f"{found}; a preference file needs at least one pair of different answers to one prompt"


def _unlabelled(row: Mapping[str, Any], where: str) -> dict[str, list[str]] | None:
    """The different responses of a row that nobody has judged, under their prompt; None for a row that was."""
    sides = answers_of(row, where)
    if sides is None:
        return None
    if len(sides) * (len(sides) - 1) // 2 > MOST_PAIRS:
        raise DataError(f"{where}: has {len(sides):,} responses; keep so few that they make {MOST_PAIRS:,} pairs")
    texts = [_text(side) for side in sides if side.prompt == sides[0].prompt and not side.by_human]
    return {sides[0].prompt: different} if len(different := list(dict.fromkeys(filter(None, texts)))) > 1 else {}


def _text(side: Side) -> str:
    return side.answer.strip()


def _pair(judged: Judgement, line: int, again: bool) -> Pair:
    return Pair(
        prompt=judged.better.prompt,
        chosen=judged.better.answer.strip(),
        rejected=judged.worse.answer.strip(),
        line=line,
        annotator=judged.annotator,
        margin=judged.margin,
        tie=judged.tie,
        chosen_first=judged.better_first,
        again=again,
    )


def _weighted(pair: Pair, weight: float) -> list[Pair]:
    """The pair with a weight; of a tie, that pair and the opposite one, with half of it each."""
    if not pair.tie:
        return [pair if weight == 1 else replace(pair, weight=weight)]
    half = replace(pair, weight=weight / 2)
    return [half, replace(half, chosen=pair.rejected, rejected=pair.chosen)]


def check(
    path: str | Path, shown: str | None = None, *, tied_pairs: TiedPairs = "leave_out", skip_bad_rows: bool = False
) -> tuple[str, dict[str, Any]]:
    """A sentence on what the file holds and its counts, or the DataError that `read_pairs` raises.

    Counts: pairs, prompts, and pairs_of_prompts, of each prompt in the bank's order; and the reading itself.
    """
    reading = read_pairs(path, shown, tied_pairs=tied_pairs, skip_bad_rows=skip_bad_rows)
    pairs_of_prompts = tuple(Counter(pair.prompt for pair in reading.pairs).values())
    prompts = len(pairs_of_prompts)
    rows = "" if reading.rows == reading.read else f" of {reading.rows} rows"
    kept = f"{reading.kept} of {reading.read} pairs kept{rows}, {prompts} prompts{because(reading.dropped)}"
    first = f" ({reading.first_unreadable})" if reading.first_unreadable else ""
    said = "; ".join([f"{kept}{first}", *reading.told])
    counts = {"pairs": reading.kept, "prompts": prompts, "pairs_of_prompts": pairs_of_prompts, "reading": reading}
    return f"{shown or path}: {said}", counts


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
    is the lower position, and their column `line` (int64) is the pair's line in the file. Where some pair has another
    weight than 1, an annotator or a margin, there is a column of it: `weight` float64, `annotator` int64, numbered from
    0 by first appearance and -1 where nobody is named, `margin` float64, NaN where there is none; and where the file
    says of some pair which answer was shown first, `chosen_first` int8: 1 the chosen one, 0 the other, -1 unsaid.
    """
    from rmkit.artifacts.bank import ResponseBank

    prompts, flat = in_bank_order(reading)
    texts_r = [text for _, text in flat]
    embedding_rd, embedding_source = embed(texts_to_embed(prompts, flat, with_prompts=with_prompts))
    bank = ResponseBank(
        prompts=text_table(range(len(prompts)), "prompt", prompts),
        responses=text_table([p for p, _ in flat], "response", texts_r),
        embedding_rd=embedding_rd,
        embedding_source=embedding_source | ({"read": "prompt and response"} if with_prompts else {}),
    )
    return bank, _comparisons(reading, prompts, flat)


def _comparisons(reading: Reading, prompts: Sequence[str], flat: Sequence[tuple[int, str]]) -> "Comparisons":
    """The comparisons of a reading; prompts, flat: as `in_bank_order` gives them."""
    import numpy as np
    import pandas as pd

    from rmkit.artifacts.comparisons import Comparisons

    position = {(p, text): r for r, (p, text) in enumerate(flat)}
    number = {prompt: p for p, prompt in enumerate(prompts)}
    chosen_m = np.array([position[number[pair.prompt], pair.chosen] for pair in reading.pairs], dtype=np.int64)
    rejected_m = np.array([position[number[pair.prompt], pair.rejected] for pair in reading.pairs], dtype=np.int64)
    table = {
        "first": np.minimum(chosen_m, rejected_m),
        "second": np.maximum(chosen_m, rejected_m),
        "label": (chosen_m < rejected_m).astype(np.int8),
        "line": np.array([pair.line for pair in reading.pairs], dtype=np.int64),
    }
    if any(pair.weight != 1 for pair in reading.pairs):
        table["weight"] = np.array([pair.weight for pair in reading.pairs], dtype=np.float64)
    if named := {name: number for number, name in enumerate(reading.annotators)}:
        table["annotator"] = np.array([named.get(pair.annotator or "", -1) for pair in reading.pairs], dtype=np.int64)
    if any(pair.margin is not None for pair in reading.pairs):
        margins = [np.nan if pair.margin is None else pair.margin for pair in reading.pairs]
        table["margin"] = np.array(margins, dtype=np.float64)
    if any(pair.chosen_first is not None for pair in reading.pairs):
        shown = [-1 if pair.chosen_first is None else int(pair.chosen_first) for pair in reading.pairs]
        table["chosen_first"] = np.array(shown, dtype=np.int8)
    return Comparisons(pd.DataFrame(table))


def in_bank_order(reading: Reading) -> tuple[list[str], list[tuple[int, str]]]:
    """The P prompts by first appearance, and the R responses of a bank, each with its prompt's number.

    A prompt's responses are sorted by their hash, so that a position says nothing about which one was preferred: in the
    file's order every chosen response would come first, and "take the first" would be a perfect reward model. Prompts
    that nobody has judged a response of come last, so that those of the pairs have the numbers that they have alone.
    """
    answers: dict[str, set[str]] = {}
    for pair in reading.pairs:
        answers.setdefault(pair.prompt, set()).update((pair.chosen, pair.rejected))
    for prompt, texts in reading.unlabelled.items():
        answers.setdefault(prompt, set()).update(texts)
    return list(answers), [(p, text) for p, texts in enumerate(answers.values()) for text in sorted(texts, key=sha256)]


def texts_to_embed(prompts: Sequence[str], flat: Sequence[tuple[int, str]], *, with_prompts: bool) -> list[str]:
    """What is embedded of `in_bank_order`: the R responses, each after its prompt if with_prompts."""
    return [f"{prompts[p]} {text}" if with_prompts else text for p, text in flat]


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
