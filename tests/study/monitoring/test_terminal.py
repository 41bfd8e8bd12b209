"""What the terminal is told of a study: nothing that it does not know, and nothing that could end a run."""

import itertools
import json
import shutil
import time
from pathlib import Path

import pytest

from rmkit.errors import StoreError
from rmkit.study.engines.worker import keep_failure_note
from rmkit.study.monitoring import snapshot as snapshot_module
from rmkit.study.monitoring import terminal
from rmkit.study.monitoring.terminal import RunLog, status_lines
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store import locks
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store

STUDY = Study(Path("params/mine.yaml"), "params/mine.yaml")
JOBS = [PlannedJob("00_world", {"seed": seed}, {}, {}, f"00_world-{seed}", ("seed",)) for seed in range(5)]


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    store.prepare()
    return store


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
    locks.take(store, locks.myself("an execution", "00_world-0"))
    progress = store.root / "locks/00_world-0/progress.json"
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


@pytest.mark.parametrize("fault", [BrokenPipeError(32, "Broken pipe"), BlockingIOError(11, "Try again")])
def test_a_fault_that_is_not_the_disk_s_is_not_called_so(tmp_path, fault):
    with pytest.raises(type(fault)), disk_faults(tmp_path):
        raise fault


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), FileNotFoundError(2, "gone", "x")])
def test_a_fault_of_the_disk_or_of_a_path_is_one_sentence(tmp_path, fault):
    with pytest.raises(StoreError, match=r"; (free some space|mend that) and run again"), disk_faults(tmp_path):
        raise fault


def test_a_run_goes_on_when_nobody_reads_what_it_prints(small):
    """As with `rmkit run small | head -1`."""
    runner = small.start("run", "small", "--no-report")
    runner.stdout.readline()
    runner.stdout.close()
    with runner.stderr as said:
        assert said.read() == ""
    assert runner.wait(timeout=60) == 0
    assert len(list((small.root / "runs/jobs").iterdir())) == 3
