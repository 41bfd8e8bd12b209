"""Whether pairs and folds can be drawn as asked: numbers only, so that a study is refused before any job has run.

Knows counts; no pair, no array. The drawing itself is in pairing.py and cross_fitting.py.
"""

import math
from collections.abc import Mapping
from typing import Any

from rmkit.errors import ParamsError


def check_cross_fitting(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if folds, validation share or annotation counts ask for more than the data have.

    parameters: n_folds, validation_share, annotations. counts: what the data files hold, `pairs` and `prompts`; nothing
    is said of counts that are not known. where: how messages begin.
    """
    n_folds = parameters["n_folds"]
    if n_folds < 2:
        raise ParamsError(f"{where}: n_folds: {n_folds}; pairs are scored by fits on the other folds, give at least 2")
    check_share(parameters, where)
    if n_folds > counts.get("prompts", n_folds):
        raise ParamsError(f"{where}: n_folds: {n_folds} folds, and there are {counts['prompts']} prompts")
    if "pairs" not in counts:
        return
    outside = counts["pairs"] * (n_folds - 1) // n_folds
    if too_many := [count for count in parameters["annotations"] if count > outside]:
        asked = ", ".join(map(str, too_many))
        fitting = [count for count in parameters["annotations"] if count <= outside] or [outside // 4, outside // 2]
        remedy = f"--set 'annotations=[{','.join(map(str, fitting))}]'"
        have = f"about {outside} pairs outside a fold ({counts['pairs']} pairs, {n_folds} folds)"
        raise ParamsError(f"{where}: annotations: {asked}, and there are {have}; say {remedy}")


def check_annotation(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError unless 03_annotation_noise asks for as many pairs as its prompts offer, and for sound annotators.

    parameters: its own, and those of 00_world and 02_sampling that say how many prompts and responses there are.
    """
    check_betas(parameters, where)
    if (parameters["scale"] == "fixed") != (parameters["fixed_scale"] is not None):
        raise ParamsError(
            f"{where}: fixed_scale: {parameters['fixed_scale']} with scale {parameters['scale']}; it goes "
            "with scale: fixed and no other"
        )
    check_annotators(parameters, where)
    check_design({**parameters, **counts}, where)


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


def check_design(parameters: Mapping[str, Any], where: str) -> None:
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


def check_pairs(parameters: Mapping[str, Any], n_pairs: int, where: str) -> None:
    """ParamsError unless the training prompts offer so many pairs."""
    n_prompts, n_responses = parameters["n_train_prompts"], parameters["n_train_responses"]
    each = n_responses * (n_responses - 1) // 2 if parameters["choice"] == "random" else 1
    if n_pairs < 1:
        raise ParamsError(f"{where}: {n_pairs}; give at least 1")
    if parameters["pool"] == "within_prompt" and n_pairs > n_prompts * each:
        offer = f"{n_prompts} prompts offer {each} {parameters['choice']} pair{'s' * (each > 1)} each"
        raise ParamsError(f"{where}: {n_pairs}, and {offer}; say at most {n_prompts * each}")


def check_betas(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless levels of noise are above 0 or null, each once."""
    for position, beta in enumerate(parameters["betas"]):
        if beta is not None and beta <= 0:
            raise ParamsError(f"{where}: betas[{position}]: {beta} is not above 0; null is an annotator who never errs")
    if len(set(parameters["betas"])) < len(parameters["betas"]) or not parameters["betas"]:
        raise ParamsError(f"{where}: betas: {parameters['betas']}; give at least one, each once")


def check_reward_models(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 04_reward_models asks for more annotations, folds or responses than its world has."""
    if parameters["world"] == "hh_rlhf":
        return check_cross_fitting(parameters, counts, where)
    parameters = {**parameters, **counts}  # what given files hold, where there are such, and no world's sizes
    if too_many := [count for count in parameters["annotations"] if count > parameters["n_pairs"]]:
        have = f"03_annotation_noise labels {parameters['n_pairs']} pairs"
        raise ParamsError(f"{where}: annotations: {', '.join(map(str, too_many))}, and {have}; raise its n_pairs")
    check_counts(parameters, where)
    check_ns(parameters, where)


def check_population(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 06_accuracy_vs_policy asks for more pairs, prompts or responses than its world has."""
    check_betas(parameters, where)
    check_pairs(parameters, max(parameters["annotations"]), f"{where}: annotations")
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


def check_counts(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless every number of annotations leaves pairs to train and to validate on."""
    check_share(parameters, where)
    for position, count in enumerate(parameters["annotations"]):
        n_validation = int(parameters["validation_share"] * count + 1e-9)
        if not 0 < n_validation < count:
            split = f"{count - n_validation} to train and {n_validation} to validate on"
            raise ParamsError(f"{where}: annotations[{position}]: {count} pairs leave {split}; annotate more")


def check_share(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless validation_share lies between 0 and 1."""
    if not 0 < parameters["validation_share"] < 1:
        raise ParamsError(f"{where}: validation_share: {parameters['validation_share']} is not between 0 and 1")


def check_ns(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless each n of Best-of-n is between 1 and the responses to a test prompt."""
    for position, n in enumerate(parameters["ns"]):
        if not 1 <= n <= parameters["n_test_responses"]:
            most = f"there are {parameters['n_test_responses']} responses to a test prompt"
            raise ParamsError(f"{where}: ns[{position}]: best of {n}, and {most}")
    if not parameters["ns"]:
        raise ParamsError(f"{where}: ns is empty; give at least one n")
