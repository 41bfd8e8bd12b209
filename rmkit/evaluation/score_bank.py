"""A bank of scores to design test sets from: gold and the scores of F reward models for P prompts, K responses each.

From arrays, or from a table with a row a response: prompt_id, response_id, gold, and a column a reward model. Knows
numbers and names: no text, no head. `files/rows` reads the containers; every mistake is one sentence with the row.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rmkit.errors import DataError, cut, listed, quoted
from rmkit.evaluation.cells import key_in, number_in
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.files.rows import MOST_ROWS, numbered_rows
from rmkit.measures.arrays import finite

PROMPT, RESPONSE, GOLD = "prompt_id", "response_id", "gold"
MOST_MODELS = 200
MOST_SCORES = 2**27  # of a file: a gigabyte
LONGEST_NAME = 200


@dataclass(frozen=True, eq=False)
class ScoreBank:
    """Checked when made, or DataError with the model, prompt and response."""

    names: tuple[str, ...]  # F, each once
    score_fpk: np.ndarray  # (F, P, K) float64, finite
    gold_pk: np.ndarray  # (P, K) float64, finite, not all alike
    left_out: tuple[str, ...] = ()  # columns of a file, or models of a job, that give no scores

    def __post_init__(self) -> None:
        gold_pk = JudgedResponses(self.gold_pk).gold_pk
        object.__setattr__(self, "gold_pk", gold_pk)
        object.__setattr__(self, "score_fpk", finite(self.score_fpk, "score"))
        if self.score_fpk.shape != (wanted := (len(self.names), *gold_pk.shape)) or not self.names:
            raise DataError(f"scores: shape {self.score_fpk.shape}; it must be {wanted}: models, prompts, responses")
        if len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise DataError(f"reward model {quoted(twice)} is there twice; give each a name of its own")
        if np.ptp(gold_pk) == 0:
            raise DataError("gold: is the same for all responses; there is nothing to choose by")

    def __str__(self) -> str:
        n_prompts, n_responses = self.gold_pk.shape
        said = f"{len(self.names)} reward models on {n_prompts:,} prompts with {n_responses} responses each"
        return said + (f"; without {listed(self.left_out, 4)}" if self.left_out else "")

    @property
    def judged(self) -> JudgedResponses:
        """The responses with their gold, as designs take them."""
        return JudgedResponses(self.gold_pk)

    def thinned(self, n_models: int) -> "ScoreBank":
        """n models, evenly spread over the bank's order; all where it has no more. DataError for fewer than one.

        A study's models lie in the order of their kinds: the first n would be of one kind.
        """
        if n_models < 1:
            raise DataError(f"{n_models} reward models: take at least one")
        n_models = min(n_models, len(self.names))
        kept_f = np.linspace(0, len(self.names) - 1, n_models).round().astype(int)
        names = tuple(self.names[f] for f in kept_f)
        return ScoreBank(names, self.score_fpk[kept_f], self.gold_pk, self.left_out)


def read_score_bank(path: str | Path, *, models: Sequence[str] | None = None) -> ScoreBank:
    """The bank of a .parquet, .csv, .tsv, .jsonl or .json file with a row a response.

    Columns: prompt_id, response_id, gold, and a column a reward model. models: these columns; None: every other one
    whose first cell is a number. Prompts and responses keep the file's order; every prompt has as many responses.
    DataError with file and row: a missing column or number, a response that is there twice, prompts of unequal size.
    """
    path = Path(path)
    shown = cut(str(path))
    names, left_out = _models(path, shown, models)
    columns = (GOLD, *names)
    values, place = array("d"), dict[tuple[str, str], str]()
    prompts = dict[str, int]()
    prompt_r = array("q")
    for _, where, row in numbered_rows(path, shown, (PROMPT, RESPONSE, *columns)):
        prompt, response = (key_in(_cell(row.get(name)), where, name) for name in (PROMPT, RESPONSE))
        if (before := place.setdefault((prompt, response), where)) != where:
            raise DataError(f"{where}: response {quoted(response)} to prompt {quoted(prompt)} is there twice: {before}")
        values.extend(number_in(_cell(row.get(name)), where, cut(name)) for name in columns)
        prompt_r.append(prompts.setdefault(prompt, len(prompts)))
        if len(place) > MOST_ROWS or len(values) > MOST_SCORES:
            raise DataError(f"{shown}: holds more than {MOST_ROWS:,} rows or {MOST_SCORES:,} numbers; take a sample")
    value_cr = np.frombuffer(values, dtype=np.float64).reshape(-1, len(columns)).T
    value_cpk = _grid(value_cr, np.frombuffer(prompt_r, dtype=np.int64), list(prompts), shown)
    return ScoreBank(tuple(names), value_cpk[1:], value_cpk[0], tuple(left_out))


def _models(path: Path, shown: str, asked: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """The columns of reward models, and those left out: not numbers in the first row, or not asked for."""
    first = next(iter(numbered_rows(path, shown, ())), None)  # of Parquet, its cells are not read
    if first is None:
        raise DataError(f"{shown}: has no rows; it must have {PROMPT}, {RESPONSE}, {GOLD} and a column a reward model")
    there = [str(name) for name in first[2]]
    if missing := [name for name in (PROMPT, RESPONSE, GOLD) if name not in there]:
        raise DataError(f"{shown}: has no column {', '.join(missing)}; it has {listed(there)}")
    others = [name for name in there if name not in (PROMPT, RESPONSE, GOLD)]
    if asked is not None:
        if unknown := [name for name in asked if name not in others]:
            raise DataError(f"{shown}: has no reward model {quoted(unknown[0])}; there are {listed(others)}")
        found = list(dict.fromkeys(asked))
    else:
        _, where, row = next(iter(numbered_rows(path, shown, others)))
        found = [name for name in others if _may_be_a_number(_cell(row.get(name)), where, name)]
    if not found or len(found) > MOST_MODELS:
        raise DataError(
            f"{shown}: has {len(found)} columns of scores beside {PROMPT}, {RESPONSE} and {GOLD}; it must have a "
            f"column of numbers for each reward model, 1 to {MOST_MODELS} of them"
        )
    if long := [name for name in found if len(name) > LONGEST_NAME]:
        raise DataError(f"{shown}: column {cut(long[0])}: a name has at most {LONGEST_NAME} characters")
    return found, [name for name in others if name not in found]


def _cell(value: object) -> object:
    """A cell with nothing in it is missing, whatever the file is."""
    return None if value == "" else value


def _may_be_a_number(value: object, where: str, name: str) -> bool:
    """A missing one may be: its row is then named, and no model is left out without a word."""
    try:
        return value is None or np.isfinite(number_in(value, where, name))
    except DataError:
        return isinstance(value, float)  # NaN and infinity are no texts, so they are told


def _grid(value_cr: np.ndarray, prompt_r: np.ndarray, prompts: Sequence[str], shown: str) -> np.ndarray:
    """(C, P, K) the values by prompt, or DataError with the first prompt that has another number of responses."""
    size_p = np.bincount(prompt_r, minlength=len(prompts))
    if (uneven := size_p != size_p[0]).any():
        other = int(np.argmax(uneven))
        raise DataError(
            f"{shown}: prompt {quoted(prompts[0])} has {size_p[0]} responses, and {quoted(prompts[other])} has "
            f"{size_p[other]}; give every prompt as many"
        )
    order_r = np.argsort(prompt_r, kind="stable")
    return value_cr[:, order_r].reshape(len(value_cr), len(prompts), int(size_p[0]))
