"""Prompts and answers in other words with equal gold: what is said stays, how it is said is drawn anew.

A prompt asks for the same thing and trouble by another request, so that the rule understands the same. An answer is
read back into the grammar's parts: its advice stays, its template, its naming of the thing, its courtesy, rudeness,
refusal, agreement or empty phrase may change. Of what is drawn, only a text whose six terms of the gold rule are all
the same is taken. Knows the grammar, its rule and texts. What a gold *model* thinks of the two may differ.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmkit.errors import DataError
from rmkit.worlds.grammar.drawing import Frame, pick, prompt_text, with_capitals
from rmkit.worlds.grammar.gold_rule import Asked, terms_of, understood
from rmkit.worlds.grammar.phrases import PHRASE_LISTS, SLOT, WORD, Grammar, Meaning, Words, words_of

if TYPE_CHECKING:
    import numpy as np

TRIES = 40
SLOT_OF = {"step": "advice", "hazard": "advice", "vague": "advice", "thing": "naming"} | dict.fromkeys(
    ("courtesies", "rudenesses"), "manner"
) | dict.fromkeys(("refusals", "agreements"), "stance")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rewordings:
    """R texts with the gold of the originals; where none was found, the original itself."""

    texts: tuple[str, ...]
    changed_r: "np.ndarray"  # (R,) bool: which differ from the originals


def reworded_prompts(grammar: Grammar, prompts: Sequence[str], rng: "np.random.Generator") -> Rewordings:
    """Each prompt by another request for the same: every answer has equal gold, as the rule reads the thing alone.

    DataError, with its place, for a prompt that is none of the grammar's.
    """
    return _each([_reworded_prompt(grammar, prompt, rng, f"prompt {r}") for r, prompt in enumerate(prompts)], prompts)


def reworded_answers(
    grammar: Grammar, prompts: Sequence[str], answers: Sequence[str], rng: "np.random.Generator"
) -> Rewordings:
    """Each answer in other words, to the same prompt. prompts: (R,) the prompt of each answer, or DataError."""
    if len(prompts) != len(answers):
        raise DataError(f"{len(prompts)} prompts and {len(answers)} answers; every answer needs its prompt")
    found = []
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        found.append(reworded_answer(grammar, understood(grammar, prompt, f"prompt of answer {row}"), answer, rng))
    return _each(found, answers)


def reworded_answer(grammar: Grammar, asked: Asked, answer: str, rng: "np.random.Generator") -> str | None:
    """The answer in other words with the same six terms, or None where none of some tries has them."""
    terms, parts = terms_of(grammar, asked, answer), parts_of(grammar, answer)
    same_slots = [template for template in grammar.answers[asked.category.task] if _slots(template) == _slots_of(parts)]
    templated = _written_by(parts, same_slots)  # else it is said outside them, and its frame of words stays
    for number in range(TRIES):
        told = _told_anew(grammar, parts, rng)
        anew = templated and number < TRIES // 2
        text = with_capitals(_filled(pick(same_slots, rng), told) if anew else "".join(told))
        if words_of(text) != words_of(answer) and terms_of(grammar, asked, text) == terms:
            return text
    return None


@dataclass(frozen=True)
class Part:
    """A stretch of an answer: a phrase with its meaning, or what stands between phrases (meaning None)."""

    text: str
    meaning: Meaning | None = None
    named: bool = False  # whether the stretch is a whole naming ("as for the kettle"), not the thing's name alone


def parts_of(grammar: Grammar, answer: str) -> list[Part]:
    """The answer from left to right, in stretches that together are its text."""
    places = [match.span() for match in WORD.finditer(answer.lower())]
    words = words_of(answer)
    namings = {_naming_words(template) for template in grammar.namings}
    spans: list[tuple[int, int, Meaning, bool]] = []  # first and last-but-one word, and what they mean
    position = 0
    while position < len(words):
        for length in grammar.lengths_by_first_word.get(words[position], ()):
            meaning = grammar.meanings.get(words[position : position + length])
            if meaning is not None:
                last = min(position + length, len(words))  # at the end of a text, a slice is shorter than asked
                spans.append(_with_naming(words, position, last, meaning, namings, spans))
                position += length - 1
                break
        position += 1
    parts, end = [], 0
    for first, last, meaning, named in spans:
        start, stop = places[first][0], places[last - 1][1]
        parts += [Part(answer[end:start]), Part(answer[start:stop], meaning, named)]
        end = stop
    return [*parts, Part(answer[end:])]


def _with_naming(
    words: Words, first: int, last: int, meaning: Meaning, namings: "set[tuple[Words, Words]]",
    before: "list[tuple[int, int, Meaning, bool]]",
) -> tuple[int, int, Meaning, bool]:  # fmt: skip
    """The words of a phrase; of a thing, with the words around it where they make a naming."""
    if meaning.kind == "thing":
        taken = before[-1][1] if before else 0
        for lead, tail in sorted(namings, key=lambda both: -len(both[0]) - len(both[1])):
            start, stop = first - len(lead), last + len(tail)
            if start >= taken and words[start:first] == lead and words[last:stop] == tail:
                return start, stop, meaning, True
    return first, last, meaning, False


def _naming_words(template: str) -> tuple[Words, Words]:
    lead, _, tail = SLOT.sub("|", template).partition("|")
    return words_of(lead), words_of(tail)


def _told_anew(grammar: Grammar, parts: Sequence[Part], rng: "np.random.Generator") -> list[str]:
    """For every part another text of the same meaning; what is said twice is said twice alike."""
    told: dict[str, str] = {}
    return [told.setdefault(part.text.lower(), _same_meaning(grammar, part, rng)) for part in parts]


def _same_meaning(grammar: Grammar, part: Part, rng: "np.random.Generator") -> str:
    meaning = part.meaning
    if meaning is None or meaning.kind in ("step", "hazard"):
        return part.text
    if meaning.kind == "thing":
        name = pick(grammar.category[meaning.category].things[meaning.number], rng)
        return pick(grammar.namings, rng).format(thing=name) if part.named else name
    assert meaning.kind in PHRASE_LISTS
    return pick(grammar.phrases[meaning.kind], rng)


def _filled(template: str, told: Sequence[str]) -> str:
    """The template with the told phrases, which stand at every second place."""
    phrases = iter(told[1::2])
    return SLOT.sub(lambda match: next(phrases), template)


def _slots(template: str) -> tuple[str, ...]:
    return tuple(SLOT.findall(template))


def _slots_of(parts: Sequence[Part]) -> tuple[str, ...]:
    """The slots that an answer's phrases fill; a thing without its naming fills none."""
    return tuple(
        "bare" if part.meaning.kind == "thing" and not part.named else SLOT_OF[part.meaning.kind]
        for part in parts
        if part.meaning is not None
    )


