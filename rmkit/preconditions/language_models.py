"""Whether 12_language_model_rewards has the pairs, prompts, responses, model and options that it is asked for.

Numbers and names only, so that a study is refused before any job has run.
"""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from rmkit.annotation.habits import check_sharpness
from rmkit.annotation.pools import check_draw
from rmkit.errors import ParamsError, quoted, told_of
from rmkit.lm.training.preference_options import out_of_range
from rmkit.preconditions.population import check_measuring
from rmkit.preconditions.ranges import check_counts, check_flips, check_kls, check_ns

LM = "lm_"  # begins a parameter of the fine-tuning, where 01_sft has one of its name
OPTIONS = ("regulariser", "coefficient", "lm_learning_rate", "lm_epochs", "lm_batch_size")


def check_language_models(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if 12_language_model_rewards asks for more than its world has, or for what no fine-tuning takes."""
    if parameters["beta"] is not None:
        with told_of(where):
            check_sharpness(parameters["beta"], "beta")
    if not parameters["population"].strip():
        raise ParamsError(f"{where}: population is empty; give a name by which these reward models are found")
    check_flips(parameters, where)
    known = ChainMap[str, Any](counts, parameters)  # type: ignore[arg-type]  # given files' counts, or a world's sizes
    there_are = (known["n_train_prompts"], known["n_train_responses"])
    with told_of(where):
        check_draw(parameters["pool"], parameters["annotations"], *there_are, parameters["choice"], "annotations")
    check_counts({**parameters, "annotations": [parameters["annotations"]]}, where)
    check_ns(known, where)
    check_measuring(known, counts, where)
    check_kls(known, where)
    for name in OPTIONS:
        if amiss := out_of_range({name.removeprefix(LM): parameters[name]}):
            raise ParamsError(f"{where}: {name}: {amiss[1]}")
    name, made = parameters["base_model"], parameters["base_models"]
    if parameters["start"] == "base" and "/" not in name and name not in made:
        remedy = "add it to base_models there, or give a folder or hub name with a slash"
        raise ParamsError(
            f"{where}: base_model: {quoted(name)} is not made by 00_grammar_world ({', '.join(made)}); {remedy}"
        )
