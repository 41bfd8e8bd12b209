"""What the terminal is told of a study: nothing that it does not know, and nothing that could end a run."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rmkit.errors import StoreError
from rmkit.study.engines.worker import keep_failure_note
from rmkit.study.monitoring import snapshot as snapshot_module
from rmkit.study.monitoring import terminal
from rmkit.study.monitoring.run_record import living, runs
from rmkit.study.monitoring.snapshot import snapshot
from rmkit.study.monitoring.terminal import RunLog, picture, status_lines
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store import locks
from rmkit.study.store.store import Store
from tests.small_project import STARTED
from tests.study.monitoring.recorded_runs import FIRST, record, slow, wait_for

STUDY = Study(Path("params/mine.yaml"), "params/mine.yaml")
JOBS = [PlannedJob("00_world", {"seed": seed}, {}, {}, f"00_world-{seed}", ("seed",)) for seed in range(5)]


def lines(store, jobs=JOBS):
    return list(status_lines(STUDY, jobs, store, Project(store.root.parent)))


def test_a_failure_that_is_mended_between_two_looks_is_no_fault(store, monkeypatch):
    keep_failure_note(store, "00_world-1", "00_world seed=1: it broke")
    assert lines(store) == ["mine: 00_world: 1 failed, 4 waiting", "failed: 00_world seed=1: it broke"]
    told = snapshot_module.states_of

    def then_mended(store, jobs):
        states = told(store, jobs)
        shutil.rmtree(store.root / "failed/00_world-1")
        return states

    monkeypatch.setattr(snapshot_module, "states_of", then_mended)
    assert lines(store) == ["mine: 00_world: 1 failed, 4 waiting", "failed: 00_world seed=1"]


def test_of_many_failures_a_few_are_shown_and_the_others_counted(store):
    for job in JOBS:
        keep_failure_note(store, job.plan_id, f"{job}: it broke")
    assert lines(store)[1:] == [
        *(f"failed: 00_world seed={seed}: it broke" for seed in range(3)),
        "failed: 2 more; their notebooks lie in runs/failed",
    ]


def test_odd_progress_of_a_running_job_is_none(store):
    progress = store.root / "locks/00_world-0/progress.json"
    with locks.held(store, locks.myself("an execution", "00_world-0")):
        for odd in ("[]", '{"what": "x"}', '{"what": "x", "done": "many", "total": 3}', "3"):
            progress.write_text(odd)
            assert lines(store)[1].startswith("running: 00_world seed=0: 0 s")
        progress.write_text(json.dumps({"what": "fitting", "done": 3, "total": 10}))
        assert lines(store)[1].startswith("running: 00_world seed=0: fitting 3/10")


def test_looking_takes_a_small_share_of_a_run_s_time(store, monkeypatch):
    """A snapshot of thousands of jobs may take a second: the bar's thread must leave the run its processor."""
    looks = []

    shot = type("Shot", (), {"seconds_left": None, "busy": ()})
    monkeypatch.setattr(terminal, "SECONDS_BETWEEN_LOOKS", 0.001)
    monkeypatch.setattr(terminal, "SHARE_OF_TIME", 0.25)
    monkeypatch.setattr(terminal, "snapshot", lambda *_: (looks.append(time.monotonic()), time.sleep(0.05), shot)[-1])
    log = RunLog(STUDY, JOBS, store, run=object())
    log._bar = type("Bar", (), {"set_postfix_str": lambda self, text: len(looks) == 3 and log._stop.set()})()
    log._refresh()
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(looks))


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
def test_the_picture_keeps_to_its_terminal_and_lets_no_control_character_through(store):
    with record(store) as written:
        written("failed", FIRST, "\x1b[2J" + 300 * "x")
        lines = picture(snapshot(store, written.run), width=60, height=5)
    assert len(lines) == 4
    assert max(map(len, lines)) < 60
    assert "\x1b" not in "".join(lines)


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
    assert how.endswith("ended with failures")
    (run,) = runs(store)
    (failure,) = snapshot(store, run).failed
    assert failure.notebook == store.root / "failed" / failure.plan_id / "notebook.ipynb"
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


def test_on_a_terminal_watching_redraws_in_place_and_the_bar_of_the_run_says_what_it_does(small):
    project, store = slow(small, 4)
    watched = []

    def watch():
        wait_for(lambda: living(store), "a run")
        watched.append(on_a_terminal(project, "status", "--watch"))

    watching = threading.Thread(target=watch)
    watching.start()
    bar = on_a_terminal(project, "run", "small", "--no-report")
    watching.join(timeout=60)
    assert "3/3" in bar
    assert "01_sums seed=0: adding " in bar or "01_sums seed=1: adding " in bar
    first, *others = watched[0].split("\x1b[")
    assert first.startswith("small: running; ")
    assert len(others) >= 4  # two for each picture after the first: up, and clear
    assert others[-1].startswith("J")
    assert "small: all done; 3 of 3 jobs done" in others[-1]


@pytest.mark.usefixtures("no_fits")
def test_a_run_that_ends_for_another_reason_than_a_job_says_it(store):
    with pytest.raises(StoreError), record(store) as written:
        raise StoreError("no space left")
    assert picture(snapshot(store, written.run))[-1].strip() == "no space left"
