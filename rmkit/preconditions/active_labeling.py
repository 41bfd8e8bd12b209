"""Whether 05_active_labeling can spend its labels as it is asked to, on the prompts and responses that its world has.

Numbers only, so that a study is refused before any job has run. What the numbers mean is in active/budget.py.
"""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rmkit.active.budget import Budget, budget_of
from rmkit.active.pools_of_rules import WITHIN_PROMPT, check_pools_of, parts_of
from rmkit.annotation.habits import check_sharpness
from rmkit.annotation.pools import POOLS, check_prompts
from rmkit.errors import DataError, ParamsError, told_of
from rmkit.preconditions.ranges import check_kls, check_ns

COUNTS = tuple(field.name for field in fields(Budget))


def check_active_labeling(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 05_active_labeling asks for more labels, prompts or responses than there can be.

    parameters: its own, and those of the world and 02_sampling that it takes its banks from, if known. counts: what
    given files hold, in place of a world's sizes.
    """
    numbers = {name: parameters[name] for name in COUNTS}
    with told_of(where):
        check_head(parameters)
    if parameters.get("world") == "hh_rlhf":
        with told_of(where):
            budget, _ = budget_of(sizes=parameters["sizes"], has_prompts=None, **numbers)
            check_judged(parameters, budget)
        return
    known = ChainMap[str, Any](counts, parameters)  # type: ignore[arg-type]
    n_prompts, n_responses = known.get("n_train_prompts"), known.get("n_train_responses")
    with told_of(where):
        budget, _ = budget_of(sizes=parameters["sizes"], has_prompts=n_prompts, **numbers)
        for pool in parameters["pools"]:
            check_pool(pool, budget, parameters["cross_share"], n_prompts, n_responses)
        check_pools_of(parameters["strategies"], parameters["pools"], n_responses)
        check_sharpness(parameters["beta"], "beta")
    check_ns(known, where)
    check_kls(known, where)
    if parameters.get("drift", 1) != 1:
        wrong = f"drift: {parameters['drift']} in 03_annotation_noise; here answers do not depend on when one asks"
        raise ParamsError(f"{where}: {wrong}; say 1, or leave this stage out")
    if parameters.get("tie_width") and parameters["ties"] == "drop":
        raise ParamsError(f"{where}: ties: drop in 03_annotation_noise; here every question gets a label, say coin")


def check_judged(parameters: Mapping[str, Any], budget: Budget) -> None:
    """DataError for a rule within prompts where people judged one pair a prompt, or a share that leaves no test."""
    if parameters.get("pairs_file") is None:
        for name in parameters["strategies"]:
            if name in WITHIN_PROMPT:
                raise DataError(f"strategies: {name} chooses within a prompt, and people judged one pair of each here")
        for name in ("n_start", "n_batch"):
            if (asked := getattr(budget, name)) > budget.n_prompts:
                have = f"{budget.n_prompts} prompts have as many judged pairs"
                raise DataError(f"{name}: {asked} labels, and {have}; raise n_prompts")
    if not 0 < parameters["test_share"] < 1:
        raise DataError(f"test_share: {parameters['test_share']}; it must lie between 0 and 1")


def check_head(parameters: Mapping[str, Any]) -> None:
    """DataError for a training that a head does not have, a calibration without labels for it, or no such prior."""
    if not 0 < parameters["prior"] < float("inf"):
        raise DataError(f"prior: {parameters['prior']}; it must be a finite number above 0")
    linear, released = parameters["reward_model"] == "linear_bt", parameters["procedure"] == "full_batch"
    if linear and released:
        raise DataError("procedure: full_batch is how a network is trained; with linear_bt say sound")
    if linear and parameters["refit"] == "warm":
        raise DataError("refit: warm ends where cold does with linear_bt, whose loss has one minimum; say cold")
    if parameters["calibration"] == "temperature" and (linear or released):
        which = "linear_bt" if linear else "procedure full_batch"
        raise DataError(f"calibration: temperature needs labels that do not train, and with {which} all do")


def check_pool(pool: str, budget: Budget, cross_share: float, n_prompts: int | None, n_responses: int | None) -> None:
    """DataError for more labels, at the start or in a round, than n_prompts prompts with K responses have pairs."""
    if not 0 <= cross_share <= 1:
        raise DataError(f"cross_share: {cross_share}; it must lie between 0 and 1")
    for part in parts_of(pool, 1, cross_share):
        check_prompts(part, budget.n_prompts, n_prompts, "n_prompts")
    if n_responses is None:
        return
    if n_responses < 2:
        raise DataError(f"n_train_responses: {n_responses}; a pair has two, give 2 or more")
    for name in ("n_start", "n_batch"):
        for part, asked in parts_of(pool, getattr(budget, name), cross_share).items():
            n_pairs = POOLS[part].n_pairs(budget.n_prompts, n_responses)
            if asked > n_pairs:
                have = f"{budget.n_prompts} prompts with {n_responses} responses have {n_pairs} {part} pairs"
                raise DataError(f"{name}: {asked} labels, and {have}; raise n_prompts, or say at most {n_pairs}")
