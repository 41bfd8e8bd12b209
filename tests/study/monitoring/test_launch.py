"""A run that was started from Python goes on without whoever started it, and ends when it is asked to."""

import os
import signal
import subprocess
import sys

import pytest

from rmkit.errors import JobError, ParamsError
from rmkit.study.monitoring.launch import in_own_session, start_run, stop_run
from rmkit.study.monitoring.run_record import living, runs
from rmkit.study.monitoring.snapshot import ALL_DONE, STOPPED, snapshot
from rmkit.study.planning.project import Project
from rmkit.study.store.store import Store
from tests.study.monitoring.recorded_runs import end, slow, wait_for


@pytest.fixture
def here(small, monkeypatch):
    """The small project, as a notebook's kernel in it sees it."""
    for name, value in small.environment(RMKIT_JOB="a-job", RMKIT_JOB_FILE="nowhere", RMKIT_STUDY="nosuch").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(small.root / "notebooks")
    return small


def test_a_run_outlives_the_process_that_started_it(here):
    _, store = slow(here, 2)
    code = "import os; from rmkit.study.monitoring.launch import start_run; print(start_run('small', '--no-report').pid, flush=True)"
    asked = subprocess.run(
        [sys.executable, "-c", f"{code}; os.kill(os.getpid(), 9)"], capture_output=True, text=True, timeout=60
    )
    assert asked.returncode == -signal.SIGKILL, asked.stderr
    (run,) = runs(store, "small")
    assert run.pid == int(asked.stdout)
    assert run.alive()
    assert os.getsid(run.pid) == run.pid  # no signal to the group of who started it reaches it
    wait_for(lambda: not run.alive(), "the run's end")
    shot = snapshot(store, run)
    assert (shot.state, shot.count("done")) == (ALL_DONE, 3)
    assert "small: 3 jobs: 3 executed" in (run.folder / "output.log").read_text(encoding="utf-8")
    assert sorted(path.name for path in (store.root / "runs").iterdir()) == [run.id]


def test_a_run_that_is_stopped_is_interrupted_and_keeps_what_is_finished(here):
    _, store = slow(here, 60)
    run = start_run("small", "--no-report")
    wait_for(lambda: any(busy.total == 20 for busy in snapshot(store, run).busy), "a job of the second stage")
    stop_run(run)
    wait_for(lambda: not run.alive(), "the run's end")
    assert end(run).code == 130
    assert snapshot(store, run).state == STOPPED
    assert len(list((store.root / "jobs").iterdir())) == 1
    assert list((store.root / "locks").iterdir()) == []
    stop_run(run)  # it has ended: nothing happens
    assert living(store) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("smal",), r"params/smal.yaml: no such study file; params/ holds small.yaml; did you mean 'small.yaml'\?"),
        (("small", "--set", "sleeep=1"), "sleeep"),
        (("small", "--colour"), "unrecognized arguments: --colour"),
    ],
)
def test_a_request_that_is_wrong_says_so_and_leaves_no_record(here, arguments, sentence):
    with pytest.raises(ParamsError, match=sentence):
        start_run(*arguments)
    assert list((here.root / "runs/runs").iterdir()) == []


def test_a_bug_before_the_run_begins_is_told_by_its_last_line(here):
    here.edit(
        "rmkit/commands/running.py", '"""Bring every job', 'raise ZeroDivisionError("early")\n    """Bring every job'
    )
    with pytest.raises(JobError, match=r"^ZeroDivisionError: early$"):
        start_run("small")


def test_a_run_of_which_all_is_there_has_a_record_too(finished, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(finished.root))
    run = start_run("small", "--no-report", project=Project(finished.root))
    wait_for(lambda: not run.alive(), "the run's end")
    assert snapshot(Store(finished.root / "runs"), run).count("done") == 3
    assert end(run).code == 0


def test_a_run_that_ends_well_without_a_record_says_what_it_printed(here):
    """One with nothing to retry, and one that cannot write its record: neither has failed."""
    assert start_run("small", "--retry-failed") == "small: none of the jobs that are asked for failed last time"
    assert list((here.root / "runs/runs").iterdir()) == []
    here.edit("rmkit/study/monitoring/run_record.py", "forget_old_runs(self.store)", "raise OSError(28, 'full')")
    said = start_run("small", "--no-report")
    assert said.startswith("small: 3 jobs: 3 executed, in ")


def test_a_run_on_another_host_is_stopped_there(here):
    from dataclasses import replace

    run = start_run("small", "--no-report")
    elsewhere = replace(run, host="elsewhere pid:[1]")
    with pytest.raises(JobError, match="runs on elsewhere; stop it there"):
        stop_run(elsewhere)
    stop_run(run)
    wait_for(lambda: not living(Store(here.root / "runs")), "the run's end")


def test_a_run_takes_no_job_for_its_own_and_its_output_is_all_in_the_log(here, tmp_path):
    """Of its caller's environment it keeps what is not a job's, a kernel's or a study's name."""
    here.edit(
        "rmkit/commands/running.py",
        '"""Bring every job',
        "print(sorted(name for name in os.environ if name.startswith(('RMKIT_', 'MPL', 'OF_USER'))))\n    return 0\n"
        '    """Bring every job',
    )
    os.environ |= {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "OF_USER": "1"}
    try:
        with (tmp_path / "out").open("w") as output:
            assert in_own_session(Project(here.root), ["run", "small"], output).wait(timeout=60) == 0
    finally:
        del os.environ["MPLBACKEND"], os.environ["OF_USER"]
    assert (tmp_path / "out").read_text(encoding="utf-8") == "['OF_USER']\n"
