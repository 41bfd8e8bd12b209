"""How many reward models a job of each stage fits: by its own parameters, and those of what it learns from.

Numbers only, known before any job has run. An ensemble counts as one. An unknown parameter of another stage adds
nothing.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

from rmkit.active.pools_of_rules import JUDGED, defined_in

Known = Mapping[str, Any]


def of_reward_models(known: Known) -> int:
    """04: each head on each number of annotations of each level of noise."""
    return len(known["reward_models"]) * len(known["annotations"]) * _levels_of_noise(known)


def of_human_preferences(known: Known) -> int:
    """09: each head on each number of annotations outside each fold, and the chosen one on all pairs.

    A language model is fitted once for each fold.
    """
    heads = len(known["reward_models"]) * n_counts(known) + bool(known.get("language_model"))
    return heads * known["n_folds"] + bool(known.get("refit"))


def n_counts(known: Known) -> int:
    """How many numbers of annotations: those that are given, or what the folds leave and three parts of it."""
    return 4 if known["annotations"] is None else len(known["annotations"])


def of_validation_split(known: Known) -> int:
    """10: two networks under each split, on every other number of annotations from the most down."""
    alike = known["n_folds"] if known["world"] == "hh_rlhf" else _levels_of_noise(known)
    return 2 * len(known["splits"]) * len(known["annotations"][::2]) * alike


def of_active_labeling(known: Known) -> int:
    """05: each strategy on each pool, at the start and after each round; what people judged is one pool."""
    pools = [JUDGED] if known["world"] == "hh_rlhf" else known["pools"]
    return sum(len(defined_in(known["strategies"], pool)) for pool in pools) * (known["n_rounds"] + 1)


def of_population(known: Known) -> int:
    """06: each kind on each number of annotations of each level of noise and draw, and on each axis beside these.

    Proxies that are made from gold are no fits.
    """
    beside = prod(len(known.get(axis, [0.0])) for axis in ("flips", "length_biases", "kept_dimensions"))
    annotated = len(known["annotations"]) * _levels_of_noise(known) * known["n_draws"]
    return len(known["reward_models"]) * annotated * beside


def of_language_models(known: Known) -> int:
    """12: one language model at each flip rate."""
    return len(known["flips"])


def _levels_of_noise(known: Known) -> int:
    """Those of 03_annotation_noise: sharpnesses, and how often two annotators are to agree."""
    return len(known["betas"]) + len(known.get("agreements", ()))
