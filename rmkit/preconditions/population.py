"""Whether 06_accuracy_vs_policy has the pairs, prompts and responses that it is asked for.

Numbers only, so that a study is refused before any job has run.
"""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from rmkit.annotation.pools import check_draw
from rmkit.errors import ParamsError, told_of
from rmkit.preconditions.ranges import check_betas, check_counts, check_kls, check_ns


def check_population(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 06_accuracy_vs_policy asks for more pairs, prompts or responses than its world has."""
    check_betas(parameters, where)
    known = ChainMap[str, Any](counts, parameters)  # type: ignore[arg-type]  # given files' counts, or a world's sizes
    there_are = (known["n_train_prompts"], known["n_train_responses"])
    with told_of(where):
        check_draw(parameters["pool"], max(parameters["annotations"]), *there_are, parameters["choice"], "annotations")
    check_counts(parameters, where)
    check_ns(known, where)
    n_prompts, share = known["n_test_prompts"], parameters["measuring_share"]
    if not 0 < round(share * n_prompts) < n_prompts:
        raise ParamsError(f"{where}: measuring_share: {share} of {n_prompts} test prompts leaves one side empty")
    n_responses = known["n_test_responses"]
    if not 2 <= parameters["n_measured"] <= n_responses:
        draws = "given files hold" if "n_test_responses" in counts else "02_sampling draws"
        most = f"{draws} {n_responses} responses to a test prompt"
        raise ParamsError(f"{where}: n_measured: {parameters['n_measured']}; it takes 2, and {most}")
    check_kls(known, where)
