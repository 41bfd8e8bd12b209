"""A person's session, driven by a simulated one: nothing is lost, nothing asked twice, and picks are what they claim."""

import json
import threading
from collections import Counter
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pandas as pd
import pytest

from rmkit.active.label_pool import Pool
from rmkit.active.labelling_session import INFORMATIVE, LISTED, RANDOM, Options
from rmkit.active.next_pairs import FEWEST
from rmkit.annotation.people.label_log import LabelLog
from rmkit.annotation.people.queue import SHARED, Queue
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError, ParamsError
from rmkit.measures.information import information, log_det, p_variance
from tests.active.label_pools import AT_ONCE, linear_pool, person, session


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def labels_of(window):
    return window.queue.standing().said()


def test_a_person_labels_and_a_new_session_goes_on_where_they_stopped(tmp_path):
    pool, reward_r = linear_pool()
    one = session(pool, tmp_path)
    assert person(reward_r).work(one, 35) == 35
    said = labels_of(one)
    other = session(pool, tmp_path)  # nothing was closed, as after a kill
    assert labels_of(other) == said
    assert person(reward_r).work(other, 15) == 15
    assert len({label.pick.pair for label in labels_of(other)}) == 50
    assert other.counts().labels == one.counts().labels == 50


def test_the_first_pairs_are_random_and_then_the_model_picks(tmp_path):
    pool, reward_r = linear_pool()
    window = session(pool, tmp_path, options=replace(AT_ONCE, overlap=0))
    person(reward_r).work(window, 40)
    said = labels_of(window)
    first, later = said[:FEWEST], said[FEWEST:]
    assert {label.pick.rule for label in first} == {RANDOM}
    assert all(label.pick.probability is None for label in first)
    assert {label.pick.rule for label in later} == {INFORMATIVE}
    assert all(0 < label.pick.probability < 1 and label.pick.gain > 0 for label in later)
    assert [label.pick.known for label in later] == sorted(label.pick.known for label in later)
    assert not any(label.pick.stale for label in said)


def test_picked_pairs_tell_more_than_random_ones(tmp_path):
    pool, reward_r = linear_pool(n_prompts=60, n_dimensions=12)

    def known(window):
        pair_m2 = np.array([pool.pair_of[label.pick.pair] for label in labels_of(window)])
        feature_md = pool.bank.embedding_rd[pair_m2[:, 0]].astype(float) - pool.bank.embedding_rd[pair_m2[:, 1]]
        margin_m = reward_r[pair_m2[:, 0]] - reward_r[pair_m2[:, 1]]
        return log_det(information(feature_md, p_variance(margin_m), 1.0))

    picked = session(pool, tmp_path, options=replace(AT_ONCE, overlap=0))
    at_random = session(pool, tmp_path, options=replace(AT_ONCE, overlap=1), file="random.jsonl")
    for window in (picked, at_random):
        person(reward_r).work(window, 60)
    assert known(picked) > known(at_random) + 1


def test_two_people_share_pairs_at_random_and_no_other(tmp_path):
    pool, reward_r = linear_pool()
    options = replace(AT_ONCE, overlap=0.3)
    for name in ("ann", "bob"):
        window = session(pool, tmp_path, name, options)
        person(reward_r, seed=len(name)).work(window, 60)
        window.close()
    window = session(pool, tmp_path, "cat", options)
    by_pair = {}
    for label in labels_of(window):
        by_pair.setdefault(label.pick.pair, []).append(label.pick.rule)
    twice = [rules for rules in by_pair.values() if len(rules) > 1]
    assert len(twice) == window.counts().twice > 5
    assert all(SHARED in rules for rules in twice)
    share, alpha = pool.agreement(window.queue.standing())
    assert 0.5 < share.estimate <= 1
    assert alpha.estimate == pytest.approx(alpha.estimate)
    assert pool.foretold(window.queue.standing(), shared=True).labels > 5


def test_each_batch_tests_the_model_that_picked_it(tmp_path):
    pool, reward_r = linear_pool()
    window = session(pool, tmp_path, options=replace(AT_ONCE, overlap=0))
    person(reward_r).work(window, 50)
    standing = window.queue.standing()
    table = pool.foretold_by_batch(standing).set_index("known")
    for known, row in table.iterrows():
        of_batch = [label for label in labels_of(window) if label.pick.known == known]
        chances = [
            label.pick.probability if label.answer == "first" else 1 - label.pick.probability for label in of_batch
        ]
        assert row["seen"] == pytest.approx(-np.log(chances).mean())
        assert row["labels"] == len(of_batch)
    whole = pool.foretold(standing)
    assert table["labels"].sum() == whole.labels == 40
    assert (table["seen"] * table["labels"]).sum() / 40 == pytest.approx(whole.seen)
    window.close()
    again = session(pool, tmp_path, options=replace(AT_ONCE, overlap=0))
    person(reward_r).work(again, 10)
    assert all(label.pick.known >= 50 for label in labels_of(again)[50:]), "another window goes on where the first was"


