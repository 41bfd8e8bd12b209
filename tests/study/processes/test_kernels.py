"""A job's kernel is forked; where that fails it is started anew, and the run says so."""

import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="a fork server is for Linux")
def test_kernels_that_cannot_be_forked_are_started_anew_and_the_run_says_so_once(small):
    small.edit("rmkit/study/processes/kernels.py", "process = fork(", "raise OSError('no room'); process = fork(")
    ended = small.run()
    assert ended.returncode == 0, ended.stderr
    assert "3 executed" in ended.stdout
    assert ended.stdout.count("a kernel could not be forked (no room) and was started anew, which takes longer") == 1


@pytest.mark.parametrize("options", [(), ("--fresh-kernels",)])
def test_a_kernel_that_is_killed_before_it_answers_gives_the_usual_sentence(options, small):
    """The notebook is kept, though no cell was begun."""
    small.edit("rmkit/study/processes/kernels.py", "    keeper = os.getppid()", "    keeper = os.kill(os.getpid(), 9)")
    die = (
        'import os, sys\nif any("ipykernel_launcher" in each for each in sys.orig_argv):\n    os.kill(os.getpid(), 9)\n'
    )
    (small.root / "sitecustomize.py").write_text(die, encoding="utf-8")
    ended = small.rmkit("run", "small", "--no-report", *options)
    assert ended.returncode == 1
    assert ended.stderr.startswith("00_numbers: its kernel died (out of memory, or killed); notebook kept: ")
    kept = Path(ended.stderr.strip().rpartition("notebook kept: ")[2])
    assert "# 00 · Numbers" in kept.read_text(encoding="utf-8")
