"""Which modules of rmkit a job's code can reach, as syntax trees without docstrings: the code part of a job's key.

Static: reads files and parses them, imports nothing. Stops at the rooms that cannot change a result. A dictionary of
names as text (`{"linear_bt": "rmkit.reward_models.linear.bradley_terry:LinearBradleyTerry"}`) is followed only for the
names that the job's parameters or code mention, so that a new head or strategy leaves the others' results alone.
"""

import ast
import re
from collections import deque
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from functools import cache, lru_cache
from importlib.util import resolve_name
from pathlib import Path

from rmkit.errors import ParamsError
from rmkit.layering import ROOMS
from rmkit.study.planning.tree_digest import text_digest, tree_digest

# What lies here cannot change a result: it says what went wrong, names things, moves bytes, or shows what was computed.
CANNOT_CHANGE_A_RESULT = frozenset(room.name for room in ROOMS.values() if not room.counts)
TARGET = re.compile(r"(rmkit(?:\.\w+)+):\w+")


def reached(
    trees: Iterable[ast.Module],
    names: Iterable[str],
    also: Iterable[str],
    package: Path,
    *,
    without: Container[str] = CANNOT_CHANGE_A_RESULT,
) -> dict[str, str]:
    """{module: digest} of every rmkit module that code can reach.

    trees: the notebook's result cells. names: texts among the parameters' values, which choose from dictionaries of
    names. also: targets ("rmkit.artifacts.bank:ResponseBank") reached besides, the formats of the job's artifacts.
    package: the folder of rmkit's source. without: the rooms that it stops at.
    """
    trees = list(trees)
    said = [_said(tree) for tree in trees]
    chosen = frozenset(names).union(*(texts for texts, _ in said))
    todo = [module for _, asked in said for module in _modules(asked, package)]
    todo += [module for target in also for module in _with_parents(target.partition(":")[0], package)]
    seen: dict[str, str] = {}
    while todo:
        module = todo.pop()
        room = module.split(".")[1] if "." in module else ""
        if module in seen or room in without:
            continue
        seen[module], imported = _module(module, chosen, package)
        todo += imported
    return dict(sorted(seen.items()))


def _module(name: str, chosen: frozenset[str], package: Path) -> tuple[str, list[str]]:
    """A module's digest and the modules that it leads to, its dictionaries of names cut down to the chosen ones."""
    path = module_file(name, package)
    assert path is not None
    stat = path.stat()
    tree_digested, imported, dictionaries = _parsed(path, name, package, stat.st_mtime_ns, stat.st_size)
    mentioned = {entry: target for entries in dictionaries for entry, target in entries.items() if entry in chosen}
    followed = [module for target in mentioned.values() for module in _with_parents(target.partition(":")[0], package)]
    return text_digest(tree_digested + ascii(sorted(mentioned.items()))), [*imported, *followed]


@cache
def _parsed(
    path: Path, name: str, package: Path, _mtime: int, _size: int
) -> tuple[str, list[str], list[dict[str, str]]]:
    """The digest of a file's tree without dictionaries of names, its imports, those dictionaries."""
    tree = parsed(name, package)
    dictionaries = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and (entries := _names_as_text(node)):
            dictionaries.append(entries)
            node.keys, node.values = [], []
    package_name = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return tree_digest(tree), list(_modules(imported(tree, package_name), package)), dictionaries


def parsed(name: str, package: Path) -> ast.Module:
    """The syntax tree of a module of rmkit; ParamsError, with the line, if it is no Python."""
    path = module_file(name, package)
    assert path is not None
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        shown = path.relative_to(package.parent)
        raise ParamsError(f"{shown}{line}: not Python ({getattr(error, 'msg', error)})") from None


def _names_as_text(node: ast.Dict) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(value, ast.Constant)):
            return {}
        texts[str(key.value)] = str(value.value)
    return texts if all(TARGET.fullmatch(text) for text in texts.values()) else {}


def imported(tree: ast.AST, package_name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Each module that a tree imports, inside functions too, with the names that are asked of it."""
    for node in statements(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield resolve_name(base, package_name) if node.level else base, [alias.name for alias in node.names]


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """The tree and all statements in it, in the order of `ast.walk`; without expressions, in a tenth of its time."""
    todo = deque([tree])
    while todo:
        yield (node := todo.popleft())
        for part in ("body", "handlers", "orelse", "finalbody", "cases"):
            if isinstance(inner := getattr(node, part, None), list):  # of an expression it is none
                todo.extend(inner)


@lru_cache(maxsize=1024)
def _said(tree: ast.Module) -> tuple[frozenset[str], list[tuple[str, list[str]]]]:
    """The texts in a cell and what it imports: asked again for every job of its stage."""
    return frozenset(texts_in(tree)), list(imported(tree))


def _modules(asked: Iterable[tuple[str, list[str]]], package: Path) -> Iterator[str]:
    """The rmkit modules among what is imported, with the packages on the way."""
    for base, names in asked:
        for name in (base, *(f"{base}.{name}" for name in names)):
            if name.split(".")[0] == "rmkit":
                yield from _with_parents(name, package)


def _with_parents(name: str, package: Path) -> list[str]:
    parts = name.split(".")
    candidates = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return [candidate for candidate in candidates if module_file(candidate, package)]


def module_file(name: str, package: Path) -> Path | None:
    """The file of a module of rmkit, or None if there is no such module."""
    path = package.joinpath(*name.split(".")[1:])
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        with suppress(OSError):  # a name may be longer than any file's
            if name and candidate.is_file():
                return candidate
    return None


def texts_in(tree: ast.AST) -> set[str]:
    """Every text that a tree holds."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
