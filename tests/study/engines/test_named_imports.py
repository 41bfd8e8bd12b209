"""What only an import shows of a class that a registry names is told before the first job of a run."""

import pytest

REGISTRY = '''
"""Adders by name."""
from typing import Protocol

class Adds(Protocol):
    """What adds."""
    def add(self, values):
        """Their sum."""

ADDERS = {"mine": "rmkit.my_adder:Mine"}
'''
SOUND = '"""Adds."""\nimport json\n\n\nclass Mine(json.JSONEncoder):\n    def add(self, values):\n        return sum(values)\n'
FAILS, PLACE = "cannot be imported: ", " (my_adder.py, line 5)"


@pytest.fixture
def adding(small):
    """The small project, where 01_sums names an adder of a registry; its base class lies beyond rmkit."""
    small.edit(
        "rmkit/stages/graph.py", "NAMED = {", 'NAMED = {\n    "adder": ("rmkit.adders:ADDERS", "rmkit.adders:Adds"),'
    )
    small.edit("notebooks/01_sums.ipynb", "sleep: float", 'adder: str = \\"mine\\"  # adds\\nsleep: float')
    (small.root / "rmkit/adders.py").write_text(REGISTRY, encoding="utf-8")
    (small.root / "rmkit/my_adder.py").write_text(SOUND, encoding="utf-8")
    return small


@pytest.mark.parametrize(
    ("code", "instead", "fault", "how"),
    [
        ("class Mine", "LIMIT = 1 / 0\n\n\nclass Mine", f"{FAILS}ZeroDivisionError: division by zero{PLACE}", []),
        ("class Mine", "raise SystemExit(3)\n\n\nclass Mine", f"{FAILS}SystemExit: 3{PLACE}", ["--fresh-kernels"]),
        ("def add", "def plus", "lacks add, which rmkit.adders.Adds asks for", []),
        ("class Mine", "raise KeyboardInterrupt\n\n\nclass Mine", f"{FAILS}KeyboardInterrupt: {PLACE}", []),
    ],
    ids=["raises", "ends", "lacks", "interrupts"],
)
def test_no_job_runs_before_a_named_class_was_imported(adding, code, instead, fault, how):
    adding.edit("rmkit/my_adder.py", code, instead)
    assert adding.rmkit("check", "small").returncode == 0  # nothing that can be seen without an import
    ended = adding.rmkit("run", "small", "--no-report", *how)
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("rmkit/adders.py: 'mine' is 'rmkit.my_adder:Mine', and it ")
    assert line.endswith(fault)
    assert adding.executions() == []


def test_a_class_that_can_be_imported_changes_nothing(adding):
    assert adding.executed() == ["00_numbers", "01_sums", "01_sums"]
    assert adding.executed() == []


@pytest.mark.parametrize("how", [[], ["--fresh-kernels"]], ids=["forked", "new"])
@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("import os\nprint('working ', end='')\nos._exit(3)\n", "importing it ended the process (3)"),
        ("import os\nos._exit(0)\n", "importing it ended the process (0)"),
        ("import os\nos.kill(os.getpid(), 11)\n", "importing it ended the process (-11)"),
        ("import time\nprint('working')\ntime.sleep(1000)\n", "importing it took longer than {seconds} s"),
    ],
    ids=["exits", "exits well", "crashes", "hangs"],
)
def test_what_ends_or_hangs_the_import_is_named(adding, code, fault, how):
    seconds = 4 if how else 10  # a server that forks must import everything in this time
    adding.edit("rmkit/my_adder.py", "import json", f"import json\n{code}")
    adding.edit("rmkit/study/processes/forked.py", "SECONDS_TO_IMPORT = 300.0", f"SECONDS_TO_IMPORT = {seconds}.0")
    ended = adding.rmkit("run", "small", "--no-report", *how)
    said = f"rmkit/adders.py: 'mine' is 'rmkit.my_adder:Mine', and {fault.format(seconds=seconds)}\n"
    assert (ended.returncode, ended.stderr) == (2, said)
    assert adding.executions() == []


def test_a_thread_that_an_import_starts_holds_up_no_run(adding):
    code = "import json, threading, time\nthreading.Thread(target=time.sleep, args=(5,)).start()"
    adding.edit("rmkit/my_adder.py", "import json", code)
    ended = adding.rmkit("run", "small", "--no-report", "--fresh-kernels", "--only", "01", "--select", "seed=0")
    assert ended.returncode == 0, ended.stderr
