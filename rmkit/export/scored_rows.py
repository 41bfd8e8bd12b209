"""Rows of a file with the rewards that a reward model gives to their responses.

Knows files of responses and of pairs, and a reward model of texts. Labels go along; no reward depends on them.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import DataError, cut, quoted
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.files.rows import numbered_rows
from rmkit.worlds.human_preferences.judgements import COLUMNS, LIST_COLUMNS, names_of_two, outcomes_of, two_sides
from rmkit.worlds.human_preferences.row_forms import CHOSEN, PROMPT, REJECTED, Side, side_of, sides_of

RESPONSES, MESSAGES = ("response", "completion", "answer", "output"), "messages"  # what holds the one response of a row
WIDEST = 63  # bits of a whole number that any file of a table can hold
CARRIED = ("id", "prompt_id", "subset", "category")  # columns that go along as they are
PREFERRED, TIE = "preferred", "tie"


def scored(
    model: TextRewardModel,
    path: str | Path,
    *,
    with_texts: bool = False,
    progress: Callable[[int, int], None] | None = None,
    check_row: Callable[[Mapping[str, Any], str], None] | None = None,
) -> pd.DataFrame:
    """A row each of the file's: row (its number there), what is CARRIED, and score, or those of its two responses.

    These are chosen_score and rejected_score; or, of two responses, response_a_score and response_b_score (as the file
    calls them), and beside them `preferred`: the one that most judgements prefer, tie, or None where nobody judged.
    with_texts: chosen and rejected stand beside their scores. Scores are float32, NaN where a response is empty.
    prompt_id numbers the prompts where the file has none. DataError with file and row for a row that is neither a
    response after its prompt nor a pair, or of another kind than the first. check_row: called with each
    row and where it stands, before any is scored; it raises what it refuses.
    """
    shown = cut(str(path))
    rows: list[dict[str, Any]] = []
    sides: list[Side] = []
    names: tuple[str, ...] = ()
    looked_at = {*COLUMNS, *RESPONSES, MESSAGES, *CARRIED}
    for number, where, row in numbered_rows(Path(path), shown, looked_at, lists=LIST_COLUMNS):
        pair = (CHOSEN, REJECTED) if _has(row, CHOSEN) or _has(row, REJECTED) else names_of_two(row)
        here = tuple(f"{name}_score" for name in pair) if pair else ("score",)
        if names and here != names:
            raise DataError(f"{where}: is a {_kind(here)}, and each row before it a {_kind(names)}; score them apart")
        names = here
        if check_row:
            check_row(row, where)
        said: dict[str, Any] = {name: _carried(row[name], name, where) for name in CARRIED if _has(row, name)}
        if pair is None:
            sides.append(_response(row, where))
        elif pair == (CHOSEN, REJECTED):
            sides += sides_of(row, where)[:2]
            said |= {name: side.answer for name, side in zip(pair, sides[-2:], strict=True)} if with_texts else {}
        else:
            sides += two_sides(row, pair, where)
            said[PREFERRED] = _preferred(row, pair, where)
        rows.append({"row": number} | said)
    if not rows:
        raise DataError(f"{shown}: no rows; give a file of prompts and responses, or of pairs")
    reward_r = np.full(len(sides), np.nan, np.float32)
    full = [at for at, side in enumerate(sides) if side.answer.strip()]
    if full:
        texts = [sides[at].prompt for at in full], [sides[at].answer.strip() for at in full]
        reward_r[full] = model.score(*texts, progress=progress)
    table = pd.DataFrame(rows)
    for name in table.columns.intersection(CARRIED):
        values = [row.get(name) for row in rows]
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1 and not kinds <= {int, float}:  # one kind a column, as files of tables want it
            table[name] = [None if value is None else str(value) for value in values]
        elif kinds == {int} and None in values:  # and no float for a missing one
            table[name] = pd.array(values, "Int64")
    if "prompt_id" not in table:
        place = {prompt: at for at, prompt in enumerate(dict.fromkeys(side.prompt for side in sides))}
        table["prompt_id"] = [place[side.prompt] for side in sides[:: len(names)]]
    for at, name in enumerate(names):
        table[name] = reward_r[at :: len(names)]
    return table


def _response(row: Mapping[str, Any], where: str) -> Side:
    """The one response of a row, a text or messages, after its prompt; or the last of its messages."""
    if _has(row, MESSAGES):
        side = side_of(row[MESSAGES], None, MESSAGES, where)
        if side.by_human:
            raise DataError(f"{where}: the last of '{MESSAGES}' is the human's; it must be the response")
        return side
    name = next((name for name in RESPONSES if _has(row, name)), None)
    if name is None or not _has(row, PROMPT):
        found = ", ".join(cut(repr(key)[1:-1], 40) for key in list(row)[:5]) or "no keys"
        pairs = f"is a pair with '{CHOSEN}' and '{REJECTED}', or with 'response_a' and 'response_b'"
        needs = f"a row needs '{PROMPT}' and 'response', or '{MESSAGES}', or {pairs}"
        raise DataError(f"{where}: has no response after a prompt (found {found}); {needs}")
    return side_of(row[name], row[PROMPT], name, where)


def _preferred(row: Mapping[str, Any], pair: tuple[str, str], where: str) -> str | None:
    outcomes = outcomes_of(row, pair, where).values()
    return (TIE, *pair)[int(np.sign(sum(outcomes)))] if outcomes else None


def share_right(table: pd.DataFrame) -> tuple[float, int]:
    """Of the M pairs that were judged, no tie, with two scores: the share in the right order, half of equal ones; M."""
    if f"{CHOSEN}_score" in table:
        margin = table[f"{CHOSEN}_score"] - table[f"{REJECTED}_score"]
    elif PREFERRED in table:
        first, second = (name for name in table if name.endswith("_score"))
        way = table[PREFERRED].map({first.removesuffix("_score"): 1, second.removesuffix("_score"): -1})
        margin = way.astype(float) * (table[first] - table[second])
    else:
        margin = pd.Series(dtype=float)
    margin = margin.dropna()
    return float(((margin > 0) + (margin == 0) / 2).mean()), len(margin)


def _carried(value: Any, name: str, where: str) -> Any:
    """A value that goes along: as it is, what JSON nests and whole numbers beyond 64 bits as their text.

    A number that is none, as NaN, counts as missing.
    """
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, int) and value.bit_length() > WIDEST:
        return str(value)
    if value is None or isinstance(value, float | int):
        return value
    text = json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise DataError(f"{where}: {name!r} holds {quoted(text)}, of which a part is no character; write it in full")
    return text


def _has(row: Mapping[str, Any], name: str) -> bool:
    return row.get(name) is not None


def _kind(names: tuple[str, ...]) -> str:
    return f"pair ({' and '.join(name.removesuffix('_score') for name in names)})" if len(names) == 2 else "response"
