"""YAML as people write it: one reader for studies, `--set`, findings and grammar files; every mistake one sentence.

Knows YAML; not what a value is for.
"""

from collections.abc import Hashable
from typing import Any

import yaml

from rmkit.errors import ParamsError


def parsed_yaml(text: str, where: str) -> Any:
    """A YAML text's value, or a ParamsError of one line."""
    try:
        return yaml.load(text, Loader=_loader(where))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise ParamsError(f"{where}:{line} not YAML: {problem}") from None


def _loader(where: str) -> type[yaml.SafeLoader]:
    """PyYAML's safe loader, which here refuses a key that is listed twice instead of keeping the last."""

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                line = f"{where}: line {key.start_mark.line + 1}"
                if not isinstance(key, yaml.ScalarNode):
                    raise ParamsError(f"{line}: a key must be a name")
                if key.value in seen:
                    raise ParamsError(f"{line}: {key.value} is listed twice; keep one")
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    return Loader
