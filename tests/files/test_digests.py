"""What of a folder of data counts: its names and contents, and nothing else."""

import pytest

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
