"""A notebook's result cells with the parameters that a test gives, a job that keeps what is saved, and no store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rmkit.study.planning.notebook import declared, read_notebook

ROOT = Path(__file__).resolve().parents[1]


class KeepingJob:
    """What a notebook asks of its job: it loads what it is given, keeps what is saved, and draws from fixed seeds."""

    def __init__(self, scratch: Path, inputs: Mapping[str, Any] | None = None) -> None:
        self.scratch, self.inputs, self.saved = scratch, inputs or {}, {}

    def path(self, name: str) -> Path:
        return ROOT / name

    def load(self, name: str) -> Any:
        return self.inputs[name]

    def save(self, name: str, artifact: Any) -> None:
        self.saved[name] = artifact

    def rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng(list(purpose.encode()))

    def progress(self, what: str) -> None:
        return None

    shards = progress

    def tally(self, *args: Any, **kwargs: Any) -> None:
        pass

    cost = tally


def run_cells(name: str, job: KeepingJob, until: str, **parameters: Any) -> dict[str, Any]:
    """Execute result cells with the notebook's defaults but for these parameters, until a cell has assigned or saved
    `until`; gives what the cells have assigned.
    """
    notebook = read_notebook(ROOT / "notebooks" / f"{name}.ipynb")
    schema = declared(notebook)
    assert set(parameters) <= set(schema), f"{name} declares no {set(parameters) - set(schema)}"
    names: dict[str, Any] = {key: item.default for key, item in schema.items()} | parameters | {"job": job}
    for cell in notebook.result_cells():
        if "open_job" not in cell.source:
            exec(compile(cell.source, f"{name}, cell {cell.number}", "exec"), names)
        if until in names or until in job.saved:
            return names
    raise AssertionError(f"{name} never assigns or saves {until}")
