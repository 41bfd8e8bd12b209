"""Whether 03_annotation_noise can draw as many pairs, from such annotators, as it is asked for.

What a single object refuses, that object is asked; here stands what is between them. Numbers only, so that a study is
refused before any job has run. The drawing itself is in annotation/.
"""

from collections.abc import Mapping
from typing import Any

from rmkit.annotation.habits import Habits, crowd
from rmkit.annotation.label_budget import LabelBudget
from rmkit.annotation.scales import check_scale
from rmkit.errors import ParamsError, check_each_once, told_of
from rmkit.preconditions.ranges import check_betas, made


def check_annotation(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError unless 03_annotation_noise asks for as many pairs as its prompts offer, and for sound annotators.

    parameters: its own, and those of the world and 02_sampling that say how many prompts and responses there are.
    """
    there_are = {**parameters, **counts}
    check_betas(parameters, where)
    check_agreements(parameters, where)
    if parameters.get("world") == "files" and parameters["length_bias"]:
        raise ParamsError(f"{where}: length_bias: {parameters['length_bias']}; given files hold no texts, say 0")
    with told_of(where):
        check_scale(parameters["scale"], parameters["fixed_scale"])
        made(Habits, parameters)
        crowd(**{name: parameters[name] for name in ("careless", "careless_beta", "dissenting")})
        made(LabelBudget, parameters).check(
            parameters["n_labels"],
            there_are["n_train_prompts"],
            there_are["n_train_responses"],
            parameters["choice"],
            parameters["pool"],
        )


def check_agreements(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError unless agreements are ones that two annotators can have, each once."""
    for position, agreement in enumerate(parameters["agreements"]):
        if not 0.5 < agreement < 1:
            chance = "two who toss coins agree on 0.5, two who never err on 1"
            raise ParamsError(f"{where}: agreements[{position}]: {agreement} is not between 0.5 and 1; {chance}")
    if parameters["agreements"]:
        check_each_once(parameters["agreements"], f"{where}: agreements")
