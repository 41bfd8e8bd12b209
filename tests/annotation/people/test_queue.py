"""A queue: no pair is labelled twice unless overlap asks for it, whatever windows, processes and kills do."""

import itertools
import multiprocessing
import os
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from rmkit.annotation.crowd_agreement import pairwise_agreement
from rmkit.annotation.people.label_log import LabelLog, Pick, pair_name
from rmkit.annotation.people.queue import (
    CLAIM_SECONDS,
    SHARED,
    Queue,
    is_shared_turn,
    overlapping,
    shared_order,
)
from rmkit.errors import DataError, ParamsError


def pick(number, rule="random"):
    return Pick(pair_name(f"r{number}a", f"r{number}b"), f"r{number}a", f"r{number}b", rule)


PICKS = [pick(number) for number in range(6)]
RNG = np.random.default_rng(0)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def opened(tmp_path):
    """Opens windows on one log; they share a clock."""
    clock = Clock()

    def window():
        queue = Queue(LabelLog(tmp_path / "labels.jsonl"), clock=clock)
        queue.clock = clock
        return queue

    return window


def test_a_label_counts_once_and_its_pair_is_not_asked_again(opened):
    queue = opened()
    claim = queue.take(PICKS, "ann", RNG)
    assert claim.pick == PICKS[0]
    assert claim.shown_left in ("r0a", "r0b")
    row = queue.answer(claim, "second")
    assert queue.standing().labels[row].winner == "r0b"
    assert queue.take(PICKS, "ann", RNG).pick == PICKS[1]
    assert opened().take(PICKS, "bob", RNG).pick == PICKS[2]  # another window: the second is being shown


def test_sides_are_drawn_at_random_and_kept(opened):
    queue = opened()
    lefts = Counter()
    for number in range(200):
        claim = queue.take([pick(number)], "ann", np.random.default_rng(number))
        queue.answer(claim, "first")
        lefts[claim.shown_left[-1]] += 1
    assert 70 < lefts["a"] < 130
    labels = queue.standing().said()
    assert Counter(label.shown_left[-1] for label in labels) == lefts


def test_a_skipped_pair_is_shown_to_others_and_not_to_the_same_person(opened):
    queue = opened()
    queue.answer(queue.take(PICKS[:1], "ann", RNG), "skip")
    assert queue.take(PICKS[:1], "ann", RNG) is None
    assert queue.take(PICKS[:1], "bob", RNG) is not None
    assert not queue.standing().said()


def test_undo_takes_back_the_last_label_and_the_pair_may_be_asked_again(opened):
    queue = opened()
    for _ in range(2):
        queue.answer(queue.take(PICKS, "ann", RNG), "first")
    queue.answer(queue.take(PICKS, "bob", RNG), "tie")
    undone = queue.undo("ann")
    assert undone.pick == PICKS[1]
    assert [label.pick for label in queue.standing().said()] == [PICKS[0], PICKS[2]]
    again = opened()  # after a restart: from the file alone
    assert again.take(PICKS, "ann", RNG).pick == PICKS[1]
    assert again.undo("ann").pick == PICKS[0]
    assert again.undo("ann") is None
    assert again.undo("nobody") is None


def test_undo_prefers_what_the_same_window_said(opened):
    one, other = opened(), opened()
    one.answer(one.take(PICKS, "ann", RNG), "first")
    other.answer(other.take(PICKS, "ann", RNG), "first")
    assert one.undo("ann").pick == PICKS[0]


def test_a_claim_ends_after_a_while_and_who_answers_late_is_heard_unless_it_is_labelled(opened):
    one, other = opened(), opened()
    slow, slower = one.take(PICKS, "ann", RNG), opened().take(PICKS, "cat", RNG)
    assert other.take(PICKS[:2], "bob", RNG) is None
    assert other.claimed_elsewhere() == 2
    one.clock.now += CLAIM_SECONDS + 1
    taken = other.take(PICKS[:1], "bob", RNG)
    assert taken.pick == slow.pick
    assert other.answer(taken, "first") is not None
    assert one.answer(slow, "second") is None
    assert one.answer(slower, "second") is not None


def test_what_a_window_releases_others_get(opened):
    one, other = opened(), opened()
    one.take(PICKS[:1], "ann", RNG)
    assert other.take(PICKS[:1], "bob", RNG) is None
    one.release()
    assert other.take(PICKS[:1], "bob", RNG) is not None


def claim_and_die(path):
    Queue(LabelLog(path)).take(PICKS, "ann", RNG)
    os._exit(9)


def test_what_a_dead_process_showed_is_free_at_once(tmp_path):
    path = tmp_path / "labels.jsonl"
    process = multiprocessing.get_context("spawn").Process(target=claim_and_die, args=(path,))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert Queue(LabelLog(path)).take(PICKS, "bob", RNG).pick == PICKS[0]


def test_a_shared_pair_is_judged_by_everybody_once(opened):
    queue, shared = opened(), [replace(pick(0), rule=SHARED)]
    queue.answer(queue.take(PICKS[:1], "ann", RNG), "first")
    other = opened()
    assert other.take(PICKS[:1], "bob", RNG) is None
    other.answer(other.take(shared, "bob", RNG), "second")
    assert other.take(shared, "bob", RNG) is None
    assert queue.take(shared, "ann", RNG) is None
    assert opened().take(shared, "cat", RNG) is not None


