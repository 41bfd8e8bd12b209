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
from rmkit.errors import DataError, ParamsError, check_each_once, told_of
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
    check_each_once(parameters["strategies"], f"{where}: strategies")
    if parameters.get("world") == "hh_rlhf":
        with told_of(where):
            check_judged(parameters, counts, numbers)
        return
    check_each_once(parameters["pools"], f"{where}: pools")
    known = ChainMap[str, Any](counts, parameters)  # type: ignore[arg-type]
    n_prompts, n_responses = known.get("n_train_prompts"), known.get("n_train_responses")
    with told_of(where):
        budget, _ = budget_of(sizes=parameters["sizes"], has_prompts=n_prompts, **numbers)
        for pool in parameters["pools"]:
            check_pool(pool, budget, parameters["cross_share"], n_prompts, n_responses)
            if n_prompts is not None and n_responses is not None:
                most = most_labels(pool, budget, parameters["cross_share"], n_prompts, n_responses)
                check_total(budget, f"{n_prompts} prompts with {n_responses} responses have {most} {pool}", most)
        check_pools_of(parameters["strategies"], parameters["pools"], n_responses)
        check_sharpness(parameters["beta"], "beta")
    check_ns(known, where)
    check_kls(known, where)
    if parameters.get("drift", 1) != 1:
        wrong = f"drift: {parameters['drift']} in 03_annotation_noise; here answers do not depend on when one asks"
        raise ParamsError(f"{where}: {wrong}; say 1, or leave this stage out")
    if parameters.get("tie_width") and parameters["ties"] == "drop":
        raise ParamsError(f"{where}: ties: drop in 03_annotation_noise; here every question gets a label, say coin")


def check_total(budget: Budget, have: str, n_pairs: int) -> None:
    """DataError for more labels than a pool has pairs, since no strategy asks about a pair twice."""
    if (labels := budget.n_start + budget.n_rounds * budget.n_batch) > n_pairs:
        spent = f"{budget.n_rounds} rounds of {budget.n_batch} labels after {budget.n_start} make {labels}"
        raise DataError(f"n_rounds: {spent}, and {have} pairs; lower n_rounds or n_batch")


def check_judged(parameters: Mapping[str, Any], counts: Mapping[str, Any], numbers: Mapping[str, int]) -> None:
    """DataError for a rule within prompts where people judged one pair a prompt, a share that leaves no test, and more
    prompts or labels than are left beside the test, where the counts of the data are known.
    """
    if not 0 < (share := parameters["test_share"]) < 1:
        raise DataError(f"test_share: {share}; it must lie between 0 and 1")
    left = None
    if (prompts := counts.get("prompts")) is not None:
        left = prompts - round(share * prompts)  # as questions.ToPeople.apart has it
        if not 0 < left < prompts:
            raise DataError(f"test_share: {share} of {prompts} prompts leaves one side without a pair")
    budget, _ = budget_of(sizes=parameters["sizes"], has_prompts=left, **numbers)
    if left is not None:
        beside = f"{left} prompts are left beside those that are kept to test on"
        if budget.n_prompts > left:
            raise DataError(f"n_prompts: {budget.n_prompts}, and {beside}; ask for fewer, or lower test_share")
        of_prompts = counts.get("pairs_of_prompts")
        n_pairs = counts["pairs"] - (prompts - left)  # each prompt that is kept to test on has one at least
        if of_prompts is not None:
            n_pairs = sum(sorted(of_prompts, reverse=True)[:left])
        check_total(budget, f"{beside}, which have at most {n_pairs}", n_pairs)
    if parameters.get("pairs_file") is None:
        for name in parameters["strategies"]:
            if name in WITHIN_PROMPT:
                raise DataError(f"strategies: {name} chooses within a prompt, and people judged one pair of each here")
        for name in ("n_start", "n_batch"):
            if (asked := getattr(budget, name)) > budget.n_prompts:
                have = f"{budget.n_prompts} prompts have as many judged pairs"
                raise DataError(f"{name}: {asked} labels, and {have}; raise n_prompts")


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
    """DataError for more labels, at the start or in a round, than n_prompts prompts with K responses have pairs.

    The start must have its pairs of each part of a mixed pool; a round has what there is of its candidates' parts.
    """
    if not 0 <= cross_share <= 1:
        raise DataError(f"cross_share: {cross_share}; it must lie between 0 and 1")
    start, candidates = (parts_of(pool, n, cross_share) for n in (budget.n_start, budget.n_candidates))
    for part, asked in (*start.items(), *candidates.items()):
        if asked:
            check_prompts(part, budget.n_prompts, n_prompts, "n_prompts")
    if n_responses is None:
        return
    if n_responses < 2:
        raise DataError(f"n_train_responses: {n_responses}; a pair has two, give 2 or more")
    shape = f"{budget.n_prompts} prompts with {n_responses} responses have"
    for part, asked in start.items():
        if asked > (n_pairs := POOLS[part].n_pairs(budget.n_prompts, n_responses)):
            have = f"{shape} {n_pairs} {part} pairs; raise n_prompts, or say at most {n_pairs}"
            raise DataError(f"n_start: {asked} labels, and {have}")
    offered = sum(_offered(candidates, budget.n_prompts, n_responses).values())
    if budget.n_batch > offered:
        have = f"{shape} {offered} {pool} pairs to offer; raise n_prompts, or say at most {offered}"
        raise DataError(f"n_batch: {budget.n_batch} labels, and {have}")


def most_labels(pool: str, budget: Budget, cross_share: float, n_prompts: int, n_responses: int) -> int:
    """How many labels all rounds can have: of each part those of the start and all offered, or all pairs if fewer."""
    start, candidates = (parts_of(pool, n, cross_share) for n in (budget.n_start, budget.n_candidates))
    offered = _offered(candidates, budget.n_prompts, n_responses)
    return sum(
        min(POOLS[part].n_pairs(n_prompts, n_responses), start[part] + budget.n_rounds * offered[part])
        for part in start
    )


def _offered(candidates: Mapping[str, int], n_prompts: int, n_responses: int) -> dict[str, int]:
    """How many of a round's candidates there are, by part: all that are wanted, or all pairs of its prompts."""
    return {part: min(wanted, POOLS[part].n_pairs(n_prompts, n_responses)) for part, wanted in candidates.items()}
