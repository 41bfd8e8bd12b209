"""Does a run survive the death of any of its processes, at any moment?

A small project with real papermill jobs in three stages is run, and one of its processes is killed at a random moment:
the runner, a job's process, its kernel, the server that they are forked from, the keeper of a fork, or runner and job
together; by SIGKILL, some by SIGTERM or SIGINT. Then the run is started again. What is promised: rows and artifacts are
those of a run in peace, byte for byte; nothing finished is executed again; no process (by the stamp of its job, by what
the run marked, by its process group), no lock and no temporary folder is left. The table has, by victim and signal, the
kills, the jobs that were executing and are lost, and what breaks the promise. Exit code 1 if anything does.

Run: python benchmarks/kills.py  (100 kills, ten minutes on 2 cores; --kills 12 for a look)
"""

import argparse
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.kill_series import VICTIMS, Calm, Case, clear, killed_and_run_again, table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--only", choices=VICTIMS, action="append", help="only this victim")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        calm = Calm.made(Path(name))
        victims = options.only or list(VICTIMS)

        def case(number: int) -> Case:
            folder = Path(name) / str(number)
            folder.mkdir()
            draw = random.Random(f"{options.seed} {number}")
            found = killed_and_run_again(calm, folder, draw, victims[number % len(victims)])
            if found.faults:
                print(f"{number}: {found}", flush=True)
            clear(folder)
            return found

        with ThreadPoolExecutor(options.workers) as pool:
            cases = list(pool.map(case, range(options.kills)))
    print(table(cases))
    print(f"seed {options.seed}, {options.workers} at a time, {time.monotonic() - started:.0f} s")
    return 1 if any(case.faults for case in cases) else 0


if __name__ == "__main__":
    sys.exit(main())
