"""Lines of any file are read in bounded pieces, packed or not, and every fault names file and line."""

import gzip
import os
import resource
import subprocess
import sys

import pytest

from rmkit.errors import DataError
from rmkit.files.lines import MOST_BLANK, MOST_IN_A_LINE, numbered_lines


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_are_numbered_and_blank_ones_left_out(name, tmp_path):
    with gzip.open(tmp_path / name, "wb") if name.endswith(".gz") else (tmp_path / name).open("wb") as file:
        file.write(b"one\n\n  \nfour\nlast")
    assert list(numbered_lines(tmp_path / name, name)) == [(1, b"one\n"), (4, b"four\n"), (5, b"last")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x\n" + b" " * (MOST_IN_A_LINE + 1), "line 2: is longer than 8 MB; write one JSON object a line"),
        (b"x" + b"\n" * (MOST_BLANK + 2), rf"line {MOST_BLANK + 2}: ends 100,000 blank lines in a row; remove them"),
    ],
    ids=["a line", "blank lines"],
)
def test_what_is_too_long_is_named_by_line(content, said, name, tmp_path):
    with gzip.open(tmp_path / name, "wb") if name.endswith(".gz") else (tmp_path / name).open("wb") as file:
        file.write(content)
    with pytest.raises(DataError, match=rf"^mine, {said}$"):
        list(numbered_lines(tmp_path / name, "mine"))


def test_a_packed_line_of_gigabytes_takes_little_memory_and_time(tmp_path):
    """A megabyte that unpacks to one line of a gigabyte, read under a limit of memory that would not hold that line."""
    packed = gzip.compress(bytes(2**24), compresslevel=1)
    (tmp_path / "bomb.jsonl.gz").write_bytes(packed * 64)
    code = (
        "import sys\nfrom pathlib import Path\nfrom rmkit.errors import DataError\n"
        "from rmkit.files.lines import numbered_lines\n"
        "try:\n    list(numbered_lines(Path(sys.argv[1]), 'bomb'))\nexcept DataError as error:\n    print(error)"
    )
    half = 2**29
    ended = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "bomb.jsonl.gz"],
        capture_output=True, text=True, timeout=20, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (half, half)),
    )  # fmt: skip
    assert ended.stdout.startswith("bomb, line 1: is longer than 8 MB")


def test_a_pipe_is_no_file_of_lines(tmp_path):
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(DataError, match=r"^mine: is not a regular file but a pipe; it must be a readable file$"):
        list(numbered_lines(tmp_path / "a.jsonl", "mine"))
