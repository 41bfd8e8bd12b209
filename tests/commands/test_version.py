"""`rmkit --version` says which rmkit answers: a bug report needs the commit, and whether it was changed."""

import platform
import subprocess

import pytest

import rmkit
from rmkit.cli import main
from rmkit.commands.version import commit_of


def git(folder, *arguments):
    who = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_it_is_one_line_with_rmkit_and_python(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"rmkit {rmkit.__version__}")
    assert f", Python {platform.python_version()}, " in line


def test_a_checkout_has_its_commit_and_says_that_it_was_changed(tmp_path):
    checkout = tmp_path / "checkout"
    (checkout / "inside").mkdir(parents=True)
    git(checkout, "init")
    (checkout / "file").write_text("a", encoding="utf-8")
    git(checkout, "add", ".")
    git(checkout, "commit", "-m", "first")
    commit = git(checkout, "rev-parse", "HEAD").strip()
    assert commit_of(checkout) == f"commit {commit[:10]}"
    (checkout / "file").write_text("b", encoding="utf-8")
    assert commit_of(checkout) == f"commit {commit[:10]}, with changes"
    assert commit_of(checkout / "inside") == ""  # as site-packages in somebody's repository


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    assert commit_of(tmp_path) == ""  # a repository that git cannot read
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(tmp_path) == ""
