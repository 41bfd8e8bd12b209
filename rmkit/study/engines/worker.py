"""One job, executed by a process of its own: `python -m rmkit.study.engines.worker`, with the order on standard input.

The fork server calls `work` instead, with the order as its argument. Takes the lock, runs the notebook through
papermill in a temporary folder, and renames that folder into the store: the job is there whole or not at all. What the
runner must know, an `error` in the last line or a `warning` in any, is JSON on standard output. The process and all
that it starts carry RMKIT_JOB=<execution>.
"""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rmkit import errors
from rmkit.errors import JobError, RmkitError
from rmkit.machine.processes import end_processes
from rmkit.stages.graph import STAGES
from rmkit.study.notebook_side.open_job import JOB_FILE, SCRATCH
from rmkit.study.planning.key_changes import differences
from rmkit.study.planning.keys import code_of
from rmkit.study.planning.notebook import declared, read_notebook
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import STUDY
from rmkit.study.processes.private_folders import PrivateFolder
from rmkit.study.store import locks
from rmkit.study.store.disk import append_line, disk_faults, disk_sentence, read_json, write_text
from rmkit.study.store.store import Store

DIED_AT_ITS_START = "Kernel died"  # what jupyter_client says of a kernel that never answered
LOCKED = 3  # the exit code that says: somebody else executes this job


def work(order: dict[str, Any]) -> int:
    """Execute the job that the order describes; 0 done, 1 failed, LOCKED."""
    store = Store(Path(order["store"]))
    owner = locks.Owner(order["execution"], order["plan_id"])
    try:
        with disk_faults(store.root), locks.held(store, owner) as is_ours:
            if not is_ours:
                return LOCKED
            try:
                if not store.finished(order["key"]):
                    execute(store, order)
            finally:
                end_processes(owner.execution)
    except RmkitError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    return 0


def execute(store: Store, order: dict[str, Any]) -> None:
    """Run the notebook and publish what it made; JobError, with the notebook kept, if it fails."""
    started = time.time()
    start = {name: order[name] for name in ("execution", "plan_id", "key")} | {"pid": os.getpid(), "time": started}
    append_line(store.root / "executions.jsonl", json.dumps(start))
    check_unchanged(order)
    made = store.root / "tmp" / order["execution"]
    made.mkdir()
    job_file = store.root / "locks" / order["plan_id"] / "job.json"
    places = {"folder": made, "partial": store.partial(order["key"]), "progress": job_file.with_name("progress.json")}
    write_text(job_file, json.dumps({**order, **{name: str(path) for name, path in places.items()}}))
    os.environ[JOB_FILE] = str(job_file)
    try:
        kernel_peak = run_notebook(order, made / "notebook.ipynb")
        shutil.rmtree(made / SCRATCH, ignore_errors=True)
        end_processes(order["execution"])  # what a cell left running must not write into what is published
        check_outputs(order, made)
        check_unchanged(order)
    except JobError as error:
        sentence = "; ".join(filter(None, [str(error), forget_doubtful_parts(store, order)]))
        raise JobError(f"{sentence}; notebook kept: {keep_failure(store, order['plan_id'], made, sentence)}") from None
    except BaseException:
        forget_doubtful_parts(store, order)
        shutil.rmtree(made, ignore_errors=True)
        raise
    seconds = time.time() - started
    children_peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    peak = max(kernel_peak, children_peak)  # a forked kernel is its keeper's child
    costs = made / "costs.json"
    work = read_json(costs).get("work", [])  # what `job.cost` noted
    write_text(costs, json.dumps({"seconds": round(seconds, 3), "peak_memory_bytes": peak, "work": work}))
    kept = ("stage", "study", "plan_id", "parameters", "ingredients", "execution", "fits")
    manifest = {name: order[name] for name in kept}
    environment = {**order["machine"], "threads": order["threads"], "device": STAGES[order["stage"]].device}
    store.publish(made, order["key"], {**manifest, "environment": environment, "started": started, "seconds": seconds})
    store.forget_parts(order["key"])
    shutil.rmtree(store.root / "failed" / order["plan_id"], ignore_errors=True)


