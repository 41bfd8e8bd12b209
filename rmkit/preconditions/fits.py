"""How many reward models a job of each stage fits: by its own parameters, and those of what it learns from.

Numbers only, known before any job has run. An ensemble counts as one. An unknown parameter of another stage adds
nothing.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

from rmkit.active.pools_of_rules import JUDGED, WITHIN_PROMPT, defined_in

Known = Mapping[str, Any]

# What a strategy's choice of a batch costs beside a linear fit, of about a tenth of a second: those above a half, by
# `benchmarks/active.py --strategies`. Rules within a prompt take a third of a fit, all others less.
DEAR_CHOICES = {
    **{"batch_bald": 20.0, "e_optimal": 18.0, "coreset": 1.1, "d_optimal_exchange": 1.0, "c_optimal": 0.9},
    **{"v_optimal": 0.8, "a_optimal": 0.7, "coreset_published": 0.6},
}


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


def work_of_active_labeling(own: Known, fits: int) -> float:
    """05: its fits in linear ones: beside a network's fit no choice counts, beside a linear one some do.

    own: parameters of 05 itself; one that is not among them, as of a job of before it was there, adds nothing.
    """
    if own.get("reward_model", "linear_bt") != "linear_bt":
        return fits
    pools = [JUDGED] if own.get("world") == "hh_rlhf" else own.get("pools", [])
    choosing = [name for pool in pools for name in defined_in(own.get("strategies", []), pool)]
    per_round = sum(DEAR_CHOICES.get(name, 1 / 3 if name in WITHIN_PROMPT else 0.0) for name in choosing)
    return fits + own.get("n_rounds", 0) * per_round


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
