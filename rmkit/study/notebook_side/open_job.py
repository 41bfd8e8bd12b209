"""The job that a notebook is, from the notebook's side: checked parameters, inputs, and one way to hand results over.

Three callers, one path. Under `rmkit run` a job file named in the environment gives the folder and the inputs; in
JupyterLab and under plain papermill there is none, and the result is a draft: computed anew, kept under runs/drafts/,
never an upstream of anything. This module moves bytes; it computes nothing.
"""

import json
import math
import os
import pkgutil
import re
import secrets
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.artifacts.shards import Shards, file_name
from rmkit.errors import ParamsError, ResultError, StoreError, did_you_mean, one_of, quoted
from rmkit.machine.hardware import limit_threads
from rmkit.seeding import generator
from rmkit.stages.graph import ARTIFACTS, ROWS, STAGES, holds
from rmkit.study.monitoring.words import counted, in_lines
from rmkit.study.notebook_side.building import build_upstream
from rmkit.study.notebook_side.drafts import plan_draft, study_sizes
from rmkit.study.notebook_side.gathered import Gathered, tallies
from rmkit.study.notebook_side.result_rows import wrong_with
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.notebook import SEEDS, Declared, declared, read_notebook
from rmkit.study.planning.plan import settled
from rmkit.study.planning.project import Project, find_project, study_path
from rmkit.study.planning.study_file import STUDY, load_study
from rmkit.study.store.disk import disk_faults, write_text
from rmkit.study.store.progress import Progress
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

JOB_FILE = "RMKIT_JOB_FILE"
SCRATCH = "scratch"  # in a job's folder, never published


