"""The log of labels: a kill at any byte loses at most the row being written, and no damage goes unseen."""

import json
import multiprocessing
import os
import time

import pytest

from rmkit.annotation.people.label_log import Claim, Label, LabelLog, Pick, Release, Undo, decoded, encoded, pair_name
from rmkit.errors import DataError, StoreError


def pick(number=0, **more):
    first, second = f"r{number}a", f"r{number}b"
    return Pick(pair_name(first, second), first, second, "random", **more)


def label(number=0, answer="first", annotator="ann é", **more):
    return Label(pick(number, **more), f"r{number}b", annotator, 'w1\n"“', 1.5, 2.25, answer)


ROWS = [
    Claim(pick(probability=0.25, gain=0.125, known=3, stale=True), "r0a", "ann", "w1", "host", 7, 0.5, 1.0, 901.0),
    label(),
    Undo(2, "ann é", 'w1\n"“', 3.0),
    Release("w1", 4.0),
    label(1, "tie", score=0.5),
]


def written(path, rows):
    log = LabelLog(path)
    with log.turn():
        numbers = log.append(rows)
    log.close()
    return numbers


def reopened(path):
    log = LabelLog(path)
    log.close()
    return log


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_row_is_one_line_and_comes_back_equal(row):
    line = encoded(row)
    assert "\n" not in line
    assert decoded(line.encode(), "here") == row


def test_rows_are_there_when_the_file_is_opened_again(tmp_path):
    path = tmp_path / "new folder/labels.jsonl"
    assert written(path, ROWS[:2]) == [1, 2]
    assert written(path, ROWS[2:]) == [3, 4, 5]
    assert reopened(path).rows == ROWS
    assert reopened(path).told == []


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 9])
def test_a_kill_at_any_byte_loses_at_most_the_row_being_written(tmp_path, step):
    """At every byte, or a ninth: what was there before stays, and the next label comes after it on a line of its own."""
    path, aside = tmp_path / "labels.jsonl", tmp_path / "labels.jsonl.torn"
    before, last, after = ROWS[:2], ROWS[4], label(2, "skip")
    whole = "".join(encoded(row) + "\n" for row in before).encode()
    half = (encoded(last) + "\n").encode()
    for length in sorted({*range(0, len(half), step), 1, *range(len(half) - 3, len(half) + 1)}):
        path.write_bytes(whole + half[:length])
        aside.unlink(missing_ok=True)
        kept = [last] if length >= len(half) - 1 else []
        log = LabelLog(path)
        assert log.rows == before + kept, length
        if 0 < length < len(half) - 1:
            assert len(log.told) == 1
            assert f"line 3: was cut short after {length} bytes" in log.told[0]
            assert aside.read_bytes() == half[:length] + b"\n"
        else:
            assert not log.told
            assert not aside.exists()
        with log.turn():
            log.append([after])
        log.close()
        assert reopened(path).rows == [*before, *kept, after]
        assert path.read_bytes().count(b"\n") == len(before + kept) + 1


def test_another_writer_that_dies_half_way_is_cleaned_up_before_the_next_row(tmp_path):
    path = tmp_path / "labels.jsonl"
    log = LabelLog(path)
    with path.open("ab") as dying:
        dying.write(encoded(label()).encode()[:30])
    with log.turn():
        log.append([label(1)])
    assert log.told
    assert reopened(path).rows == [label(1)]


def test_what_a_lost_block_leaves_is_set_aside(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_bytes(encoded(label()).encode() + b"\n" + b"\0" * 300 + b"\n")
    assert reopened(path).rows == [label()]


PICKED = json.loads(encoded(label()))["pick"]


def damaged(**changes):
    return json.dumps(json.loads(encoded(label())) | changes).encode()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"kind": "lab', "no line of JSON"),
        (b"\xff\xfe", "no line of JSON"),
        (b"[1]", "is no object"),
        (b"{}", "None is not one of claim, label, undo, release"),
        (damaged(answer="left"), "'answer' is 'left'"),
        (damaged(answered_at="now"), "'answered_at' is 'now'"),
        (damaged(answered_at=True), "'answered_at' is True"),
        (damaged(answered_at=1e300), "'answered_at' is 1e+300"),
        (damaged(more=1), "'more' is no field of it"),
        (damaged(pick={"pair": "x"}), "pick: 'first' is missing"),
        (damaged(pick=3), "pick: is no object"),
        (json.dumps({"kind": "undo", "undoes": 1}).encode(), "'annotator' is missing"),
        (b'{"kind": ["label"]}', "its kind ['label'] is not one of claim, label, undo, release"),
        (b'{"kind": {}}', "its kind {} is not one of claim, label, undo, release"),
        (damaged(annotator=""), "annotator: '' is no name; give 1 to 40 letters or digits"),
        (damaged(annotator="a\nb"), "annotator: 'a\\nb' is no name"),
        (damaged(annotator="7.0"), "annotator: '7.0' is no name"),
        (encoded(Undo(1, "a,b", "w1", 3.0)).encode(), "annotator: 'a,b' is no name"),
        (damaged(annotator="\ud800"), "'annotator' is '\\ud800'"),
        (damaged(pick=PICKED | {"first": "other"}), "'pair' is 'r0a-r0b', which is not the pair of its 'first'"),
        (damaged(pick=PICKED | {"pair": "r0a-r0a", "second": "r0a"}), "'pair' is 'r0a-r0a', which is not the pair of"),
        (damaged(pick=PICKED | {"probability": 7}), "'probability' is 7, and it must lie between 0 and 1"),
        (damaged(pick=PICKED | {"probability": -1.0}), "'probability' is -1.0, and it must lie between 0 and 1"),
        (damaged(shown_left="other"), "'shown_left' is 'other', which is none of the pair"),
    ],
)
def test_damage_further_up_is_one_sentence_with_file_and_line(tmp_path, line, said):
    path = tmp_path / "labels.jsonl"
    content = encoded(label()).encode() + b"\n" + line + b"\n" + encoded(label(1)).encode() + b"\n"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"labels\.jsonl, line 2: ") as raised:
        LabelLog(path)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert path.read_bytes() == content


