"""Files of scores that judges and reward models gave to pairs of responses, read and matched pair by pair.

A row is a pair. Knows the names that RewardBench, TRL and people give to columns; `files/rows` reads the containers.
Every mistake is one sentence with the file and the row. Formats:
RewardBench (github.com/allenai/reward-bench) scripts/run_rm.py and its command line's `_outputs.jsonl`; TRL's
RewardTrainer, the table of `visualize_samples`, and the rewards of its DPO trainer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmkit.errors import DataError, ParamsError, cut, listed, quoted
from rmkit.evaluation.cells import key_in, number_in
from rmkit.evaluation.compared_scores import FIRST_LISTED, JudgedPairs, rulers_of
from rmkit.files.regular import json_value
from rmkit.files.rows import MOST_ROWS, Rows, read_rows
from rmkit.measures.margins import pair_accuracy

IDS = ("id", "pair_id")
PROMPTS = ("prompt_id", "prompt")
CATEGORIES = ("subset", "category")
SCORES = (
    *(("chosen_score", "rejected_score"), ("scores_chosen", "scores_rejected"), ("score_chosen", "score_rejected")),
    *(("rewards/chosen", "rewards/rejected"), ("rewards_chosen", "rewards_rejected")),
    *(("reward_chosen", "reward_rejected"), ("chosen_reward", "rejected_reward")),
)
BOTH_SCORES = "logits"  # TRL's: [chosen, rejected]
MARGINS = ("margin", "rewards/margins")
VERDICTS = ("results", "correct", "is_correct")
PLAIN_TEXTS = ("chosen", "rejected")
TEXTS = (PLAIN_TEXTS, ("text_chosen", "text_rejected"), ("chosen_text", "rejected_text"))
POSITION = "chosen_position"  # 1 or 2: where the chosen response was listed
KNOWN = {*IDS, *PROMPTS, *CATEGORIES, BOTH_SCORES, *MARGINS, *VERDICTS, POSITION} | {
    name for names in (*SCORES, *TEXTS) for name in names
}
NEEDED = "a row needs chosen_score and rejected_score, or a margin, or a verdict (results: 1, 0, 0.5)"
TRUTHS = {"true": 1.0, "false": 0.0}
MOST_FILES = 50
LONGEST_NAME = 200  # characters of a model's or a category's name


@dataclass(frozen=True, eq=False)
class ScoreFile:
    """One judge's M rows, checked: every list is in the file's order; None where the file lacks the column."""

    name: str
    rows: Rows
    credit_m: np.ndarray  # (M,) 1, 0, or 0.5 for a tie
    ids: list[str] | None
    prompts: list[str] | None
    categories: list[str] | None
    texts: tuple[list[str], list[str]] | None  # chosen, rejected
    texts_from: tuple[str, str] | None  # the columns that they are from
    first_listed_m: np.ndarray | None


def named_files(given: Sequence[str]) -> dict[str, Path]:
    """The files by the names of their models: `NAME=PATH`, or the file's own name without its endings.

    ParamsError where two models have one name, for a name that no file can hold, and for too many files.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or _exists(text):
            name, path = _stem(text), text
        if not name or not path or len(name) > LONGEST_NAME or not _is_text(name):
            raise ParamsError(f"{cut(text)}: give a file, or NAME=FILE with a name of 1 to {LONGEST_NAME} characters")
        if name in found:
            raise ParamsError(f"{cut(text)}: a second file of {quoted(name)}; tell them apart by NAME=FILE")
        found[name] = Path(path)
    if len(found) > MOST_FILES:
        raise ParamsError(f"{len(found)} files are too many; compare at most {MOST_FILES} at once")
    return found


def _stem(path: str) -> str:
    name = Path(path).name
    return Path(name.removesuffix(".gz")).stem


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def judged_pairs(files: Mapping[str, Path]) -> JudgedPairs:
    """The files of K judges, by name, as credits for one set of pairs in the order of the first file.

    Rows are matched by id, or by place where no file has ids. DataError where files do not speak of the same pairs.
    """
    read: list[ScoreFile] = []
    for name, path in files.items():
        read.append(read_scores(name, path))
        if sum(len(each.credit_m) for each in read) > MOST_ROWS:
            raise DataError(f"{read[-1].rows.shown}: the files hold more than {MOST_ROWS:,} rows together")
    first = read[0]
    order = {file.name: _order(file, first) for file in read}
    credit_km = np.stack([file.credit_m[order[file.name]] for file in read])
    if first.ids is None:
        _require_same_texts(read)
    rulers = {}
    if with_texts := [file for file in read if file.texts]:
        chosen, rejected = with_texts[0].texts or ([], [])
        placed = order[with_texts[0].name]
        rulers = rulers_of([chosen[at] for at in placed], [rejected[at] for at in placed])
    for file in read:
        if file.first_listed_m is not None and FIRST_LISTED not in rulers:
            rulers[FIRST_LISTED] = file.first_listed_m[order[file.name]]
    categories = _agreed(read, order, lambda file: file.categories, "category")
    return JudgedPairs(
        names=tuple(files),
        credit_km=credit_km,
        prompt_m=_clusters(read, order),
        category_m=None if categories is None else np.array(categories, dtype=object),
        rulers=rulers,
    )