class OpenJob(Gathered):
    """What a notebook holds while it runs: `load`, `save`, `record`, `tally`, `rng`, `progress`, `shards`, `cost`.

    For work that keeps its own states, `kept` too. A stage that gathers also has `gathered`, `rows` and `evaluations`.
    """

    def __init__(self, *, project: Project, stage: str, parameters: Mapping[str, Any], job: Mapping[str, Any]) -> None:
        super().__init__(stage, job.get("gathered", ()))
        self.project = project
        self.parameters = dict(parameters)
        self.key: str = job["key"]
        self.draft: bool = job["draft"]
        self.folder = Path(job["folder"])
        self.rows_path = self.folder / ROWS
        self.inputs = {name: Path(folder) for name, folder in job["inputs"].items()}
        self._partial = Path(job["partial"])
        self._progress_file = Path(job["progress"]) if job.get("progress") else None
        self._tallies: list[dict[str, Any]] = []
        self._work: list[dict[str, Any]] = []

    def load(self, name: str) -> Any:
        """The input artifact `name`, as the class of its format; ResultError if the stage declares no such input."""
        if name not in self.inputs:
            raise ResultError(f"{self.stage}: no input {name!r}; rmkit/stages/graph.py gives it {_listed(self.inputs)}")
        artifact = STAGES[self.stage].artifact(name, self.parameters)
        return pkgutil.resolve_name(ARTIFACTS[artifact]).load(self.inputs[name])

    def save(self, name: str, value: Any) -> None:
        """Store an output artifact, once; ResultError if it is no output of this job or is another's class."""
        outputs = STAGES[self.stage].outputs
        if name not in outputs:
            raise ResultError(f"{self.stage}: no output {name!r}; rmkit/stages/graph.py gives it {_listed(outputs)}")
        if not holds(outputs[name], self.parameters):
            when = " and ".join(f"{key} is {_listed(map(repr, values))}" for key, values in outputs[name].items())
            has = ", ".join(f"{key} = {quoted(self.parameters.get(key))}" for key in outputs[name])
            raise ResultError(f"{self.stage}: no output {name!r} with {has}; rmkit/stages/graph.py has it when {when}")
        wanted = pkgutil.resolve_name(ARTIFACTS[name])
        if not isinstance(value, wanted):
            raise ResultError(f"{self.stage}: {name} is a {type(value).__name__}, not a {wanted.__name__}")
        folder = self.folder / "artifacts" / name
        if folder.exists():
            raise ResultError(f"{self.stage}: {name} was saved already; save it in one call")
        with disk_faults(folder):
            folder.mkdir(parents=True)
            value.save(folder)

    def record(self, rows: "pd.DataFrame") -> None:
        """Store the job's result rows, once: columns fit, metric, value, reason, units, and whatever varied inside it.

        The job's parameters are added as `param_*` (a list as one JSON text), with `job` and `stage`. ResultError, and
        nothing stored, if a column lacks, a value is missing without a reason, or two rows are the same measurement.
        """
        if problem := wrong_with(rows):
            raise ResultError(f"{self.stage}: {problem}")
        if self.rows_path.exists():
            raise ResultError(f"{self.stage}: this job's rows were recorded already; record them in one call")
        parameters = {
            f"param_{name}": canonical(value) if isinstance(value, list) else value
            for name, value in self.parameters.items()
        }
        complete = rows.assign(**parameters, job=self.key, stage=self.stage)
        complete = complete.astype({"value": "float64", "reason": "str", "units": "int64"})
        with disk_faults(self.rows_path):
            complete.to_parquet(self.rows_path, index=False)
        counts = f"{counted(rows['metric'].nunique(), 'metric')}, {counted(rows['fit'].nunique(), 'fit')}"
        place = f", in {self.project.shown(self.rows_path)}" if self.draft else ""
        print(in_lines(f"{self.stage}: {counted(len(rows), 'row')} recorded, {counts}{place}"))

    def tally(
        self,
        what: str,
        *,
        came_in: int,
        went_out: int,
        dropped: Mapping[str, int] | None = None,
        told: Sequence[str] = (),
    ) -> None:
        """Log how many rows came in, went out and were dropped, and why; ResultError if the counts do not add up.

        told: what else is to be said of these rows, a clause each.
        """
        dropped = {reason: int(count) for reason, count in (dropped or {}).items() if count}
        if came_in - sum(dropped.values()) != went_out:
            raise ResultError(
                f"{self.stage}: {what}: {came_in} in, {went_out} out, but dropped {dropped}: these do not add up"
            )
        counts = {"what": what, "in": int(came_in), "out": int(went_out), "dropped": dropped}
        self._tallies.append(counts | ({"told": list(told)} if told else {}))
        with disk_faults(self.folder):
            write_text(self.folder / "tallies.json", json.dumps(self._tallies, indent=1))
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "none dropped"
        print(in_lines("; ".join([f"{self.stage}: {what}: {came_in} in, {went_out} out ({reasons})", *told])))

    def rng(self, purpose: str, *, of: str = "") -> "np.random.Generator":
        """The generator of one purpose: the same for the same seed, stage and purpose, independent of all others.

        The seed is the parameter `seed`, or `world_seed` where the stage declares that instead; where it declares both,
        another world has other draws too. A stage that was once part of another draws from the other's streams.
        of: the one seed that counts, as `world_seed` for what all seeds of a world share.
        """
        seeds = {name: self.parameters[name] for name in SEEDS if name in self.parameters and of in ("", name)}
        if not seeds:
            raise ResultError(f"{self.stage}: declares no {' or '.join(SEEDS)}, so nothing in it may be random")
        first, *others = seeds.values()
        stage, *more = STAGES[self.stage].streams or (self.stage,)
        return generator(first, stage, purpose, *(f"world {other}" for other in others), *more)

    def progress(self, what: str) -> Progress:
        """A bar to be called with (done, total); other processes see it too."""
        return Progress(what, self._progress_file)

    def shards(self, what: str) -> Shards:
        """Where long work keeps its finished parts: a job that was killed goes on from them, if its key is the same.

        They are no result, and are removed once the job is done. Those of a draft stay in its folder.
        """
        return JobShards(self._partial / file_name(what))

    def kept(self, what: str) -> Path:
        """A folder for the states of long work that keeps its own, as checkpoints of a training; it may not exist yet.

        It lasts as `shards` do: a job that was killed finds in it what it left, and it goes once the job is done.
        """
        return self._partial / file_name(what)

    @property
    def scratch(self) -> Path:
        """A folder for what is made on the way, as a trainer's files; it goes when the job ends, a draft's stays."""
        folder = self.folder / SCRATCH
        with disk_faults(folder):
            folder.mkdir(exist_ok=True)
        return folder

    def cost(self, what: str, **measures: float) -> None:
        """Note what a part of the work took, never a result: `job.cost("sampling", seconds=12.3, tokens=40_000)`."""
        plain = {name: value.item() if hasattr(value, "item") else value for name, value in measures.items()}
        for name, value in plain.items():
            if not (isinstance(value, int | float) and math.isfinite(value)):
                raise ResultError(f"{self.stage}: cost of {what}: {name} is {quoted(value)}; give a finite number")
        self._work.append({"what": what, **plain})
        with disk_faults(self.folder):
            write_text(self.folder / "costs.json", json.dumps({"work": self._work}))

    def path(self, given: str) -> Path:
        """A declared data file: relative paths start at the project."""
        return self.project.root / given

    def __repr__(self) -> str:
        kind = "draft (nothing of it enters the store)" if self.draft else "job"
        made: dict[Path, list[str]] = {}  # by the folder of the job that an input comes from
        for name, folder in self.inputs.items():
            made.setdefault(folder.parents[1], []).append(name)
        inputs = [in_lines(f"  {_listed(names)} from {_maker(job)}") for job, names in made.items()]
        counts = Counter(other["stage"] for other in self._gathered_jobs)
        gathered = [f"  results of {stage} from {n} job{'s' * (n > 1)}" for stage, n in counts.items()]
        kept = [f"  kept in {self.project.shown(self.folder)}"] if self.draft else []
        return "\n".join([f"{self.stage}: {kind} {self.key}", *inputs, *gathered, *kept])


