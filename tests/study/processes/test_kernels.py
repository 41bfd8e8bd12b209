"""A job's kernel is forked; where that fails it is started anew, and the run says so."""

import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="a fork server is for Linux")
def test_kernels_that_cannot_be_forked_are_started_anew_and_the_run_says_so_once(small):
    small.edit("rmkit/study/processes/kernels.py", "process = fork(", "raise OSError('no room'); process = fork(")
    ended = small.run()
    assert ended.returncode == 0, ended.stderr
    assert "3 executed" in ended.stdout
    assert ended.stdout.count("a kernel could not be forked (no room) and was started anew, which takes longer") == 1