def _order(file: ScoreFile, first: ScoreFile) -> np.ndarray:
    """(M,) where the pairs of the first file are in this one; DataError if they are not the same pairs."""
    shown, other = file.rows.shown, first.rows.shown
    if (file.ids is None) != (first.ids is None):
        without, with_ids = (shown, other) if file.ids is None else (other, shown)
        raise DataError(f"{without}: has no id, and {with_ids} has; give every file ids, or none")
    if file.ids is None or first.ids is None:
        if len(file.credit_m) != len(first.credit_m):
            counts = f"{len(file.credit_m)} rows, and {other} has {len(first.credit_m)}"
            raise DataError(f"{shown}: has {counts}; without an id, files must have the same rows in one order")
        return np.arange(len(first.credit_m))
    place = {id_: at for at, id_ in enumerate(file.ids)}
    known = set(first.ids)
    for at, id_ in enumerate(file.ids):
        if id_ not in known:
            raise DataError(f"{file.rows.where(at)}: id {quoted(id_)} is not in {other}; compare one set of pairs")
    if missing := [at for at, id_ in enumerate(first.ids) if id_ not in place]:
        more = f" ({len(missing)} are missing)" if missing[1:] else ""
        raise DataError(f"{shown}: lacks id {quoted(first.ids[missing[0]])} of {first.rows.where(missing[0])}{more}")
    return np.array([place[id_] for id_ in first.ids], dtype=np.int64)


def _require_same_texts(read: Sequence[ScoreFile]) -> None:
    """DataError where files without ids have other responses in one place: their rows are in another order."""
    plain = [file for file in read if file.texts and file.texts_from == PLAIN_TEXTS]
    for file in plain[1:]:
        for name, here, there in zip(PLAIN_TEXTS, file.texts or (), plain[0].texts or (), strict=True):
            if other := [at for at, (one, two) in enumerate(zip(here, there, strict=True)) if one != two]:
                said = f"{name} is another text than in {plain[0].rows.where(other[0])}"
                raise DataError(f"{file.rows.where(other[0])}: {said}; without an id, rows must be in one order")


def _agreed(
    read: Sequence[ScoreFile],
    order: Mapping[str, np.ndarray],
    of: Callable[[ScoreFile], list[str] | None],
    what: str,
) -> list[str] | None:
    """What the first file that has it says of each pair; DataError where another file says something else."""
    told = [(file, values) for file in read if (values := of(file)) is not None]
    if not told:
        return None
    first, first_values = told[0]
    agreed = [first_values[at] for at in order[first.name]]
    for file, values in told[1:]:
        for at, at_first, one in zip(order[file.name], order[first.name], agreed, strict=True):
            if values[at] != one:
                there = f"and {quoted(one)} in {first.rows.where(at_first)}"
                raise DataError(f"{file.rows.where(at)}: {what} is {quoted(values[at])}, {there}")
    return agreed


def _clusters(read: Sequence[ScoreFile], order: Mapping[str, np.ndarray]) -> np.ndarray:
    """(M,) a number for each prompt. Files may write a prompt by other templates; which pairs share one must agree."""
    clusters = np.arange(len(read[0].credit_m))
    told: ScoreFile | None = None
    for file in [file for file in read if file.prompts is not None]:
        number: dict[str, int] = {}
        here = np.array([number.setdefault((file.prompts or [])[at], len(number)) for at in order[file.name]])
        if told is not None and len(apart := np.flatnonzero(here != clusters)):
            at = order[file.name][apart[0]]
            raise DataError(
                f"{file.rows.where(at)}: shares its prompt with other pairs than in {told.rows.shown}; "
                f"give every file one prompt_id"
            )
        clusters, told = here, file
    return clusters


