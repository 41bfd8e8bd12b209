"""Finished parts are there whole or not at all, come back as they were, and a damaged one is none."""

import random

import pandas as pd
import pytest

from rmkit.artifacts.shards import Shards
from rmkit.errors import ResultError

TABLE = pd.DataFrame({"text": ["a", None, "ä\n"], "n": [1, 2, 3], "x": [0.1, None, 1e-300]}, index=[5, 3, 9])


@pytest.fixture
def shards(tmp_path):
    return Shards(tmp_path / "deep" / "folder")


def test_a_part_comes_back_as_it_was_and_others_are_absent(shards):
    assert shards.get("a") is None
    shards.put("a", TABLE)
    shards.put("b", TABLE.tail(1))
    shards.put("b", TABLE.head(1))
    pd.testing.assert_frame_equal(shards.get("a"), TABLE)
    pd.testing.assert_frame_equal(Shards(shards.folder).get("b"), TABLE.head(1))
    assert shards.get("c") is None
    assert sorted(path.name for path in shards.folder.iterdir()) == ["a.parquet", "b.parquet"]


def test_a_damaged_file_is_named_and_removed_and_counts_as_absent(shards, capsys):
    """Cut anywhere, or with a byte of its data changed."""
    shards.put("a", TABLE)
    path = shards.folder / "a.parquet"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index("ä\n".encode())] ^= 1
    for damaged in [bytes(flipped), *(whole[: random.Random(cut).randrange(len(whole))] for cut in range(20))]:
        path.write_bytes(damaged)
        assert shards.get("a") is None
        assert not path.exists()
        assert capsys.readouterr().out.startswith("finished part a cannot be read (")
        assert shards.get("a") is None
        assert capsys.readouterr().out == "", "what was never there is no fault"
    shards.put("a", TABLE)
    pd.testing.assert_frame_equal(shards.get("a"), TABLE)


def test_a_part_that_cannot_be_written_leaves_what_was_there(shards):
    shards.put("a", TABLE)
    with pytest.raises(ValueError, match="Duplicate column names"):
        shards.put("a", pd.DataFrame([[1, 2]], columns=["x", "x"]))
    pd.testing.assert_frame_equal(shards.get("a"), TABLE)
    assert [path.name for path in shards.folder.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize("name", ["", "a/b", "..", ".a", "a b", "a\n", "x" * 101])
def test_a_name_that_cannot_name_a_file_is_refused(name, shards):
    with pytest.raises(ResultError, match="cannot name a part of the work; use up to 100 letters"):
        shards.put(name, TABLE)
    assert not shards.folder.exists()
