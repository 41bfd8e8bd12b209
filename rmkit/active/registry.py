"""The strategies by name, in plain sight: the choices in a study file, in the error message and in the tests.

Knows where each strategy lives, as text, and imports only the one that is asked for: a job's key then depends on the
strategies that it uses and on no other. To add one, write its module and a line here.
"""

import dataclasses
import importlib
from typing import Any

from rmkit.active.candidates import Acquisition
from rmkit.errors import one_of

STRATEGIES = {
    "random": "rmkit.active.strategies.random:Random",
    "max_difference": "rmkit.active.strategies.max_difference:MaxDifference",
    "entropy": "rmkit.active.strategies.entropy:Entropy",
    "min_difference": "rmkit.active.strategies.entropy:Entropy",
    "noisy_level_set": "rmkit.active.strategies.noisy_level_set:NoisyLevelSet",
    "coreset": "rmkit.active.strategies.coreset:Coreset",
    "coreset_published": "rmkit.active.strategies.coreset_published:CoresetPublished",
    "linear_design": "rmkit.active.strategies.linear_design:LinearDesign",
    "d_optimal": "rmkit.active.strategies.d_optimal:DOptimal",
    "d_optimal_exchange": "rmkit.active.strategies.d_optimal_exchange:DOptimalExchange",
    "d_optimal_one_shot": "rmkit.active.strategies.d_optimal_one_shot:DOptimalOneShot",
    "d_optimal_past_one_shot": "rmkit.active.strategies.d_optimal_past_one_shot:DOptimalPastOneShot",
    "a_optimal": "rmkit.active.strategies.a_optimal:AOptimal",
    "v_optimal": "rmkit.active.strategies.v_optimal:VOptimal",
    "c_optimal": "rmkit.active.strategies.c_optimal:COptimal",
    "e_optimal": "rmkit.active.strategies.e_optimal:EOptimal",
    "bald": "rmkit.active.strategies.bald:Bald",
    "batch_bald": "rmkit.active.strategies.batch_bald:BatchBald",
    "delta_ucb": "rmkit.active.strategies.delta_ucb:DeltaUCB",
    "delta_ucb_random_prompts": "rmkit.active.strategies.delta_ucb:DeltaUCB",
    "delta_ucb_published": "rmkit.active.strategies.delta_ucb:DeltaUCB",
    "info_max": "rmkit.active.strategies.info_max:InfoMax",
    "info_max_random_prompts": "rmkit.active.strategies.info_max:InfoMax",
    "info_max_published": "rmkit.active.strategies.info_max:InfoMax",
    "delta_quantile": "rmkit.active.strategies.delta_quantile:DeltaQuantile",
    "delta_quantile_random_prompts": "rmkit.active.strategies.delta_quantile:DeltaQuantile",
    "delta_quantile_published": "rmkit.active.strategies.delta_quantile:DeltaQuantile",
    "max_min_lcb": "rmkit.active.strategies.max_min_lcb:MaxMinLCB",
    "max_min_lcb_random_prompts": "rmkit.active.strategies.max_min_lcb:MaxMinLCB",
    "max_min_lcb_published": "rmkit.active.strategies.max_min_lcb:MaxMinLCB",
    "info_gain": "rmkit.active.strategies.info_gain:InfoGain",
    "info_gain_random_prompts": "rmkit.active.strategies.info_gain:InfoGain",
    "info_gain_published": "rmkit.active.strategies.info_gain:InfoGain",
    "thompson": "rmkit.active.strategies.thompson:Thompson",
    "thompson_published": "rmkit.active.strategies.thompson:Thompson",
    "reverse_thompson": "rmkit.active.strategies.reverse_thompson:ReverseThompson",
    "reverse_thompson_published": "rmkit.active.strategies.reverse_thompson:ReverseThompson",
    "d_optimal_shuffled": "rmkit.active.strategies.d_optimal_shuffled:DOptimalShuffled",
    "distance_only": "rmkit.active.strategies.distance_only:DistanceOnly",
}


FORMS = {  # what an ending of a name changes, of the options that a strategy has
    "_random_prompts": {"prompts": "random"},
    "_published": {"prompts": "random", "uncertainty": "marginal", "draws": "uniform"},
}


def strategy(name: str) -> Acquisition:
    """A strategy by name, or a ParamsError that lists the names there are."""
    module, _, class_name = STRATEGIES[one_of(name, STRATEGIES, "strategy")].partition(":")
    made: Any = getattr(importlib.import_module(module), class_name)
    has = {option.name for option in dataclasses.fields(made)}
    form = next((options for ending, options in FORMS.items() if name.endswith(ending)), {})
    found: Acquisition = made(**{option: value for option, value in form.items() if option in has})
    return found
