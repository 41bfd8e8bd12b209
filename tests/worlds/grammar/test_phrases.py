"""The shipped grammar is rich and unambiguous, and every mistake in a copy of it is one line with file and entry."""

import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rmkit.errors import DataError
from rmkit.worlds.grammar.phrases import PHRASE_LISTS, TASKS, check, read_grammar, words_of

SHIPPED = Path(__file__).parents[3] / "data/grammar"


@pytest.fixture(scope="module")
def grammar():
    return read_grammar(SHIPPED)


def test_the_shipped_grammar_is_as_large_as_it_must_be(grammar):
    said, counts = check(SHIPPED, "data/grammar")
    assert counts["templates"] >= 60
    assert counts["categories"] == len(grammar.categories)
    assert said == "data/grammar: " + ", ".join(f"{count} {what}" for what, count in counts.items())
    for task in TASKS:
        assert len(grammar.of_task(task)) >= 4
        assert len(grammar.answers[task]) == len(set(grammar.answers[task])) > 1
    lists = {
        f"{c.name}.{key}": getattr(c, key)
        for c in grammar.categories
        for key in ("things", "troubles", "steps", "hazards")
    }
    lists |= {name: grammar.phrases[name] for name in PHRASE_LISTS}
    lists |= {"namings": grammar.namings, "reminders": grammar.reminders}
    for name, fillers in lists.items():
        assert len(fillers) == len(set(fillers)) >= 20, name
    assert all(len(set(category.requests)) >= 2 for category in grammar.categories)


def test_templates_are_counted_by_hand(grammar):
    templates = [request for category in grammar.categories for request in category.requests]
    templates += [template for task in TASKS for template in grammar.answers[task]]
    assert check(SHIPPED)[1]["templates"] == len(templates)


def test_no_phrase_lies_in_another_by_brute_force(grammar):
    """Neither as words nor across the words of a trouble: what a rule finds is what was meant."""
    phrases = [" ".join(words) for words in grammar.meanings]
    troubles = [" ".join(words_of(trouble)) for category in grammar.categories for trouble in category.troubles]
    assert len(phrases) == len(set(phrases)) > 500
    everything = "\n".join(f" {text} " for text in [*phrases, *troubles])
    assert [phrase for phrase in phrases if everything.count(f" {phrase} ") != 1] == []


def test_every_phrase_is_found_with_its_meaning_whatever_its_case_and_punctuation(grammar):
    for category in grammar.categories:
        for kind, phrases in (("step", category.steps), ("hazard", category.hazards)):
            for number, phrase in enumerate(phrases):
                (meaning,) = grammar.find(f"Zip, {phrase.upper()}! Zap...")
                assert (meaning.kind, meaning.category, meaning.number) == (kind, category.name, number)
        for number, names in enumerate(category.things):
            for name in names:
                (meaning,) = grammar.find(f"\n{name.replace(' ', '-')}")
                assert (meaning.kind, meaning.category, meaning.number) == ("thing", category.name, number)
    for kind, phrases in grammar.phrases.items():
        for phrase in phrases:
            assert [meaning.kind for meaning in grammar.find(phrase)] == [kind]


def test_usefulness_and_severity_fall_evenly_along_their_lists(grammar):
    for category in grammar.categories:
        for phrases, (first, last) in (
            (category.steps, grammar.gold.usefulness),
            (category.hazards, grammar.gold.severity),
        ):
            values = [next(grammar.find(phrase)).value for phrase in phrases]
            assert values[0] == pytest.approx(first)
            assert values[-1] == pytest.approx(last)
            gaps = [before - after for before, after in itertools.pairwise(values)]
            assert gaps == pytest.approx([(first - last) / (len(phrases) - 1)] * len(gaps))


def test_texts_without_a_phrase_mean_nothing(grammar):
    for text in ("", "...", "zip zap", "ÄÖ 你好"):
        assert list(grammar.find(text)) == []


def changed(folder, name, change):
    """The folder, its YAML file rewritten with `change` applied to its content."""
    content = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    change(content)
    (folder / name).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def put(*path):
    """A change that puts the last item at the place that the others lead to."""
    *way, last, value = path

    def change(content):
        for step in way:
            content = content[step]
        content[last] = value

    return change


def drop(*path):
    *way, last = path

    def change(content):
        for step in way:
            content = content[step]
        del content[last]

    return change


