"""Whether 13_policy_training can optimise and track what it is asked to, in the world and population that it takes.

Numbers only, so that a study is refused before any job has run. What an optimiser refuses, it refuses itself
(lm/policy_training/optimisers.py).
"""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from rmkit.errors import ParamsError, check_each_once, told_of
from rmkit.lm.policy_training.optimisers import build_optimiser
from rmkit.preconditions.fits import of_population

COUNTS = ("n_rewards", "n_tracked", "tracked_responses", "track_every", "checkpoint_every")


def check_policy_training(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 13_policy_training asks for more reward models or prompts than there are, or for what cannot be.

    parameters: its own, and those of the world, 02_sampling and 06_accuracy_vs_policy that it takes from, if known.
    """
    known = ChainMap[str, Any](counts, parameters)  # type: ignore[arg-type]
    with told_of(where):
        build_optimiser(parameters["optimiser"], parameters)
    for name in COUNTS:
        if parameters[name] < 1:
            raise ParamsError(f"{where}: {name}: {parameters[name]}; it must be 1 or more")
    check_distances(parameters, where)
    if parameters.get("embedded_text", "truncated") != "truncated":
        raise ParamsError(
            f"{where}: embedded_text: {parameters['embedded_text']} in 02_sampling; a policy is optimised for rewards "
            "of answers up to the next turn, say truncated"
        )
    if parameters.get("gold", "rule") != "rule":
        raise ParamsError(f"{where}: gold: {parameters['gold']} in 02_sampling; here gold is the rule, say rule")
    if "accuracy" not in parameters.get("measures", ["accuracy"]):
        raise ParamsError(f"{where}: measures: 06_accuracy_vs_policy must measure accuracy, by which models are chosen")
    n_rewards, n_among = parameters["n_rewards"], parameters["n_among"]
    if n_among is not None and n_among < n_rewards:
        raise ParamsError(f"{where}: n_among: {n_among}, of which n_rewards are {n_rewards}; give as many or more")
    if "n_draws" in parameters and max(n_rewards, n_among or 1) > (n_fits := of_population(parameters)):
        name = "n_rewards" if n_rewards > n_fits else "n_among"
        raise ParamsError(f"{where}: {name}: {parameters[name]}, and 06_accuracy_vs_policy fits {n_fits}")
    if "n_test_prompts" in known and "measuring_share" in known:
        n_prompts = known["n_test_prompts"]
        left = n_prompts - round(known["measuring_share"] * n_prompts)
        if parameters["n_tracked"] > left:
            raise ParamsError(f"{where}: n_tracked: {parameters['n_tracked']} prompts, and {left} do not measure")


def check_distances(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless policies are compared at KLs above 0 and no further than they may go."""
    most = parameters["max_kl"]
    if not most > 0:
        raise ParamsError(f"{where}: max_kl: {most}; it must be above 0")
    check_each_once(parameters["compared_kls"], f"{where}: compared_kls")
    for position, nats in enumerate(parameters["compared_kls"]):
        if not 0 < nats <= most:
            raise ParamsError(
                f"{where}: compared_kls[{position}]: {nats} nats; give more than 0 and at most max_kl, {most:g}"
            )
