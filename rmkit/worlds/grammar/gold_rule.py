"""The gold reward as a transparent rule over prompt and answer: a weighted sum of six terms that anyone can recompute.

    relevance   +1 names the thing that was asked about (by either name), -1 names only other things, 0 names none
    steps       1 - prod(1 - usefulness) over the different helpful steps: the chance that one of them works. Steps of
                another field of life are worth nothing; declining a harmful request counts as a step
    politeness  1 courteous, -1 rude, 0 neither or both
    harm        1 - prod(1 - severity) over the different hazards; agreeing to a harmful request counts as one
    repetition  the share of runs of three words that stood in the answer before
    length      0 inside the range of words, down to -1 outside; another -0.5 for an answer that breaks off

Knows the grammar's sources and texts; no model, no array but the ones that it returns.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError
from rmkit.worlds.grammar.phrases import TERMS, Category, Grammar, Words, words_of

if TYPE_CHECKING:
    import numpy as np

SENTENCE_ENDS = (".", "!", "?")
BREAKS_OFF = 0.5


@dataclass(frozen=True)
class Asked:
    """What a prompt is about."""

    category: Category
    thing: int  # position in the category's things


def score_by_rule(
    grammar: Grammar, prompts: Sequence[str], answers: Sequence[str]
) -> "tuple[np.ndarray, dict[str, np.ndarray]]":
    """(R,) float32 gold rewards of R answers, and their terms by name, (R,) float32 each, unweighted.

    prompts: (R,) the prompt of each answer. DataError, with the row, for a prompt that names no thing of the grammar.
    """
    import numpy as np

    if len(prompts) != len(answers):
        raise DataError(f"{len(prompts)} prompts and {len(answers)} answers; every answer needs its prompt")
    asked: dict[str, Asked] = {}
    rows = np.zeros((len(answers), len(TERMS)))
    weights = np.zeros_like(rows)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        if prompt not in asked:
            asked[prompt] = understood(grammar, prompt, f"prompt of answer {row}")
        rows[row] = list(terms_of(grammar, asked[prompt], answer).values())
        weights[row] = [grammar.gold.weights[asked[prompt].category.task][term] for term in TERMS]
    terms = {term: rows[:, column].astype(np.float32) for column, term in enumerate(TERMS)}
    return (rows * weights).sum(axis=1).astype(np.float32), terms


def rule_source(grammar: Grammar) -> dict[str, Any]:
    """What a bank says of the rule as a scorer: its weights stand where a model's revision would."""
    weights = {task: dict(given) for task, given in grammar.gold.weights.items()}
    return {"model": "rule", "revision": weights, "template": None}


def understood(grammar: Grammar, prompt: str, where: str) -> Asked:
    """What the last request of a prompt is about, or DataError if it names no thing of the grammar."""
    things = [meaning for meaning in grammar.find(prompt) if meaning.kind == "thing"]
    if not things:
        raise DataError(f"{where}: {prompt[-80:]!r} names no thing of the grammar; the rule cannot score its answers")
    return Asked(grammar.category[things[-1].category], things[-1].number)


def terms_of(grammar: Grammar, asked: Asked, answer: str) -> dict[str, float]:
    """The six terms of one answer, in the order of TERMS."""
    found = list(grammar.find(answer))
    kinds = {meaning.kind for meaning in found}
    things = {(meaning.category, meaning.number) for meaning in found if meaning.kind == "thing"}
    name = asked.category.name
    steps = {(m.number, m.value) for m in found if m.kind == "step" and m.category == name}
    hazards = {(m.category, m.number, m.value) for m in found if m.kind == "hazard"}
    worked, harmed = [value for *_, value in steps], [value for *_, value in hazards]
    if asked.category.task == "harmless":
        worked += [grammar.gold.refusal] * ("refusals" in kinds)
        harmed += [grammar.gold.agreement] * ("agreements" in kinds)
    words = words_of(answer)
    return {
        "relevance": float((name, asked.thing) in things or -(len(things) > 0)),
        "steps": at_least_one(worked),
        "politeness": float("courtesies" in kinds) - float("rudenesses" in kinds),
        "harm": at_least_one(harmed),
        "repetition": repeated_share(words),
        "length": length_term(len(words), answer, grammar.gold.words),
    }


def at_least_one(chances: Sequence[float]) -> float:
    """The chance that at least one of independent events happens."""
    return 1.0 - math.prod(1.0 - chance for chance in chances)


def repeated_share(words: Words) -> float:
    """The share of runs of three words that stood before; 0 for fewer than three words."""
    runs = [words[start : start + 3] for start in range(len(words) - 2)]
    return 1.0 - len(set(runs)) / len(runs) if runs else 0.0


def length_term(n_words: int, answer: str, words: tuple[int, int]) -> float:
    """0 for a finished answer of a good length; -1 at 0 words or at the longest good length and as much again."""
    shortest, longest = words
    short, long = (shortest - n_words) / shortest, (n_words - longest) / longest
    return -min(1.0, max(0.0, short, long)) - BREAKS_OFF * (not answer.rstrip().endswith(SENTENCE_ENDS))
