"""Processes that tests start hear SIGINT wherever the tests were started, and none outlives a test that fails."""

import signal
import subprocess
import sys

import psutil
import pytest

from tests.small_project import REPOSITORY, WITHOUT_SIGINT

HERE = "tests/test_started_processes.py"
ITS_PARENT_DIES = """
import subprocess, sys
sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
silence = subprocess.DEVNULL
print(subprocess.Popen(sleeper, start_new_session=True, stdout=silence, stderr=silence).pid)
"""
FAILS = f"""
import subprocess, sys

def test_that_fails(tmp_path):
    command = [sys.executable, "-c", {ITS_PARENT_DIES!r}]
    (tmp_path.parent.parent / "pid").write_text(subprocess.run(command, capture_output=True, text=True).stdout)
    raise END
"""


def pytest_on(*arguments, before=(), cwd=REPOSITORY):
    command = [*before, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_a_process_that_a_test_starts_ends_by_sigint():
    code = "import time; print('there', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"there\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=10) == -signal.SIGINT
        finally:
            process.kill()


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["in one process", "in a worker"])
def test_it_does_so_where_tests_run_in_the_background_of_a_script(workers):
    ended = pytest_on(*workers, f"{HERE}::test_a_process_that_a_test_starts_ends_by_sigint", before=WITHOUT_SIGINT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout


@pytest.mark.parametrize(("end", "code"), [("AssertionError", 1), ("KeyboardInterrupt", 2)])
def test_a_test_that_fails_or_is_interrupted_leaves_no_process_behind(end, code, tmp_path):
    """Though the process that it started has ended, and what that one started leads a session of its own."""
    (tmp_path / "test_it.py").write_text(FAILS.replace("END", end), encoding="utf-8")
    ended = pytest_on("-p", "tests.conftest", f"--basetemp={tmp_path / 'base'}", tmp_path / "test_it.py")
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert not is_running(int((tmp_path / "pid").read_text(encoding="utf-8")))


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
