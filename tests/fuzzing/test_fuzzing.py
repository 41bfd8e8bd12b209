"""A tenth of what `benchmarks/fuzz.py` tries, and that the judge of it sees each kind of fault."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from tests.fuzzing.kinds import KINDS
from tests.fuzzing.places import place_in
from tests.fuzzing.series import counts, tried_by_workers
from tests.fuzzing.trial import MEGABYTES, Trial, tried

FEW = 10  # of slow kinds only a tenth of their share
PATIENCE = 60.0  # seconds for an input: tests run beside others


def numbers(small, inputs=500):
    shared = {kind: some for kind, some in counts(inputs).items() if KINDS[kind].small == small}
    return {kind: some[: -(-len(some) // FEW)] if KINDS[kind].slow else some for kind, some in shared.items()}


@pytest.mark.parametrize(
    "small",
    [pytest.param(False, id="in_a_checkout", marks=pytest.mark.slow), pytest.param(True, id="in_a_finished_project")],
)
def test_whatever_is_typed_or_stored_ends_in_a_line(small, finished_template, tmp_path):
    rows = tried_by_workers(tmp_path, finished_template, numbers(small), seed=2, workers=1, seconds=PATIENCE)
    assert len(rows) > (40 if small else 300)
    assert {0, 2} <= {row["code"] for row in rows}  # some are accepted, and some refused
    faults = [row for row in rows if row["faults"]]
    assert not faults, (
        f"{len(faults)} of {len(rows)}, first (`benchmarks/fuzz.py --seed 2` tries it alone): {faults[:2]}"
    )


def a_traceback(arguments):
    raise AttributeError("NoneType has no attribute")


def two_lines(arguments):
    os.write(2, b"usage: rmkit\nrmkit: wrong\n")
    return 2


def hidden_text(arguments):
    os.write(1, "a\u202eb\n".encode())
    return 0


def a_long_line(arguments):
    os.write(2, b"x" * 3000)
    return 2


def another_code(arguments):
    os.write(2, b"wrong\n")
    return 3


def a_hang(arguments):
    time.sleep(30)


def much_memory(arguments):
    held = bytearray(1_100_000_000)
    held[:: os.sysconf("SC_PAGE_SIZE")] = bytes(len(held[:: os.sysconf("SC_PAGE_SIZE")]))
    return 0


def a_changed_store(arguments):
    next(Path("runs").glob("jobs/*/manifest.json")).touch()
    return 0


def a_temporary_file(arguments):
    tempfile.mkdtemp(dir=os.environ["TMPDIR"])
    return 0


def a_process(arguments):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
    return 0


def nothing_wrong(arguments):
    os.write(2, b"warning: this is none\n")
    return 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded")
@pytest.mark.parametrize(
    ("act", "faults"),
    [
        (nothing_wrong, []), (a_traceback, ["traceback"]), (two_lines, ["lines"]), (hidden_text, ["characters"]),
        (a_long_line, ["long"]), (another_code, ["exit"]), (a_hang, ["time"]), (much_memory, ["memory"]),
        (a_changed_store, ["store"]), (a_temporary_file, ["temporary"]), (a_process, ["process"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_the_judge_sees(act, faults, finished, monkeypatch):
    monkeypatch.setattr("rmkit.cli.main", act)
    told = Path("/proc/self/status").read_text(encoding="utf-8")
    held = int(told.split("RssAnon:")[1].split()[0]) / 1e3  # megabytes of the tests before it, which what is forked has
    monkeypatch.setattr("tests.fuzzing.trial.MEGABYTES", MEGABYTES + held)
    (finished.root / "runs").rename(finished.root.parent / "finished")
    place = place_in(finished.root.parent, small=True)
    outcome = tried(Trial(("check",), place), seconds=2.0 if act is a_hang else PATIENCE)
    assert [name for name, _ in outcome.faults] == faults, outcome
