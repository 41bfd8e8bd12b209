"""What the terminal is told of a study: nothing that it does not know, and nothing that could end a run."""

import itertools
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from rmkit.errors import StoreError
from rmkit.study.engines.worker import keep_failure_note
from rmkit.study.monitoring import terminal
from rmkit.study.monitoring.run_record import living, runs
from rmkit.study.monitoring.snapshot import snapshot, study_snapshot
from rmkit.study.monitoring.terminal import Screen, picture
from rmkit.study.monitoring.words import run_words
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.study_file import Study
from rmkit.study.store import locks
from rmkit.study.store.store import Store
from tests.small_project import STARTED
from tests.study.monitoring.recorded_runs import FIRST, SECOND, record, slow, wait_for

STUDY = Study(Path("params/mine.yaml"), "params/mine.yaml")
JOBS = [
    PlannedJob("00_grammar_world", {"seed": seed}, {}, {}, f"00_grammar_world-{seed}", ("seed",)) for seed in range(12)
]


def lines(store, jobs=JOBS):
    return picture(study_snapshot(store, STUDY, jobs))


@pytest.mark.usefixtures("no_fits")
def test_of_many_failures_and_running_jobs_a_few_are_shown_and_the_others_counted(store):
    for job in JOBS[:2]:
        keep_failure_note(store, job.plan_id, f"{job}: it broke")
    with ExitStack() as stack:
        for job in JOBS[2:]:
            stack.enter_context(locks.held(store, locks.Owner(f"execution of {job.plan_id}", job.plan_id)))
        head, stage, *others = lines(store)
    assert head == "mine: no run is going on, but jobs are running; 0 of 12 jobs done, 10 running, 2 failed"
    assert stage == "  00_grammar_world  ▓▓▓▓▓▓▓▓▓▓xxxx··········  0 of 12, 10 running, 2 failed"
    assert others == [
        *(f"  running  00_grammar_world seed={seed}: 0 s" for seed in range(2, 10)),
        "  running  2 more",
        *(f"  FAILED   00_grammar_world seed={seed}: it broke" for seed in range(2)),
    ]
    with locks.held(store, locks.Owner("execution", JOBS[5].plan_id)):  # the only job of its stage: no full bar
        assert lines(store, JOBS[5:6])[1] == "  00_grammar_world  ▓·······················  0 of 1, 1 running"
    for job in JOBS:
        keep_failure_note(store, job.plan_id, f"{job}: it broke")
    assert lines(store)[2:] == [
        *(f"  FAILED   00_grammar_world seed={seed}: it broke" for seed in range(3)), "  FAILED   9 more",
    ]  # fmt: skip


@pytest.mark.usefixtures("no_fits")
@pytest.mark.parametrize("width", [40, 57, 80, 200])
def test_a_bar_leaves_room_for_what_is_counted(store, width):
    with ExitStack() as stack:
        for job in JOBS[:6]:
            stack.enter_context(locks.held(store, locks.Owner(f"execution of {job.plan_id}", job.plan_id)))
        stage = picture(study_snapshot(store, STUDY, JOBS), width=width)[1]
    full = f"{'▓' * 6}{'·' * 18}  "
    bars = {40: "", 57: f"{'▓' * 6}{'·' * 11}  "}
    assert stage == f"  00_grammar_world  {bars.get(width, full)}0 of 12, 6 running"
    assert len(stage) <= width


def test_looking_takes_a_small_share_of_a_run_s_time(store, monkeypatch):
    """A snapshot of thousands of jobs may take a second: the picture's thread must leave the run its processor."""
    looks = []
    monkeypatch.setattr(terminal, "SHARE_OF_TIME", 0.25)
    monkeypatch.setattr(terminal, "snapshot", lambda *_: (looks.append(time.monotonic()), time.sleep(0.05))[0])
    monkeypatch.setattr(terminal, "picture", lambda *_, **__: ["drawn"])
    with record(store, []) as written:
        screen = Screen(store, written.run)
        while len(looks) < 3:
            assert str(screen._look()) == "drawn"
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(looks))


