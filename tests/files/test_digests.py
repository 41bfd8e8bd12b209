"""What of a folder of data counts: its names and contents, and nothing else."""

import io
import os

import pytest

from rmkit.files import digests
from rmkit.files.digests import data_digest


def change(folder):
    (folder / "a.txt").write_text("A", encoding="utf-8")


def change_below(folder):
    (folder / "deep/er/b.txt").write_text("B", encoding="utf-8")


def rename(folder):
    (folder / "a.txt").rename(folder / "c.txt")


def add(folder):
    (folder / "deep/empty").write_text("", encoding="utf-8")


def remove(folder):
    (folder / "deep/er/b.txt").unlink()


def swap(folder):
    (folder / "a.txt").write_text("b", encoding="utf-8")
    (folder / "deep/er/b.txt").write_text("a", encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "deep/er/b"):
        path = tmp_path / f"given/{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.stem, encoding="utf-8")
    return tmp_path / "given"


@pytest.mark.parametrize("alter", [change, change_below, rename, add, remove, swap])
def test_a_folders_digest_tells_every_change_of_its_files(alter, folder):
    before = data_digest(folder)
    alter(folder)
    assert data_digest(folder) != before


def test_a_folders_digest_is_of_names_and_contents_alone(folder, tmp_path):
    before = data_digest(folder)
    (folder / ".git/objects").mkdir(parents=True)
    (folder / ".git/objects/x.txt").write_text("x", encoding="utf-8")
    (folder / "deep/.hidden").write_text("x", encoding="utf-8")
    (folder / "nothing").mkdir()
    moved = folder.rename(tmp_path / "moved")
    (moved / "a.txt").write_text("a", encoding="utf-8")
    assert data_digest(moved) == before


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "a pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
        (lambda path: path.symlink_to("gone"), "a link that leads nowhere"),
        (lambda path: path.symlink_to(path.name), "a link to itself"),
    ],
)
def test_what_is_no_regular_file_is_no_data(make, said, folder):
    make(folder / "deep/odd")
    with pytest.raises(OSError, match=f"is not a regular file but {said}") as caught:
        data_digest(folder)
    assert caught.value.filename == str(folder / "deep/odd")
    (folder / "deep/odd").rename(folder / "deep/.odd")
    data_digest(folder)  # what starts with a dot does not count


def test_a_disk_named_by_mistake_is_not_read(folder, monkeypatch):
    monkeypatch.setattr(digests, "MOST_FILES", 1)
    with pytest.raises(OSError, match="holds more than 1 files"):
        data_digest(folder)


def test_names_that_are_no_text_count_by_their_bytes(folder):
    before = data_digest(folder)
    (folder / os.fsdecode(b"\xff.txt")).write_text("A", encoding="utf-8")
    assert data_digest(folder) != before


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_long_reading_is_told_once_at_a_terminal(is_terminal, tmp_path, monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr(said, "isatty", lambda: is_terminal, raising=False)
    monkeypatch.setattr(digests.sys, "stderr", said)
    monkeypatch.setattr(digests, "PATIENCE", 0.0)
    (tmp_path / "large").write_bytes(bytes(3 * digests.AT_ONCE))
    data_digest(tmp_path / "large")
    assert said.getvalue() == (f"reading '{tmp_path}/large' (0.0 of 0.0 GB)\n" if is_terminal else "")
