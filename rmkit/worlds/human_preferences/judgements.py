"""What a row says about its answers: which one is better than which, by whose judgement and how clearly.

| form | what a row has |
|---|---|
| chosen and rejected | one each, in the forms of row_forms.py; a label beside them that says `tie` makes it a tie |
| lists of answers (RewardBench 2) | `chosen` and `rejected`, of which one or both are lists of answers |
| a ranking | `responses`, `completions` or `answers`, a list, and beside it `ranks` or `scores`, one for each answer |
| a ranking (Nectar, UltraFeedback) | the same list, of objects with an answer and its `rank` or `score` |
| two responses and a label | `response_a` and `response_b`, or `response1` and `response2`, and a label |
| two responses and votes (PandaLM) | the same, and a column for each person: `annotator1`, `annotator2`, … |

Of ranks (also `rank`, `ranking`) 1 is best, of scores more is better. A label is in `winner`, `preference` or `label`.
The two responses may also be called `conversation_a`, `answer_a` or `completion_a`, and `response_1`, `output_1` or
`answer_1`.

An answer is a text or messages. The prompt is `prompt`; in rankings and beside two responses it may also be
`instruction` or `question`, with an `input` after it, or `input` alone (PandaLM, LLMBar). Of `conversation_a` and
`conversation_b`, `turn` says how many turns were judged (MT-Bench).

A label names one of the two (`a`, `model_a`, `response_a`, `first`, …) or says `tie`. As a number, it means 1: the
first is better, 0.5: a tie, 0: the second, where the two are called a and b; and 1: the first, 2: the second, 0: a tie,
where they are called 1 and 2. Knows rows; no file.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

from rmkit.errors import DataError, quoted
from rmkit.worlds.human_preferences.row_forms import CHOSEN, PROMPT, REJECTED, Side, side_of, sides_of
from rmkit.worlds.human_preferences.second_judgements import AGAIN

LISTS, RANKING, LABELLED, VOTES = "lists of answers", "rankings", "two responses and a label", "two responses and votes"
LETTERED = tuple((f"{name}_a", f"{name}_b") for name in ("response", "conversation", "answer", "completion"))
NUMBERED = tuple((f"{name}1", f"{name}2") for name in ("response", "response_", "output_", "answer_"))
LABELS = ("winner", "preference", "label")
RESPONSES = ("responses", "completions", "answers")
RANKS, SCORES = ("ranks", "rank", "ranking"), ("scores", "score", "overall_score")
ANSWERS = ("text", "content", "response", "completion", "answer")  # in an object of a ranking
QUESTIONS = ("instruction", "question")
INPUT, TURN = "input", "turn"
ANNOTATOR, MARGIN = ("annotator", "annotator_id", "judge", "worker_id"), ("margin", "strength")
VOTERS = tuple(f"annotator{between}{number}" for between in ("", "_") for number in range(1, 51))
COLUMNS = (  # all that are looked at
    *(PROMPT, CHOSEN, REJECTED, *QUESTIONS, INPUT, TURN, *LABELS, *RESPONSES, *RANKS, *SCORES),
    *(name for names in (*LETTERED, *NUMBERED) for name in names),
    *(*ANNOTATOR, *MARGIN, *VOTERS, AGAIN),
)
LIST_COLUMNS = (CHOSEN, REJECTED, *RESPONSES, *RANKS, *SCORES)  # those that may hold lists
MOST_PAIRS = 10_000  # of one row
LEFT_OUT = ", or leave such rows out with --set skip_bad_rows=true"

TIES = ("tie", "tied", "draw", "equal", "same", "both", "tie (inconsistent)", "tie (bothbad)", "bothbad", "both_bad")
FIRST, TIE, SECOND = 1, 0, -1
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Judgement:
    """One answer is better than another; of a tie, the first one that the row names is called better."""

    better: Side
    worse: Side
    tie: bool = False
    annotator: str | None = None
    margin: float | None = None
    better_first: bool | None = None  # whether the better one was shown first; None where the row does not say


@dataclass(frozen=True)
class Judged:
    """What one row says."""

    judgements: tuple[Judgement, ...]
    form: str
    used: frozenset[str]  # the columns that it was made of
    counts_once: bool = False  # whether its judgements have a weight of 1 together, and not each


def judgements_of(row: Row, where: str) -> Judged:
    """All that a row says, or DataError with where it stands, the field and the remedy."""
    if CHOSEN in row or REJECTED in row:
        return _chosen_and_rejected(row, where)
    if names := names_of_two(row):
        return _two_responses(row, names, where)
    if column := first_of(row, RESPONSES):
        return _ranking(row, column, where)
    sides_of(row, where)  # says what is missing
    raise AssertionError("a row with neither is refused")


def names_of_two(row: Row) -> tuple[str, str] | None:
    """The columns of a row's two responses, where it has them."""
    return next((names for names in (*LETTERED, *NUMBERED) if all(name in row for name in names)), None)


