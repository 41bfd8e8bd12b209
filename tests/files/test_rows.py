"""Tables of rows: containers that are damaged, too large or of another shape are one line with the row."""

import gzip

import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.files import rows
from rmkit.files.rows import numbered_rows, read_rows

WRONG = {
    "a.csv": [
        (b"x,y\n1,2\n1\n", ", row 2: has 1 cells, and the header 2; quote cells that hold commas or line breaks"),
        (b"x,x\n1,2\n", ": the column x is there twice; keep one"),
        (b"x\n\xff\n", ", row 1 or soon after: is not UTF-8; save the file as UTF-8"),
    ],
    "a.json": [
        (b"[1]", ", row 1: is a JSON int; it must be an object"),
        (b'{"x": [1, 2], "y": [1]}', ": column y has 1 rows, and x has 2"),
        (b"3", ": is a JSON int; it must be a list of objects, or lists by column"),
        (b"{", ": is not JSON (Expecting property name enclosed in double quotes); it must be a list of objects"),
        (b"[" * 100_000, ": is not JSON (it is nested too deeply)"),
    ],
    "a.jsonl": [
        (b'{"x": 1}\n\n[]\n', ", line 3: is a JSON list; it must be an object"),
        (b'{"x": 1}\n{', ", line 2: is not JSON (Expecting property name enclosed in double quotes); each line must be one object"),
        (b'\xff\n', ", line 1: is not UTF-8 (byte 1); save the file as UTF-8"),
    ],
    "a.json.gz": [(gzip.compress(b"[]" * 99, mtime=0)[:-9], ": the gzip is cut short or damaged")],
    "a.parquet": [(b"PAR1", ": is not a sound Parquet file"), (b"", ": is not a sound Parquet file")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [pytest.param(name, *one, id=f"{name}{one[1]}") for name, some in WRONG.items() for one in some],
)
def test_a_damaged_file_is_one_line(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as refused:
        read_rows(tmp_path / name, {"x", "y"})
    assert str(refused.value).startswith(f"{tmp_path / name}{said}")
    assert "\n" not in str(refused.value)


def test_only_wanted_columns_are_kept(tmp_path):
    frame = pd.DataFrame({"x": [1, 2], "z": ["a", "b"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "a.json", orient="records")
    frame.to_parquet(tmp_path / "a.parquet")
    for ending in ("csv", "jsonl", "json", "parquet"):
        found = read_rows(tmp_path / f"a.{ending}", {"x", "y"})
        assert [str(value) for value in found.columns["x"]] == ["1", "2"]
        assert (list(found.columns), found.all_columns) == (["x"], ("x", "z"))
        assert found.where(1).endswith(f"a.{ending}, {'line' if ending == 'jsonl' else 'row'} 2")


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_what_is_read_whole_is_bounded_packed_or_not(name, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MOST_BYTES", 2**20)
    content = b"x" * (2**20 + 1)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(DataError, match=r"holds more than 1 MB; write \.jsonl or \.parquet, which are read in pieces$"):
        read_rows(tmp_path / name, {"x"})


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "parquet"])
def test_rows_are_bounded(ending, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MOST_ROWS", 3)
    frame = pd.DataFrame({"x": range(4)})
    {
        "csv": lambda path: frame.to_csv(path, index=False),
        "json": lambda path: frame.to_json(path, orient="records"),
        "jsonl": lambda path: frame.to_json(path, orient="records", lines=True),
        "parquet": frame.to_parquet,
    }[ending](tmp_path / f"a.{ending}")
    with pytest.raises(DataError, match="holds more than 3 rows"):
        read_rows(tmp_path / f"a.{ending}", {"x"})


def test_the_files_of_a_folder_are_read_together_and_numbered_through(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"name": "one"}\n\n{"name": "two"}\n', encoding="utf-8")
    (tmp_path / "b.csv").write_text("name\nthree\nfour\n", encoding="utf-8")
    pd.DataFrame({"name": ["five"]}).to_parquet(tmp_path / "c-00000-of-00001.parquet")
    for other in ("README.md", ".hidden.jsonl", "dataset_infos.json"):
        (tmp_path / other).write_text("no rows", encoding="utf-8")
    found = list(numbered_rows(tmp_path, "mine", {"name"}))
    assert [row["name"] for _, _, row in found] == ["one", "two", "three", "four", "five"]
    assert [number for number, _, _ in found] == [1, 3, 4, 5, 6]
    assert [where for _, where, _ in found][1:4:2] == ["mine/a.jsonl, line 3", "mine/b.csv, row 2"]


def test_a_folder_of_several_splits_or_without_rows_is_one_line(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(
        DataError, match=r"mine: is a folder without state.json and without files of rows; name mine/data"
    ):
        list(numbered_rows(tmp_path, "mine", {"name"}))
    for split in ("train-00000-of-00002", "train-00001-of-00002"):
        (tmp_path / f"{split}.jsonl").write_text('{"name": "a"}\n', encoding="utf-8")
    assert len(list(numbered_rows(tmp_path, "mine", {"name"}))) == 2
    (tmp_path / "test.jsonl").write_text('{"name": "b"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="mine: has the splits test, train; name a file, or put one split's apart"):
        list(numbered_rows(tmp_path, "mine", {"name"}))
