"""A process that tries inputs, one after another, and prints each outcome as a line of JSON.

It imports rmkit once, from the project in which it tries inputs, so that a fork begins where a command line would have
finished importing. Started by `benchmarks/fuzz.py` and by the tests: python -P -m tests.fuzzing.worker FOLDER TASKS SEED SECONDS
"""

import gc
import importlib
import json
import sys
from contextlib import suppress
from pathlib import Path

from rmkit.errors import RmkitError
from tests.fuzzing.kinds import KINDS, outcomes
from tests.fuzzing.places import STUDIES, Place, place_in

IMPORTED = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "scipy.stats",
    "scipy.signal",
    "rmkit.study.notebook_side.gathered",
    "rmkit.study.monitoring.terminal",
)
PAGES = ("rmkit.report.page", "rmkit.report.gallery")


def main(folder: str, tasks: str, seed: str, seconds: str) -> None:
    """folder: holds a small project and, beside it, its store. tasks: JSON, a list of (kind, numbers)."""
    wanted = json.loads(tasks)
    small = KINDS[wanted[0][0]].small
    place = place_in(Path(folder), small=small)
    warm_up(place, small=small)
    for kind, numbers in wanted:
        for outcome in outcomes(kind, int(seed), numbers, place, float(seconds)):
            print(json.dumps(outcome), flush=True)


def warm_up(place: Place, *, small: bool) -> None:
    """Import what commands import, and plan what checks plan, so that forks need not."""
    for name in ("rmkit.cli", *IMPORTED, *(PAGES if small else ())):
        importlib.import_module(name)
    from rmkit.study.planning.plan import make_plan
    from rmkit.study.planning.project import Project
    from rmkit.study.planning.study_file import load_study

    for name in ("small",) if small else STUDIES:
        with suppress(RmkitError):  # of arrays there are none before an input brings them
            make_plan(Project(place.root), load_study(place.root / f"params/{name}.yaml"))
    gc.freeze()  # what is loaded stays shared between the forks


if __name__ == "__main__":
    main(*sys.argv[1:])