def two_sides(row: Row, names: tuple[str, str], where: str) -> tuple[Side, Side]:
    """The two responses that a row has under these names, judged or not; DataError with where it stands."""
    asked, _ = asked_of(row, where)
    first, second = (side_of(_judged_turns(row, name, where), asked, name, where) for name in names)
    return first, second


def answers_of(row: Row, where: str) -> list[Side] | None:
    """The responses of a row that says nothing of them, neither by a label nor by a rank; None of any other row."""
    if CHOSEN in row or REJECTED in row:
        return None
    if names := names_of_two(row):
        return None if outcomes_of(row, names, where) else list(two_sides(row, names, where))
    column = first_of(row, RESPONSES)
    held = row[column] if column else None
    if not isinstance(held, list) or first_of(row, (*RANKS, *SCORES)):
        return None
    if any(isinstance(one, Mapping) and first_of(one, (*RANKS, *SCORES)) for one in held):
        return None
    asked, _ = asked_of(row, where)
    texts = [first_of(one, ANSWERS) if isinstance(one, Mapping) else None for one in held]
    return [
        side_of(one[text] if text else one, asked, f"answer {number} of {column}", where)
        for number, (one, text) in enumerate(zip(held, texts, strict=True), 1)
    ]


def columns_of_answers(row: Row, where: str) -> set[str]:
    """The columns of a row without a judgement that its prompt and its responses are in, and that wait for a label."""
    column = first_of(row, RESPONSES)
    waiting = {name for name in (*LABELS, *ANNOTATOR, *VOTERS) if name in row}
    return {*(names_of_two(row) or ([column] if column else [])), *asked_of(row, where)[1]} | waiting


def outcomes_of(row: Row, names: tuple[str, str], where: str) -> dict[str, int]:
    """By column: what each vote, or where there is none the label, says of two responses; empty for no judgement."""
    votes = [name for name in VOTERS if row.get(name) not in (None, "")]
    label = first_of(row, LABELS)
    return {column: outcome_of(row[column], names, column, where) for column in votes or ([label] if label else [])}


def _chosen_and_rejected(row: Row, where: str) -> Judged:
    by, margin, used = _said_beside(row, {PROMPT, CHOSEN, REJECTED})
    label = next((name for name in LABELS if _plain(row.get(name)) in TIES), None)
    used |= {label} if label else set()
    held = [row.get(name) for name in (CHOSEN, REJECTED)]
    if any(map(_is_list, held)) and all(_is_list(one) or isinstance(one, str) for one in held):
        chosen, rejected = (
            [side_of(answer, row.get(PROMPT), name, where) for answer in (one if isinstance(one, list) else [one])]
            for name, one in zip((CHOSEN, REJECTED), held, strict=True)
        )
        _require_few(len(chosen) * len(rejected), where)
        pairs = [Judgement(better, worse, bool(label), by, margin) for better in chosen for worse in rejected]
        return Judged(tuple(pairs), LISTS, frozenset(used), counts_once=True)
    better, worse, form = sides_of(row, where)
    return Judged((Judgement(better, worse, bool(label), by, margin),), form, frozenset(used))