@pytest.mark.usefixtures("no_fits")
def test_what_was_there_already_is_told_together(store):
    third = replace(SECOND, plan_id="third")
    with record(store, [FIRST, SECOND, third]) as written:
        screen = Screen(store, written.run)
        told = [("found", FIRST, ""), ("found", SECOND, ""), ("started", third, ""), ("blocked", third, "not run, why")]
        said = [screen.lines(written(*event)) for event in told]
    assert said == [
        [],
        [],
        ["[2/3] already there", "[2/3] 04_reward_models seed=0 started"],
        ["[3/3] 04_reward_models seed=0 NOT RUN: why"],
    ]


def test_a_run_goes_on_when_nobody_reads_what_it_prints(small):
    """As with `rmkit run small | head -1`."""
    runner = small.start("run", "small", "--no-report")
    runner.stdout.readline()
    runner.stdout.close()
    with runner.stderr as said:
        assert said.read() == ""
    assert runner.wait(timeout=60) == 0
    assert len(list((small.root / "runs/jobs").iterdir())) == 3


@pytest.mark.usefixtures("no_fits")
def test_the_picture_lets_no_control_character_through(store):
    with record(store) as written:
        keep_failure_note(store, FIRST.plan_id, "\x1b[2J")
        drawn = picture(snapshot(store, written.run))
    assert drawn[-1] == "  FAILED   ␛[2J"


def test_watching_from_a_pipe_tells_each_change_and_how_it_ended(small):
    small.edit(
        "notebooks/01_sums.ipynb", "time.sleep(sleep)", "time.sleep(1)\\nassert seed != 1, 'one is not to be had'"
    )
    runner = small.start("run", "small", "--no-report")
    store = Store(small.root / "runs")
    wait_for(lambda: living(store), "a run")
    watched = small.rmkit("status", "--watch")
    runner.communicate(timeout=60)
    assert watched.returncode == 0
    *_, last, how = watched.stdout.splitlines()
    assert "01_sums seed=0 done in" in watched.stdout
    assert "01_sums seed=1 FAILED: cell 6: AssertionError: one is not to be had" in watched.stdout
    assert last.startswith("small: ended with failures; 2 of 3 jobs done, 1 failed; ")
    assert re.fullmatch(r"small: the last run, \S+ to \S+: ended with failures", how)
    (run,) = runs(store)
    (failure,) = snapshot(store, run).failed
    assert failure.notebook.parent.parent == store.root / "failed"
    assert small.rmkit("status", "small", "--watch").stdout == small.rmkit("status", "small").stdout  # nothing to watch


def on_a_terminal(project, *arguments) -> str:
    """What a command writes on a terminal of 100 columns, as it is written."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    command = [sys.executable, "-m", "rmkit.cli", *arguments]
    process = subprocess.Popen(command, cwd=project.root, env=project.environment(), stdout=theirs, stderr=theirs)
    STARTED.append(process)
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:  # how the other end's closing reads on Linux
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return written.decode()


def test_on_a_terminal_a_run_and_who_watches_it_see_the_same_live_picture_below_what_happens(small):
    project, store = slow(small, 4)
    watched = []

    def watch():
        wait_for(lambda: living(store), "a run")
        watched.append(on_a_terminal(project, "status", "--watch"))

    watching = threading.Thread(target=watch)
    watching.start()
    ran = on_a_terminal(project, "run", "small", "--no-report")
    watching.join(timeout=60)
    for seen in (ran, watched[0]):
        assert seen.count("\x1b[1A\x1b[2K") > 4  # up, and the line blank: it is drawn in place
        assert "small: running; 1 of 3 jobs done, 2 running; " in seen
        assert re.search(r"running  01_sums seed=0: adding \d+/20, ", seen)
        assert "[3/3] 01_sums seed=" in seen
        assert " started" not in seen  # the picture says it
    assert "small: 3 jobs: 3 executed, in " in ran
    assert "small: all done; 3 of 3 jobs done" in watched[0]


@pytest.mark.usefixtures("no_fits")
def test_a_run_that_ends_for_another_reason_than_a_job_says_it(store):
    with pytest.raises(StoreError), record(store) as written:
        raise StoreError("no space left")
    shot = snapshot(store, written.run)
    assert run_words(written.run, shot).endswith(": ended with failures (no space left)")
