"""A second judgement takes the place of a first one, and of no more than it should."""

import json

import pytest

from rmkit.active.labelling_session import Options, Session
from rmkit.worlds.human_preferences.label_files import write_labels
from rmkit.worlds.human_preferences.label_queue import pool_of, read_to_label
from rmkit.worlds.human_preferences.pairs import REPLACED, read_pairs
from rmkit.worlds.human_preferences.second_judgements import says_again
from tests.worlds.human_preferences.test_label_queue import embed, listed, written


def judged(chosen, rejected, **more):
    return {"prompt": "How deep?", "chosen": chosen, "rejected": rejected} | more


def by(name):
    return {"annotator": name}


SECOND = {"again": True} | by("ann")
CASES = {
    "nobody is named": ([judged("a", "b")], "b", 1),
    "the same person": ([judged("a", "b", **by("ann"))], "b", 1),
    "the only person": ([judged("a", "b", **by("bob"))], "b", 1),
    "one of two is the same person": ([judged("a", "b", **by("ann")), judged("a", "b", **by("bob"))], "ab", 1),
    "two others": ([judged("a", "b", **by("bob")), judged("b", "a", **by("eve"))], "abb", 0),
    "nobody, both ways": ([judged("a", "b"), judged("b", "a")], "b", 2),
    "the same answer": ([judged("b", "a", **by("ann"))], "b", 1),
    "another pair": ([judged("a", "c")], "ab", 0),
    "a tie": ([judged("a", "b", label="tie")], "b", 0),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("last", [True, False])
def test_which_first_judgements_a_second_one_replaces(tmp_path, case, last):
    first, chosen, n_replaced = CASES[case]
    second = judged("b", "a", **SECOND)
    found = read_pairs(written(tmp_path, [*first, second] if last else [second, *first]))
    assert sorted(pair.chosen for pair in found.pairs) == sorted(chosen)
    assert found.dropped[REPLACED] == n_replaced
    assert found.read == len(first) + 1
    assert "again" not in found.unread


def test_a_tie_of_two_halves_goes_with_both_and_two_second_judgements_stay(tmp_path):
    rows = [judged("a", "b", label="tie"), judged("a", "b", **SECOND), judged("b", "a", again="true", annotator="bob")]
    found = read_pairs(written(tmp_path, rows), tied_pairs="half_each")
    assert [(pair.chosen, pair.annotator) for pair in found.pairs] == [("a", "ann"), ("b", "bob")]
    assert found.dropped[REPLACED] == 2


@pytest.mark.parametrize(("value", "is_second"), [
    (True, True), ("True", True), (1, True), ("1.0", True), ("yes", True),
    (False, False), (None, False), ("", False), (0, False), ("no", False), ([True], False), ({}, False),
])  # fmt: skip
def test_what_a_row_says(value, is_second):
    assert says_again({"again": value}) is is_second
    assert says_again({}) is False


@pytest.mark.parametrize("end", [".jsonl", ".csv"])
def test_labels_of_a_list_to_look_at_again_replace_those_that_they_were_asked_for(tmp_path, end):
    rows = [{"prompt": f"question {n}", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(6)]
    folder = tmp_path / "both"
    folder.mkdir()
    path = written(folder, rows)
    pool = pool_of(read_to_label(path), embed, look_at=listed(tmp_path, path, [4, 1]))
    window = Session(pool, tmp_path / "log.jsonl", "ann", Options(background=False, overlap=0))
    response = pool.bank.responses["response"]
    for _ in range(2):
        left = pool.position[window.next().shown_left]
        window.choose("left" if response[left].startswith("bad") else "right")
    assert write_labels(folder / f"second{end}", pool, pool.labels(window.queue.standing())) == 2
    found = read_pairs(folder)
    assert sorted(pair.chosen for pair in found.pairs) == ["bad 1", "bad 4", "good 0", "good 2", "good 3", "good 5"]
    assert found.dropped[REPLACED] == 2
    queue = read_to_label(folder)
    assert len(queue.judged) == 6
    assert queue.dropped == {REPLACED: 2}
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[4])["chosen"] == "good 4"
