"""A file that a person names is opened only if it is regular: everything else is one sentence, at once."""

import os
import socket
import time
from pathlib import Path

import pytest

from rmkit.errors import DataError
from rmkit.files.regular import (
    json_value,
    open_regular,
    read_bytes,
    read_json,
    read_text,
    require_no_address,
    why_unreadable,
)


@pytest.mark.parametrize(
    "given", ["https://huggingface.co/x/pairs.jsonl", Path("https://huggingface.co/x/pairs.jsonl")]
)
def test_an_address_is_one_line_that_says_to_download_it(given):
    with pytest.raises(
        DataError, match=r"^https://huggingface\.co/x/pairs\.jsonl: is an address; download the file first"
    ):
        require_no_address(given)
    require_no_address("https.jsonl")
    require_no_address("folder/s3/pairs.jsonl")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


IRREGULAR = {
    "a pipe": (os.mkfifo, "is not a regular file but a pipe"),
    "a socket": (make_socket, "is not a regular file but a socket"),
    "an endless device": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file but a device"),
    "a device of chance": (lambda path: path.symlink_to("/dev/random"), "is not a regular file but a device"),
    "a folder": (lambda path: path.mkdir(), "is not a regular file but a folder"),
    "a link to a folder": (lambda path: path.symlink_to("."), "is not a regular file but a folder"),
    "a broken link": (lambda path: path.symlink_to("nowhere"), "is not a regular file but a link that leads nowhere"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "is not a regular file but a link to itself"),
    "nothing": (lambda path: None, "cannot be read (No such file or directory)"),
}


@pytest.mark.parametrize("kind", IRREGULAR)
def test_what_is_no_regular_file_is_said_at_once(kind, tmp_path, monkeypatch):
    make, said = IRREGULAR[kind]
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    make(tmp_path / "it" if kind != "a socket" else "it")
    started = time.monotonic()
    with pytest.raises(OSError, match=str(tmp_path) if kind != "a socket" else "it") as caught:
        read_text(tmp_path / "it")
    assert time.monotonic() - started < 1
    assert why_unreadable(caught.value) == said


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b", "n" * 300])
def test_what_can_be_no_path_is_an_os_error(path):
    with pytest.raises(OSError, match=r"can be no path|File name too long"):
        open_regular(path)


def test_a_pipe_that_takes_the_file_s_place_is_not_waited_for(tmp_path, monkeypatch):
    """Between the look at the path and the opening it becomes a pipe."""
    from rmkit.files import regular

    path = tmp_path / "file"
    os.mkfifo(path)
    monkeypatch.setattr(regular, "require_regular", lambda path: None)
    with pytest.raises(OSError, match="is not a regular file but a pipe"):
        open_regular(path)


def test_a_file_and_a_link_to_it_are_read_up_to_a_size(tmp_path):
    (tmp_path / "file").write_text("ärger", encoding="utf-8")
    (tmp_path / "link").symlink_to("file")
    assert read_text(tmp_path / "link") == "ärger"
    assert read_bytes(tmp_path / "file", most=6) == "ärger".encode()
    with pytest.raises(OSError, match="holds more than") as caught:
        read_bytes(tmp_path / "file", most=5)
    assert why_unreadable(caught.value).startswith("holds more than")


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5000, "{", "", "\ud800"])
def test_text_that_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        json_value(text)


def test_numbers_that_json_does_not_have_are_read_where_they_may_be(tmp_path):
    (tmp_path / "it").write_text('{"limit": Infinity}', encoding="utf-8")
    assert read_json(tmp_path / "it") == {"limit": float("inf")}
    with pytest.raises(ValueError, match="Infinity is no JSON"):
        read_json(tmp_path / "it", finite=True)