class JobShards(Shards):
    """Shards whose disk faults are one sentence."""

    def put(self, name: str, table: "pd.DataFrame") -> None:
        with disk_faults(self.folder):
            super().put(name, table)


def open_job(stage: str, namespace: dict[str, Any]) -> OpenJob:
    """Check the declared parameters in `namespace`, write them back normalised, and find or build what is needed."""
    given = _order_of_the_runner()
    project = Project(Path(given["project"])) if given else find_project()
    one_of(stage, STAGES, "open_job: stage")
    path = project.notebook(stage)
    schema = declared(read_notebook(path, project.shown(path)))
    values = _checked_values(stage, schema, namespace)
    if given is None:
        values, given = _draft(project, stage, schema, values)
    elif problem := _disagreement(stage, values, given):
        raise ParamsError(problem)
    limit_threads(STAGES[stage].threads)
    namespace.update(values)
    parameters = {name: value for name, value in values.items() if name != STUDY}
    return OpenJob(project=project, stage=stage, parameters=parameters, job=given)


def _order_of_the_runner() -> dict[str, Any] | None:
    """The job file that the runner named in the environment, or None for a draft."""
    job_file = os.environ.get(JOB_FILE)
    if not job_file:
        return None
    try:
        return json.loads(Path(job_file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{JOB_FILE}={job_file} names no job file ({error}); unset it to compute a draft") from None


def _checked_values(stage: str, schema: Mapping[str, Declared], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The declared names' values from the notebook's namespace, in their types; unknown injected names are refused."""
    for name in _injected(namespace):
        if name not in schema:
            raise ParamsError(
                f"{stage}: {name} is not a parameter; these are: {_listed(schema)}{did_you_mean(name, schema)}"
            )
    if absent := [name for name in schema if name not in namespace]:
        raise ParamsError(f"{stage}: {_listed(absent)} not set; run the cell tagged `parameters` first")
    return {name: item.kind.conform(namespace[name], f"{stage}: {name}") for name, item in schema.items()}


def _injected(namespace: Mapping[str, Any]) -> list[str]:
    """The names given from outside: all of a plain dict, and what papermill's own cell assigns in a kernel."""
    if "__name__" not in namespace:
        return list(namespace)
    cells = [cell for cell in namespace.get("In", []) if cell.startswith("# Parameters\n")]
    return [name for cell in cells for name in re.findall(r"^(\w+) = ", cell, re.MULTILINE)]


def _disagreement(stage: str, values: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """How a notebook under the runner differs from the job that it was started for."""
    if given["stage"] != stage:
        return f"this notebook opens {stage!r} and was run as {given['stage']!r}; open the stage of its own name"
    if sys.prefix != given["prefix"]:
        return f"the kernel runs from {sys.prefix}, and rmkit from {given['prefix']}; start both from one environment"
    for name, value in given["parameters"].items():
        if values[name] != value:
            was = f"{quoted(values[name])} in the notebook and {quoted(value)} in the study"
            return f"{stage}: {name} is {was}; assign it in no cell but parameters"
    return None


def _draft(
    project: Project, stage: str, schema: Mapping[str, Declared], values: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The resolved values and the job of a draft: its inputs from the study, built there if they are not yet."""
    values = settled(stage, study_sizes(project, stage, schema, values), schema)
    path = study_path(project, values[STUDY])
    study = load_study(path, project.shown(path))
    parameters = {name: value for name, value in values.items() if name != STUDY}
    study, job = plan_draft(project, study, stage, parameters)
    store = Store(project.store)
    store.prepare()
    build_upstream(project, store, study, job)
    handed = store.handed(job)
    folder = store.root / "drafts" / f"{stage}-{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(3)}"
    with disk_faults(folder):
        folder.mkdir(parents=True)
    made = {"key": store.key_of(job), "draft": True, "folder": str(folder), "partial": str(folder / "partial")}
    return values, {**made, **handed}


def _maker(job: Path) -> str:
    """A finished job by the name of its folder, with what it counted."""
    counts = "; ".join(f"{tally['what']} {tally['in']} in, {tally['out']} out" for tally in tallies(job))
    return f"{job.name}" + (f": {counts}" if counts else "")


def _listed(names: Any) -> str:
    return ", ".join(names) or "none"
