"""Whether 05_active_labeling can spend its labels as it is asked to, on the prompts and responses that its world has.

Numbers only, so that a study is refused before any job has run. What the numbers mean is in active/budget.py.
"""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from rmkit.active.budget import Budget
from rmkit.active.pools_of_rules import check_pool_of
from rmkit.annotation.habits import check_sharpness
from rmkit.annotation.pools import POOLS, check_prompts
from rmkit.errors import DataError, ParamsError, told_of
from rmkit.preconditions.ranges import check_ns, made


def check_active_labeling(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 05_active_labeling asks for more labels, prompts or responses than there can be.

    parameters: its own, and those of the world and 02_sampling that it takes its banks from, if known. counts: what
    given files hold, in place of a world's sizes.
    """
    known = ChainMap[str, Any](counts, parameters)  # type: ignore[arg-type]
    with told_of(where):
        budget = made(Budget, parameters)
        for pool in parameters["pools"]:
            check_prompts(pool, budget.n_prompts, known.get("n_train_prompts"), "n_prompts")
            check_pool(pool, budget, known.get("n_train_responses"))
            check_pool_of(parameters["strategies"], pool, known.get("n_train_responses"))
        check_sharpness(parameters["beta"], "beta")
    if not 0 < parameters["prior"] < float("inf"):
        raise ParamsError(f"{where}: prior: {parameters['prior']}; it must be a finite number above 0")
    check_ns(known, where)
    if parameters.get("drift", 1) != 1:
        wrong = f"drift: {parameters['drift']} in 03_annotation_noise; here answers do not depend on when one asks"
        raise ParamsError(f"{where}: {wrong}; say 1, or leave this stage out")
    if parameters.get("tie_width") and parameters["ties"] == "drop":
        raise ParamsError(f"{where}: ties: drop in 03_annotation_noise; here every question gets a label, say coin")


def check_pool(pool: str, budget: Budget, n_responses: int | None) -> None:
    """DataError for more labels, at the start or in a round, than n_prompts prompts with K responses have pairs."""
    if n_responses is None:
        return
    n_pairs = POOLS[pool].n_pairs(budget.n_prompts, n_responses)
    for name in ("n_start", "n_batch"):
        if (asked := getattr(budget, name)) > n_pairs:
            have = f"{budget.n_prompts} prompts with {n_responses} responses have {n_pairs} {pool} pairs"
            raise DataError(f"{name}: {asked} labels, and {have}; raise n_prompts, or say at most {n_pairs}")
