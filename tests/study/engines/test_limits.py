"""A job that hangs or eats memory is ended at its limit and reported, and the others go on; so do they if forking ends."""

import json
import mmap
import os
import signal
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from rmkit.study.engines import limits
from rmkit.study.engines.limits import Limits, MemoryWatch, memory_of
from tests.study.test_kill import left_behind, wait_for

HOG = """import os, subprocess, sys
if sleep > 0:
    code = "import time; held = bytearray(b'x' * 600_000_000); time.sleep(60)"
    subprocess.run([sys.executable, "-c", code], start_new_session=True)"""


@pytest.fixture
def two_jobs(small):
    """A study of two jobs of 01_sums: one ends at once, one sleeps for a minute."""
    small.study(axes={"sleep": [0.0, 60.0]}, stages={"00_numbers": None, "01_sums": None})
    return small


@pytest.mark.slow
def test_a_hanging_job_is_ended_at_its_limit_and_reported(two_jobs):
    ended = two_jobs.rmkit("run", "small", "--no-report", "--time-limit", "12s")
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert "01_sums sleep=60.0: ran for 12 s, its limit, and was ended; notebook kept: " in last
    kept = json.loads(Path(last.partition("notebook kept: ")[2]).read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in kept["cells"] if cell.get("execution_count")]
    assert any("open_job" in source for source in sources), "it holds the cells that ran"
    assert "2 executed, 1 failed" in ended.stdout
    assert left_behind(two_jobs) == []
    assert list((two_jobs.root / "runs/locks").iterdir()) == []
    assert "FAILED   01_sums sleep=60.0: ran for 12 s" in two_jobs.rmkit("status", "small").stdout


def test_a_job_that_eats_memory_is_ended_and_takes_no_other_with_it(two_jobs):
    """What eats is a process that the notebook started in a session of its own."""
    two_jobs.edit("notebooks/01_sums.ipynb", "GRANDCHILD = None", json.dumps(HOG)[1:-1])
    ended = two_jobs.rmkit("run", "small", "--no-report", "--memory-limit", "400MB")
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert "01_sums sleep=60.0: used " in last
    assert "of memory, more than 400 MB, its limit, and was ended" in last
    assert "2 executed, 1 failed" in ended.stdout
    assert left_behind(two_jobs) == []


def test_when_hardly_any_memory_is_left_the_largest_job_ends(monkeypatch):
    watch = MemoryWatch(Limits())
    sizes = {"a": 3_000_000_000, "b": 5_000_000_000}
    monkeypatch.setattr(watch, "limit", 10**12)
    monkeypatch.setattr(limits, "processes_by_stamp", lambda stamps: {stamp: [stamp] for stamp in stamps})
    monkeypatch.setattr(limits, "memory_of", lambda processes, enough: sizes[processes[0]])
    monkeypatch.setattr(limits, "free_memory", lambda: 10**6)
    monkeypatch.setattr(limits, "SECONDS_BETWEEN_LOOKS", 60.0)
    assert list(watch.too_much({"job-a": "a", "job-b": "b"})) == [
        ("job-b", "used 5.0 GB of memory when hardly any was left on this machine")
    ]
    assert list(watch.too_much({"job-a": "a"})) == [], "it does not look again at once"


def test_a_job_whose_end_would_not_help_is_left_alone(monkeypatch):
    watch = MemoryWatch(Limits())
    monkeypatch.setattr(limits, "processes_by_stamp", lambda stamps: {stamp: [stamp] for stamp in stamps})
    monkeypatch.setattr(limits, "memory_of", lambda processes, enough: 10**6)
    monkeypatch.setattr(limits, "free_memory", lambda: 10**6)
    assert list(watch.too_much({"job-a": "a"})) == []


def test_shared_memory_is_counted_once():
    """A fork of this process shares its pages: together they hold no more than one."""
    held = bytearray(b"x" * 200_000_000)
    pid = os.fork()
    if pid == 0:
        time.sleep(30)
        os._exit(0)
    try:
        child, me = psutil.Process(pid), psutil.Process()
        resident = memory_of([child], enough=10**13)
        assert resident > 200e6
        assert memory_of([child], enough=0) < 0.8 * resident
        assert memory_of([child, me], enough=0) < 1.3 * me.memory_info().rss
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        del held


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere mapped files are counted")
def test_a_mapped_file_counts_for_nothing(tmp_path):
    """The system takes such pages back when it needs them: arrays larger than memory must not end a job."""
    size = 100_000_000
    (tmp_path / "large").write_bytes(b"x" * size)
    me = psutil.Process()
    before = memory_of([me], enough=0)
    with (tmp_path / "large").open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        resident = me.memory_info().rss
        assert sum(mapped[::4096]) > 0, "every page was read"
        assert me.memory_info().rss - resident > 0.9 * size
        assert memory_of([me], enough=0) - before < 0.2 * size


@pytest.mark.slow
def test_fail_fast_starts_nothing_more_and_lets_what_runs_end(small):
    small.study(axes={"seed": [0, 1, 2, 3, 4]}, stages={"00_numbers": None, "01_sums": None})
    small.edit("notebooks/01_sums.ipynb", "GRANDCHILD = None", "assert seed != 1, 'no luck'")
    ended = small.rmkit("run", "small", "--no-report", "--workers", "1", "--fail-fast")
    assert ended.returncode == 1
    assert "AssertionError: no luck" in ended.stderr.strip().splitlines()[-1]
    assert "6 jobs: 2 executed, 1 failed, 3 not started" in ended.stdout
    everything = small.rmkit("run", "small", "--no-report", "--workers", "1")
    assert "6 jobs: 3 executed, 2 already there, 1 failed" in everything.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="a fork server is for Linux")
def test_fresh_kernels_give_the_same_rows(finished):
    stored = [pd.read_parquet(path) for path in sorted((finished.root / "runs/jobs").glob("01_sums-*/rows.parquet"))]
    before = {path.name for path in (finished.root / "runs/jobs").iterdir()}
    (finished.root / "runs/jobs").rename(finished.root / "runs/before")
    ended = finished.rmkit("run", "small", "--no-report", "--fresh-kernels")
    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in (finished.root / "runs/jobs").iterdir()} == before
    for table, path in zip(stored, sorted((finished.root / "runs/jobs").glob("01_sums-*/rows.parquet")), strict=True):
        pd.testing.assert_frame_equal(table, pd.read_parquet(path))


@pytest.mark.skipif(sys.platform != "linux", reason="a fork server is for Linux")
@pytest.mark.slow
def test_without_its_fork_server_a_run_goes_on_with_processes_of_their_own(small):
    small.study(axes={"seed": [0, 1, 2]}, stages={"00_numbers": None, "01_sums": {"sleep": 1.0}})
    runner = small.start("run", "small", "--no-report", "--workers", "1")
    wait_for(lambda: len(small.executions()) > 1, "the first job of 01_sums")
    (server,) = [p for p in psutil.Process(runner.pid).children() if "rmkit.study.processes.fork_server" in p.cmdline()]
    server.kill()
    out, err = runner.communicate(timeout=60)
    assert runner.returncode == 0, err
    assert "no fork server" in out
    assert "4 executed" in out, "the job that was forked already goes on"
    assert left_behind(small) == []


def test_a_limit_without_a_unit_is_a_wrong_request(small):
    ended = small.rmkit("run", "small", "--memory-limit", "4")
    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        "--memory-limit: '4' is not a number above 0 with a unit (MB, GB, TB, MiB, GiB, TiB), as 4GB"
    )
    assert not (small.root / "runs/executions.jsonl").exists()
