"""The reward models by name, in plain sight: the choices in a study file, in the error message and in the tests.

Knows where each head lives, as text, and imports only the one that is asked for: a job's key then depends on the heads
that it uses and on no other.
"""

import dataclasses
import importlib
from collections.abc import Sequence
from typing import Any

from rmkit.errors import DataError, cut, one_of
from rmkit.reward_models.protocol import ListedHead, RewardModel, Storable

REWARD_MODELS = {
    "linear_bt": "rmkit.reward_models.linear.bradley_terry:LinearBradleyTerry",
    "mlp_bt": "rmkit.reward_models.mlp.bradley_terry:MLPBradleyTerry",
    "mlp_clf": "rmkit.reward_models.mlp.classifier:MLPClassifier",
    "lightgbm_clf": "rmkit.reward_models.trees.classifier:LightGBMClassifier",
    "lightgbm_bt": "rmkit.reward_models.trees.bradley_terry:LightGBMBradleyTerry",
    "mlp_bt_ensemble": "rmkit.reward_models.ensembles.mlp_bt:MLPBradleyTerryEnsemble",
    "lightgbm_bt_ensemble": "rmkit.reward_models.ensembles.lightgbm_bt:LightGBMBradleyTerryEnsemble",
}

# Heads made of other heads: they are stored and loaded as all others, and are no choice of their own.
MADE_OF_HEADS = ("rmkit.reward_models.kept_dimensions:KeptDimensions",)


def reward_model_class(name: str) -> type[ListedHead]:
    """The class behind a name, imported now, or a ParamsError that lists the names there are."""
    return class_at(REWARD_MODELS[one_of(name, REWARD_MODELS, "reward_model")])


def class_at(target: str) -> type[ListedHead]:
    """The class that a text "module:Class" names, imported now; DataError for one that is not in the registry.

    The text may come from a file of someone else's, so that no other module is ever imported by it.
    """
    if not _known(target):
        raise DataError(f"{cut(str(target))}: is no reward model of rmkit; those are {', '.join(REWARD_MODELS)}")
    module, _, class_name = target.partition(":")
    found: type[ListedHead] = getattr(importlib.import_module(module), class_name)
    return found


def target_of(model: RewardModel) -> str | None:
    """The text by which `class_at` finds a model's class; None if that is not in the registry, or cannot be saved."""
    target = f"{type(model).__module__}:{type(model).__qualname__}"
    return target if _known(target) and isinstance(model, Storable) else None


def _known(target: str) -> bool:
    return target in REWARD_MODELS.values() or target in MADE_OF_HEADS


def build(name: str, **options: Any) -> ListedHead:
    """A reward model by name, not fitted yet; ParamsError for a name or an option that it does not have."""
    for option in options:
        one_of(option, options_of(name), f"an option of reward_model {name}")
    model_class: Any = reward_model_class(name)
    built: ListedHead = model_class(**options)
    return built


def build_heads(names: Sequence[str], *, procedure: str = "sound") -> dict[str, RewardModel]:
    """Reward models by name, not fitted yet, to which heads of one's own may be added.

    procedure: how they are trained, for the heads that have one, or whose members do; ParamsError as for `build`.
    """
    return {name: build(name, **_with_procedure(name, procedure)) for name in names}


def _with_procedure(name: str, procedure: str) -> dict[str, Any]:
    options = options_of(name)
    if "procedure" in options:
        return {"procedure": procedure}
    return {"options": {"procedure": procedure}} if "options" in options else {}


def options_of(name: str) -> list[str]:
    """The options that a reward model has, by name; ParamsError as for `reward_model_class`."""
    model_class: Any = reward_model_class(name)
    return [field.name for field in dataclasses.fields(model_class) if field.init]