def test_windows_at_once_never_ask_the_same_pair(tmp_path):
    pool, reward_r = linear_pool()
    windows = [session(pool, tmp_path, name, replace(AT_ONCE, overlap=0)) for name in ("ann", "bob", "cat")]
    for _ in range(30):
        shown = [window.next().pick.pair for window in windows]
        assert len(set(shown)) == 3
        for window in windows:
            person(reward_r).work(window, 1)
    assert max(Counter(label.pick.pair for label in labels_of(windows[0])).values()) == 1


def test_picks_that_wait_for_a_fit_are_marked_stale(tmp_path, monkeypatch):
    """While pairs are picked beside the work, the second half of the old ones serves."""
    pool, reward_r = linear_pool()
    window = session(pool, tmp_path, options=Options(batch=10, overlap=0))
    person(reward_r).work(window, 11)
    window.wait()
    slow, pick_anew = threading.Event(), window._pick_anew
    monkeypatch.setattr(window, "_pick_anew", lambda known: (slow.wait(30), pick_anew(known)))
    before = window.counts().labels
    person(reward_r).work(window, 18)
    assert window.is_picking
    stale = [label.pick.stale for label in labels_of(window)[before:]]
    assert not stale[0]
    assert stale[-1]
    slow.set()
    window.wait()
    person(reward_r).work(window, 1)
    assert not labels_of(window)[-1].pick.stale


def test_undo_shows_the_pair_again_and_is_a_row_of_its_own(tmp_path):
    pool, reward_r = linear_pool()
    window = session(pool, tmp_path)
    person(reward_r).work(window, 3)
    last = labels_of(window)[-1]
    shown = window.next()
    before = rows(tmp_path / "labels.jsonl")
    assert window.undo().pick == last.pick
    assert window.claim.pick == last.pick
    assert window.next() is window.claim
    assert shown.pick != last.pick
    assert rows(tmp_path / "labels.jsonl")[: len(before)] == before
    assert window.choose("left")
    assert window.counts().labels == 3
    assert session(pool, tmp_path, "nobody").undo() is None


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_that_is_chosen_wins(tmp_path, side):
    pool, _ = linear_pool()
    for number in range(8):
        window = session(pool, tmp_path, file=f"{number}.jsonl", options=Options(background=False, seed=number))
        sides = dict(zip(("left", "right"), window.sides(window.next()), strict=True))
        window.choose(side)
        (label,) = labels_of(window)
        assert pool.position[label.winner] == sides[side]
        assert label.shown_left == pool.response_ids[sides["left"]]


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 9])
def test_a_kill_at_every_byte_of_an_answer_keeps_all_labels_but_that_one(tmp_path, step):
    """The last answer's two rows, what is shown and what is said of it, cut at each of their bytes, or at a ninth."""
    pool, reward_r = linear_pool(n_prompts=4)
    window = session(pool, tmp_path, file="whole.jsonl")
    person(reward_r).work(window, 3)
    content = (tmp_path / "whole.jsonl").read_bytes()
    said, path = labels_of(window), tmp_path / "labels.jsonl"
    *_, start, shown, end = accumulate(map(len, content.splitlines(keepends=True)), initial=0)
    for length in sorted({*range(start, end, step), *range(shown - 2, shown + 2), *range(end - 2, end + 1)}):
        path.write_bytes(content[:length])
        log = LabelLog(path)
        whole = length >= len(content) - 1
        assert Queue(log).standing().said() == said[: 2 + whole], length
        log.close()
    assert session(pool, tmp_path).counts().labels == 3


def test_the_end_of_the_queue_is_told(tmp_path):
    pool, reward_r = linear_pool(n_prompts=3)
    window = session(pool, tmp_path)
    assert person(reward_r).work(window, 1000) == len(pool.pair_m2)
    assert window.next() is None
    assert not window.answer("tie")
    assert window.counts().labelled == window.counts().pairs == len(pool.pair_m2)


def test_a_list_is_asked_in_its_order_and_overturned_labels_are_counted(tmp_path):
    pool, reward_r = linear_pool()
    pair_m2 = pool.pair_m2[[7, 3, 20, 11]]
    right_m = reward_r[pair_m2[:, 0]] > reward_r[pair_m2[:, 1]]
    said_m = np.where([True, True, False, False], right_m, ~right_m).astype(np.int8)
    judged = Comparisons(pd.DataFrame({"first": pair_m2[:, 0], "second": pair_m2[:, 1], "label": said_m}))
    again = Pool(pool.bank, pool.response_ids, pair_m2, judged, is_list=True)
    window = session(again, tmp_path)
    person(reward_r, beta=1000.0).work(window, 10)
    assert [label.pick.pair for label in labels_of(window)] == [again.name(pair) for pair in pair_m2.tolist()]
    assert {label.pick.rule for label in labels_of(window)} == {LISTED}
    assert again.overturned(window.queue.standing()) == (2, 4)
    assert pool.overturned(window.queue.standing()) == (0, 0)


