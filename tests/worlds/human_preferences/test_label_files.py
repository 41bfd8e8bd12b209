"""Labels as rows for `rmkit fit` and TRL, and back: the same judgements, all or none, and one sentence for bad rows."""

import json

import numpy as np
import pytest

from rmkit.active.labelling_session import Options, Session
from rmkit.errors import DataError, ParamsError
from rmkit.worlds.human_preferences.label_files import import_labels, write_labels
from rmkit.worlds.human_preferences.label_queue import pool_of, read_to_label
from rmkit.worlds.human_preferences.pairs import read_pairs
from tests.worlds.human_preferences.test_label_queue import embed, written

HARD = ['say "no", then\nyes', "=1+1", " two\r\nlines ", "[1, 2]", "ünï\u202e", "a\tb;c", "<b>x</b>", "tie"]
ROWS = [{"prompt": f"question, {n}", "responses": [f"{text} {n}" for text in HARD]} for n in range(2)]
QUICK = Options(background=False, overlap=0)
FORMS = [(form, end) for form in ("trl", "shown") for end in (".jsonl", ".csv")]


@pytest.fixture
def pool(tmp_path):
    return pool_of(read_to_label(written(tmp_path, ROWS)), embed)


def labelled(pool, path, n=24):
    """Left, right, tie and skip in turn, by two people."""
    for name, some in (("ann", n // 2), ("bob", n - n // 2)):
        window = Session(pool, path, name, QUICK)
        for number in range(some):
            window.next()
            answer = ("left", "right", "tie", "skip")[number % 4]
            (window.choose if number % 4 < 2 else window.answer)(answer)
        window.close()
    return Session(pool, path, "reader", QUICK)


def said(pool, window):
    """What counts, by the texts: (winner, loser or both sorted, who, tie)."""
    text = dict(zip(pool.response_ids, pool.bank.responses["response"], strict=True))
    found = set()
    for label in pool.labels(window.queue.standing()):
        both = text[label.pick.first], text[label.pick.second]
        won = {"first": both, "second": both[::-1], "tie": tuple(sorted(both))}[label.answer]
        found.add((*won, label.annotator, label.answer == "tie"))
    return found


@pytest.mark.parametrize(("form", "end"), FORMS)
def test_what_is_written_the_reader_of_fit_reads_as_the_same_judgements(pool, tmp_path, form, end):
    window, out = labelled(pool, tmp_path / "labels.jsonl"), tmp_path / f"out{end}"
    n = write_labels(out, pool, pool.labels(window.queue.standing()), form)
    assert n == 18
    read = read_pairs(out, tied_pairs="half_each")
    found = {(*sorted((p.chosen, p.rejected)), p.annotator, True) if p.tie else (p.chosen, p.rejected, p.annotator, False)
             for p in read.pairs}  # fmt: skip
    assert found == said(pool, window)
    assert {pair.prompt for pair in read.pairs} == set(pool.bank.prompts["prompt"])
    if form == "shown":
        assert {pair.chosen_first for pair in read.pairs if not pair.tie} == {True, False}


@pytest.mark.parametrize(("form", "end"), FORMS)
def test_what_is_written_comes_back_into_another_log_and_a_second_time_changes_nothing(pool, tmp_path, form, end):
    window, out = labelled(pool, tmp_path / "labels.jsonl"), tmp_path / f"out{end}"
    write_labels(out, pool, pool.labels(window.queue.standing()), form)
    other = Session(pool, tmp_path / "other.jsonl", "x", QUICK)
    assert import_labels(out, pool, other.queue).told == "18 labels imported"
    assert said(pool, other) == said(pool, window)
    content = (tmp_path / "other.jsonl").read_bytes()
    assert import_labels(out, pool, other.queue).told == "0 labels imported; 18 were there already"
    assert import_labels(out, pool, window.queue).added == 0
    assert (tmp_path / "other.jsonl").read_bytes() == content
    if form == "shown":
        left = {label.pick.pair: label.shown_left for label in pool.labels(window.queue.standing())}
        again = [label for label in pool.labels(other.queue.standing()) if label.answer != "tie"]
        assert again
        assert all(label.shown_left == left[label.pick.pair] for label in again)


def row(first=0, second=1, **more):
    """A row in TRL's form of two responses to the first question."""
    return {
        "prompt": "question, 0",
        "chosen": f"{HARD[first]} 0",
        "rejected": f"{HARD[second]} 0",
        "annotator": "ann",
    } | more


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(), row(chosen="new text")], "in.jsonl, line 2: its two responses are no pair of this queue"),
        ([row(), row(pair="0-1")], "in.jsonl, line 2: its pair '0-1' is no pair of this queue"),
        ([row(), row(1, 0)], "in.jsonl, line 2: contradicts what ann said in"),
        ([row(), row(label="tie")], "in.jsonl, line 2: contradicts what ann said in"),
        ([row(annotator=None)], "in.jsonl, line 1: does not say who judged"),
        ([row(annotator="a,b")], "in.jsonl, line 1: annotator: 'a,b' is no name"),
        ([row(), {"prompt": "question, 0"}], "in.jsonl, line 2: has no 'chosen'"),
        ([row(), row(chosen=5)], "in.jsonl, line 2: one of|in.jsonl, line 2: 'chosen' is int"),
        ([row(), [1]], "in.jsonl, line 2: "),
    ],
)
def test_bad_rows_are_one_sentence_and_nothing_is_imported(pool, tmp_path, rows, message):
    window = Session(pool, tmp_path / "labels.jsonl", "x", QUICK)
    path = written(tmp_path, rows, "in.jsonl")
    with pytest.raises(DataError) as raised:
        import_labels(path, pool, window.queue)
    assert any(part in str(raised.value) for part in message.split("|"))
    assert "\n" not in str(raised.value)
    assert window.counts().labels == 0


