"""A run of more jobs than one may have meant asks first; nothing is stored without a yes."""

import sys

import pytest

from rmkit.cli import main
from rmkit.commands import running
from rmkit.errors import ParamsError
from rmkit.study.planning.project import find_project

BEGUN = "the engine was asked for"


@pytest.fixture
def asked(monkeypatch):
    """What `rmkit run smoke` comes to where one job is many and no engine starts."""

    def engine(_):
        raise ParamsError(BEGUN)

    monkeypatch.chdir(find_project().root)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(running, "MANY_JOBS", 1)
    monkeypatch.setattr(running, "_engine", engine)
    return monkeypatch


def test_without_a_terminal_it_says_how_many_jobs_and_fits_there_are_and_how_to_run_them(asked, capsys):
    asked.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert main(["run", "smoke"]) == 2
    said = capsys.readouterr().err
    assert BEGUN not in said
    assert "jobs, " in said
    assert " fits: more than 1; add --yes to run them, or --dry-run for what they cost\n" in said


@pytest.mark.parametrize(("answer", "begins"), [("y", True), ("n", False), ("", False)])
def test_at_a_terminal_it_asks(asked, capsys, answer, begins):
    asked.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    asked.setattr("builtins.input", lambda question: answer if "run them? [y/N]" in question else "y")
    assert main(["run", "smoke"]) == 2
    assert (BEGUN in capsys.readouterr().err) == begins


@pytest.mark.parametrize("options", [["--yes"], ["--dry-run"]])
def test_it_does_not_ask_who_said_so_or_runs_nothing(asked, capsys, options):
    assert main(["run", "smoke", *options]) == 2
    assert capsys.readouterr().err == f"{BEGUN}\n"


def test_few_jobs_are_run_without_a_word(asked, capsys):
    asked.setattr(running, "MANY_JOBS", 1_000)
    assert main(["run", "smoke"]) == 2
    assert capsys.readouterr().err == f"{BEGUN}\n"
