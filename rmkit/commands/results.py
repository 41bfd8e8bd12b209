"""`results`: the result rows of a stage."""

import argparse
from pathlib import Path

from rmkit.commands.request import planned
from rmkit.errors import ResultError, one_of
from rmkit.study.monitoring.selection import stage_named
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store


def results(options: argparse.Namespace) -> int:
    """The tidy result table of a stage, to the screen, CSV or Parquet."""
    project, study, jobs = planned(options)
    stage = stage_named(options.stage, list(dict.fromkeys(job.stage for job in jobs)), "rmkit results")
    from rmkit.study.notebook_side.gathered import Gathered

    stored = Gathered.of_plan("rmkit results", Store(project.store), jobs)
    if stage not in stored.gathered:
        how_far = "`rmkit status` says how far it is"
        raise ResultError(f"{stage}: no finished job of study {study.name} has rows; {how_far}")
    table = stored.rows(stage).assign(study=study.name)
    out: Path | None = options.out
    if out is None:
        print(table.drop(columns=["job", "stage", "study"]).to_string(index=False, max_rows=options.rows))
        return 0
    writers = {".csv": lambda: table.to_csv(out, index=False), ".parquet": lambda: table.to_parquet(out, index=False)}
    writer = writers[one_of(out.suffix, list(writers), f"--out {out}: its ending")]
    with disk_faults(out):
        writer()
    print(f"{out}: {len(table)} rows")
    return 0
