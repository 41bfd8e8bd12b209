"""What a run writes down of itself, and how any other process reads it: at once, after its end, after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from rmkit.errors import DataError, StoreError
from rmkit.study.monitoring import run_record as runs_module
from rmkit.study.monitoring.run_record import end, events, forget_old_runs, living, runs, told_to
from rmkit.study.monitoring.snapshot import snapshot
from rmkit.study.monitoring.words import headline
from rmkit.study.store.store import Store
from tests.study.monitoring.recorded_runs import FIRST, SECOND, record, slow, wait_for

pytestmark = pytest.mark.usefixtures("no_fits")


def test_a_run_says_who_runs_what(store):
    with record(store) as written:
        (run,) = runs(store)
        assert run == written.run
        assert (run.study, run.title, run.pid, run.arguments) == ("mine", "Mine", os.getpid(), "params/mine.yaml")
        assert [job.title for job in run.jobs] == ["00_world seed=0", "04_reward_models seed=0"]
        assert [job.needs for job in run.jobs] == [(), ("00_world-aa",)]
        assert abs(run.since - time.time()) < 60
        assert run.alive()
        assert living(store) == [run]
    assert living(store) == []  # its process goes on, the run does not
    assert end(run).code == 0


def test_events_come_back_as_they_were_told(store):
    with record(store) as written:
        written("started", FIRST, "")
        written("failed", FIRST, "it broke: ü\n<b>")
        assert [(event.event, event.plan_id, event.text) for event in events(written.run)] == [
            ("started", "00_world-aa", ""),
            ("failed", "00_world-aa", "it broke: ü\n<b>"),
        ]
    assert end(written.run).code == 1


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, ""),
        (StoreError("no space"), 1, "no space"),
        (DataError("bad row"), 2, "bad row"),
        (ZeroDivisionError("x"), 1, "x"),
    ],
)
def test_an_exception_that_ends_a_run_is_its_last_word(store, error, code, text):
    with pytest.raises(type(error)), record(store) as written:
        raise error
    last = end(written.run)
    assert (last.code, last.text) == (code, text)


def test_the_watches_of_a_run_are_told_in_order(store):
    told = []
    watch = told_to(lambda *what: told.append(("one", *what)), lambda *what: told.append(("two", *what)))
    watch("done", FIRST, "1 s")
    assert told == [("one", "done", FIRST, "1 s"), ("two", "done", FIRST, "1 s")]


def test_a_line_that_is_being_written_is_not_there_yet(store):
    with record(store) as written:
        written("done", FIRST, "1 s")
        whole = (written.run.folder / "events.jsonl").read_text()
        for length in range(len(whole)):
            (written.run.folder / "events.jsonl").write_text(whole[:length])
            assert events(written.run) == []
        (written.run.folder / "events.jsonl").write_text(whole + "nonsense\n[1]\n" + '{"time": "soon", "event": "x"}\n')
        assert [event.event for event in events(written.run)] == ["done"]


@pytest.mark.parametrize(
    "card", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "jobs": []}', '{"format": 1, "jobs": [3]}', "\udcff"]
)
def test_an_unreadable_card_is_passed_over(store, card):
    with record(store) as written:
        pass
    odd = store.root / "runs/odd"
    odd.mkdir()
    (odd / "card.json").write_bytes(card.encode(errors="surrogateescape"))
    (store.root / "runs/stray.log").write_text("x")
    assert runs(store) == [written.run]


def test_a_card_with_a_field_too_many_or_of_the_wrong_kind_is_passed_over(store):
    with record(store) as written:
        pass
    path = written.run.folder / "card.json"
    card = json.loads(path.read_text())
    for odd in ({**card, "colour": "red"}, {**card, "pid": "many"}, {**card, "since": None}):
        shutil.rmtree(store.root / "runs/odd", ignore_errors=True)
        (store.root / "runs/odd").mkdir()
        (store.root / "runs/odd/card.json").write_text(json.dumps(odd))
        assert runs(store) == [written.run]


def test_the_newest_run_comes_first_and_a_study_has_its_own(store):
    with record(store) as one, record(store, name="other") as two, record(store) as three:
        assert runs(store) == [three.run, two.run, one.run]
        assert runs(store, "mine") == [three.run, one.run]
        assert living(store, "other") == [two.run]


def test_only_the_last_ended_runs_are_kept(store, monkeypatch):
    with record(store) as going_on:
        ended = []
        for _ in range(4):
            with record(store) as written:
                ended.append(written.run)
        rubbish = store.root / "runs/half-made"
        rubbish.mkdir()
        fresh = store.root / "runs/just-made"
        fresh.mkdir()
        os.utime(rubbish, (0, 0))
        read = []
        read_once = runs_module._read_once
        monkeypatch.setattr(runs_module, "_read_once", lambda *given: read.append(given) or read_once(*given))
        forget_old_runs(store, kept=2)
        assert len(read) == 3  # a card may have thousands of jobs: those that stay anyway are not read
        assert runs(store) == [ended[3], ended[2], going_on.run]
        assert not rubbish.exists()
        assert fresh.exists()


def test_a_process_that_is_gone_or_another_ends_a_run_without_a_word(store):
    with record(store) as written:
        child = subprocess.Popen([sys.executable, "-c", "pass"])
        child.wait()
        gone = replace(written.run, pid=child.pid)
        used_again = replace(written.run, start=written.run.start - 1)
        other_boot = replace(written.run, boot="before")
        other_host = replace(written.run, host="elsewhere")
        assert [run.alive() for run in (gone, used_again, other_boot, other_host)] == [False, False, False, True]
        assert snapshot(store, gone).state == "ended without a word"


def test_a_run_of_another_host_is_alive_while_it_gives_signs_of_life(store, monkeypatch):
    """Nobody here can see whether its process is there."""
    monkeypatch.setattr(runs_module, "SECONDS_BETWEEN_SIGNS", 0.01)
    with record(store) as written:
        elsewhere = replace(written.run, host="elsewhere")
        signs = written.run.folder / "events.jsonl"
        os.utime(signs, (0, 0))
        wait_for(elsewhere.alive, "a sign of life", seconds=10)
    name = f"signs of {written.run.id}"
    wait_for(lambda: name not in {thread.name for thread in threading.enumerate()}, "the end of the signs", seconds=10)
    signs.write_text("")  # as a kill leaves it: without a last line
    assert elsewhere.alive()
    stopped = time.time() - runs_module.SECONDS_WITHOUT_SIGN - 1
    os.utime(signs, (stopped, stopped))
    assert not elsewhere.alive()
    assert snapshot(store, elsewhere).state == "ended without a word"
    assert written.run.alive()  # this host sees the process itself
    shutil.rmtree(written.run.folder)
    assert not elsewhere.alive()


def test_what_is_finished_is_expected_to_take_nothing_and_is_not_estimated(store, monkeypatch):
    from rmkit.study.store import estimate

    asked = []
    expected = {SECOND.plan_id: estimate.Estimate(7.0, None, "shipped")}
    monkeypatch.setattr(estimate, "seconds_and_bytes", lambda store, jobs: asked.append(jobs) or expected)

    def damaged(store, job, known):
        raise StoreError("what it needs is damaged")

    for second_is_done in (lambda *_: False, damaged):
        monkeypatch.setattr(Store, "done", lambda *given, second=second_is_done: given[1] == FIRST or second(*given))
        with record(store) as written:
            assert [job.seconds for job in written.run.jobs] == [0.0, 7.0]
    assert asked == [[SECOND], [SECOND]]


@pytest.mark.parametrize("what", ["a file in the way", "a full disk"])
def test_a_record_that_cannot_be_written_stops_no_run(store, what, monkeypatch):
    if what == "a file in the way":
        (store.root / "runs").write_text("")
    else:

        def full(path, text):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(runs_module, "write_text", full)
    with record(store) as written:
        written("done", FIRST, "")
    assert runs(store) == []


def test_an_estimate_that_breaks_stops_no_run(store, monkeypatch):
    from rmkit.study.store import estimate

    monkeypatch.setattr(estimate, "seconds_and_bytes", lambda *_: 1 / 0)
    with record(store) as written:
        assert [job.seconds for job in written.run.jobs] == [None, None]


def test_a_run_is_seen_from_outside_while_it_runs_when_it_is_watched_and_when_it_is_killed(small):
    """Three looks at two runs: one job's progress; a second runner that waits for it; the first one's violent end."""
    project, store = slow(small, 8)
    first = project.start("run", "small", "--no-report")
    run = wait_for(lambda: living(store), "a run")[0]
    assert (run.pid, run.study) == (first.pid, "small")
    shot = wait_for(
        lambda: (shot := snapshot(store, run)).busy and shot.busy[0].total == 20 and shot, "a job's progress"
    )
    assert shot.state == "running"
    assert shot.busy[0].what == "adding"
    assert 0 < shot.busy[0].seconds <= shot.seconds
    assert [stage.stage for stage in shot.stages] == ["00_numbers", "01_sums"]
    assert shot.stages[0].done == 1
    said = project.rmkit("status", "small").stdout
    assert f"small: process {first.pid} runs it since" in said

    second = project.start("run", "small", "--no-report")
    other = wait_for(lambda: [run for run in living(store) if run.pid == second.pid], "the second run")[0]
    waits = wait_for(lambda: [busy for busy in snapshot(store, other).busy if busy.by], "a job that is waited for")[0]
    assert waits.by.startswith("process ")
    assert waits.title.startswith("01_sums seed=")
    assert (waits.what, waits.total) == ("adding", 20)

    first.kill()
    first.communicate()
    assert snapshot(store, run).state == "ended without a word"
    assert living(store) == [other]
    assert "ended without a word" in headline(snapshot(store, run))
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=30)
    assert snapshot(store, other).state == "interrupted"
    assert living(store) == []