HELPFUL, HARMLESS, ANSWERS, GOLD = "helpful.yaml", "harmless.yaml", "answers.yaml", "gold.yaml"
SHIPPED_HELPFUL = yaml.safe_load((SHIPPED / HELPFUL).read_text(encoding="utf-8"))
SHIPPED_ANSWERS = yaml.safe_load((SHIPPED / ANSWERS).read_text(encoding="utf-8"))
FIRST = next(iter(SHIPPED_HELPFUL))
STEP = SHIPPED_HELPFUL[FIRST]["steps"][0]
VAGUE = SHIPPED_ANSWERS["vague"][0]
MISTAKES = {
    "a list is missing": (ANSWERS, drop("namings"), "answers.yaml: namings is None; it must be a list"),
    "a phrase list is missing": (ANSWERS, drop("rudenesses"), "answers.yaml: rudenesses is None; it must be a list"),
    "no answers for a task": (ANSWERS, drop("answers", "harmless"), "answers.yaml: answers: harmless is None; it must"),
    "an empty list of answers": (ANSWERS, put("answers", "helpful", []), "answers.yaml: answers: helpful has 0 entries"),
    "no answers at all": (ANSWERS, put("answers", ["{advice}"]), "answers.yaml: answers is .*; it must be a dict"),
    "a category lacks a list": (
        HELPFUL, drop(FIRST, "hazards"),
        f"helpful.yaml: {FIRST}: holds requests, things, troubles, steps; a category holds .*, hazards$",
    ),
    "a category has one more": (HELPFUL, put(FIRST, "colours", []), f"helpful.yaml: {FIRST}: holds .*, colours; a cat"),
    "a category is a list": (HELPFUL, put(FIRST, ["a"]), f"helpful.yaml: {FIRST}: holds list; a category holds requests"),
    "too few steps": (HELPFUL, drop(FIRST, "steps", 3), f"helpful.yaml: {FIRST}: steps has 19 entries; it needs at least 20"),
    "too few phrases": (ANSWERS, drop("vague", 0), "answers.yaml: vague has 19 entries; it needs at least 20"),
    "too few requests": (
        HELPFUL, put(FIRST, "requests", SHIPPED_HELPFUL[FIRST]["requests"][:1]),
        f"helpful.yaml: {FIRST}: requests has 1 entries; it needs at least 2",
    ),
    "an entry is a number": (ANSWERS, put("vague", 2, 7), "answers.yaml: vague holds 7; every entry must be text"),
    "an entry is blank": (ANSWERS, put("vague", 2, " "), "answers.yaml: vague holds ' '; every entry must be text"),
    "twice in a list": (HELPFUL, put(FIRST, "steps", 1, STEP), f"helpful.yaml: {FIRST}: steps: '{STEP}' is listed twice"),
    "twice but for its case": (
        HELPFUL, put(FIRST, "steps", 1, f"{STEP.upper()}!"), f"helpful.yaml.*'{STEP.upper()}!' is listed twice",
    ),
    "in two lists": (ANSWERS, put("vague", 0, STEP), f"answers.yaml.*'{STEP}' is listed twice"),
    "without a word": (ANSWERS, put("vague", 0, "?!"), r"answers.yaml.*'\?!' has no word"),
    "a phrase inside another": (
        HELPFUL, put(FIRST, "steps", 1, f"first {VAGUE} and sing"),
        f"helpful.yaml.*'{VAGUE}' lies inside 'first {VAGUE} and sing'; reword one of them",
    ),
    "a phrase inside a trouble": (
        HELPFUL, put(FIRST, "troubles", 1, f"looks as if to {VAGUE}"),
        f"helpful.yaml.*'{VAGUE}' lies inside 'looks as if to {VAGUE}'; reword one of them",
    ),
    "a category twice": (HARMLESS, put(FIRST, SHIPPED_HELPFUL[FIRST]), f"the category {FIRST} is listed twice; give each"),
    "one name for a thing": (
        HELPFUL, put(FIRST, "things", 1, "oak tree"),
        f"helpful.yaml: {FIRST}.things: 'oak tree' is not two names; write `name / other name`",
    ),
    "an empty second name": (HELPFUL, put(FIRST, "things", 1, "oak tree /"), "'oak tree /' is not two names"),
    "an unknown slot in an answer": (
        ANSWERS, put("answers", "helpful", 0, "{advise}."),
        "answers.yaml: answers.helpful: '{advise}.' has the slot {advise}; it may have advice, naming, manner, stance",
    ),
    "an unknown slot in a request": (
        HELPFUL, put(FIRST, "requests", 0, "My {thing} {troble}?"),
        f"helpful.yaml: {FIRST}.requests: 'My {{thing}} {{troble}}.' has the slot {{troble}}; it may have thing, trouble",
    ),
    "a request without its trouble": (
        HELPFUL, put(FIRST, "requests", 0, "My {thing}?"), "requests: 'My {thing}.' needs {trouble} once",
    ),
    "a request with two things": (
        HELPFUL, put(FIRST, "requests", 0, "{thing} {thing} {trouble}"), "{trouble}' needs {thing} once",
    ),
    "a naming without its thing": (ANSWERS, put("namings", 0, "for it"), "answers.yaml: namings: 'for it' needs {thing} once"),
    "a reminder with another slot": (ANSWERS, put("reminders", 0, "{thing} {x}"), "answers.yaml: reminders: .* has the slot {x}"),
    "a brace by itself": (HELPFUL, put(FIRST, "requests", 0, "{ {thing} {trouble}"), f"helpful.yaml: {FIRST}.requests: '{{ {{th"),
    "a slot with a format": (
        HELPFUL, put(FIRST, "requests", 0, "{thing} {trouble} {thing!r}"), f"helpful.yaml: {FIRST}.requests: '{{thing}} {{tr",
    ),
    "a weight is missing": (GOLD, drop("weights", "helpful", "harm"), "gold.yaml: weights.helpful: has .*; it needs relevance"),
    "one weight more": (GOLD, put("weights", "helpful", "wit", 1.0), "gold.yaml: weights.helpful: has .*wit; it needs relev"),
    "no weights for a task": (GOLD, drop("weights", "harmless"), "gold.yaml: weights: harmless is None; it must be a dict"),
    "a weight is a text": (GOLD, put("weights", "helpful", "harm", "high"), "gold.yaml: weights.helpful.*harm.*'high'"),
    "a weight is empty": (GOLD, put("weights", "helpful", "harm", None), "gold.yaml: weights.helpful.*harm.*None"),
    "three numbers for two": (GOLD, put("usefulness", [0.9, 0.5, 0.1]), r"gold.yaml: usefulness: \[0.9, 0.5, 0.1\] is not two"),
    "a text for a number": (GOLD, put("severity", [0.9, "low"]), r"gold.yaml: severity: \[0.9, 'low'\] is not two numbers"),
    "one number for two": (GOLD, put("words", 8), "gold.yaml: words is 8; it must be a list"),
    "answers of no word at all": (GOLD, put("words", [0, 22]), "gold.yaml: words: "),
    "no refusal": (GOLD, drop("refusal"), "gold.yaml: refusal is None; it must be a float"),
    "a chance that is none": (GOLD, put("refusal", 1.5), "gold.yaml: refusal"),
    "a usefulness that is no chance": (GOLD, put("usefulness", [1.8, 0.3]), "gold.yaml: usefulness: "),
}  # fmt: skip


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(SHIPPED, tmp_path / "grammar"))


