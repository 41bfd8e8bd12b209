"""How papermill reads a parameters cell: by Python's own grammar, where its pattern misses `Literal` and `| None`.

papermill loads what installed packages offer as engines when it is imported, and so finds this module (pyproject.toml,
`papermill.engine`). What is offered is papermill's usual engine; what matters is the translator that is registered
here. With it, `papermill -p world grammar` warns of no declared parameter, and `--help-notebook` lists all of them.
"""

import ast
import io
import tokenize
from typing import Any

from papermill.engines import NBClientEngine as NBClientEngine
from papermill.models import Parameter
from papermill.translators import PythonTranslator, papermill_translators


class GrammarTranslator(PythonTranslator):
    """papermill's translator for Python, but for how it reads a parameters cell."""

    @classmethod
    def inspect(cls, parameters_cell: Any) -> list[Parameter]:
        """The parameters that a cell assigns: name, type, default, and the comment on the last line of each.

        parameters_cell: a notebook's cell, a mapping with `source`. A cell that is not plain Python is left to
        papermill's pattern.
        """
        source = parameters_cell["source"]
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            return super().inspect(parameters_cell)
        comments = {
            token.start[0]: token.string.lstrip("# ").strip()
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT
        }
        return [parameter for node in tree.body for parameter in _parameters(node, comments)]


def _parameters(node: ast.stmt, comments: dict[int, str]) -> list[Parameter]:
    """What one statement assigns: `name: type = value` or `name = value`."""
    if not (isinstance(node, ast.Assign | ast.AnnAssign) and node.value):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    kind = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else "None"  # papermill's word for unknown
    about = kind, ast.unparse(node.value), comments.get(node.end_lineno or node.lineno, "")
    return [Parameter(target.id, *about) for target in targets if isinstance(target, ast.Name)]


papermill_translators.register("python", GrammarTranslator)
