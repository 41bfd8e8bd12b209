"""A project of a few tiny notebooks around a copy of rmkit, so that tests may change any file of it.

`00_numbers` reads a data file and gives numbers; `01_sums` adds them up, once a seed. Its helper lies two imports deep.
A third, `02_parts`, is in no study but those that tests write: long work in finished parts, which takes and gives
something more when its `kind` is full.
"""

import compileall
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
STARTED: list[subprocess.Popen] = []  # what the test that runs now started; conftest ends it where the test fails
WITHOUT_SIGINT = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")  # before a command: as a script starts it by `command &`

STAGES = """
ARTIFACTS = dict.fromkeys(("numbers", "sums", "draws", "scaled"), "rmkit.numbers:Numbers")
STAGES = {
    "00_numbers": Stage(outputs={"numbers": {}}, rows=False, data=(DataFile("numbers_file", "rmkit.numbers:check"),)),
    "01_sums": Stage(inputs={"numbers": (Source("00_numbers"),)}, outputs={"sums": {}}, fits=("powers",), n_fits="rmkit.adding:n_sums"),
    "02_parts": Stage(
        inputs={"numbers": (Source("00_numbers", {"kind": ("full",)}),)},
        outputs={"draws": {}, "scaled": {"kind": ("full",)}},
    ),
}
"""
NUMBERS = '''
"""Numbers in a JSON file."""
import json

class Numbers:
    """A list of numbers."""
    def __init__(self, values):
        self.values = values
    def save(self, folder):
        (folder / "numbers.json").write_text(json.dumps(self.values))
    @classmethod
    def load(cls, folder):
        return cls(json.loads((folder / "numbers.json").read_text()))

def check(path, shown):
    return f"{shown}: {len(json.loads(path.read_text()))} numbers", {}
'''
ADDING = '''
"""Adds."""
from rmkit.powers import power

def n_sums(known):
    """How many sums are made."""
    return len(known["powers"])

def power_sum(values, exponent):
    """The sum of powers."""
    return sum(power(value, exponent) for value in values)
'''
POWERS = '''
"""Raises."""

def power(value, exponent):
    """value to the exponent"""
    return value**exponent
'''
FIGURE = '''
"""Draws."""

def bars(values):
    return "#" * len(values)
'''
UNREACHED = '"""Never imported."""\nNOTHING = 1\n'

FIRST = [
    ("markdown", "# 00 · Numbers", ()),
    (
        "code",
        'study: str = "small"  # where upstream is looked for\nnumbers_file: str = "data/numbers.json"  # read',
        ("parameters",),
    ),
    ("code", 'import rmkit\n\njob = rmkit.open_job("00_numbers", globals())\njob', ()),
    (
        "code",
        "import json\n\nfrom rmkit.numbers import Numbers\n\nvalues = json.loads(job.path(numbers_file).read_text())\n"
        'job.tally("numbers", came_in=len(values), went_out=len(values))',
        (),
    ),
    ("code", 'job.save("numbers", Numbers(values))', ()),
]
SECOND = [
    ("markdown", "# 01 · Sums", ()),
    (
        "code",
        'study: str = "small"  # where upstream is looked for\nseed: int = 0  # draws the shift\n'
        "powers: list[float] = [1.0, 2.0]  # exponents\nsleep: float = 0.0  # seconds to wait",
        ("parameters",),
    ),
    ("code", 'import rmkit\n\njob = rmkit.open_job("01_sums", globals())\njob', ()),
    ("code", "import time\n\nfrom rmkit.adding import power_sum\nfrom rmkit.numbers import Numbers", ()),
    ("code", "GRANDCHILD = None", ()),
    ("code", "time.sleep(sleep)", ()),
    (
        "code",
        'numbers = job.load("numbers").values\nshift = float(job.rng("shift").normal())\n'
        "sums = [power_sum([number + shift for number in numbers], power) for power in powers]",
        (),
    ),
    ("code", 'job.save("sums", Numbers(sums))', ()),
    (
        "code",
        "import pandas as pd\n\n"
        "rows = pd.DataFrame(\n"
        '    {"fit": [f"p{power}" for power in powers], "metric": "sum", "value": sums, "reason": None, "units": len(numbers)}\n'
        ")\njob.record(rows)",
        (),
    ),
    ("code", "from rmkit.figures.bars import bars\n\nprint(bars(sums))", ("look",)),
]
THIRD = [
    ("markdown", "# 02 · Parts", ()),
    (
        "code",
        'from typing import Literal\n\nstudy: str = "parts"  # where upstream is looked for\n'
        'world_seed: int = 0  # draws the parts\nkind: Literal["short", "full"] = "short"  # full scales numbers too\n'
        "n_parts: int = 4  # of the work\nseconds: float = 0.0  # that a part takes",
        ("parameters",),
    ),
    ("code", 'import rmkit\n\njob = rmkit.open_job("02_parts", globals())\njob', ()),
    ("code", "import os\nimport time\n\nimport pandas as pd\n\nfrom rmkit.numbers import Numbers", ()),
    (
        "code",
        'shards = job.shards("draws")\nnames = [f"part-{number}" for number in range(n_parts)]\n'
        "for name in names:\n    if shards.get(name) is None:\n"
        '        assert name != os.environ.get("RMKIT_TEST_FAIL"), f"{name} is not to be had"\n'
        '        with open(os.environ["RMKIT_TEST_COMPUTED"], "a") as computed:\n            print(name, file=computed)\n'
        "        time.sleep(seconds)\n"
        '        shards.put(name, pd.DataFrame({"draw": job.rng(name).normal(size=3)}))\n'
        'draws = pd.concat([shards.get(name) for name in names])["draw"].tolist()\n'
        'job.cost("drawing", draws=len(draws), bytes=8.0 * len(draws))',
        (),
    ),
    (
        "code",
        'job.save("draws", Numbers(draws))\nif kind == "full":\n'
        '    job.save("scaled", Numbers([number * draws[0] for number in job.load("numbers").values]))',
        (),
    ),
    (
        "code",
        'rows = pd.DataFrame({"fit": names, "metric": "draw", "value": draws[::3], "reason": None, "units": 3})\n'
        "job.record(rows)",
        (),
    ),
]
GRANDCHILD = """import subprocess, sys, os
code = "import time, sys\\nwhile True:\\n    open(sys.argv[1], 'a').write('x'); time.sleep(0.1)"
subprocess.Popen(
    [sys.executable, "-c", code, os.environ["RMKIT_TEST_TICKS"]], start_new_session=True, stdout=subprocess.DEVNULL
)"""


