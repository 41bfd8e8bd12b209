"""Whether 03_annotation_noise can draw as many pairs, from such annotators, as it is asked for.

Numbers only, so that a study is refused before any job has run. The drawing itself is in annotation/.
"""

from collections.abc import Mapping
from typing import Any

from rmkit.errors import ParamsError
from rmkit.preconditions.ranges import check_betas, check_pairs


def check_annotation(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError unless 03_annotation_noise asks for as many pairs as its prompts offer, and for sound annotators.

    parameters: its own, and those of the world and 02_sampling that say how many prompts and responses there are.
    """
    check_betas(parameters, where)
    if (parameters["scale"] == "fixed") != (parameters["fixed_scale"] is not None):
        raise ParamsError(
            f"{where}: fixed_scale: {parameters['fixed_scale']} with scale {parameters['scale']}; it goes "
            "with scale: fixed and no other"
        )
    check_annotators(parameters, where)
    check_label_budget({**parameters, **counts}, where)


def check_annotators(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless shares are shares, and widths, sharpnesses and agreements ones that an annotator can have."""
    for name in ("flip", "lapse", "careless", "dissenting"):
        if not 0 <= parameters[name] <= 1:
            raise ParamsError(f"{where}: {name}: {parameters[name]} is not between 0 and 1")
    if parameters["careless"] + parameters["dissenting"] > 1 + 1e-9:
        shares = f"{parameters['careless']} and dissenting {parameters['dissenting']}"
        raise ParamsError(f"{where}: careless: {shares} are together more than 1")
    if parameters.get("world") == "files" and parameters["length_bias"]:
        raise ParamsError(f"{where}: length_bias: {parameters['length_bias']}; given files hold no texts, say 0")
    if parameters["tie_width"] < 0:
        raise ParamsError(f"{where}: tie_width: {parameters['tie_width']} is below 0; 0 never says equal")
    for name in ("careless_beta", "drift"):
        if not parameters[name] > 0:
            raise ParamsError(f"{where}: {name}: {parameters[name]} is not above 0")
    for position, agreement in enumerate(parameters["agreements"]):
        if not 0.5 < agreement < 1:
            chance = "two who toss coins agree on 0.5, two who never err on 1"
            raise ParamsError(f"{where}: agreements[{position}]: {agreement} is not between 0.5 and 1; {chance}")
    if len(set(parameters["agreements"])) < len(parameters["agreements"]):
        raise ParamsError(f"{where}: agreements: {parameters['agreements']}; give each once")


def check_label_budget(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless the labels can be spread over prompts and pairs as asked."""
    n_prompts, repeats = parameters["n_annotated_prompts"], parameters["labels_per_pair"]
    if repeats < 1:
        raise ParamsError(f"{where}: labels_per_pair: {repeats}; give at least 1")
    least, most = 2 if parameters["pool"] == "cross_prompt" else 1, parameters["n_train_prompts"]
    if n_prompts is not None and not least <= n_prompts <= most:
        raise ParamsError(f"{where}: n_annotated_prompts: {n_prompts}; give {least} to {most}, or null for all")
    annotated = {**parameters, "n_train_prompts": most if n_prompts is None else n_prompts}
    name = "n_pairs" if repeats == 1 else "n_pairs / labels_per_pair"
    check_pairs(annotated, -(-parameters["n_pairs"] // repeats), f"{where}: {name}")