def run_notebook(order: dict[str, Any], output: Path) -> int:
    """Execute the notebook by papermill, in a kernel of this interpreter; JobError says what broke.

    Returns the most memory that forked kernels used, in bytes; of others the system tells.
    """
    from rmkit.study.processes.kernels import FORKED_KERNELS, kernel_manager
    from rmkit.study.processes.papermill_import import DeadKernelError, papermill

    source = Path(order["project"]) / "notebooks" / f"{order['stage']}.ipynb"
    given = {**order["parameters"], STUDY: order["study"]}
    names = declared(read_notebook(source))
    parameters = {name: value for name, value in given.items() if name in names}
    with PrivateFolder() as folder:
        os.environ["IPYTHONDIR"] = str(folder)  # no start-up file of somebody's home runs in a job
        try:
            papermill.execute_notebook(
                as_papermill_formats(source),
                as_papermill_formats(output),
                parameters=parameters,
                cwd=source.parent,
                kernel_name="python3",
                progress_bar=False,
                kernel_manager_class=kernel_manager(folder),
                shutdown_kernel="immediate",
            )
        except papermill.PapermillExecutionError as error:
            number = error.cell_index + 1 - bool(parameters)  # papermill puts the parameters into a cell of their own
            raise JobError(f"{order['title']}: cell {number}: {_sentence(error)}") from None
        except RuntimeError as error:  # of which DeadKernelError is one
            if not (isinstance(error, DeadKernelError) or str(error).startswith(DIED_AT_ITS_START)):
                raise
            raise JobError(f"{order['title']}: its kernel died (out of memory, or killed)") from None
    return max((kernel.peak_memory_bytes for kernel in FORKED_KERNELS), default=0)


def as_papermill_formats(path: Path) -> str:
    """A path that stays what it is when papermill formats it: braces would name parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


def check_unchanged(order: Mapping[str, Any]) -> None:
    """JobError if code or data are not those of the key: what they make must not be stored under it."""
    planned = order["ingredients"]
    now = code_of(Project(Path(order["project"])), order["stage"], order["parameters"], order["named_above"])
    if changes := list(differences(planned, {**planned, **now})):
        raise JobError(f"{order['title']}: changed since the run was planned: {'; '.join(changes)}; run again")


def forget_doubtful_parts(store: Store, order: Mapping[str, Any]) -> str:
    """Remove a failed job's finished parts if code or data changed while it ran: they may be those of another key.

    Returns what to say of it, nothing where no part went.
    """
    try:
        check_unchanged(order)
    except RmkitError:
        if store.partial(order["key"]).exists():
            store.forget_parts(order["key"])
            return "its finished parts were deleted, for code or data changed while it ran"
    return ""


def check_outputs(order: dict[str, Any], made: Path) -> None:
    """JobError if the notebook ended without an artifact, or the rows, that its stage declares."""
    if STAGES[order["stage"]].rows and not (made / "rows.parquet").exists():
        raise JobError(f"{order['title']}: ended without `job.record(rows)`, which its stage declares")
    for name in STAGES[order["stage"]].saved(order["parameters"]):
        if not (made / "artifacts" / name).is_dir():
            raise JobError(f"{order['title']}: ended without `job.save({name!r}, ...)`, which its stage declares")


def keep_failure(store: Store, plan_id: str, made: Path, sentence: str) -> Path:
    """Move the failed job's folder where its notebook can be read; returns the notebook's path."""
    place = store.root / "failed" / plan_id
    shutil.rmtree(place, ignore_errors=True)
    shutil.rmtree(made / SCRATCH, ignore_errors=True)
    try:
        made.rename(place)
        keep_failure_note(store, plan_id, f"{sentence}; notebook kept: {place / 'notebook.ipynb'}")
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise JobError(f"{sentence} (and {disk_sentence(error, place)})") from None
    return place / "notebook.ipynb"


def keep_failure_note(store: Store, plan_id: str, sentence: str) -> None:
    """Write down how a job failed, for `rmkit status`, where the disk allows it."""
    with suppress(OSError):
        folder = store.root / "failed" / plan_id
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "error.json", json.dumps({"error": sentence, "time": time.time()}))


def _sentence(error: Any) -> str:
    """The exception of a cell as one line; a user's mistake speaks for itself, a bug is named by its type."""
    first = str(error.evalue).strip().splitlines()[0] if str(error.evalue).strip() else "no message"
    return first if hasattr(errors, error.ename) else f"{error.ename}: {first}"


if __name__ == "__main__":
    sys.exit(work(json.load(sys.stdin)))
