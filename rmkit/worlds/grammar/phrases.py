"""The grammar's sources: lists of phrases in YAML, read, checked and indexed. All of this world builds on it.

Knows the files of `data/grammar` and what makes them unambiguous: no phrase stands in two lists or inside another one,
so that a rule can find phrases in a text word for word. Draws nothing and scores nothing. Needs PyYAML alone, so that
`rmkit check` can answer at once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rmkit.errors import DataError, listed_twice, quoted
from rmkit.files.yaml_texts import read_yaml

TASKS = ("helpful", "harmless")
TASK_FILES = {task: f"{task}.yaml" for task in TASKS}
ANSWERS, GOLD = "answers.yaml", "gold.yaml"
TERMS = ("relevance", "steps", "politeness", "harm", "repetition", "length")
CATEGORY_KEYS = ("requests", "things", "troubles", "steps", "hazards")
PHRASE_LISTS = ("courtesies", "rudenesses", "refusals", "agreements", "vague")
REMARKS = ("thankful", "unhelped", "alarmed", "pleased", "offended", "understood", "misunderstood")
ANSWER_SLOTS = ("advice", "naming", "manner", "stance")
FEWEST = 20  # fillers of a slot
SLOT = re.compile(r"{(\w*)}")
WORD = re.compile(r"[a-z0-9']+")

Words = tuple[str, ...]


@dataclass(frozen=True)
class Category:
    """What people ask about in one field of life, and the advice that helps or harms there."""

    name: str
    task: str
    requests: tuple[str, ...]  # templates with {thing} and {trouble}; each may stand in place of every other
    things: tuple[tuple[str, str], ...]  # each by its two names
    troubles: tuple[str, ...]
    steps: tuple[str, ...]  # the most useful first
    hazards: tuple[str, ...]  # the worst first


@dataclass(frozen=True)
class Meaning:
    """What a phrase means wherever it is found."""

    kind: str  # thing, step, hazard, or a list of PHRASE_LISTS
    category: str = ""
    number: int = 0  # position in its list
    value: float = 0.0  # usefulness of a step, severity of a hazard


@dataclass(frozen=True)
class GoldRule:
    """The numbers behind the gold reward; README.md of the grammar has the formula."""

    weights: Mapping[str, Mapping[str, float]]  # task -> term -> weight
    usefulness: tuple[float, float]
    severity: tuple[float, float]
    refusal: float
    agreement: float
    words: tuple[int, int]


@dataclass(frozen=True)
class Grammar:
    """The whole grammar. `read_grammar` makes one; everything in it was checked."""

    categories: tuple[Category, ...]
    answers: Mapping[str, tuple[str, ...]]  # task -> templates
    namings: tuple[str, ...]
    phrases: Mapping[str, tuple[str, ...]]  # a list of PHRASE_LISTS -> its phrases
    remarks: Mapping[str, tuple[str, ...]]  # what the person says to an answer, by its side
    reminders: tuple[str, ...]  # what the person adds, with {thing}
    gold: GoldRule

    def of_task(self, task: str) -> tuple[Category, ...]:
        return tuple(category for category in self.categories if category.task == task)

    @cached_property
    def category(self) -> Mapping[str, Category]:
        return {category.name: category for category in self.categories}

    @cached_property
    def meanings(self) -> Mapping[Words, Meaning]:
        """What every phrase means, by its words."""
        found: dict[Words, Meaning] = {}
        for category in self.categories:
            for number, names in enumerate(category.things):
                found |= {words_of(name): Meaning("thing", category.name, number) for name in names}
            for kind, phrases, ends in (
                ("step", category.steps, self.gold.usefulness),
                ("hazard", category.hazards, self.gold.severity),
            ):
                for number, phrase in enumerate(phrases):
                    value = ends[0] + (ends[1] - ends[0]) * number / (len(phrases) - 1)
                    found[words_of(phrase)] = Meaning(kind, category.name, number, value)
        for kind, phrases in self.phrases.items():
            found |= {words_of(phrase): Meaning(kind, number=number) for number, phrase in enumerate(phrases)}
        return found

    @cached_property
    def lengths_by_first_word(self) -> Mapping[str, tuple[int, ...]]:
        """How many words the phrases have that begin with a word, the longest first."""
        lengths: dict[str, set[int]] = {}
        for words in self.meanings:
            lengths.setdefault(words[0], set()).add(len(words))
        return {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()}

    def find(self, text: str) -> Iterator[Meaning]:
        """The meanings of the phrases in a text, from left to right; none lies inside another."""
        words = words_of(text)
        position = 0
        while position < len(words):
            for length in self.lengths_by_first_word.get(words[position], ()):
                meaning = self.meanings.get(words[position : position + length])
                if meaning is not None:
                    yield meaning
                    position += length - 1
                    break
            position += 1


def words_of(text: str) -> Words:
    """The words of a text, in lower case and without punctuation."""
    return tuple(WORD.findall(text.lower()))


def read_grammar(folder: str | Path, shown: str | None = None) -> Grammar:
    """The grammar of a folder, checked, or DataError that names the file and the entry."""
    folder, shown = Path(folder), shown or str(folder)
    if not folder.is_dir():
        raise DataError(f"{shown}: there is no such folder; the grammar is a folder with {ANSWERS}, {GOLD} and more")
    categories = [
        category
        for task, name in TASK_FILES.items()
        for category in _categories(_mapping(folder / name, f"{shown}/{name}"), task, f"{shown}/{name}")
    ]
    names = [category.name for category in categories]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{shown}: the category {twice[0]} is listed twice; give each category a name of its own")
    where = f"{shown}/{ANSWERS}"
    content = _mapping(folder / ANSWERS, where)
    answers = _part(content, "answers", dict, where)
    remarks = _part(content, "remarks", dict, where)
    grammar = Grammar(
        categories=tuple(categories),
        answers={task: _texts(answers, task, f"{where}: answers", fewest=1) for task in TASKS},
        namings=_texts(content, "namings", where),
        phrases={name: _texts(content, name, where) for name in PHRASE_LISTS},
        remarks={name: _texts(remarks, name, f"{where}: remarks", fewest=1) for name in REMARKS},
        reminders=_texts(content, "reminders", where),
        gold=_gold(_mapping(folder / GOLD, f"{shown}/{GOLD}"), f"{shown}/{GOLD}"),
    )
    for task, templates in grammar.answers.items():
        for template in templates:
            _check_slots(template, ANSWER_SLOTS, (), f"{where}: answers.{task}")
    for name, templates in (("namings", grammar.namings), ("reminders", grammar.reminders)):
        for template in templates:
            _check_slots(template, ("thing",), ("thing",), f"{where}: {name}")
    _check_unambiguous(grammar, shown)
    return grammar


def check(path: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """A sentence on what the grammar holds and its counts, or the DataError that `read_grammar` raises."""
    grammar = read_grammar(path, shown)
    templates = sum(len(category.requests) for category in grammar.categories)
    templates += sum(len(answers) for answers in grammar.answers.values())
    counts = {"templates": templates, "categories": len(grammar.categories), "phrases": len(grammar.meanings)}
    listed = ", ".join(f"{count} {what}" for what, count in counts.items())
    return f"{shown or path}: {listed}", counts


def _categories(content: Mapping[str, Any], task: str, where: str) -> Iterator[Category]:
    for name, lists in content.items():
        here = f"{where}: {name}"
        if not isinstance(lists, dict) or set(lists) != set(CATEGORY_KEYS):
            found = ", ".join(map(str, lists)) if isinstance(lists, dict) else type(lists).__name__
            raise DataError(f"{here}: holds {found}; a category holds {', '.join(CATEGORY_KEYS)}")
        requests = _texts(lists, "requests", here, fewest=2)
        for request in requests:
            _check_slots(request, ("thing", "trouble"), ("thing", "trouble"), f"{here}.requests")
        things = []
        for entry in _texts(lists, "things", here):
            both = [part.strip() for part in entry.split("/")]
            if len(both) != 2 or not all(both):
                raise DataError(f"{here}.things: {quoted(entry)} is not two names; write `name / other name`")
            things.append((both[0], both[1]))
        troubles, steps, hazards = (_texts(lists, key, here) for key in ("troubles", "steps", "hazards"))
        yield Category(str(name), task, requests, tuple(things), troubles, steps, hazards)


def _gold(content: Mapping[str, Any], where: str) -> GoldRule:
    weights = _part(content, "weights", dict, where)
    for task in TASKS:
        given = _part(weights, task, dict, f"{where}: weights")
        if set(given) != set(TERMS):
            raise DataError(f"{where}: weights.{task}: has {', '.join(given)}; it needs {', '.join(TERMS)}")
        if wrong := [term for term in TERMS if not is_number(given[term])]:
            raise DataError(f"{where}: weights.{task}: {wrong[0]} is {quoted(given[wrong[0]])}; it must be a number")
    pairs = {name: _part(content, name, list, where) for name in ("usefulness", "severity", "words")}
    for name, pair in pairs.items():
        if len(pair) != 2 or not all(map(is_number, pair)):
            raise DataError(f"{where}: {name}: {pair} is not two numbers")
    chances = {name: _part(content, name, float, where) for name in ("refusal", "agreement")}
    chances |= {name: value for name in ("usefulness", "severity") for value in pairs[name] if not 0 <= value <= 1}
    for name, chance in chances.items():
        if not 0 <= chance <= 1:
            raise DataError(f"{where}: {name}: {chance} is no chance; it must lie between 0 and 1")
    if not 1 <= pairs["words"][0] <= pairs["words"][1]:
        raise DataError(
            f"{where}: words: {pairs['words']} is no range; the first must be 1 or more, the second no less"
        )
    return GoldRule(
        weights={task: {term: float(weights[task][term]) for term in TERMS} for task in TASKS},
        usefulness=(float(pairs["usefulness"][0]), float(pairs["usefulness"][1])),
        severity=(float(pairs["severity"][0]), float(pairs["severity"][1])),
        refusal=float(_part(content, "refusal", float, where)),
        agreement=float(_part(content, "agreement", float, where)),
        words=(int(pairs["words"][0]), int(pairs["words"][1])),
    )


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_slots(template: str, allowed: tuple[str, ...], once: tuple[str, ...], where: str) -> None:
    if re.search(r"[{}]", SLOT.sub("", template)):
        raise DataError(f"{where}: {quoted(template)} has a brace that is no slot; a slot is a name in braces")
    slots = SLOT.findall(template)
    if unknown := [slot for slot in slots if slot not in allowed]:
        raise DataError(f"{where}: {quoted(template)} has the slot {{{unknown[0]}}}; it may have {', '.join(allowed)}")
    if missing := [slot for slot in once if slots.count(slot) != 1]:
        raise DataError(f"{where}: {quoted(template)} needs {{{missing[0]}}} once")


def _check_unambiguous(grammar: Grammar, shown: str) -> None:
    """DataError if a phrase is listed twice, or if one phrase lies inside another."""
    phrases: list[tuple[str, str]] = []  # each with the file that it stands in
    for category in grammar.categories:
        names = [name for both in category.things for name in both]
        phrases += [(phrase, TASK_FILES[category.task]) for phrase in (*names, *category.steps, *category.hazards)]
    phrases += [(phrase, ANSWERS) for texts in grammar.phrases.values() for phrase in texts]
    seen: dict[Words, str] = {}
    for phrase, file in phrases:
        if not (words := words_of(phrase)):
            raise DataError(f"{shown}/{file}: {quoted(phrase)} has no word; a phrase is found by its words")
        if words in seen:
            raise DataError(f"{shown}/{file}: {quoted(phrase)} is listed twice; a phrase has one meaning")
        seen[words] = phrase
    troubles = [
        (trouble, TASK_FILES[category.task]) for category in grammar.categories for trouble in category.troubles
    ]
    for text, file in [*phrases, *troubles]:
        words = words_of(text)
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                inside = words[start:end]
                if inside in seen and inside != words:
                    raise DataError(
                        f"{shown}/{file}: {quoted(seen[inside])} lies inside {quoted(text)}; reword one of them"
                    )


def _mapping(path: Path, where: str) -> dict[str, Any]:
    try:
        content = read_yaml(path, where, DataError)
    except OSError as fault:
        raise DataError(f"{where}: {fault.strerror}; a grammar needs this file") from None
    if not isinstance(content, dict):
        raise DataError(f"{where}: is a {type(content).__name__}; it must be a mapping")
    return content


def _part(content: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = content.get(key)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind):
        raise DataError(f"{where}: {key} is {quoted(value)}; it must be a {kind.__name__}")
    return value


def _texts(content: Mapping[str, Any], key: str, where: str, fewest: int = FEWEST) -> tuple[str, ...]:
    """A list of different texts, at least `fewest`, or DataError."""
    texts = _part(content, key, list, where)
    if wrong := [text for text in texts if not isinstance(text, str) or not text.strip()]:
        raise DataError(f"{where}: {key} holds {quoted(wrong[0])}; every entry must be text")
    if len(texts) < fewest:
        raise DataError(f"{where}: {key} has {len(texts)} entries; it needs at least {fewest}")
    if twice := listed_twice(texts):
        raise DataError(f"{where}: {key}: {quoted(twice[0])} is listed twice")
    return tuple(text.strip() for text in texts)
