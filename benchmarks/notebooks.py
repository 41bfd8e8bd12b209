"""What does it cost to execute a notebook, beside what the notebook itself computes? rmkit against plain papermill.

A notebook that imports what reward-model notebooks import and adds up three numbers, executed once for each seed:

  papermill      `papermill.execute_notebook` in one process, one after the other, with a fresh kernel each
  fresh          `rmkit run --fresh-kernels`: the same, with a process, a lock, checks, checksums and a store around it
  forked         `rmkit run`: job process and kernel forked from a server that has imported the packages

The three take turns, so that a busy minute hits all of them. Seconds a notebook are from the start of the first job to
the end of the last, one at a time; the server's own start, once a run, is a row of its own. No notebook computes
anything, so all of it is overhead.

Run: python benchmarks/notebooks.py  (about 5 minutes on two cores; --rounds 1 for a look)
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.small_project import SmallProject

IMPORTS = {
    "nothing": [],
    "torch": ["import torch"],
    "torch, transformers, TRL": [
        "import torch",
        "from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer",
        "from trl import RewardTrainer, SFTTrainer",
    ],
}
PAPERMILL = """
import sys, time, papermill
notebook, out, seeds = sys.argv[1], sys.argv[2], [int(text) for text in sys.argv[3:]]
papermill.execute_notebook(notebook, out, parameters={"seed": 999_999}, progress_bar=False)  # to load what it needs
started = time.monotonic()
for seed in seeds:
    papermill.execute_notebook(notebook, out, parameters={"seed": seed}, progress_bar=False)
print((time.monotonic() - started) / len(seeds))
"""


def project(folder: Path, imports: list[str]) -> SmallProject:
    """A project whose second notebook imports these."""
    made = SmallProject.make(folder)
    lines = "".join(f'", "{line}\\n' for line in imports)
    made.edit("notebooks/01_sums.ipynb", "import time\\n", f"import time\\n{lines}")
    made.study(stages={"00_numbers": None})
    run(made)
    return made


def run(made: SmallProject, *options: str) -> str:
    ended = made.rmkit("run", "small", "--no-report", "--workers", "1", *options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def by_papermill(made: SmallProject, seeds: list[int]) -> float:
    """Seconds a notebook by plain papermill; what it takes from upstream is in the store already."""
    made.study(axes={"seed": seeds}, stages={"00_numbers": None, "01_sums": None})
    command = [
        sys.executable,
        "-c",
        PAPERMILL,
        str(made.root / "notebooks/01_sums.ipynb"),
        str(made.root / "out.ipynb"),
    ]
    ended = subprocess.run(
        [*command, *map(str, seeds)], cwd=made.root, env=made.environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return float(ended.stdout.strip().splitlines()[-1])


def by_rmkit(made: SmallProject, seeds: list[int], *options: str) -> tuple[float, float]:
    """Seconds a notebook by `rmkit run`, and seconds from the run's start to its first job's."""
    made.study(axes={"seed": seeds}, stages={"00_numbers": None, "01_sums": None})
    run(made, *options)
    newest = max((made.root / "runs/runs").glob("*/events.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    events = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    starts = [event["time"] for event in events if event["event"] == "started"]
    ends = [event["time"] for event in events if event["event"] == "done"]
    assert len(starts) == len(ends) == len(seeds)
    since = json.loads(newest.with_name("card.json").read_text(encoding="utf-8"))["since"]
    return (max(ends) - min(starts)) / len(seeds), min(starts) - since


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--notebooks", type=int, default=6, help="executed in each round by each of the three")
    options = parser.parse_args()
    heads = f"{'papermill':>10} {'fresh':>8} {'forked':>8} {'papermill / forked':>20} {'server starts in':>17}"
    print(f"{'imports':26} {heads}")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, imports) in enumerate(IMPORTS.items()):
            made = project(Path(folder) / str(number), imports)
            rounds = []
            for turn in range(options.rounds):
                seeds = [list(range(start, start + options.notebooks)) for start in (1000 * turn, 1000 * turn + 500)]
                plain = by_papermill(made, seeds[0])
                fresh, _ = by_rmkit(made, seeds[0], "--fresh-kernels")
                forked, server = by_rmkit(made, seeds[1])
                rounds.append((plain, fresh, forked, plain / forked, server))
            plain, fresh, forked, ratio, server = (statistics.median(column) for column in zip(*rounds, strict=True))
            spread = f"{min(row[3] for row in rounds):.1f} to {max(row[3] for row in rounds):.1f}"
            print(
                f"{name:26} {plain:8.2f} s {fresh:6.2f} s {forked:6.2f} s {ratio:8.1f} ({spread}) {server:15.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
