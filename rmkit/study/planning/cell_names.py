"""Which names a cell binds at its own level, and which of them its code may read, by Python's rules of scope.

Knows syntax trees of `ast`; no notebook, no tag. The standard `symtable` would not do: since Python 3.12 it counts a
comprehension's variables as the cell's own (PEP 709). Source: the language reference, "Naming and binding".
"""

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Names:
    """The names of one cell at the level where cells share them."""

    bound: frozenset[str]  # assigned, imported, defined or deleted, by `global` in a function too
    read: frozenset[str]  # read there, or in a function, class or comprehension that takes them from there


def names_of(cell: ast.Module) -> Names:
    """The names that a cell binds and reads. What a function binds or reads counts, whether or not it is called.

    In doubt a name counts as read: in a class body that binds it too, say, where only the order of lines tells.
    """
    scopes = _Scopes()
    scopes.visit(cell)
    return Names(
        bound=frozenset(name for scope in scopes.all for name in scope.bound if scope.is_shared(name)),
        read=frozenset(name for scope in scopes.all for name in scope.read if scope.may_be_shared(name)),
    )


@dataclass
class _Scope:
    """A piece of code with names of its own. A cell's own level is the one without an outer scope."""

    kind: Literal["cell", "function", "class", "comprehension"]
    outer: "_Scope | None" = None
    bound: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)

    def is_shared(self, name: str) -> bool:
        """Whether a name that this scope binds is the cell's."""
        return self.outer is None or name in self.declared_global

    def may_be_shared(self, name: str) -> bool:
        """Whether a name that this scope reads may be the cell's: no function around it has one of its own."""
        if self.kind == "class" and name in self.bound:
            return True  # read before it is bound, it is the cell's
        scope = self
        while scope.outer and name not in scope.declared_global:
            own = name in scope.bound and name not in scope.declared_nonlocal
            if own and scope.kind != "class":  # functions in a class do not see its names
                return False
            scope = scope.outer
        return True


class _Scopes(ast.NodeVisitor):
    """Visits a tree and notes each name in the scope that it belongs to."""

    def __init__(self) -> None:
        self.here = _Scope("cell")
        self.all = [self.here]

    @contextmanager
    def _inside(self, kind: Literal["function", "class", "comprehension"]) -> Iterator[None]:
        outer, self.here = self.here, _Scope(kind, self.here)
        self.all.append(self.here)
        yield
        self.here = outer

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        (self.here.read if isinstance(node.ctx, ast.Load) else self.here.bound).add(node.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.here.read.add(node.target.id)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.here.declared_global.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.here.declared_nonlocal.update(node.names)

    def visit_alias(self, node: ast.alias) -> None:
        if node.name != "*":  # which names that binds cannot be seen
            self.here.bound.add(node.asname or node.name.partition(".")[0])

    def _named(self, node: Any) -> None:
        """A node that binds the name it carries as text: `except ... as name`, `case [*name]`, `def f[name]`."""
        if name := node.rest if isinstance(node, ast.MatchMapping) else node.name:
            self.here.bound.add(name)
        self.generic_visit(node)

    visit_ExceptHandler = visit_MatchAs = visit_MatchStar = visit_MatchMapping = _named
    visit_TypeVar = visit_ParamSpec = visit_TypeVarTuple = _named

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        scope = self.here
        while scope.kind == "comprehension" and scope.outer:
            scope = scope.outer
        scope.bound.add(node.target.id)

    def _comprehension(self, node: Any) -> None:
        first, *others = node.generators
        self.visit(first.iter)  # evaluated outside, unlike all that follows
        with self._inside("comprehension"):
            self._visit_all([first.target, *first.ifs, *others])
            self._visit_all(getattr(node, part, None) for part in ("elt", "key", "value"))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all([*node.args.defaults, *node.args.kw_defaults])
        self._body(node.args, [node.body])

    def _function(self, node: Any) -> None:
        self.here.bound.add(node.name)
        self._visit_all([*node.decorator_list, *node.args.defaults, *node.args.kw_defaults])
        with self._type_parameters(node):
            self._visit_all([*(argument.annotation for argument in _arguments(node.args)), node.returns])
            self._body(node.args, node.body)

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def _body(self, arguments: ast.arguments, body: Iterable[ast.AST]) -> None:
        with self._inside("function"):
            self.here.bound.update(argument.arg for argument in _arguments(arguments))
            self._visit_all(body)

    def visit_ClassDef(self, node: Any) -> None:
        self.here.bound.add(node.name)
        self._visit_all(node.decorator_list)
        with self._type_parameters(node):
            self._visit_all([*node.bases, *node.keywords])
            with self._inside("class"):
                self._visit_all(node.body)

    def visit_TypeAlias(self, node: Any) -> None:
        self.visit(node.name)
        with self._type_parameters(node), self._inside("function"):
            self.visit(node.value)

    @contextmanager
    def _type_parameters(self, node: Any) -> Iterator[None]:
        """The scope of `[T]` in `def f[T]`, which Python has from 3.12 on; without them there is none."""
        if not (parameters := getattr(node, "type_params", ())):
            yield
            return
        with self._inside("function"):
            self._visit_all(parameters)
            yield


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    """All arguments of a function, `*args` and `**kwargs` among them."""
    stars = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]
