"""Whether 06_accuracy_vs_policy has the pairs, prompts and responses that it is asked for.

Numbers only, so that a study is refused before any job has run.
"""

import math
from collections.abc import Mapping
from typing import Any

from rmkit.annotation.pools import check_draw
from rmkit.errors import ParamsError, check_each_once, told_of
from rmkit.preconditions.ranges import check_betas, check_counts, check_ns


def check_population(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 06_accuracy_vs_policy asks for more pairs, prompts or responses than its world has."""
    check_betas(parameters, where)
    there_are = (parameters["n_train_prompts"], parameters["n_train_responses"])
    with told_of(where):
        check_draw(parameters["pool"], max(parameters["annotations"]), *there_are, parameters["choice"], "annotations")
    check_counts(parameters, where)
    check_ns(parameters, where)
    n_prompts, share = parameters["n_test_prompts"], parameters["measuring_share"]
    if not 0 < round(share * n_prompts) < n_prompts:
        raise ParamsError(f"{where}: measuring_share: {share} of {n_prompts} test prompts leaves one side empty")
    if not 2 <= parameters["n_measured"] <= parameters["n_test_responses"]:
        most = f"02_sampling draws {parameters['n_test_responses']} responses to a test prompt"
        raise ParamsError(f"{where}: n_measured: {parameters['n_measured']}; it takes 2, and {most}")
    furthest = math.log(parameters["n_test_responses"])  # where the policy says one response alone
    if wrong := [nats for nats in parameters["kls"] if not 0 < nats < furthest]:
        raise ParamsError(f"{where}: kls: {wrong[0]} nats; with that many test responses give 0 to {furthest:.2f}")
    check_each_once(parameters["kls"], f"{where}: kls")
