"""Whether the code that a study names can be there: what is wrong with a registry's entry or a cell, in a sentence.

A registry is a dictionary of names as text ("module:Class"; `stages.graph.NAMED`). Static: parses the registry, the
module and what that imports of rmkit, and imports nothing, so it takes milliseconds where torch takes seconds. What
only an import shows is left to the run (processes/named_imports).
"""

import ast
import builtins
import re
import symtable
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rmkit.errors import ParamsError, did_you_mean, not_one_of
from rmkit.stages.graph import NAMED
from rmkit.study.planning.cell_names import Names, names_of
from rmkit.study.planning.notebook import read_notebook, tree_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.reached_code import TARGET, imported, module_file, parsed, statements

OF_EVERY_MODULE = frozenset(dir(builtins))
OF_EVERY_CELL = frozenset({"In", "Out", "display", "get_ipython"})


@dataclass(frozen=True)
class Entry:
    """One entry of a registry that a job names."""

    registry: str  # its file, as messages show it
    name: str
    target: str  # "module:Class"
    protocol: str  # "module:Class", of what the registry promises

    def __str__(self) -> str:
        return f"{self.registry}: {self.name!r} is {self.target!r}"


def named_entries(jobs: Iterable[PlannedJob], package: Path, where: str) -> list[Entry]:
    """The entries that the jobs' parameters name, each once; ParamsError for a name that its registry does not have.

    package: the folder of rmkit's source.
    """
    found: dict[Entry, None] = {}
    for job in jobs:
        for parameter in job.parameters.keys() & NAMED.keys():
            (registry, _, dictionary), protocol = NAMED[parameter][0].partition(":"), NAMED[parameter][1]
            shown = f"rmkit/{'/'.join(registry.split('.')[1:])}.py"
            entries = _entries(_tree(registry, package), dictionary, shown)
            value = job.parameters[parameter]
            for name in value if isinstance(value, list) else [value]:
                if name not in entries:
                    raise ParamsError(
                        f"{where}: {job.stage}: {parameter}: {not_one_of(name, entries)}, as {shown} says"
                    )
                found[Entry(shown, name, entries[name], protocol)] = None
    return list(found)


def check_named(jobs: Iterable[PlannedJob], package: Path, where: str) -> None:
    """ParamsError for the first entry that a job names and that cannot be what its registry promises."""
    for entry in named_entries(jobs, package, where):
        if fault := _fault(entry.name, entry.target, entry.protocol, package):
            raise ParamsError(f"{entry}, {fault}")


def check_cells(jobs: Iterable[PlannedJob], project: Project) -> None:
    """ParamsError for the first cell of the jobs' notebooks that reads a name, or imports one, that is nowhere.

    In which order the cells come is not looked at.
    """
    for stage in dict.fromkeys(job.stage for job in jobs):
        notebook = read_notebook(project.notebook(stage), project.shown(project.notebook(stage)))
        bound = OF_EVERY_CELL.union(*(names_of(cell.source).bound for cell in notebook.cells))
        trees = {cell: tree_of(notebook, cell) for cell in notebook.cells}
        stars = any(names == ["*"] for tree in trees.values() for _, names in imported(tree))
        for cell, tree in trees.items():
            start = f"{notebook.where}: cell {cell.number}"
            if missing := next(_not_importable(tree, "", project.package), None):
                raise ParamsError(f"{start} imports {missing}")
            if not stars and (undefined := _undefined(tree, names_of(cell.source).read - bound)):
                raise ParamsError(f"{start} uses {undefined!r}, which no cell imports or defines")


def _fault(name: str, target: object, protocol: str, package: Path) -> str | None:
    """What is wrong with one entry: a clause, or None."""
    if not isinstance(target, str) or not TARGET.fullmatch(target):
        return 'which is not "rmkit.folder.module:Class"; code outside rmkit would not count in the keys of jobs'
    module, _, class_name = target.partition(":")
    if not module_file(module, package):
        parent = module_file(module.rpartition(".")[0], package)
        beside = [path.stem for path in parent.parent.glob("*.py")] if parent else []
        return f"and there is no module {module}{did_you_mean(module.rpartition('.')[2], beside)}"
    names = _names(module, package)
    if class_name not in names.bound:
        return f"and {module} has no {class_name}{did_you_mean(class_name, names.bound)}"
    tree = _tree(module, package)
    if undefined := _undefined(tree, names.read - names.bound):
        return f"and {module} uses {undefined!r}, which it neither imports nor defines"
    if missing := next(_not_importable(tree, module.rpartition(".")[0], package), None):
        return f"and {module} imports {missing}"
    promising, _, promise = protocol.partition(":")
    has, needs = _members(module, class_name, package), _members(promising, promise, package) or {}
    if has is not None and (lacks := [member for member in needs if member not in has]):
        return f"and {class_name} lacks {', '.join(lacks)}, which {protocol.replace(':', '.')} asks for"
    said = (has or {}).get("name")
    if isinstance(said, str) and said != name:
        return f"and the `name` of {class_name} is {said!r}; call both the same"
    return None