def _two_responses(row: Row, names: tuple[str, str], where: str) -> Judged:
    by, margin, used = _said_beside(row, {*names, *asked_of(row, where)[1]})
    first, second = two_sides(row, names, where)
    used |= {TURN} if names[0].startswith("conversation") and row.get(TURN) is not None else set()
    outcomes = outcomes_of(row, names, where)
    votes = set(outcomes) <= set(VOTERS)
    if not outcomes:
        wanted = f"one of {', '.join(LABELS)}, or votes in annotator1, annotator2, …"
        raise DataError(
            f"{where}: has no value that says which of {names[0]} and {names[1]} is better; give {wanted}{LEFT_OUT}"
        )
    said = []
    for column, outcome in outcomes.items():
        better, worse = (second, first) if outcome == SECOND else (first, second)
        shown = None if outcome == TIE else outcome == FIRST
        said.append(Judgement(better, worse, outcome == TIE, column if votes else by, margin, shown))
    return Judged(tuple(said), VOTES if votes else _labelled(row, names, outcomes), frozenset({*used, *outcomes}))


def _labelled(row: Row, names: tuple[str, str], columns: Collection[str]) -> str:
    """The form's name, and how a label was read that is a number."""
    if all(_as_float(row[column]) is None for column in columns):
        return LABELLED
    second = "0: the other" if "a" in _meanings(names) else "2: the other"
    return f"{LABELLED} (1: {names[0]} is better, {second})"


def outcome_of(value: Any, names: tuple[str, str], column: str, where: str) -> int:
    """FIRST, TIE or SECOND, as the module says; DataError for any other value. names: of the two responses' columns."""
    meaning = _meanings(names)
    if (said := _plain(value)) in meaning:
        return meaning[said]
    lettered = "a" in meaning
    numbers = f"1 ({names[0]} is better), " + ("0 (the other) or 0.5 (a tie)" if lettered else "2 or 0 (a tie)")
    known = f"{names[0]}, {names[1]}, tie, {'a, b, ' if lettered else ''}{numbers}"
    raise DataError(f"{where}: {column!r} is {quoted(value)}; it must be one of {known}")


@lru_cache
def _meanings(names: tuple[str, str]) -> Mapping[str, int]:
    lettered = names[0].endswith("a")
    ends = ("a", "b") if lettered else ("1", "2")
    numbers = {"1": FIRST, "0.5": TIE, "0": SECOND} if lettered else {"0": TIE}
    known = {**dict.fromkeys(TIES, TIE), "first": FIRST, "second": SECOND, **numbers}
    for start in ("", "model", "model_", "response", *(f"{name}_" for name in ANSWERS), "output_", "conversation_"):
        known |= {f"{start}{ends[0]}": FIRST, f"{start}{ends[1]}": SECOND}
    return known