def test_texts_of_another_pair_than_its_id_says_are_refused(pool, tmp_path):
    window = Session(pool, tmp_path / "labels.jsonl", "x", QUICK)
    import_labels(written(tmp_path, [row(0, 1)], "in.jsonl"), pool, window.queue)
    (label,) = pool.labels(window.queue.standing())
    with pytest.raises(DataError, match="its texts are those of pair"):
        import_labels(written(tmp_path, [row(2, 3, pair=label.pick.pair)], "in.jsonl"), pool, window.queue)


def test_a_label_that_contradicts_the_log_is_refused_with_its_line(pool, tmp_path):
    window = Session(pool, tmp_path / "labels.jsonl", "x", QUICK)
    import_labels(written(tmp_path, [row(0, 1), row(2, 3)], "in.jsonl"), pool, window.queue)
    with pytest.raises(DataError, match=r"in\.jsonl, line 2: contradicts what ann said in .*labels\.jsonl, line 2"):
        import_labels(written(tmp_path, [row(4, 5), row(3, 2)], "in.jsonl"), pool, window.queue)
    assert window.counts().labels == 2
    assert import_labels(written(tmp_path, [row(3, 2, annotator="bob")], "in.jsonl"), pool, window.queue).added == 1


def test_rows_that_nobody_filled_in_are_counted_and_a_name_may_be_given(pool, tmp_path):
    window = Session(pool, tmp_path / "labels.jsonl", "x", QUICK)
    two = {"prompt": "question, 0", "response_a": f"{HARD[0]} 0", "response_b": f"{HARD[1]} 0"}
    path = written(tmp_path, [two | {"label": None}, two | {"label": "b"}], "in.jsonl")
    assert import_labels(path, pool, window.queue, "zoe").told == "1 labels imported; 1 rows have no label yet"
    (label,) = pool.labels(window.queue.standing())
    assert label.annotator == "zoe"
    assert pool.position[label.shown_left] != pool.position[label.winner]


def test_only_a_file_of_labels_is_written_over(pool, tmp_path):
    window = labelled(pool, tmp_path / "labels.jsonl")
    labels = pool.labels(window.queue.standing())
    write_labels(tmp_path / "out.csv", pool, labels)
    assert write_labels(tmp_path / "out.csv", pool, labels[:3]) == 3
    for name in ("pairs.jsonl", "labels.jsonl"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(ParamsError, match="holds no labels that rmkit wrote"):
            write_labels(tmp_path / name, pool, labels)
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(ParamsError, match=r"its ending is \.txt"):
        write_labels(tmp_path / "out.txt", pool, labels)
    with pytest.raises(DataError, match="there is no label to write yet"):
        write_labels(tmp_path / "none.csv", pool, [])
    with pytest.raises(DataError, match="cannot be written"):
        write_labels(tmp_path / "no folder/out.csv", pool, labels)
    with pytest.raises(DataError, match="cannot be written"):
        write_labels(tmp_path / "labels.jsonl/out.csv", pool, labels)
    for name in ("a\0b.csv", "x" * 300 + ".csv"):
        with pytest.raises(ParamsError, match=r"cannot be written \(.*\); name another file"):
            write_labels(tmp_path / name, pool, labels)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_csv_cannot_hold_is_refused_and_nothing_is_left(tmp_path):
    """Answers that are the JSON of messages become messages where CSV is read."""
    messages = [json.dumps([{"role": "assistant", "content": f"text {n}"}]) for n in range(3)]
    path = written(tmp_path, [{"prompt": "q", "responses": messages}])
    pool = pool_of(read_to_label(path), embed)
    window = Session(pool, tmp_path / "labels.jsonl", "ann", QUICK)
    window.next()
    window.choose("left")
    labels = pool.labels(window.queue.standing())
    with pytest.raises(DataError, match=r"row 1 would not be read as it was written; write \.jsonl"):
        write_labels(tmp_path / "out.csv", pool, labels)
    assert not (tmp_path / "out.csv").exists()
    assert write_labels(tmp_path / "out.jsonl", pool, labels) == 1
    assert np.isfinite(pool.bank.embedding_rd).all()
