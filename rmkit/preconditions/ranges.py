"""What the stages' preconditions share: whether counts, shares, levels of noise and values of n make sense together.

Knows numbers only; no pair, no array.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rmkit.annotation.habits import check_sharpness
from rmkit.errors import ParamsError, check_each_once, told_of

USUAL_SHARE = 0.2  # of the annotations, to validate on
FEW = 1_000  # annotations; where a share needs more, it is the share that is wrong


def made(of: Any, parameters: Mapping[str, Any]) -> Any:
    """A dataclass from the parameters that have its fields' names; it refuses what is amiss with them itself."""
    return of(**{field.name: parameters[field.name] for field in fields(of)})


def check_betas(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless levels of noise are above 0 or null, each once."""
    for position, beta in enumerate(parameters["betas"]):
        with told_of(where):
            check_sharpness(math.inf if beta is None else beta, f"betas[{position}]")
    check_each_once(parameters["betas"], f"{where}: betas")


def check_flips(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless flip rates lie from 0 to below 0.5, where a label says nothing, each once."""
    for position, flip in enumerate(parameters["flips"]):
        if not 0 <= flip < 0.5:
            raise ParamsError(f"{where}: flips[{position}]: {flip}; it must be from 0 to below 0.5")
    check_each_once(parameters["flips"], f"{where}: flips")


def check_counts(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless every number of annotations leaves pairs to train and to validate on."""
    check_share(parameters, where)
    share = parameters["validation_share"]
    for position, count in enumerate(parameters["annotations"]):
        n_validation = int(share * count + 1e-9)
        if count < 1:
            raise ParamsError(f"{where}: annotations[{position}]: {count}; it must be 1 or more pairs")
        if not 0 < n_validation < count:
            split = f"{count - n_validation} to train and {n_validation} to validate on"
            least = max(2, math.ceil((1 - 1e-9) / max(share, 1e-9)))
            remedy = f"give at least {least}" if least <= FEW else f"say --set validation_share={USUAL_SHARE}"
            raise ParamsError(f"{where}: annotations[{position}]: {count} pairs leave {split}; {remedy}")


def check_share(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless validation_share lies between 0 and 1."""
    if not 0 < parameters["validation_share"] < 1:
        raise ParamsError(f"{where}: validation_share: {parameters['validation_share']} is not between 0 and 1")


def check_ns(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless each n of Best-of-n is between 1 and the responses to a test prompt, where these are known."""
    most = parameters.get("n_test_responses", math.inf)
    for position, n in enumerate(parameters["ns"]):
        if not 1 <= n <= most:
            raise ParamsError(f"{where}: ns[{position}]: best of {n}, and there are {most} responses to a test prompt")
    check_each_once(parameters["ns"], f"{where}: ns")


def check_kls(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless a policy can be each KL away: below log n_test_responses, where it says one response alone."""
    furthest = math.log(parameters.get("n_test_responses", math.inf))
    if wrong := [nats for nats in parameters["kls"] if not 0 < nats < furthest]:
        raise ParamsError(f"{where}: kls: {wrong[0]} nats; with that many test responses give 0 to {furthest:.2f}")
    check_each_once(parameters["kls"], f"{where}: kls")
