"""Nothing that a person can type or store moves the cursor, hides or reorders what a command prints."""

import ast
import re
import unicodedata

import pytest

from rmkit.characters import HIDDEN, in_one_line
from rmkit.cli import main
from rmkit.layering import ROOMS
from rmkit.study.monitoring.output import say
from rmkit.study.monitoring.words import in_lines
from rmkit.study.planning.project import find_project

ROOT = find_project().root
HOSTILE = "\x1b[31mred\x07\u202egnol\u200b\r\x9b2J\x00\ud800\u2066\nsecond\tline"
SHOWN = "␛[31mred␇⟨RLO⟩gnol⟨ZWSP⟩␍⟨U+009B⟩2J␀�⟨LRI⟩␊second␉line"


def test_hidden_characters_are_signs_on_both_streams(capsys):
    say(f"a {HOSTILE}", "b")
    say(f"c {HOSTILE}", error=True)
    assert capsys.readouterr() == (f"a {SHOWN}\nb\n", f"c {SHOWN}\n")


def test_every_control_and_format_character_is_drawn_but_those_that_are_seen():
    seen = "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f"  # signs of scripts
    for code in range(0x110000):
        sign = chr(code)
        if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") and not re.fullmatch(f"[{seen}]", sign):
            assert sign in "\t\n" or HIDDEN.fullmatch(sign), hex(code)
            assert in_one_line(sign) != sign


REQUESTS = {
    "a parameter": ["check", "tiny", "--set", f"{HOSTILE}=1"],
    "a value": ["check", "tiny", "--set", f"world={HOSTILE}"],
    "a study": ["check", f"params/{HOSTILE}.yaml"],
    "a study by name": ["status", HOSTILE],
    "a job": ["run", "smoke", "--job", HOSTILE],
    "a stage": ["run", "smoke", "--only", HOSTILE],
    "a selected parameter": ["run", "smoke", "--select", f"{HOSTILE}=1"],
    "a limit": ["run", "smoke", "--dry-run", "--time-limit", HOSTILE],
}


@pytest.mark.parametrize("case", REQUESTS)
def test_what_a_command_refuses_is_quoted_in_one_line_of_visible_characters(case, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main([text.replace("\0", "") for text in REQUESTS[case]]) in (1, 2)
    out, err = capsys.readouterr()
    for line in (*out.split("\n"), *err.split("\n")):
        assert not HIDDEN.search(line), line
    assert len(err.split("\n")) == 2, err
    assert "31m" in err


@pytest.mark.parametrize("arguments", [[HOSTILE], ["status", "tiny", HOSTILE], ["gc", "--older-than", HOSTILE]])
def test_what_argparse_refuses_is_shown_likewise(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert not HIDDEN.search(capsys.readouterr().err)


def test_what_a_notebook_prints_is_shown_likewise():
    assert not HIDDEN.search(in_lines(HOSTILE))


def test_commands_print_through_the_one_door():
    rooms = [ROOT / "rmkit" / "cli.py", *(ROOT / "rmkit" / "commands").rglob("*.py")]
    rooms += [path for path in (ROOT / "rmkit" / "study" / "monitoring").glob("*.py") if path.name != "output.py"]
    assert "commands" in ROOMS
    for path in rooms:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Name) and node.id == "print"), f"{path}:{node.lineno}: use say"