def _ranking(row: Row, column: str, where: str) -> Judged:
    asked, asked_in = asked_of(row, where)
    by, margin, used = _said_beside(row, {column, *asked_in})
    held = row[column]
    if not isinstance(held, list) or len(held) < 2:
        what = f"holds {len(held)}" if isinstance(held, list) else f"is {type(held).__name__}"
        raise DataError(f"{where}: {column!r} {what}; a ranking is a list of at least two answers")
    _require_few(len(held) * (len(held) - 1) // 2, where)
    beside = first_of(row, (*RANKS, *SCORES))
    sides, goodness = [], []
    for number, one in enumerate(held, 1):
        name, text, value, of = f"answer {number} of {column}", one, None, beside
        if isinstance(one, Mapping):
            text = next((one[key] for key in ANSWERS if one.get(key) is not None), None)
            of = first_of(one, (*RANKS, *SCORES)) or beside
            value = one.get(of) if of else None
        sides.append(side_of(text, asked, name, where))
        if of is None:
            raise DataError(f"{where}: {name!r} has no rank and no score; give 'ranks' or 'scores' beside {column!r}")
        if value is None:
            value = _beside(row, of, number, len(held), where)
            used.add(of)
        goodness.append((-1 if of in RANKS else 1) * _number(value, f"{of!r} of {name}", where))
    pairs = []
    for i, j in combinations(range(len(sides)), 2):
        i, j = (j, i) if goodness[j] > goodness[i] else (i, j)
        pairs.append(Judgement(sides[i], sides[j], goodness[i] == goodness[j], by, margin))
    return Judged(tuple(pairs), RANKING, frozenset(used), counts_once=True)


def _beside(row: Row, column: str, number: int, n_answers: int, where: str) -> Any:
    """The value for one of the answers in the list beside them."""
    values = row.get(column)
    if not isinstance(values, list) or len(values) != n_answers:
        what = f"has {len(values)} values" if isinstance(values, list) else f"is {type(values).__name__}"
        raise DataError(f"{where}: {column!r} {what}; it must be a list of {n_answers}, one for each answer")
    return values[number - 1]


def _number(value: Any, name: str, where: str) -> float:
    number = None if isinstance(value, str) else _as_float(value)
    if number is None:
        raise DataError(f"{where}: {name} is {quoted(value)}; it must be a finite number")
    return number


def _require_few(n_pairs: int, where: str) -> None:
    if n_pairs > MOST_PAIRS:
        raise DataError(f"{where}: makes {n_pairs:,} pairs of its answers; keep so few that they make {MOST_PAIRS:,}")


def asked_of(row: Row, where: str) -> tuple[Any, list[str]]:
    """The prompt of a row that may call it otherwise, and the columns that it is in."""
    if row.get(PROMPT) is not None:
        return row[PROMPT], [PROMPT]
    parts = [name for name in (first_of(row, QUESTIONS), INPUT if row.get(INPUT) not in (None, "") else None) if name]
    for name in parts:
        if not isinstance(row[name], str):
            raise DataError(f"{where}: {name!r} is {type(row[name]).__name__}, not text; it must be text")
    return "\n\n".join(row[name] for name in parts) if parts else None, parts


def _judged_turns(row: Row, name: str, where: str) -> Any:
    """A response as it stands; of a conversation, no more turns than were judged."""
    held, said = row[name], row.get(TURN)
    if not name.startswith("conversation") or said in (None, "") or not isinstance(held, list):
        return held
    turns = _as_float(said)
    if turns is None or turns < 1 or turns != int(turns):
        raise DataError(f"{where}: {TURN!r} is {quoted(said)}; it must be how many turns were judged, from 1")
    system = bool(held) and isinstance(held[0], Mapping) and held[0].get("role") == "system"
    return held[: system + 2 * int(turns)]


def _said_beside(row: Row, used: set[str]) -> tuple[str | None, float | None, set[str]]:
    """Who judged and by what margin, None where a row does not say, and the columns that were used, these among them.

    A column by such a name that holds something else is not used.
    """
    who = {name: by for name in ANNOTATOR if (by := _plain(row.get(name), lower=False))}
    clear = {name: much for name in MARGIN if (much := _as_float(row.get(name))) is not None}
    found = [*list(who)[:1], *list(clear)[:1]]
    return next(iter(who.values()), None), next(iter(clear.values()), None), used | {*found}


def _as_float(value: Any) -> float | None:
    """A finite number, also one that a table holds as text, else None."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _plain(value: Any, *, lower: bool = True) -> str:
    """A label or a name as text, in small letters or as it is; a whole number without a point, empty for neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    said = str(value).strip().removesuffix(".0")
    return said.lower() if lower else said


def _is_list(value: Any) -> bool:
    """Whether it is a list of answers, and not the messages of one."""
    return isinstance(value, list) and bool(value) and (_all(value, str) or _all(value, list))


def _all(values: Sequence[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def first_of(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if row.get(name) not in (None, "")), None)
