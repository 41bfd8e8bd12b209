"""What jobs took on this machine, for those who have measured none yet: writes rmkit/study/store/measured.json.

    python benchmarks/measured_jobs.py [runs/]

Of each set of parameters (seeds apart) the median seconds and bytes of the finished jobs of a store. Jobs whose
notebook declares other parameters by now are left out. `rmkit run --dry-run` reads the file beside the store's jobs.
"""

import argparse
import statistics
from collections.abc import Iterable
from pathlib import Path

from rmkit.machine.hardware import processor, usable_cores
from rmkit.stages.graph import STAGES
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.notebook import SEEDS
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.project import Project, find_project
from rmkit.study.planning.study_file import STUDY
from rmkit.study.store.estimate import SHIPPED, Measured, measured_in
from rmkit.study.store.store import Store


def main() -> None:
    """Write the measurements of a store."""
    project = find_project()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", type=Path, default=project.store)
    groups: dict[str, list[Measured]] = {}
    for one in still_declared(project, measured_in(Store(parser.parse_args().store))):
        name = canonical([one.stage, without_seeds(one)])
        groups.setdefault(name, []).append(one)
    jobs = [
        {
            "stage": group[0].stage,
            "parameters": without_seeds(group[0]),
            "fits": group[0].fits,
            "seconds": round(statistics.median(one.seconds for one in group), 1),
            "bytes": round(statistics.median(one.bytes for one in group)),
        }
        for _, group in sorted(groups.items())
    ]
    lines = ",\n".join(f"  {canonical(job)}" for job in jobs)
    machine = canonical(f"{processor()}, {usable_cores()} cores")
    SHIPPED.write_text(f'{{"machine": {machine}, "jobs": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{SHIPPED}: {len(jobs)} sets of parameters")


def still_declared(project: Project, measured: Iterable[Measured]) -> list[Measured]:
    """The measured jobs whose parameters are those that their stage's notebook declares now."""
    names = {stage: schema_of(project, stage).keys() - {STUDY} for stage in STAGES}
    return [one for one in measured if one.parameters.keys() == names.get(one.stage)]


def without_seeds(one: Measured) -> dict[str, object]:
    """A job's parameters but for its seeds."""
    return {name: value for name, value in one.parameters.items() if name not in SEEDS}


if __name__ == "__main__":
    main()