def test_a_file_that_became_shorter_is_not_written_to(tmp_path):
    path = tmp_path / "labels.jsonl"
    written(path, ROWS)
    log = LabelLog(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="became shorter"), log.turn():
        log.append([label()])
    assert path.read_bytes() == b""


@pytest.mark.parametrize("content", [b"notes of mine", b'{"prompt": "p", "chosen": "a"}', b"\x89PNG\r"])
def test_a_foreign_file_of_one_line_without_an_end_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "labels.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"labels\.jsonl, line 1: is no row of labels; name another file"):
        LabelLog(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_too_large_to_be_a_log_is_not_read(tmp_path):
    path = tmp_path / "labels.jsonl"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataError, match=r"holds 1,099,511,627,776 bytes, and no file of labels is so large"):
        LabelLog(path)


@pytest.mark.parametrize("what", ["deleted", "moved", "replaced"])
def test_a_file_that_is_no_longer_at_its_path_takes_no_row(tmp_path, what):
    path, other = tmp_path / "labels.jsonl", tmp_path / "other.jsonl"
    written(path, ROWS)
    content = path.read_bytes()
    log = LabelLog(path)
    if what == "replaced":
        other.write_bytes(content)
        other.replace(path)
    elif what == "moved":
        path.rename(other)
    else:
        path.unlink()
    with pytest.raises(DataError, match=r"was moved, deleted or replaced while it was open; put it back"), log.turn():
        log.append([label(7)])
    if what == "moved":
        assert other.read_bytes() == content
        other.rename(path)
        with log.turn():
            assert log.append([label(7)]) == [6]
    log.close()


def test_a_process_that_goes_elsewhere_still_finds_its_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = LabelLog("labels.jsonl")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with log.turn():
        assert log.append([label()]) == [1]
    log.close()


@pytest.mark.parametrize("what", ["folder", "pipe", "dangling", "closed folder", "no path"])
def test_what_cannot_be_a_log_is_one_sentence(tmp_path, what):
    path = tmp_path / "labels.jsonl"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "dangling":
        path.symlink_to(tmp_path / "nowhere/there")
    elif what == "no path":
        path = tmp_path / "a\0b"
    else:
        (tmp_path / "file").write_text("", encoding="utf-8")
        path = tmp_path / "file/labels.jsonl"
    with pytest.raises(StoreError, match="name another file for the labels"):
        LabelLog(path)


def test_a_full_disk_keeps_nothing_of_a_row_and_says_so(tmp_path, monkeypatch):
    path, write = tmp_path / "labels.jsonl", os.write
    log = LabelLog(path)
    with log.turn():
        log.append([label()])

    def full(file, content):
        if len(content) < 40:
            raise OSError(28, "No space left on device")
        return write(file, content[:40])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="No space left on device; free some space"), log.turn():
        log.append([label(1)])
    monkeypatch.undo()
    with log.turn():
        log.append([label(2)])
    assert reopened(path).rows == [label(), label(2)]


def add_rows(path, start, ready):
    log = LabelLog(path)
    while not ready.exists():
        time.sleep(0.01)
    for number in range(start, start + 25):
        with log.turn():
            log.append([label(number)])


def test_rows_of_processes_that_write_at_once_never_mix(tmp_path):
    path, context = tmp_path / "labels.jsonl", multiprocessing.get_context("spawn")
    ready = tmp_path / "ready"
    writers = [context.Process(target=add_rows, args=(path, 100 * n, ready)) for n in range(3)]
    for writer in writers:
        writer.start()
    ready.touch()
    for writer in writers:
        writer.join(60)
    rows = reopened(path).rows
    assert sorted(row.pick.first for row in rows) == sorted(f"r{100 * n + i}a" for n in range(3) for i in range(25))