def test_the_shared_share_is_drawn_at_random_and_the_same_again():
    turns = [is_shared_turn("ann", n, 0.1) for n in range(5000)]
    assert 0.08 < np.mean(turns) < 0.12
    assert turns == [is_shared_turn("ann", n, 0.1) for n in range(5000)]
    assert turns != [is_shared_turn("bob", n, 0.1) for n in range(5000)]
    assert not any(is_shared_turn("ann", n, 0.0) for n in range(500))
    assert all(is_shared_turn("ann", n, 1.0) for n in range(500))
    names = [f"p{n}" for n in range(100)]
    assert shared_order(names) == shared_order(reversed(names)) != names


def label_and_tell(path, told):
    """Label without end; each label is told after `answer` has returned, when the next pair may be shown."""
    queue, rng = Queue(LabelLog(path)), np.random.default_rng(0)
    with told.open("ab", buffering=0) as file:
        while True:
            claim = queue.take(map(pick, itertools.count()), "ann", rng)
            row = queue.answer(claim, "first")
            file.write(f"{row}\n".encode())


@pytest.mark.parametrize("kill", range(3))
def test_a_label_that_was_told_outlives_a_kill_at_any_moment(tmp_path, kill):
    path, told = tmp_path / "labels.jsonl", tmp_path / "told"
    process = multiprocessing.get_context("spawn").Process(target=label_and_tell, args=(path, told))
    process.start()
    while not (told.exists() and told.stat().st_size):
        time.sleep(0.005)
    time.sleep(0.05 + np.random.default_rng(kill).random() / 5)
    process.kill()
    process.join(30)
    rows = [int(line) for line in told.read_bytes().split()]
    kept = Queue(LabelLog(path)).standing().labels
    assert rows == list(kept)[: len(rows)]
    assert len(rows) <= len(kept) <= len(rows) + 1


def work(path, annotator, n_pairs, ready):
    queue, rng = Queue(LabelLog(path)), np.random.default_rng(0)
    ready.with_name(annotator).touch()
    while not ready.exists():
        time.sleep(0.01)
    picks = [pick(number) for number in range(n_pairs)]
    while (claim := queue.take(picks, annotator, rng)) is not None:
        queue.answer(claim, "first" if annotator == "p0" else "second")
        time.sleep(0.002)  # whoever holds a file's lock without a pause keeps the others out


def test_processes_on_one_queue_never_label_a_pair_twice(tmp_path):
    """All go through the same picks in the same order, which is the worst case."""
    path, context = tmp_path / "labels.jsonl", multiprocessing.get_context("spawn")
    ready = tmp_path / "ready"
    people = [context.Process(target=work, args=(path, f"p{n}", 60, ready)) for n in range(3)]
    for person in people:
        person.start()
    while not all((tmp_path / f"p{n}").exists() for n in range(3)):
        time.sleep(0.01)  # so that none is done before another has begun
    ready.touch()
    for person in people:
        person.join(120)
    labels = Queue(LabelLog(path)).standing().said()
    assert Counter(label.pick.pair for label in labels) == dict.fromkeys((pick(n).pair for n in range(60)), 1)
    assert len({label.annotator for label in labels}) > 1


def test_agreement_of_overlap_is_that_of_hand_counted_answers(opened):
    """Both say first, both second, one tie against first: two of three pairs agree, whatever side was left."""
    one, other = opened(), opened()
    answers = [("first", "first"), ("second", "second"), ("first", "tie")]
    for number, (ann, bob) in enumerate(answers):
        for queue, name, answer in ((one, "ann", ann), (other, "bob", bob)):
            shared = replace(pick(number), rule=SHARED)
            queue.answer(queue.take([shared], name, np.random.default_rng(number + (name == "bob"))), answer)
    judgements, names, pairs = overlapping(one.standing().said())
    assert names == ["ann", "bob"]
    assert len(pairs) == 3
    assert pairwise_agreement(judgements, rng=RNG).estimate == pytest.approx(2 / 3)
    assert overlapping([]) is None


def test_an_undo_of_no_label_and_a_second_label_are_damage(opened, tmp_path):
    queue = opened()
    queue.answer(queue.take(PICKS, "ann", RNG), "first")
    lines = (tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "twice.jsonl").write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"twice\.jsonl, line 3: labels a pair that line 2 labels"):
        Queue(LabelLog(tmp_path / "twice.jsonl")).standing()
    undo = '{"kind": "undo", "undoes": 1, "annotator": "ann", "window": "w", "at": 1.0}'
    (tmp_path / "undo.jsonl").write_text("\n".join([*lines, undo]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"undo\.jsonl, line 3: undoes line 1, which is no label of ann"):
        Queue(LabelLog(tmp_path / "undo.jsonl")).standing()


@pytest.mark.parametrize("name", ["", " ann", "ann ", "a\nb", "a,b", "x" * 41, "1.0", "=cmd"])
def test_what_is_no_name_of_a_person_is_refused(opened, name):
    with pytest.raises(ParamsError, match="is no name"):
        opened().take(PICKS, name, RNG)
