"""A job has one executor at a time; a lock ends with its process, and what a dead owner left is ended and removed."""

import multiprocessing
import os
import subprocess
import sys

import psutil
import pytest

from rmkit.machine.processes import STAMP
from rmkit.study.store import locks
from rmkit.study.store.store import Store

JOB = "01_sums-0123456789abcdef"


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    store.prepare()
    return store


def hold_and_die(store, execution):
    with locks.held(store, locks.Owner(execution, JOB)):
        (store.root / "tmp" / execution).mkdir()
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            env={**os.environ, STAMP: execution}, start_new_session=True,
        )  # fmt: skip
        os._exit(9)


def count_many_times(store, counter, overlaps):
    for number in range(100):
        with locks.held(store, locks.Owner(f"{os.getpid()}.{number}", JOB)) as is_ours:
            if is_ours:
                with overlaps.get_lock():
                    overlaps.value += 1
                assert overlaps.value == 1
                counter.value += 1
                with overlaps.get_lock():
                    overlaps.value -= 1
        locks.holder(store, JOB)
        locks.clear_away(store, JOB)


def in_a_process(target, *arguments):
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    return process


def test_who_holds_it_is_told_and_it_is_gone_when_given_back(store):
    with locks.held(store, locks.Owner("mine", JOB)) as is_ours:
        assert is_ours
        assert locks.holder(store, JOB).pid == os.getpid()
        assert locks.clear_away_the_dead(store) == []
        with locks.held(store, locks.Owner("another", JOB)) as is_theirs:
            assert not is_theirs
        assert locks.holder(store, JOB).execution == "mine"
    assert locks.holder(store, JOB) is None
    assert not list((store.root / "locks").iterdir())


@pytest.mark.parametrize("who", ["a run that starts", "the next executor"])
def test_what_a_dead_owner_left_is_ended_and_removed(store, who):
    process = in_a_process(hold_and_die, store, "dead.1")
    process.join()
    left = [other for other in psutil.process_iter() if stamp(other) == "dead.1"]
    assert len(left) == 1
    assert locks.holder(store, JOB) is None
    if who == "a run that starts":
        assert [owner.execution for owner in locks.clear_away_the_dead(store)] == ["dead.1"]
    else:
        with locks.held(store, locks.Owner("next", JOB)) as is_ours:
            assert is_ours
    psutil.wait_procs(left, timeout=10)
    assert not any(other.is_running() and other.status() != psutil.STATUS_ZOMBIE for other in left)
    assert not list((store.root / "tmp").iterdir())
    assert not list((store.root / "locks").iterdir())


def stamp(process):
    try:
        return process.environ().get(STAMP)
    except psutil.Error:
        return None


def test_of_many_that_take_it_and_clear_it_away_at_once_one_has_it(store):
    context = multiprocessing.get_context("fork")
    counter, overlaps = context.Value("i", 0), context.Value("i", 0)
    processes = [in_a_process(count_many_times, store, counter, overlaps) for _ in range(4)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert counter.value > 0
    assert not list((store.root / "locks").iterdir())


def test_a_lock_that_is_given_back_while_another_opens_it_is_made_anew(store, monkeypatch):
    calls, really = [], locks.try_lock

    def then_given_back(card, how):
        calls.append(card)
        if len(calls) == 1:
            (store.root / "locks" / JOB / locks.CARD).unlink()
            (store.root / "locks" / JOB).rmdir()
        return really(card, how)

    monkeypatch.setattr(locks, "try_lock", then_given_back)
    with locks.held(store, locks.Owner("mine", JOB)) as is_ours:
        assert is_ours
        assert locks.holder(store, JOB).execution == "mine"
