"""A numbered notebook as text: its cells, its declared parameters, the code that can change a result.

Reads the file and parses it with `ast`; never executes a line, never imports nbformat. What a parameter may be is in
parameter_types.py; who runs the notebook is not known here.
"""

import ast
import io
import symtable
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmkit.errors import ParamsError
from rmkit.files.regular import read_json, why_unreadable
from rmkit.study.planning.cell_names import names_of
from rmkit.study.planning.parameter_types import Kind, kind_of

LOOK = "look"  # the tag of a cell that only looks: it prints or draws, and no later result reads what it assigns
PARAMETERS = "parameters"
SEEDS = ("seed", "world_seed")  # what `job.rng` draws from: one of the two, both together, or none
HANDS_OVER = {"save", "record", "tally"}  # what a job does with results


@dataclass(frozen=True)
class Cell:
    """One code cell; `number` counts all cells from 1, as a reader does."""

    number: int
    source: str
    tags: frozenset[str]


@dataclass(frozen=True)
class Declared:
    """One parameter of the parameters cell: `name: type = literal  # comment`."""

    kind: Kind
    default: Any
    comment: str


@dataclass(frozen=True)
class Notebook:
    """The code cells of one notebook file."""

    path: Path
    where: str  # the path as messages show it
    cells: tuple[Cell, ...]

    def tagged(self, tag: str) -> list[Cell]:
        return [cell for cell in self.cells if tag in cell.tags]

    def result_cells(self) -> list[Cell]:
        """The cells whose code can change a result: all but `parameters` (its values count instead) and `look`."""
        return [cell for cell in self.cells if not cell.tags & {LOOK, PARAMETERS}]


def read_notebook(path: Path, where: str | None = None) -> Notebook:
    """The notebook at `path`, or a ParamsError that says why it cannot be one."""
    where = where or str(path)
    try:
        document = read_json(path)
        cells = [
            Cell(number, "".join(cell["source"]), frozenset((cell.get("metadata") or {}).get("tags", ())))
            for number, cell in enumerate(document["cells"], 1)
            if cell["cell_type"] == "code"
        ]
    except FileNotFoundError:
        raise ParamsError(f"{where}: no such notebook") from None
    except OSError as error:
        raise ParamsError(f"{where}: {why_unreadable(error)}; it must be a Jupyter notebook") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParamsError(f"{where}: not a Jupyter notebook ({type(error).__name__}: {error})") from None
    return Notebook(path, where, tuple(cells))


def declared(notebook: Notebook) -> dict[str, Declared]:
    """The parameters that the notebook declares, in order; ParamsError where the cell is missing or holds code."""
    cells = notebook.tagged(PARAMETERS)
    if len(cells) != 1:
        raise ParamsError(
            f"{notebook.where}: {len(cells) or 'no'} cells are tagged `parameters`; tag the one cell that declares them"
        )
    (cell,) = cells
    lines = cell.source.splitlines()
    tree = tree_of(notebook, cell)
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(cell.source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, Declared] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "typing":
            continue
        line = f"{notebook.where}: parameters: line {node.lineno}"
        if not (isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name)):
            raise ParamsError(f"{line}: `{lines[node.lineno - 1].strip()}` is not `name: type = literal`")
        try:
            default = ast.literal_eval(node.value)
        except (ValueError, TypeError):
            raise ParamsError(f"{line}: the default of {node.target.id} is not a literal") from None
        kind = kind_of(node.annotation, f"{line}: {node.target.id}")
        if node.target.id in found:
            raise ParamsError(f"{line}: {node.target.id} is declared twice; keep one")
        comment = comments.get(node.end_lineno or node.lineno, "")
        found[node.target.id] = Declared(kind, kind.conform(default, f"{line}: {node.target.id}"), comment)
    return found


def result_trees(notebook: Notebook) -> list[ast.Module]:
    """The syntax tree of each result cell that holds code, in order."""
    trees = [tree_of(notebook, cell) for cell in notebook.result_cells()]
    return [tree for tree in trees if tree.body]


def check_look_cells(notebook: Notebook) -> None:
    """ParamsError if a `look` cell could change a result: it binds a name that others read, or alters what is theirs.

    It may import what another cell imports under the same name: that binds the same object twice.
    What a method does to an object (`values.append(0)`) cannot be seen here; it stays the author's word.
    """
    trees = {cell: tree_of(notebook, cell) for cell in notebook.cells}
    results = {cell: names_of(cell.source) for cell in notebook.result_cells()}
    others = results | {cell: names_of(cell.source) for cell in notebook.tagged(PARAMETERS)}
    bound_by_results = {name for names in others.values() for name in names.bound}
    imported = {cell: _imported(trees[cell]) for cell in notebook.cells}
    for look in notebook.tagged(LOOK):
        bound = names_of(look.source).bound - {
            name
            for name, source in imported[look].items()
            if name in bound_by_results
            and all(imported[cell].get(name) == source for cell, names in others.items() if name in names.bound)
        }
        start = f"{notebook.where}: cell {look.number} is tagged `look` but"
        if both := sorted(bound & bound_by_results):
            raise ParamsError(f"{start} assigns {both[0]!r}, which other cells assign too; rename it or remove the tag")
        for node in ast.walk(trees[look]):
            if act := _alters(node, bound):
                raise ParamsError(f"{start} {act}; do that in a cell without the tag")
        for cell, names in results.items():
            if read := sorted(bound & names.read):
                raise ParamsError(
                    f"{notebook.where}: cell {cell.number} reads {read[0]!r}, which cell {look.number}, tagged `look`, "
                    "assigns; move it into a cell without the tag"
                )


def _imported(tree: ast.Module) -> dict[str, tuple[str | None, str]]:
    """What a cell's names are imported from, of those that it binds by one import at its own level and by no more."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not imports:
        return {}
    others = ast.Module([node for node in tree.body if node not in imports], [])
    found: dict[str, list[tuple[str | None, str]]] = {}
    for node in imports:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            found.setdefault(name, []).append((getattr(node, "module", None), alias.name if alias.asname else name))
    once = found.keys() - names_of(ast.unparse(others)).bound
    return {name: found[name][0] for name in once if len(found[name]) == 1}


def _alters(node: ast.AST, bound: frozenset[str]) -> str | None:
    """What a syntax node does to something that a look cell did not make itself, in words, or None."""
    if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
        return "imports *, which may bind any name"
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
        root: ast.expr = node
        while isinstance(root, ast.Subscript | ast.Attribute):
            root = root.value
        if not (isinstance(root, ast.Name) and root.id in bound):
            return f"changes `{ast.unparse(node)}`"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in HANDS_OVER:
        owner = node.func.value
        if isinstance(owner, ast.Name) and owner.id not in bound:
            return f"calls `{ast.unparse(node.func)}`"
    return None


def tree_of(notebook: Notebook, cell: Cell) -> ast.Module:
    """The syntax tree of a cell; ParamsError if it is not plain Python."""
    try:
        symtable.symtable(cell.source, notebook.where, "exec")  # finds what only a compiler does, as a stray `nonlocal`
        return ast.parse(cell.source)
    except ValueError as error:
        raise ParamsError(f"{notebook.where}: cell {cell.number}: {error}") from None
    except SyntaxError as error:
        line = cell.source.splitlines()[(error.lineno or 1) - 1].strip()
        raise ParamsError(
            f"{notebook.where}: cell {cell.number}, line {error.lineno}: `{line}` is not plain Python; a notebook of a "
            "study uses no magics or shell lines"
        ) from None