def read_scores(name: str, path: Path) -> ScoreFile:
    """One file, checked row by row; DataError with file and row."""
    rows = read_rows(path, KNOWN)
    if not rows.numbers:
        raise DataError(f"{rows.shown}: has no rows with a score; {NEEDED}; it has {_names(rows)}")
    ids = _texts_of(rows, rows.first_of(IDS), key_in)
    if ids is not None:
        seen: dict[str, int] = {}
        for at, id_ in enumerate(ids):
            if (before := seen.setdefault(id_, at)) != at:
                said = f"id {quoted(id_)} is listed twice, first in {rows.word} {rows.numbers[before]}"
                raise DataError(f"{rows.where(at)}: {said}")
    texts_from = next((pair for pair in TEXTS if all(name in rows.columns for name in pair)), None)
    texts = None
    if texts_from:
        chosen, rejected = (_texts_of(rows, column, _response) or [] for column in texts_from)
        texts = (chosen, rejected)
    first_listed = None
    if POSITION in rows.columns:
        positions = [number_in(value, rows.where(at), POSITION) for at, value in enumerate(rows.columns[POSITION])]
        for at, position in enumerate(positions):
            if position not in (1, 2):
                raise DataError(f"{rows.where(at)}: {POSITION} is {position:g}; it must be 1 or 2")
        first_listed = np.array([float(position == 1) for position in positions])
    return ScoreFile(
        name=name,
        rows=rows,
        credit_m=_credit(rows),
        ids=ids,
        prompts=_texts_of(rows, rows.first_of(PROMPTS), key_in),
        categories=_texts_of(rows, rows.first_of(CATEGORIES), _name),
        texts=texts,
        texts_from=texts_from,
        first_listed_m=first_listed,
    )


def _credit(rows: Rows) -> np.ndarray:
    """(M,) 1, 0 or 0.5, from scores, else from margins, else from verdicts."""
    verdict = rows.first_of(VERDICTS)
    pair = next((pair for pair in SCORES if all(name in rows.columns for name in pair)), None)
    if pair or BOTH_SCORES in rows.columns:
        names = pair or (f"{BOTH_SCORES}[0]", f"{BOTH_SCORES}[1]")
        scores = []
        for at in range(len(rows.numbers)):
            where = rows.where(at)
            values = [rows.columns[name][at] for name in pair] if pair else _two(rows.columns[BOTH_SCORES][at], where)
            scores.append([number_in(value, where, name) for value, name in zip(values, names, strict=True)])
        chosen_m, rejected_m = np.array(scores, dtype=np.float64).T
        credit_m = pair_accuracy(np.sign(chosen_m / 2 - rejected_m / 2))  # halves: the largest floats may differ too
        if verdict:
            _require_same_verdicts(rows, verdict, credit_m)
        return credit_m
    if margin := rows.first_of(MARGINS):
        values = [number_in(value, rows.where(at), margin) for at, value in enumerate(rows.columns[margin])]
        return pair_accuracy(np.sign(np.array(values, dtype=np.float64)))
    if verdict:
        return np.array([_verdict(value, rows.where(at), verdict) for at, value in enumerate(rows.columns[verdict])])
    raise DataError(f"{rows.shown}: has no scores; {NEEDED}; it has {_names(rows)}")


def _require_same_verdicts(rows: Rows, verdict: str, credit_m: np.ndarray) -> None:
    """DataError where a verdict says the opposite of the scores beside it; of a tie it may say anything."""
    for at, (value, credit) in enumerate(zip(rows.columns[verdict], credit_m, strict=True)):
        if value is not None and credit != 0.5 and _verdict(value, rows.where(at), verdict) == 1 - credit:
            higher = "chosen" if credit else "rejected"
            raise DataError(f"{rows.where(at)}: {verdict} is {quoted(value)}, but the {higher} response scores higher")


def _verdict(value: Any, where: str, column: str) -> float:
    if isinstance(value, str) and value.strip().lower() in TRUTHS:
        return TRUTHS[value.strip().lower()]
    number = float(value) if isinstance(value, bool) else number_in(value, where, column)
    if number not in (0.0, 0.5, 1.0):
        raise DataError(f"{where}: {column} is {number:g}; a verdict is 1 (chosen), 0 (rejected) or 0.5 (a tie)")
    return number


def _two(value: Any, where: str) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json_value(value)
        except ValueError:
            value = None
    if not isinstance(value, list) or len(value) != 2:
        raise DataError(f"{where}: {BOTH_SCORES} must be [chosen, rejected], two numbers")
    return value


def _texts_of(rows: Rows, column: str | None, read: Callable[[Any, str, str], str]) -> list[str] | None:
    """A column's values, each as `read` makes a text of it; None without a column."""
    if column is None:
        return None
    return [read(value, rows.where(at), column) for at, value in enumerate(rows.columns[column])]


def _name(value: Any, where: str, column: str) -> str:
    """A category: short, and of characters that a file can hold."""
    text = key_in(value, where, column)
    if len(text) > LONGEST_NAME or not _is_text(text):
        raise DataError(f"{where}: {column} is {quoted(text)}; it must be a text of 1 to {LONGEST_NAME} characters")
    return text


def _response(value: Any, where: str, column: str) -> str:
    """A response: a text, or the last of a list of messages."""
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = value[-1].get("content")
    if value is None:
        return ""  # an empty response, as a .csv has it
    if not isinstance(value, str):
        raise DataError(f"{where}: {column} is {quoted(value)}; it must be a text, or messages with their content")
    return value


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _names(rows: Rows) -> str:
    return listed(rows.all_columns) or "no columns"
