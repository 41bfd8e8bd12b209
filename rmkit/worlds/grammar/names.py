"""The names of this world's models, and whether a study's parameters name models that there are.

Knows names only, so that `rmkit check` can answer without loading anything.
"""

from collections.abc import Mapping
from typing import Any

from rmkit.errors import ParamsError, one_of, quoted

BASE_MODELS = ("grammar-s", "grammar-m", "grammar-l")
ENCODER = "grammar-encoder"
GOLD_MODEL = "grammar-gold"


def check_base_models(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError unless 00_grammar_world is asked for base models that exist, each once."""
    names = parameters["base_models"]
    for position, name in enumerate(names):
        one_of(name, BASE_MODELS, f"{where}: base_models[{position}]")
    if not names or len(set(names)) < len(names):
        raise ParamsError(f"{where}: base_models: {names}; name at least one model, each once")


def check_model_names(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError unless each named model is one that the grammar world makes, or has a slash: a folder, a hub name."""
    made = parameters["base_models"]
    for name in ("base_model", "encoder"):
        known = [*made, ENCODER] if name == "encoder" else made
        if name in parameters and "/" not in parameters[name] and parameters[name] not in known:
            given = f"{where}: {name}: {quoted(parameters[name])}"
            raise ParamsError(
                f"{given} is not made by 00_grammar_world ({', '.join(known)}); add it to base_models there, or give a "
                "folder or hub name with a slash"
            )
    gold = parameters.get("gold_model", GOLD_MODEL)
    if "/" not in gold:
        one_of(gold, (GOLD_MODEL,), f"{where}: gold_model")