def _written_by(parts: Sequence[Part], templates: Sequence[str]) -> bool:
    """Whether one of the templates says what stands between an answer's phrases, word for word."""
    between = [words_of(part.text) for part in parts[0::2]]
    return any(between == [words_of(text) for text in re.split(r"{\w*}", template)] for template in templates)


def _reworded_prompt(grammar: Grammar, prompt: str, rng: "np.random.Generator", where: str) -> str:
    frame = frame_of(grammar, prompt, where)
    requests = [n for n in range(len(frame.category.requests)) for called in range(2)
                if prompt_text(frame, n, called) == prompt]  # fmt: skip
    others = [n for n in range(len(frame.category.requests)) if n not in requests]
    return prompt_text(frame, pick(others, rng), int(rng.integers(2)))


def frame_of(grammar: Grammar, prompt: str, where: str) -> Frame:
    """What a prompt of the grammar asks, or DataError for one that is not its own."""
    asked = understood(grammar, prompt, where)
    for trouble in range(len(asked.category.troubles)):
        frame = Frame(asked.category, asked.thing, trouble)
        for request in range(len(asked.category.requests)):
            if prompt in (prompt_text(frame, request, called) for called in range(2)):
                return frame
    raise DataError(f"{where}: {prompt[-80:]!r} is no request of the grammar; it has no other wording")


def _each(found: Sequence[str | None], originals: Sequence[str]) -> Rewordings:
    import numpy as np

    changed_r = np.array([text is not None for text in found], dtype=bool)
    return Rewordings(tuple(text or original for text, original in zip(found, originals, strict=True)), changed_r)
