"""What people write as YAML is a value or one line, for every kind of file that rmkit reads; nothing hangs or grows."""

import itertools
import time

import pytest

from rmkit.errors import QUOTED, DataError, ParamsError
from rmkit.files.regular import YAML_BYTES
from rmkit.files.yaml_texts import parsed_yaml, read_yaml
from rmkit.findings.rules import read_rules
from rmkit.study.planning.study_file import load_study, overridden
from rmkit.worlds.grammar.phrases import read_grammar

LETTERS = [*itertools.pairwise("abcdefghi")]
LAUGHS = "a: &a [" + "x, " * 9 + "]\n" + "".join(f"{b}: &{b} [{f'*{a}, ' * 9}]\n" for a, b in LETTERS)
SEVERAL_LINES = {
    "nested aliases": (LAUGHS, "line 5: over 20,000 values, those of aliases counted each time"),
    "nested merges": (
        "a: &a {x: 1}\n" + "".join(f"{b}: &{b} {{<<: [{f'*{a}, ' * 9}]}}\n" for a, b in LETTERS),
        "over 20,000 values",
    ),
    "a key that is listed twice": ("a: 1\nb: 2\na: 3\n", "line 3: a is listed twice; keep one"),
    "a key that is listed twice inside": ("a: {b: 1, 'b': 2}", "line 1: b is listed twice"),
    "a tab": ("a:\n\t- b\n", r"line 2: not YAML: found character '\t' that cannot start any token"),
    "two documents": ("a: 1\n---\nb: 1\n", "line 2: not YAML: expected a single document in the stream, but found"),
    "NUL": ("a: 1\nb: \0\n", "line 2: holds U+0000, which no YAML text may hold"),
    "ESC": ("a: 1\nb: \x1b[31m\n", "line 2: holds U+001B, which no YAML text may hold"),
    "an unfinished list": ("a: [1\n", "not YAML: expected ',' or ']', but got '<stream end>'"),
    "more than can be read": ("a: " + "x" * YAML_BYTES, "holds more than 0.25 MB; no YAML that rmkit takes does"),
}
WRONG = {
    "a tag of a wrong bool": ("!!bool 1", "the tag !!bool; write the value without one, text in quotes"),
    "a tag of a wrong number": ("!!float ''", "the tag !!float"),
    "a tag of a wrong date": ("!!timestamp foo", "the tag !!timestamp"),
    "bytes": ("!!binary aGVsbG8=", "the tag !!binary"),
    "a set": ("!!set {a, b}", "the tag !!set"),
    "an object": ("!!python/object/apply:os.system [ls]", "the tag !!python/object/apply:os.system"),
    "400 open brackets": ("[" * 400, "lists and mappings lie over 20 deep"),
    "4000 braces": ("{a: " * 4000 + "1" + "}" * 4000, "lists and mappings lie over 20 deep"),
    "a list of lists": ("[" * 30 + "]" * 30, "lists and mappings lie over 20 deep"),
    "a number of 5000 digits": ("9" * 5000, "a number of 5,000 characters; 300 are the most"),
    "a hexadecimal of 5000 digits": ("0x" + "9" * 5000, "a number of 5,002 characters"),
    "a number without digits": ("0x_", "'0x_' is not a whole number; put it in quotes if it is text"),
    "a binary number without digits": ("0b_", "'0b_' is not a whole number"),
    "a list as a key": ("{? [a, b] : 1}", "a key must be a name"),
    "a number as a key": ("{1: a}", "the key 1 reads as int, not as a name; put it in quotes"),
    "true as a key": ("{on: a}", "the key on reads as bool, not as a name"),
    "nothing as a key": ("{~: a}", "the key ~ reads as null, not as a name"),
    "a long key": ("{? " + "k" * 5000 + " : a}", "a key of 5,000 characters; 200 are the most"),
    "a NUL that is spelt": (r'"a\0b"', "text holds U+0000, which is no character; take it out"),
    "a character beyond the last": (r'"\U00110000"', r"text spells a character beyond the last one, \U0010ffff"),
    "a character far beyond the last": (r'"\Uffffffff"', r"text spells a character beyond the last one, \U0010ffff"),
    "half a pair that is spelt": (r'"\ud800"', "text holds U+D800, which is no character"),
    "a NUL in a key": (r'{"\0": 1}', "text holds U+0000"),
    "a list inside itself": ("&a [*a]", "*a lies inside what it stands for"),
    "an unknown alias": ("*" + "a" * 5000, "not YAML: found undefined alias"),
    "a merge of a number": ("{<<: 1}", "not YAML: expected a mapping or list of mappings for merging"),
    "many values": ("[" + "1," * 21_000 + "]", "over 20,000 values"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("error", [ParamsError, DataError])
def test_a_value_that_is_no_plain_one_is_one_sentence_with_its_line(case, error):
    text, said = WRONG[case]
    message = told(f"first: 1\nsecond: {text}", error)
    assert message.startswith(f"here: line 2: {said}"), message
    assert len(message) < 2 * QUOTED


@pytest.mark.parametrize("case", SEVERAL_LINES)
def test_a_text_that_is_no_plain_yaml_is_one_sentence_with_its_line(case):
    text, said = SEVERAL_LINES[case]
    message = told(text)
    assert message.startswith("here: ")
    assert said in message


def told(text, error=ParamsError):
    started = time.process_time()
    with pytest.raises(error) as caught:
        parsed_yaml(text, "here", error)
    assert time.process_time() - started < 10
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


RIGHT = {
    "a shared list": ("a: &counts [1, 2]\nb: *counts\nc: *counts\n", {"a": [1, 2], "b": [1, 2], "c": [1, 2]}),
    "a merged mapping": ("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\n", {"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 2}}),
    "merges of merges": (
        "c: {d: {e: &b {<<: &a {x: 1}, x: 2}}}\nb: {<<: *b}\n",
        {"c": {"d": {"e": {"x": 2}}}, "b": {"x": 2}},
    ),
    "a byte order mark": ("\ufeffa: 1\n", {"a": 1}),
    "a date is text": ("2026-01-02", "2026-01-02"),
    "a date that is none is text": ("2026-13-45", "2026-13-45"),
    "an equals sign": ("=", "="),
    "numbers": ("[1, 1.5, 1e3, 1.0e+3, .inf, 0x10, 1_000]", [1, 1.5, "1e3", 1000.0, float("inf"), 16, 1000]),
    "nothing": ("", None),
    "words": ("{a: yes, b: ~, c: 'yes', '1': x}", {"a": True, "b": None, "c": "yes", "1": "x"}),
    "twenty levels": ("[" * 20 + "]" * 20, [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_people_write_is_read(case):
    text, value = RIGHT[case]
    assert parsed_yaml(text, "here") == value


@pytest.mark.parametrize(
    "case", ["a tag of a wrong bool", "400 open brackets", "a number of 5000 digits", "a long key"]
)
def test_every_file_and_option_goes_through_the_one_reader(case, tmp_path):
    text, said = WRONG[case]
    study, findings, grammar = (tmp_path / name for name in ("study.yaml", "findings", "grammar"))
    study.write_text(f"title: {text}", encoding="utf-8")
    for folder, name in ((findings, "finding.yaml"), (grammar, "helpful.yaml")):
        folder.mkdir()
        (folder / name).write_text(f"title: {text}", encoding="utf-8")
    sound = tmp_path / "sound.yaml"
    sound.write_text("stages: {01_sft: }", encoding="utf-8")
    readers = {
        (ParamsError, "study.yaml: line 1: "): lambda: load_study(study, "study.yaml"),
        (ParamsError, "--set title="): lambda: overridden(load_study(sound), [f"title={text}"]),
        (DataError, "findings/finding.yaml: line 1: "): lambda: read_rules(findings, "findings"),
        (DataError, "grammar/helpful.yaml: line 1: "): lambda: read_grammar(grammar, "grammar"),
    }
    for (error, start), read in readers.items():
        with pytest.raises(error) as caught:
            read()
        assert type(caught.value) is error
        assert str(caught.value).startswith(start)
        assert said in str(caught.value)
        assert len(str(caught.value)) < 3 * QUOTED


FILES = {
    "Latin 1": (lambda path: path.write_bytes(b"a: 1\nb: \xe4\n"), "line 2: is not UTF-8 text; save the file as UTF-8"),
    "UTF-16": (lambda path: path.write_text("a: 1", encoding="utf-16"), "line 1: is not UTF-8 text"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_holds_no_text_is_one_sentence(case, tmp_path):
    make, said = FILES[case]
    make(path := tmp_path / "file.yaml")
    with pytest.raises(DataError) as caught:
        read_yaml(path, "file.yaml", DataError)
    assert str(caught.value).startswith(f"file.yaml: {said}")
