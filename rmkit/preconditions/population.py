"""Whether 06_accuracy_vs_policy has the pairs, prompts and responses that it is asked for.

Numbers only, so that a study is refused before any job has run.
"""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any

from rmkit.annotation.pools import check_draw
from rmkit.errors import ParamsError, check_each_once, one_of, told_of
from rmkit.measures.names import FEWEST_RESPONSES
from rmkit.preconditions.ranges import check_betas, check_counts, check_flips, check_kls, check_ns

ALWAYS = "accuracy"  # the measure that no population is without


def check_population(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 06_accuracy_vs_policy asks for more pairs, prompts or responses than its world has."""
    check_betas(parameters, where)
    known = ChainMap[str, Any](counts, parameters)  # type: ignore[arg-type]  # given files' counts, or a world's sizes
    there_are = (known["n_train_prompts"], known["n_train_responses"])
    with told_of(where):
        check_draw(parameters["pool"], max(parameters["annotations"]), *there_are, parameters["choice"], "annotations")
    check_counts(parameters, where)
    check_ns(known, where)
    check_measuring(known, counts, where)
    check_kls(known, where)
    check_axes(parameters, counts, where)


def check_measuring(known: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError unless both halves of the test prompts have one, and each measure the responses that it takes."""
    n_prompts, share = known["n_test_prompts"], known["measuring_share"]
    if not 0 < round(share * n_prompts) < n_prompts:
        raise ParamsError(f"{where}: measuring_share: {share} of {n_prompts} test prompts leaves one side empty")
    n_responses = known["n_test_responses"]
    if not 2 <= known["n_measured"] <= n_responses:
        draws = "given files hold" if "n_test_responses" in counts else "02_sampling draws"
        most = f"{draws} {n_responses} responses to a test prompt"
        raise ParamsError(f"{where}: n_measured: {known['n_measured']}; it takes 2, and {most}")
    check_measures(known["measures"], known["n_measured"], where)


def check_measures(measures: Sequence[str], n_measured: int, where: str) -> None:
    """ParamsError unless each measure is one against gold, listed once, that so many responses are enough for."""
    check_each_once(measures, f"{where}: measures")
    for position, name in enumerate(measures):
        fewest = FEWEST_RESPONSES[one_of(name, FEWEST_RESPONSES, f"{where}: measures[{position}]")]
        if n_measured < fewest:
            raise ParamsError(
                f"{where}: measures[{position}]: {name} takes {fewest} responses to a prompt or more; n_measured is "
                f"{n_measured}"
            )
    if ALWAYS not in measures:
        raise ParamsError(f"{where}: measures: lack {ALWAYS}, which all figures hold policies against; add it")


def check_axes(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError unless the axes beside head, noise, annotations and draw lie where they mean something."""
    if not parameters["population"].strip():
        raise ParamsError(f"{where}: population is empty; give a name by which these reward models are found")
    check_flips(parameters, where)
    bounds = {
        "kept_dimensions": ("above 0 and at most 1", lambda share: 0 < share <= 1),
        "error_accuracies": ("above 0.5 and below 1", lambda accuracy: 0.5 < accuracy < 1),
    }
    for name, (said, right) in bounds.items():
        for position, value in enumerate(parameters[name]):
            if not right(value):
                raise ParamsError(f"{where}: {name}[{position}]: {value}; it must be {said}")
    made_of_gold = ("error_shapes", "error_accuracies") if parameters["error_shapes"] else ()
    for name in ("length_biases", "kept_dimensions", *made_of_gold):
        check_each_once(parameters[name], f"{where}: {name}")
    if parameters.get("world") == "files" and any(parameters["length_biases"]) and not counts.get("lengths"):
        raise ParamsError(
            f"{where}: length_biases: {parameters['length_biases']}; given files hold no texts, say [0.0]"
        )