def refused(folder, said):
    with pytest.raises(DataError) as caught:
        check(folder, "data/grammar")
    message = str(caught.value)
    assert re.search(said.replace("{", r"\{").replace("}", r"\}"), message), message
    assert message.startswith("data/grammar")
    assert "\n" not in message


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_by_file_and_entry(copy, mistake):
    name, change, said = MISTAKES[mistake]
    check(copy)
    changed(copy, name, change)
    refused(copy, said)


@pytest.mark.parametrize("name", [HELPFUL, HARMLESS, ANSWERS, GOLD])
def test_a_missing_or_unreadable_file_is_named(copy, name):
    (copy / name).unlink()
    refused(copy, f"^data/grammar/{name}: No such file or directory; a grammar needs this file$")
    for content, said in ((b"garden: [", "not YAML"), (b"a: b: c", "not YAML"), (b"\xff\xfe\xff", "is not UTF-8 text")):
        (copy / name).write_bytes(content)
        refused(copy, rf"^data/grammar/{name}: line 1: {said}")
    for content, kind in (("", "NoneType"), ("- a", "list"), ("a", "str")):
        (copy / name).write_text(content, encoding="utf-8")
        refused(copy, f"^data/grammar/{name}: is a {kind}; it must be a mapping$")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"/none: there is no such folder; the grammar is a folder with answers.yaml"):
        read_grammar(tmp_path / "none")


def test_checking_the_grammar_loads_no_heavy_package():
    code = (
        "import sys; from rmkit.worlds.grammar.phrases import check; check(sys.argv[1]);"
        "print([name for name in ('numpy', 'pandas', 'torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, SHIPPED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
