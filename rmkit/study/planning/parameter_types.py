"""The types that a parameter may have, and how a value is brought into one: int, float, str, bool, Literal, list, None.

Knows annotations as syntax trees and values as Python literals; no YAML, no notebook.
"""

import ast
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rmkit.errors import ParamsError, not_one_of, quoted
from rmkit.files.yaml_texts import NO_CHARACTER

SCALARS = {"int": int, "float": float, "str": str, "bool": bool}
NAMED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "nothing",
    list: "a list",
}
NUMBER_AS_TEXT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+")  # 1e-3, which YAML 1.1 reads as text


@dataclass(frozen=True)
class Kind:
    """One parameter's type: a scalar name, or `Literal` with choices, or `list` of a kind; `optional` admits None."""

    name: str
    choices: tuple[Any, ...] = ()
    of: "Kind | None" = None
    optional: bool = False

    def __str__(self) -> str:
        text = {"Literal": f"one of {', '.join(map(str, self.choices))}", "list": f"a list, each {self.of}"}.get(
            self.name, NAMED.get(SCALARS.get(self.name, object), self.name)
        )
        return f"{text}, or null" if self.optional else text

    def conform(self, value: Any, where: str) -> Any:
        """The value in this type (1 becomes 1.0 for a float), or a ParamsError that says what would be right."""
        if value is None and self.optional:
            return None
        if self.name == "Literal":
            for choice in self.choices:
                if type(choice) is type(value) and choice == value:
                    return choice
            raise ParamsError(f"{where}: {not_one_of(value, self.choices)}")
        return self._list(value, where) if self.of else self._scalar(value, where)

    def admits(self, value: Any) -> bool:
        """Whether the value conforms."""
        try:
            self.conform(value, "")
        except ParamsError:
            return False
        return True

    def _list(self, value: Any, where: str) -> list[Any]:
        assert self.of is not None
        if not isinstance(value, list | tuple):
            if isinstance(value, str) and value.startswith("["):
                raise ParamsError(
                    f"{where}: {quoted(value)} is text, not a list; papermill reads a list by -y, not by -p"
                )
            remedy = f"a list; write [{'null' if value is None else value}]" if self.of.admits(value) else str(self)
            if self.of.name == "str":  # whether a name is known, only the notebook can say: none is suggested
                remedy = "a list; lists are written in brackets, as [a, b]"
            raise ParamsError(f"{where}: {quoted(value)} is {_named(value)}, not {remedy}")
        return [self.of.conform(item, f"{where}[{position}]") for position, item in enumerate(value)]

    def _scalar(self, value: Any, where: str) -> Any:
        wanted = SCALARS[self.name]
        is_small = type(value) is int and abs(value) < 2**1000
        if wanted is float and (is_small or (isinstance(value, str) and NUMBER_AS_TEXT.fullmatch(value))):
            value = float(value)
        if type(value) is not wanted:
            raise ParamsError(f"{where}: {quoted(value)} is {_named(value)}, not {self}")
        if isinstance(value, str) and (found := NO_CHARACTER.search(value)):
            raise ParamsError(
                f"{where}: {quoted(value)} holds U+{ord(found[0]):04X}, which is no character; take it out"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ParamsError(f"{where}: {quoted(value)} is not a finite number")
        return value or wanted()  # -0.0 is 0.0: two jobs would differ in nothing


def any_of(kinds: Sequence[Kind]) -> Kind:
    """What a parameter may be in one stage or another: all their choices where each is a `Literal`, else the first."""
    if any(kind.name != "Literal" for kind in kinds):
        return kinds[0]
    choices = {repr(choice): choice for kind in kinds for choice in kind.choices}  # 1 and True stay two
    return Kind("Literal", tuple(choices.values()), optional=any(kind.optional for kind in kinds))


def kind_of(annotation: ast.expr, where: str) -> Kind:
    """The Kind that an annotation declares, or a ParamsError that lists what a parameter may be."""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        sides = [annotation.left, annotation.right]
        others = [side for side in sides if not (isinstance(side, ast.Constant) and side.value is None)]
        if len(others) == 1:
            kind = kind_of(others[0], where)
            return Kind(kind.name, kind.choices, kind.of, optional=True)
    if isinstance(annotation, ast.Name) and annotation.id in SCALARS:
        return Kind(annotation.id)
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        if annotation.value.id == "list":
            return Kind("list", of=kind_of(annotation.slice, where))
        if annotation.value.id == "Literal":
            try:
                choices = ast.literal_eval(annotation.slice)
                return Kind("Literal", choices=choices if isinstance(choices, tuple) else (choices,))
            except (ValueError, TypeError):
                raise ParamsError(f"{where}: `{ast.unparse(annotation)}`: its choices must be literals") from None
    raise ParamsError(
        f"{where}: `{ast.unparse(annotation)}` is not a parameter's type; use int, float, str, bool, Literal[...], "
        "list[...] or one of them with `| None`"
    )


def _named(value: Any) -> str:
    return NAMED.get(type(value), f"a {type(value).__name__}")
