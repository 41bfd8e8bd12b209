"""What a piece of code does, as one digest: the same under every Python, whatever its comments and layout.

Knows syntax trees of `ast`; no file, no import. The text that `ast.unparse` gives would not do: it differs between
Python 3.11 and 3.12 wherever an f-string holds quotes. Source of what differs in the trees: both parsed and compared.
"""

import ast
import hashlib
from typing import Any

LITERALS = (ast.Constant, ast.MatchSingleton)
MAY_HAVE_A_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# `ctx` follows from a name's place, `kind` is the u of u"text", and the others hold comments.
SAY_NOTHING = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


def text_digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def tree_digest(tree: ast.AST) -> str:
    """The digest of a syntax tree: comments, layout, quotes, docstrings and the version of Python do not count.

    One thing differs because Python 3.12 itself reads it differently: a backslash in the format of a raw f-string.
    """
    return text_digest(_text(tree))


def _text(value: Any) -> str:
    """A node, a list of nodes, or what else a field holds: two trees have one text only if they are one program.

    A field that is None, empty or 0 is left out, so one that older Pythons lack (`type_params`) changes nothing.
    """
    if isinstance(value, list):
        return f"[{','.join([_text(item) for item in value])}]"
    if not isinstance(value, ast.AST):
        return ascii(value)  # not `repr`, which escapes what this version's Unicode does not know
    if isinstance(value, LITERALS):
        return f"{type(value).__name__}({value.value!a})"
    fields = []
    for name in value._fields:
        if name not in SAY_NOTHING and (held := _counted(value, name)):
            fields.append(f"{name}={_text(held)}")
    return f"{type(value).__name__}({','.join(fields)})"


def _counted(node: ast.AST, name: str) -> Any:
    """What a field of a node holds, without a docstring, and without the empty texts that 3.12 has in f-strings."""
    if name == "body" and isinstance(node, MAY_HAVE_A_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
        return node.body[1:] or [ast.Pass()]
    if name == "values" and isinstance(node, ast.JoinedStr):
        return [part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")]
    return getattr(node, name, None)
