"""What a run writes down of itself, and how any other process reads it: at once, after its end, after a kill."""

import json
import os
import shutil
import signal
import time
from dataclasses import replace

import pytest

from rmkit.errors import DataError, StoreError
from rmkit.study.monitoring import run_record as runs_module
from rmkit.study.monitoring.run_record import events, forget_old_runs, living, runs
from rmkit.study.monitoring.snapshot import GONE, RUNNING, STOPPED, snapshot
from rmkit.study.monitoring.words import headline
from rmkit.study.store.estimate import Cost
from tests.study.monitoring.recorded_runs import FIRST, SECOND, end, record, slow, wait_for

pytestmark = pytest.mark.usefixtures("no_fits")


def test_a_run_says_who_runs_what(store):
    with record(store) as written:
        (run,) = runs(store)
        assert run == written.run
        assert (run.study, run.title, run.pid, run.arguments) == ("mine", "Mine", os.getpid(), "params/mine.yaml")
        assert [job.title for job in run.jobs] == ["00_grammar_world seed=0", "04_reward_models seed=0"]
        assert [job.needs for job in run.jobs] == [(), ("00_grammar_world-aa",)]
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
            ("started", "00_grammar_world-aa", ""),
            ("failed", "00_grammar_world-aa", "it broke: ü\n<b>"),
        ]
        assert end(written.run) is None
    assert end(written.run).code == 0


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


def test_a_line_that_is_being_written_is_not_there_yet(store):
    with record(store) as written:
        written("done", FIRST, "1 s")
        whole = (written.run.folder / "events.jsonl").read_text(encoding="utf-8")
        for length in range(len(whole)):
            (written.run.folder / "events.jsonl").write_text(whole[:length], encoding="utf-8")
            assert events(written.run) == []
        (written.run.folder / "events.jsonl").write_text(whole + "nonsense\n[1]\n", encoding="utf-8")
        assert [event.event for event in events(written.run)] == ["done"]


@pytest.mark.parametrize("card", ["", "[]", "{}", '{"jobs": []}', '{"jobs": [3]}', "\udcff"])
def test_an_unreadable_card_is_passed_over(store, card):
    with record(store) as written:
        pass
    odd = store.root / "runs/odd"
    odd.mkdir()
    (odd / "card.json").write_bytes(card.encode(errors="surrogateescape"))
    (store.root / "runs/stray.log").write_text("x", encoding="utf-8")
    assert runs(store) == [written.run]


def test_a_card_of_another_version_is_passed_over(store):
    with record(store) as written:
        pass
    card = json.loads((written.run.folder / "card.json").read_text(encoding="utf-8"))
    (store.root / "runs/odd").mkdir()
    (store.root / "runs/odd/card.json").write_text(json.dumps({**card, "colour": "red"}), encoding="utf-8")
    assert runs(store) == [written.run]


def test_the_newest_run_comes_first_and_a_study_has_its_own(store):
    with record(store) as one, record(store, name="other") as two, record(store) as three:
        assert runs(store) == [three.run, two.run, one.run]
        assert runs(store, "mine") == [three.run, one.run]
        assert living(store, "other") == [two.run]


def test_only_the_last_ended_runs_are_kept(store, monkeypatch):
    names = iter(f"2026-{number}" for number in range(9))
    monkeypatch.setattr(runs_module, "new_id", lambda: next(names))
    with record(store) as going_on:
        ended = []
        for _ in range(4):
            with record(store) as written:
                ended.append(written.run)
        (store.root / "runs/1999-half-made").mkdir()
        (store.root / "runs/2099-just-made").mkdir()
        read = []
        read_once = runs_module._read_once
        monkeypatch.setattr(runs_module, "_read_once", lambda folder: read.append(folder) or read_once(folder))
        forget_old_runs(store, kept=3)
        assert len(read) == 4  # a card may have thousands of jobs: those that stay anyway are not read
        assert runs(store) == [ended[3], ended[2], going_on.run]
        assert not (store.root / "runs/1999-half-made").exists()
        assert (store.root / "runs/2099-just-made").exists()


def test_a_run_whose_lock_nobody_holds_and_that_has_no_last_line_ended_without_a_word(store):
    with record(store) as written:
        copy = replace(written.run, folder=store.root / "runs/copy")  # as a kill leaves it, or a restored backup
        shutil.copytree(written.run.folder, copy.folder)
        assert (written.run.alive(), copy.alive()) == (True, False)
        assert snapshot(store, written.run).state == RUNNING
        assert snapshot(store, copy).state == GONE
        shutil.rmtree(copy.folder)
        assert not copy.alive()


def test_a_card_says_what_each_job_is_expected_to_take_and_nothing_of_what_is_finished(store, monkeypatch):
    expected = {SECOND.plan_id: Cost(7.0, None)}  # of what is not finished
    monkeypatch.setattr(runs_module, "costs", lambda store, jobs: expected)
    with record(store) as written:
        assert [job.seconds for job in written.run.jobs] == [0.0, 7.0]


@pytest.mark.parametrize("what", ["a file in the way", "a full disk"])
def test_a_record_that_cannot_be_written_stops_no_run(store, what, monkeypatch):
    if what == "a file in the way":
        (store.root / "runs").write_text("", encoding="utf-8")
    else:

        def full(path, text):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(runs_module, "write_text", full)
    with record(store) as written:
        written("done", FIRST, "")
    assert runs(store) == []


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
    assert list(shot.stages) == ["00_numbers", "01_sums"]
    assert shot.stages["00_numbers"] == {"done": 1}
    said = project.rmkit("status", "small").stdout
    assert f"params/small.yaml: process {first.pid} has been running it since" in said
    assert "small: running; 1 of 3 jobs done" in said
    assert "no run is going on" not in said

    second = project.start("run", "small", "--no-report")
    other = wait_for(lambda: [run for run in living(store) if run.pid == second.pid], "the second run")[0]
    waits = wait_for(lambda: [busy for busy in snapshot(store, other).busy if busy.by], "a job that is waited for")[0]
    assert waits.by.startswith("process ")
    assert waits.title.startswith("01_sums seed=")
    assert (waits.what, waits.total) == ("adding", 20)

    first.kill()
    first.communicate()
    assert snapshot(store, run).state == GONE
    assert living(store) == [other]
    assert "ended without a word" in headline(snapshot(store, run))
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=30)
    assert snapshot(store, other).state == STOPPED
    assert living(store) == []