def _entries(tree: ast.Module, dictionary: str, shown: str) -> dict[str, Any]:
    """A registry's dictionary; ParamsError if it is anything but literals."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if dictionary in map(ast.unparse, targets):
                with suppress(ValueError, TypeError):
                    return dict(ast.literal_eval(node.value))
    raise ParamsError(f'{shown}: {dictionary} is not a dictionary of texts, as {{"name": "rmkit.folder.module:Class"}}')


@cache
def _exported(module: str, package: Path, _as_it_is: tuple[int, int]) -> set[str]:
    """What a module binds at its own level, in a fraction of the time of `_names`."""
    path = module_file(module, package)
    assert path is not None
    try:
        table = symtable.symtable(path.read_text(encoding="utf-8"), module, "exec")
    except (SyntaxError, ValueError):
        parsed(module, package)  # says which line is not Python
        raise
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def _undefined(tree: ast.Module, names: Collection[str]) -> str | None:
    """The first of the names that code reads and nothing binds, or None.

    names: what it reads and does not bind at its own level. What a class body binds it may read, and `import *` may
    bind anything.
    """
    if any(names == ["*"] for _, names in imported(tree, "rmkit")):
        return None
    bodies = ["\n".join(map(ast.unparse, node.body)) for node in statements(tree) if isinstance(node, ast.ClassDef)]
    known = OF_EVERY_MODULE.union(*(names_of(body).bound for body in bodies))
    return min((name for name in names if name not in known and not name.startswith("_")), default=None)


def _names(module: str, package: Path) -> Names:
    """What a module binds and reads at its own level."""
    return _read(module, package, _as_it_is(module, package))[1]


def _tree(module: str, package: Path) -> ast.Module:
    return _read(module, package, _as_it_is(module, package))[0]


def _as_it_is(module: str, package: Path) -> tuple[int, int]:
    path = module_file(module, package)
    assert path is not None
    return path.stat().st_mtime_ns, path.stat().st_size


@cache
def _read(module: str, package: Path, _as_it_is: tuple[int, int]) -> tuple[ast.Module, Names]:
    tree = parsed(module, package)
    return tree, names_of(ast.unparse(tree))


def _not_importable(tree: ast.Module, package_name: str, package: Path) -> Iterator[str]:
    """What code imports that is not there, in words; what it tries to import is its own affair."""
    tried = {id(each) for node in statements(tree) if isinstance(node, ast.Try) for each in statements(node)}
    kept = [
        node for node in statements(tree) if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in tried
    ]
    for base, names in imported(ast.Module(list(kept), []), package_name):
        if base.split(".")[0] != "rmkit":
            if find_spec(base.split(".")[0]) is None:
                yield f"{base}, which is not installed"
        elif not module_file(base, package):
            yield f"{base}, and there is no such module"
        else:
            bound = _exported(base, package, _as_it_is(base, package))
            for name in names:
                if name != "*" and name not in bound and not module_file(f"{base}.{name}", package):
                    yield f"{name} from {base}, which has no such name{did_you_mean(name, bound)}"


def _members(module: str, class_name: str, package: Path) -> dict[str, object] | None:
    """{name: its text, if it is one} of what a class and its bases define, or None if a base lies beyond rmkit."""
    tree = _tree(module, package)
    defined = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name]
    if not defined:
        origins = {name: base for base, names in imported(tree, module.rpartition(".")[0]) for name in names}
        origin = origins.get(class_name, "")
        return _members(origin, class_name, package) if module_file(origin, package) else None
    found: dict[str, object] = {}
    for base in (re.sub(r"\[.*", "", ast.unparse(base)) for base in defined[0].bases):
        if base not in ("Protocol", "Generic"):
            inherited = _members(module, base, package)
            if inherited is None:
                return None
            found |= inherited
    for node in defined[0].body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = None
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            text = node.value.value if isinstance(node.value, ast.Constant) else None
            found |= {ast.unparse(target): text for target in targets}
    return {name: text for name, text in found.items() if not name.startswith("_")}
