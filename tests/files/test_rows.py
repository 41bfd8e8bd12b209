"""Tables of rows: containers that are damaged, too large or of another shape are one line with the row."""

import gzip

import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.files import rows
from rmkit.files.rows import read_rows

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
