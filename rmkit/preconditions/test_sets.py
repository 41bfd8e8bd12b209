"""Whether 14_test_sets has the prompts, responses and wordings that its designs ask for.

Numbers only, so that a study is refused before any job has run. What a design or a measure refuses, it refuses itself
(evaluation/test_sets/).
"""

import math
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any

from rmkit.errors import ParamsError, check_each_once
from rmkit.preconditions.ranges import check_kls, check_ns

LISTS = ("design_measures", "shares", "n_pairs", "n_responses", "budgets", "label_flips", "label_temperatures", "votes")
BOUNDS: Mapping[str, tuple[str, Callable[[float], bool]]] = {
    "shares": ("from 0 to 1", lambda share: 0 <= share <= 1),
    "n_pairs": ("1 or more", lambda pairs: pairs >= 1),
    "budgets": ("1 or more", lambda budget: budget >= 1),
    "label_flips": ("above 0 and below 0.5, or labels say nothing", lambda flip: 0 < flip < 0.5),
    "label_temperatures": ("above 0", lambda temperature: 0 < temperature < float("inf")),
    "votes": ("odd, so that there is a majority", lambda votes: votes >= 1 and votes % 2 == 1),
}
LEAST = {"n_wordings": 1, "n_bins": 2, "n_test_sets": 1, "n_resamples": 2, "budget": 1}


def check_test_sets(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 14_test_sets asks for more prompts, responses, pairs or bins than its world has."""
    known = ChainMap[str, Any](counts, parameters)  # type: ignore[arg-type]  # given files' counts, or a world's sizes
    for name in LISTS:
        check_each_once(parameters[name], f"{where}: {name}")
    for name, (said, right) in BOUNDS.items():
        for position, value in enumerate(parameters[name]):
            if not right(value):
                raise ParamsError(f"{where}: {name}[{position}]: {value}; it must be {said}")
    for name, least in LEAST.items():
        if parameters[name] < least:
            raise ParamsError(f"{where}: {name}: {parameters[name]}; give at least {least}")
    if parameters["writers"] not in ([], ["base", "sft"]):
        raise ParamsError(f"{where}: writers: {parameters['writers']}; say [base, sft] to compare them, or []")
    if parameters["n_wordings"] > 1 and known.get("gold", "rule") != "rule":
        raise ParamsError(f"{where}: n_wordings: other words have equal gold by the rule alone; say gold: rule, or 1")
    check_ns(known, where)
    check_kls(known, where)
    _check_sizes(known, where)


def _check_sizes(known: Mapping[str, Any], where: str) -> None:
    """ParamsError unless prompts and responses suffice for every design."""
    n_prompts, n_responses = known["n_test_prompts"], known["n_test_responses"]
    n_measuring = round(known["measuring_share"] * n_prompts)
    if not 0 < n_measuring < n_prompts:
        raise ParamsError(
            f"{where}: measuring_share: {known['measuring_share']} of {n_prompts} test prompts leaves one side empty"
        )
    each = {f"n_responses[{position}]": m for position, m in enumerate(known["n_responses"])}
    for name, m in ({"n_measured": known["n_measured"]} | each).items():
        if not 2 <= m <= n_responses:
            there_are = f"there are {n_responses} responses to a test prompt"
            raise ParamsError(f"{where}: {name}: {m}; it takes 2, and {there_are}")
    if 2 * known["n_bins"] > n_responses:
        bins = f"{known['n_bins']} bins of {n_responses} responses"
        raise ParamsError(f"{where}: n_bins: {bins}; a bin needs two of them")
    most = n_measuring * n_responses * (n_responses - 1) // 2
    for position, pairs in enumerate(known["n_pairs"]):
        if pairs > most:
            raise ParamsError(f"{where}: n_pairs[{position}]: {pairs}, and {n_measuring} prompts have {most} pairs")
    at, by_n = known["designed_at"], known["designed_for"] == "best_of_n"
    if not 0 < at <= (most_at := n_responses if by_n else math.log(n_responses)) or (by_n and at != int(at)):
        whole = "a whole number from 1 to" if by_n else "nats above 0 and at most"
        raise ParamsError(f"{where}: designed_at: {at}; for {known['designed_for']} give {whole} {most_at:.4g}")
