"""What the notebooks of a run import from elsewhere, so that one process can import it for all of them.

Static: parses notebooks and rmkit's own modules, imports nothing. The names that are asked of a package count too, for
some load their parts only then.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from rmkit.study.planning.notebook import read_notebook
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.reached_code import module_file

Import = tuple[str, tuple[str, ...]]  # a module, and the names that are asked of it
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
    found: dict[str, set[str]] = defaultdict(set)
    todo: set[Path] = set()
    for stage, modules in {(job.stage, tuple(job.code["modules"])) for job in jobs}:
        trees = [_parsed(cell.source) for cell in read_notebook(project.notebook(stage)).cells]
        here = [each for tree in trees if tree for each in imported(tree)]
        todo |= _collected([*here, *((module, ()) for module in modules)], found, project.package)
    seen: set[Path] = set()
    while todo:
        path = todo.pop()
        seen.add(path)
        todo |= _collected(_imports_of_file(path, path.stat().st_mtime_ns), found, project.package) - seen
    if "pandas" in found:
        found["pyarrow.parquet"] |= set()  # which pandas imports when it reads or writes rows
    if "torch" in found:
        found["torch._dynamo"] |= set()  # which torch imports when an optimiser is made: seconds
    return OF_EVERY_JOB | {module: sorted(names) for module, names in sorted(found.items())}


def imported(tree: ast.AST) -> Iterator[Import]:
    """What a tree imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, tuple(alias.name for alias in node.names)


def _collected(imports: Iterable[Import], found: dict[str, set[str]], package: Path) -> set[Path]:
    """Add what lies elsewhere to `found`; return the files of rmkit's own modules, to be looked through next."""
    own = set()
    for module, names in imports:
        if module.split(".")[0] == "rmkit":
            files = [module_file(name, package) for name in (module, *(f"{module}.{name}" for name in names))]
            own |= {file for file in files if file}
        elif module.split(".")[0] not in sys.stdlib_module_names:
            found[module] |= set(names)
    return own


@cache
def _imports_of_file(path: Path, _mtime: int) -> tuple[Import, ...]:
    tree = _parsed(path.read_text(encoding="utf-8"))
    return tuple(imported(tree)) if tree else ()


def _parsed(source: str) -> ast.Module | None:
    """The tree of a cell or file, or None if it is no plain Python: the job that needs it will say so."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None
