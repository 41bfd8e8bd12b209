"""A finished folder is there whole or not at all."""

import os

import pytest

from rmkit.artifacts.finished_folders import FinishedFolders
from rmkit.errors import ResultError


def test_a_folder_is_kept_and_found_again(tmp_path):
    finished = FinishedFolders(tmp_path / "models")
    assert finished.get("flip_0.05") is None
    kept = finished.put("flip_0.05", lambda folder: (folder / "weights").write_bytes(b"1"))
    assert FinishedFolders(tmp_path / "models").get("flip_0.05") == kept
    assert (kept / "weights").read_bytes() == b"1"


def test_one_whose_writing_fails_leaves_nothing(tmp_path):
    finished = FinishedFolders(tmp_path / "models")

    def write(folder):
        (folder / "weights").write_bytes(b"1")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        finished.put("one", write)
    assert finished.get("one") is None
    assert list(finished.folder.iterdir()) == []


def test_what_a_killed_process_left_half_written_is_no_part(tmp_path):
    """Even one of this process's number, whose leavings a later writing does not take in."""
    finished = FinishedFolders(tmp_path)
    left = tmp_path / f".one.{os.getpid()}"
    left.mkdir()
    (left / "half").write_bytes(b"0")
    assert finished.get("one") is None
    kept = finished.put("one", lambda folder: (folder / "weights").write_bytes(b"1"))
    assert [path.name for path in kept.iterdir()] == ["weights"]


def test_a_finished_folder_is_not_written_over(tmp_path):
    finished = FinishedFolders(tmp_path)
    kept = finished.put("one", lambda folder: (folder / "weights").write_bytes(b"1"))
    with pytest.raises(OSError, match="one"):
        finished.put("one", lambda folder: (folder / "weights").write_bytes(b"2"))
    assert (kept / "weights").read_bytes() == b"1"


def test_a_name_that_leaves_the_folder_is_refused(tmp_path):
    with pytest.raises(ResultError, match="cannot name a part"):
        FinishedFolders(tmp_path).get("../one")
