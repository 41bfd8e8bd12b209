"""What the notebooks of a run import from elsewhere, so that one process can import it for all of them.

Static: parses notebooks and rmkit's own modules, imports nothing. The names that are asked of a package count too, for
some load their parts only then.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable

from rmkit.study.planning.notebook import read_notebook, tree_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.reached_code import imported, module_file, reached

OF_EVERY_JOB: dict[str, list[str]] = {
    "rmkit.study.engines.worker": [],
    "rmkit.study.processes.papermill_import": [],  # papermill, before anything else imports it
    "rmkit.study.processes.kernels": [],
    "ipykernel.kernelapp": [],
    "ipykernel.debugger": [],
    "ipykernel.ipkernel": [],
    "ipykernel.zmqshell": [],
}


def imports_of(project: Project, jobs: Iterable[PlannedJob]) -> dict[str, list[str]]:
    """{module: names asked of it} of all that these jobs may import from elsewhere, and of what runs a notebook."""
    trees, files = [], set()
    for stage, modules in {(job.stage, tuple(job.code["modules"])) for job in jobs}:
        notebook = read_notebook(project.notebook(stage))
        nodes = [node for cell in notebook.cells for node in ast.walk(tree_of(notebook, cell))]
        cells = ast.Module([node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)], [])
        ours = reached([cells], [], modules, project.package, without=())
        trees.append(cells)
        files |= {file for module in ours if (file := module_file(module, project.package))}
    trees += [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    found: dict[str, set[str]] = defaultdict(set)
    for module, names in (each for tree in trees for each in imported(tree)):
        if module.split(".")[0] not in {"rmkit", *sys.stdlib_module_names}:
            found[module] |= set(names)
    if "pandas" in found:
        found["pyarrow.parquet"] |= set()  # which pandas imports when it reads or writes rows
    if "torch" in found:
        found["torch._dynamo"] |= set()  # which torch imports when an optimiser is made: seconds
    return OF_EVERY_JOB | {module: sorted(names) for module, names in sorted(found.items())}
