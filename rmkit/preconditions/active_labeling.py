"""Whether 05_active_labeling can spend its labels as it is asked to, on the prompts and responses that its world has.

Numbers only, so that a study is refused before any job has run. What the numbers mean is in active/budget.py.
"""

from collections.abc import Mapping
from typing import Any

from rmkit.active.budget import Budget
from rmkit.annotation.habits import check_sharpness
from rmkit.annotation.pools import check_prompts
from rmkit.errors import ParamsError, told_of
from rmkit.preconditions.ranges import check_ns, made


def check_active_labeling(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 05_active_labeling asks for more labels, prompts or responses than there can be.

    parameters: its own, and those of the world and 02_sampling that it takes its banks from, if known.
    """
    with told_of(where):
        budget = made(Budget, parameters)
        for pool in parameters["pools"]:
            check_prompts(pool, budget.n_prompts, parameters.get("n_train_prompts"), "n_prompts")
        check_sharpness(parameters["beta"], "beta")
    if not 0 < parameters["prior"] < float("inf"):
        raise ParamsError(f"{where}: prior: {parameters['prior']}; it must be a finite number above 0")
    check_ns(parameters, where)
    if parameters.get("drift", 1) != 1:
        wrong = f"drift: {parameters['drift']} in 03_annotation_noise; here answers do not depend on when one asks"
        raise ParamsError(f"{where}: {wrong}; say 1, or leave this stage out")
    if parameters.get("tie_width") and parameters["ties"] == "drop":
        raise ParamsError(f"{where}: ties: drop in 03_annotation_noise; here every question gets a label, say coin")