def test_labels_of_the_file_are_learned_from_and_not_asked_again(tmp_path):
    pool, reward_r = linear_pool()
    judged_m2 = pool.pair_m2[::4]
    label_m = (reward_r[judged_m2[:, 0]] > reward_r[judged_m2[:, 1]]).astype(np.int8)
    judged = Comparisons(pd.DataFrame({"first": judged_m2[:, 0], "second": judged_m2[:, 1], "label": label_m}))
    left = np.delete(pool.pair_m2, np.s_[::4], axis=0)
    window = session(Pool(pool.bank, pool.response_ids, left, judged), tmp_path, options=replace(AT_ONCE, overlap=0))
    assert window.next().pick.rule == INFORMATIVE  # from the first pair on
    person(reward_r).work(window, 30)
    assert not {label.pick.pair for label in labels_of(window)} & {pool.name(pair) for pair in judged_m2.tolist()}


def test_stopping_is_suggested_after_two_batches_that_promise_little(tmp_path):
    pool, reward_r = linear_pool(n_dimensions=3)
    window = session(pool, tmp_path, options=replace(AT_ONCE, enough=0.02))
    stops = []
    for _ in range(12):
        person(reward_r, beta=1.0).work(window, 10)
        promised = [worth.promised for _, worth in window.worths[-2:]]
        stops.append(window.may_stop())
        assert not stops[-1] or max(promised) < 0.02
    assert not stops[0]
    assert any(stops)
    eager = session(pool, tmp_path, file="other.jsonl", options=replace(AT_ONCE, enough=0))
    person(reward_r).work(eager, 100)
    assert not eager.may_stop()
    again = session(pool, tmp_path, options=replace(AT_ONCE, enough=0.02))
    assert len(again.worths) == 2  # known again after a restart


def test_somebody_else_sits_down(tmp_path):
    pool, _ = linear_pool()
    window = session(pool, tmp_path)
    shown = window.next()
    window.change_person("bob")
    assert window.claim is None
    assert session(pool, tmp_path, "cat").queue.claimed_elsewhere() == 0
    window.next()
    window.answer("tie")
    assert labels_of(window)[0].annotator == "bob"
    assert shown is not None
    with pytest.raises(ParamsError, match="is no name"):
        window.change_person("")
    assert window.annotator == "bob"


def test_a_log_of_other_pairs_is_refused_and_one_of_some_is_told(tmp_path):
    pool, reward_r = linear_pool()
    person(reward_r).work(session(pool, tmp_path), 20)
    others = Pool(pool.bank, [f"other {r}" for r in range(pool.bank.n_responses)], pool.pair_m2)
    with pytest.raises(DataError, match="has labels of other pairs only; name another file for these"):
        session(others, tmp_path)
    names = [name if r < 60 else f"other {r}" for r, name in enumerate(pool.response_ids)]
    some = session(Pool(pool.bank, names, pool.pair_m2), tmp_path)
    assert 0 < some.other_pairs < 20
    assert some.counts().labels == 20 - some.other_pairs


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch": 0}, "batch: is 0"),
        ({"batch": 501}, "batch: is 501"),
        ({"batch": 2.5}, "batch: is 2.5"),
        ({"batch": "5"}, "batch: is '5'"),
        ({"overlap": 1.5}, "overlap: is 1.5"),
        ({"overlap": "half"}, "overlap: is 'half'"),
        ({"overlap": None}, "overlap: is None"),
        ({"enough": -1}, "enough: is -1"),
        ({"enough": "little"}, "enough: is 'little'"),
        ({"seed": "x"}, "seed: is 'x'; it must be a whole number"),
        ({"seed": -1}, "seed: is -1"),
        ({"seed": 1.5}, "seed: is 1.5"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ParamsError, match=said):
        Options(**options)


@pytest.mark.parametrize("name", [5, None, True, b"ann", ["ann"]])
def test_a_name_that_is_no_text_is_one_sentence(tmp_path, name):
    pool, _ = linear_pool()
    with pytest.raises(ParamsError, match=r"^annotator: .* is no name; give 1 to 40 letters"):
        session(pool, tmp_path, name)


def test_a_window_whose_file_is_gone_can_be_closed(tmp_path):
    pool, _ = linear_pool()
    window = session(pool, tmp_path)
    window.next()
    (tmp_path / "labels.jsonl").unlink()
    with pytest.raises(DataError, match="was moved, deleted or replaced"):
        window.answer("first")
    window.close()
    assert not window.log.is_open


def test_pools_that_make_no_sense_are_refused():
    pool, _ = linear_pool()
    with pytest.raises(DataError, match="ids, all different"):
        Pool(pool.bank, ["same"] * pool.bank.n_responses, pool.pair_m2)
    with pytest.raises(DataError, match="no pair to label"):
        Pool(pool.bank, pool.response_ids, np.empty((0, 2), np.int64))


def test_embeddings_that_are_all_alike_are_labelled_at_random(tmp_path):
    pool, reward_r = linear_pool()
    pool.bank.embedding_rd[:] = 0
    window = session(pool, tmp_path)
    assert person(reward_r).work(window, 40) == 40


def test_an_unknown_answer_is_refused_and_the_pair_stays(tmp_path):
    pool, _ = linear_pool()
    window = session(pool, tmp_path)
    shown = window.next()
    with pytest.raises(ParamsError, match="'left' is not one of first, second, tie, skip"):
        window.answer("left")
    assert window.claim is shown
