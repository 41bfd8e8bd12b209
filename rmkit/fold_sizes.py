"""Whether cross-fitting can be drawn at all: numbers only, so that a study is refused before any of its jobs has run.

Knows counts; no pair, no array. The drawing itself is in cross_fitting.py.
"""

from collections.abc import Mapping
from typing import Any

from rmkit.errors import ParamsError


def check_cross_fitting(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if folds, validation share or annotation counts ask for more than the data have.

    parameters: n_folds, validation_share, annotations. counts: what the data files hold, `pairs` and `prompts`; nothing
    is said of counts that are not known. where: how messages begin.
    """
    n_folds, share = parameters["n_folds"], parameters["validation_share"]
    if n_folds < 2:
        raise ParamsError(f"{where}: n_folds: {n_folds}; pairs are scored by fits on the other folds, give at least 2")
    if not 0 < share < 1:
        raise ParamsError(f"{where}: validation_share: {share} is not between 0 and 1")
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
