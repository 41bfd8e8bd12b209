"""A table comes back as it was; equal tables are equal bytes, and what is no table is one line."""

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.table import Table
from rmkit.errors import DataError


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "text": ["a", "ä\n\n", ""],
            "n": np.array([3, 1, 2], np.int64),
            "x": np.array([0.1, np.nan, 1e-300]),
            "small": np.array([1, 2, 3], np.float32),
            "yes": [True, False, True],
        }
    )


def test_a_table_comes_back_as_it_was(rows, tmp_path):
    Table(rows).save(tmp_path / "deep" / "folder")
    loaded = Table.load(tmp_path / "deep" / "folder").rows
    pd.testing.assert_frame_equal(loaded, rows)
    assert [path.name for path in (tmp_path / "deep" / "folder").iterdir()] == ["table.parquet"]


def test_an_empty_table_keeps_its_columns(rows, tmp_path):
    Table(rows.head(0)).save(tmp_path)
    pd.testing.assert_frame_equal(Table.load(tmp_path).rows, rows.head(0))


def test_the_index_is_not_kept(rows, tmp_path):
    Table(rows.set_index(pd.Index([7, 5, 9], name="row"))).save(tmp_path)
    pd.testing.assert_frame_equal(Table.load(tmp_path).rows, rows)


def test_equal_tables_are_equal_bytes_whatever_their_index_and_way(rows, tmp_path):
    ways = {
        "as it is": rows,
        "copied": rows.copy(),
        "with an index": rows.set_index(pd.Index(["p", "q", "r"])),
        "cut out": pd.concat([rows, rows]).iloc[3:],
        "from columns": pd.DataFrame({name: rows[name] for name in rows}),
    }
    for name, table in ways.items():
        Table(table).save(tmp_path / name)
    Table.load(tmp_path / "as it is").save(tmp_path / "again")
    files = {path.parent.name: path.read_bytes() for path in tmp_path.rglob("table.parquet")}
    assert files.keys() == ways.keys() | {"again"}
    assert len(set(files.values())) == 1
    Table(rows.assign(n=[3, 1, 3])).save(tmp_path / "other")
    assert (tmp_path / "other/table.parquet").read_bytes() not in files.values()


def test_saving_again_replaces_what_was_there(rows, tmp_path):
    Table(rows).save(tmp_path)
    Table(rows.tail(1)).save(tmp_path)
    assert len(Table.load(tmp_path).rows) == 1


@pytest.mark.parametrize("name", ["empty", "none"])
def test_a_folder_without_a_table_is_one_line(name, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=f"/{name}: holds no table.parquet; it must be a folder that Table.save wrote$"):
        Table.load(tmp_path / name)


def test_a_damaged_table_is_one_line(rows, tmp_path):
    Table(rows).save(tmp_path)
    path = tmp_path / "table.parquet"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"text,n\na,3\n"):
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            Table.load(tmp_path)
        assert str(tmp_path) in str(caught.value)
        assert "\n" not in str(caught.value)
