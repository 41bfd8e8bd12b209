"""Whether 04_reward_models can learn from as many annotations, folds and responses as it is asked for.

Numbers only, so that a study is refused before any job has run. The drawing itself is in training_sets/.
"""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from rmkit.errors import ParamsError
from rmkit.preconditions.ranges import check_counts, check_ns, check_share


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


def check_reward_models(parameters: dict[str, Any], counts: dict[str, int], where: str) -> None:
    """ParamsError if 04_reward_models asks for more annotations or responses than its world has."""
    known = ChainMap[str, Any](counts, parameters)  # what given files hold, where there are such, and no world's sizes
    if too_many := [count for count in known["annotations"] if count > known["n_labels"]]:
        have = f"03_annotation_noise gives {known['n_labels']} labels"
        raise ParamsError(f"{where}: annotations: {', '.join(map(str, too_many))}, and {have}; raise its n_labels")
    check_counts(known, where)
    check_ns(known, where)


def check_validation_split(parameters: dict[str, Any], counts: dict[str, int], where: str) -> None:
    """ParamsError if 10_validation_split asks for more than the world has that its pairs come from."""
    check = check_cross_fitting if parameters["world"] == "hh_rlhf" else check_reward_models
    check(parameters, counts, where)
