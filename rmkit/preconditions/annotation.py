"""Whether 03_annotation_noise can draw as many pairs, from such annotators, as it is asked for.

What a single object refuses, that object is asked; here stands what is between them. Numbers only, so that a study is
refused before any job has run. The drawing itself is in annotation/.
"""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from rmkit.annotation.habits import Habits, crowd
from rmkit.annotation.label_budget import LabelBudget
from rmkit.annotation.scales import check_scale
from rmkit.errors import ParamsError, check_each_once, told_of
from rmkit.preconditions.ranges import check_betas, made


def check_annotation(parameters: dict[str, Any], counts: dict[str, int], where: str) -> None:
    """ParamsError unless 03_annotation_noise asks for as many pairs as its prompts offer, and for sound annotators.

    parameters: its own, and those of the world and 02_sampling that say how many prompts and responses there are.
    """
    there_are = ChainMap[str, Any](counts, parameters)
    check_betas(parameters, where)
    check_agreements(parameters, where)
    if parameters.get("world") == "files" and parameters["length_bias"] and not counts.get("lengths"):
        raise ParamsError(f"{where}: length_bias: {parameters['length_bias']}; given files hold no texts, say 0")
    with told_of(where):
        check_scale(parameters["scale"], parameters["fixed_scale"])
        made(Habits, parameters)
        crowd(**{name: parameters[name] for name in ("careless", "careless_beta", "dissenting")})
    check_reach(parameters, where)
    with told_of(where):
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


def check_reach(parameters: Mapping[str, Any], where: str) -> None:
    """ParamsError for an agreement that no sharpness can reach, because of what annotators do besides judging."""
    reach = highest_agreement(made(Habits, parameters), parameters["careless"], parameters["dissenting"])
    for position, agreement in enumerate(parameters["agreements"]):
        if agreement >= reach:
            because = f"with these flips, lapses and crowd two annotators agree on less than {reach:.3f}"
            raise ParamsError(f"{where}: agreements[{position}]: {agreement}; {because} of pairs, however sharp")


def highest_agreement(habits: Habits, careless: float, dissenting: float) -> float:
    """What two annotators' agreement stays below, or at, on any pairs and at any sharpness.

    On a pair, an answer without lapse and flip is the better response with a chance q, so a label with one p, where
    |p - 1/2| = |1 - 2 flip| (1 - lapse) |q - 1/2|; two labels agree with p^2 + (1 - p)^2 = 1/2 + 2 (p - 1/2)^2. The
    careful and the dissenting are as sure of opposite sides, or toss coins; so are the careless of the better side:
    q - 1/2 is linear in both, and largest at an end. A bias may bring all to one side; where equal pairs are dropped,
    labels may come from the careless alone, or from all others.
    """
    careful = max(0.0, 1.0 - careless - dissenting)
    sure = max(abs(careful - dissenting + careless), abs(careful - dissenting), careless) / 2
    if habits.length_bias or habits.position_bias or (habits.ties == "drop" and habits.tie_width > 0 and careless):
        sure = 0.5
    return 0.5 + 2 * (abs(1 - 2 * habits.flip) * (1 - habits.lapse) * sure) ** 2