def write_notebook(path: Path, cells) -> None:
    document = {
        "cells": [
            {
                "cell_type": kind,
                "id": f"cell-{number}",
                "metadata": {"tags": list(tags)} if tags else {},
                "source": source.splitlines(keepends=True),
                **({"execution_count": None, "outputs": []} if kind == "code" else {}),
            }
            for number, (kind, source, tags) in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")


@cache
def compiled_package() -> Path:
    """This checkout's rmkit, compiled: else each of the processes that a run starts compiles it for itself."""
    compileall.compile_dir(REPOSITORY / "rmkit", quiet=2)  # what is up to date stays
    return REPOSITORY / "rmkit"


def copy_package(folder: Path) -> None:
    """A copy of rmkit with its compiled form, which a file that a test changes leaves behind by its time and size.

    What another process is writing meanwhile (`name.pyc.12345`) is left out.
    """
    shutil.copytree(compiled_package(), folder, ignore=shutil.ignore_patterns("*.pyc.*"))


@dataclass
class SmallProject:
    root: Path

    @classmethod
    def make(cls, root: Path, *, seeds=(0, 1)) -> "SmallProject":
        root.mkdir(parents=True, exist_ok=True)
        copy_package(root / "rmkit")
        stages = root / "rmkit/stages/graph.py"
        source = stages.read_text(encoding="utf-8")
        start, end = source.index("# An artifact's format is"), source.index("def holds")
        stages.write_text(source[:start] + STAGES + "\n\n" + source[end:], encoding="utf-8")
        for name, text in {
            "numbers": NUMBERS, "adding": ADDING, "powers": POWERS, "unreached": UNREACHED, "figures/bars": FIGURE,
        }.items():  # fmt: skip
            (root / f"rmkit/{name}.py").write_text(text, encoding="utf-8")
        for folder in ("notebooks", "params", "data"):
            (root / folder).mkdir()
        write_notebook(root / "notebooks/00_numbers.ipynb", FIRST)
        write_notebook(root / "notebooks/01_sums.ipynb", SECOND)
        write_notebook(root / "notebooks/02_parts.ipynb", THIRD)
        (root / "data/numbers.json").write_text("[1, 2, 3]", encoding="utf-8")
        project = cls(root)
        project.study(axes={"seed": list(seeds)}, stages={"00_numbers": None, "01_sums": None})
        return project

    def copy(self, root: Path) -> "SmallProject":
        shutil.copytree(self.root, root)
        return SmallProject(root)

    def study(self, name: str = "small", **content) -> None:
        (self.root / f"params/{name}.yaml").write_text(json.dumps(content), encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RMKIT", "COV"))}
        return {**inherited, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1", **more}

    def start(self, *arguments: str, before: Sequence[str] = (), **environment: str) -> subprocess.Popen:
        """`rmkit ARGUMENTS`, running; it ends with a test that fails. before: what the command is the argument of."""
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "rmkit.cli", *arguments],
            cwd=self.root,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        STARTED.append(process)
        return process

    def rmkit(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        with self.start(*arguments, **environment) as process:
            try:
                out, err = process.communicate(timeout=300)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def run(self, **environment: str) -> subprocess.CompletedProcess:
        return self.rmkit("run", "params/small.yaml", "--no-report", **environment)

    def executions(self) -> list[dict]:
        log = self.root / "runs/executions.jsonl"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    def executed(self, done=lambda project: project.run()) -> list[str]:
        """The stages of the jobs that a command executes, sorted."""
        before = len(self.executions())
        ended = done(self)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return sorted(execution["key"].rpartition("-")[0] for execution in self.executions()[before:])
