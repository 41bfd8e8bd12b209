"""Which names a cell binds at its own level, and which of them its code may read, by Python's rules of scope.

Knows source text; no notebook, no tag. The compiler's own table of symbols (`symtable`) decides, after two rewritings:
since Python 3.12 it counts a comprehension's variables as the cell's own, but not a generator expression's (PEP 709),
and of `x += 1` it says only that `x` is bound. Source: the language reference, "Naming and binding".
"""

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Names:
    """The names of one cell at the level where cells share them."""

    bound: frozenset[str]  # assigned, imported, defined or deleted, by `global` in a function too
    read: frozenset[str]  # read there, or in a function, class or comprehension that takes them from there


@lru_cache(maxsize=1024)
def names_of(source: str) -> Names:
    """The names that a cell binds and reads, in its functions too, called or not; SyntaxError if it is no Python.

    In doubt a name counts as read: in a class body that binds it too, say, where only the order of lines tells.
    """
    tree = ast.fix_missing_locations(_Rewritten().visit(ast.parse(source)))
    cell, *inner = _tables(symtable.symtable(ast.unparse(tree), "cell", "exec"))
    bound = {symbol.get_name() for symbol in cell.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    read = {symbol.get_name() for symbol in cell.get_symbols() if symbol.is_referenced()}
    for table in inner:
        for symbol in table.get_symbols():
            if symbol.is_declared_global() and symbol.is_assigned():
                bound.add(symbol.get_name())
            own = table.get_type() == "class" and symbol.is_assigned()  # read before it is bound, it is the cell's
            if symbol.is_referenced() and (symbol.is_global() or own):
                read.add(symbol.get_name())
    return Names(frozenset(bound), frozenset(read))


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


class _Rewritten(ast.NodeTransformer):
    """Comprehensions as generator expressions, `x += y` as `x = x + y`: the same names, told alike everywhere."""

    def _comprehension(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        made = ast.Tuple([node.key, node.value], ast.Load()) if isinstance(node, ast.DictComp) else node.elt
        return ast.GeneratorExp(made, node.generators)

    visit_ListComp = visit_SetComp = visit_DictComp = _comprehension

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        return ast.Assign([node.target], ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value))
