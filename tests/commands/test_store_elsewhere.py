"""RMKIT_STORE puts the store elsewhere: then nothing is written under the checkout, whoever runs what."""

import json
import subprocess
import sys

import pytest

from rmkit.errors import ParamsError
from rmkit.study.planning.project import Project, find_project
from rmkit.study.store.store import Store

DRAFT = """
import rmkit
rmkit.open_job("01_sums", {"study": "small", "seed": 7, "powers": [1.0], "sleep": 0.0})
"""
BROWSED = """
from rmkit.study.planning.project import find_project
from rmkit.widgets.stored import Stored
print(Stored(find_project()).with_rows("small"))
"""
COMMANDS = (
    ("run", "small"),
    ("run", "small", "--set", "seed=5", "--no-report"),
    ("status", "small"),
    ("results", "01", "small"),
    ("why", "01", "small"),
    ("report", "small"),
    ("gc", "--yes"),
)


def listing(folder):
    """Every file and folder, with when it was written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


@pytest.mark.slow
def test_nothing_is_written_under_the_checkout(small, tmp_path):
    store = tmp_path / "elsewhere/store"
    before = listing(small.root)
    said = {}
    for command in COMMANDS:
        ended = small.rmkit(*command, RMKIT_STORE=str(store))
        assert ended.returncode == 0, ended.stderr
        said[command] = ended.stdout
    for text in (DRAFT, BROWSED):
        command = [sys.executable, "-c", text]
        environment = small.environment(RMKIT_STORE=str(store))
        ended = subprocess.run(command, cwd=small.root, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "['01_sums']\n"
    assert listing(small.root) == before
    assert said["status", "small"].splitlines()[-2:] == [
        f"report: {store}/reports/small.html, up to date", f"store: {store}",
    ]  # fmt: skip
    assert "rmkit run params/small.yaml --set seed=5: 1 job, " in said["gc", "--yes"]
    assert {path.name.rpartition("-")[0] for path in (store / "jobs").iterdir()} == {"00_numbers", "01_sums"}
    assert len(list((store / "drafts").iterdir())) == 1
    card = json.loads(next((store / "runs").glob("*/card.json")).read_text(encoding="utf-8"))
    assert card["study"] == "small"


def test_a_relative_store_starts_at_the_project_wherever_it_is_read(tmp_path, monkeypatch):
    project = Project(tmp_path)
    monkeypatch.setenv("RMKIT_STORE", "other/store")
    assert project.store == tmp_path / "other/store"
    monkeypatch.setenv("RMKIT_STORE", "")
    assert project.store == tmp_path / "runs"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RMKIT_STORE", "~/store")
    assert project.store == tmp_path / "home/store"
    monkeypatch.setenv("RMKIT_STORE", "~nobody-of-this-name/store")
    assert project.store == tmp_path / "~nobody-of-this-name/store"


@pytest.mark.parametrize("given", ["/dev/null", "/dev/null/store", "file", "file/below", "dangling"])
def test_what_can_be_no_folder_is_refused_in_one_line(tmp_path, monkeypatch, given):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("RMKIT_STORE", given)
    with pytest.raises(ParamsError, match=rf"^RMKIT_STORE={given}: is not a folder; name a folder, or one to be made$"):
        _ = Project(tmp_path).store


@pytest.mark.parametrize("command", [("run",), ("status",), ("results", "01"), ("why", "01"), ("report",)])
def test_every_command_says_so(small, command):
    ended = small.rmkit(*command, "small", RMKIT_STORE="/dev/null")
    said = "RMKIT_STORE=/dev/null: is not a folder; name a folder, or one to be made\n"
    assert (ended.returncode, ended.stderr) == (2, said)


def test_a_name_that_the_system_refuses_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("RMKIT_STORE", "x" * 300)
    with pytest.raises(ParamsError, match=r"^RMKIT_STORE=x{199}…: File name too long; name another folder$"):
        _ = Project(tmp_path).store


@pytest.mark.parametrize("name", ["tmp", "thesis.txt", "jobs"])
def test_a_folder_of_other_things_is_no_store_and_keeps_them(small, tmp_path, name):
    mine = tmp_path / "home" / name / "chapter.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("one", encoding="utf-8")
    ended = small.rmkit("run", "small", "--no-report", RMKIT_STORE=str(tmp_path / "home"))
    said = f"has files of yours ({name}), and a run would empty its tmp/; name an empty folder, or one to be made\n"
    assert (ended.returncode, ended.stderr) == (2, f"RMKIT_STORE={tmp_path / 'home'}: {said}")
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == [mine]


@pytest.mark.parametrize("inside", ["tmp", "jobs/mine", "partial/a/b"])
def test_a_store_lies_in_no_other_store(finished, inside):
    """Its runs would empty it, or its `gc`."""
    ended = finished.rmkit("status", "small", RMKIT_STORE=f"runs/{inside}")
    assert ended.returncode == 2
    said = f"RMKIT_STORE=runs/{inside}: lies in the store {finished.root}/runs, whose runs and `rmkit gc` remove"
    assert ended.stderr.startswith(said)


def test_nothing_goes_from_a_folder_where_no_run_was_ever_started(small, tmp_path):
    """Drafts and reports may be somebody's own: of a paper, say."""
    for name in ("drafts/chapter.tex", "reports/thesis.pdf"):
        (tmp_path / "paper" / name).parent.mkdir(parents=True)
        (tmp_path / "paper" / name).write_text("mine", encoding="utf-8")
    ended = small.rmkit("gc", "--yes", "--exports", "--older-than", "0", RMKIT_STORE=str(tmp_path / "paper"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"nothing to remove: no run was ever started in {tmp_path / 'paper'}\n"
    assert len([path for path in (tmp_path / "paper").rglob("*") if path.is_file()]) == 2


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems refuse such a name")
def test_a_path_that_is_no_text_is_one_line(small, tmp_path):
    odd = f"{tmp_path}/b\udcff"
    ended = small.rmkit("run", "small", RMKIT_STORE=odd)
    said = "its path is no UTF-8 text, which notebooks need; rename the folder\n"
    assert (ended.returncode, ended.stderr.endswith(said)) == (2, True), ended.stderr
    moved = small.copy(tmp_path / "c\udcff")
    ended = moved.rmkit("run", "small")
    assert (ended.returncode, ended.stderr.endswith(said)) == (2, True), ended.stderr


def test_a_working_directory_that_was_removed_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ParamsError, match=r"^the working directory: No such file or directory; go to a folder"):
        find_project()


def test_a_folder_that_is_empty_or_was_a_store_before_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("RMKIT_STORE", "store")
    place = tmp_path / "store"
    for made in ("", "lost+found", ".snapshot", "drafts", "views"):  # a new disk; a notebook before the first run
        (place / made).mkdir(parents=True, exist_ok=True)
        assert Project(tmp_path).store == place
    Store(place).prepare()
    (place / "README.txt").write_text("what is kept here", encoding="utf-8")
    assert Project(tmp_path).store == place
