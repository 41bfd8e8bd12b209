"""Whether 04_reward_models can learn from as many annotations, folds and responses as it is asked for.

Numbers only, so that a study is refused before any job has run. The drawing itself is in training_sets/.
"""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, ParamsError, check_each_once, one_of
from rmkit.lm.loading import require_model_name
from rmkit.lm.training.preference_options import out_of_range
from rmkit.preconditions.ranges import USUAL_SHARE, check_counts, check_ns, check_share
from rmkit.seeding import generator

if TYPE_CHECKING:
    from rmkit.training_sets.validation_splits import ValidationSplit

FOLDS = (
    "04_reward_models",
    "folds",
    "world 3",
)  # the stream of 09's folds, as its job and rmkit/stages/graph.py have it
OTHER_SHARES = (0.1, 0.3, 0.4, 0.5)  # that are offered where the one that was asked for leaves a set empty
LM = "lm_"  # begins the names of what a language model is fine-tuned by


def check_cross_fitting(parameters: Mapping[str, Any], counts: Mapping[str, Any], where: str) -> None:
    """ParamsError if folds, validation share or annotation counts ask for more than the data have.

    parameters: n_folds, validation_share, annotations (None: what the folds leave), seed. counts: what the data files
    hold: `pairs`, `prompts` and, where texts are read, `pairs_of_prompts`; nothing is said of what is not known. where:
    how messages begin.
    """
    n_folds, annotations, share = (parameters[name] for name in ("n_folds", "annotations", "validation_share"))
    if n_folds < 2:
        raise ParamsError(f"{where}: n_folds: {n_folds}; pairs are scored by fits on the other folds, give at least 2")
    check_share(parameters, where)
    if annotations is not None:
        check_counts(parameters, where)
    if n_folds > counts.get("prompts", n_folds):
        remedy = (
            f"say --set n_folds={counts['prompts']}" if counts["prompts"] > 1 else "pairs of one prompt say nothing"
        )
        raise ParamsError(f"{where}: n_folds: {n_folds} folds, and there are {counts['prompts']} prompts; {remedy}")
    if parameters.get("refit") and "pairs" in counts and "pairs_of_prompts" not in counts:
        raise ParamsError(f"{where}: refit: needs the texts, to give new ones their features: name a pairs_file")
    if parameters.get("baselines"):
        check_each_once(parameters["baselines"], f"{where}: baselines")
    _check_language_model(parameters, counts, where)
    if "pairs" not in counts:
        return
    held = counts.get("pairs_of_prompts")
    outside = counts["pairs"] * (n_folds - 1) // n_folds if held is None else fewest_outside(held, parameters)
    parts = (4, 2) if held is None else (8, 4, 2, 1)

    def possible_by(share: float) -> list[int]:
        return [count for count in (outside // part for part in parts) if 0 < int(share * count + 1e-9) < count]

    possible = possible_by(share)
    have = (
        f"{'about ' if held is None else ''}{outside} pairs outside a fold ({counts['pairs']} pairs, {n_folds} folds)"
    )
    if not possible:
        remedy = f"say --set validation_share={USUAL_SHARE}" if possible_by(USUAL_SHARE) else "add pairs"
        raise ParamsError(f"{where}: n_folds: there are {have}, too few to train and to validate on; {remedy}")
    if too_many := [count for count in annotations or () if count > outside]:
        asked = ", ".join(map(str, too_many))
        fitting = [count for count in annotations if count <= outside] or possible
        remedy = f"--set 'annotations=[{','.join(map(str, fitting))}]'"
        raise ParamsError(f"{where}: annotations: {asked}, and there are {have}; say {remedy}")
    if "reading" in counts:
        _check_draws(parameters, counts["reading"], where)


def _check_draws(parameters: Mapping[str, Any], reading: Any, where: str) -> None:
    """ParamsError where what the stage will draw leaves a fit nothing to train or to validate on."""
    try:
        _draw(parameters, reading)
    except DataError as fault:
        found = str(fault).partition("; ")[0]
        share = next((share for share in OTHER_SHARES if _can_draw(parameters, share, reading)), None)
        remedy = "label pairs of more prompts" if share is None else f"say --set validation_share={share}"
        raise ParamsError(f"{where}: {found}; {remedy}") from None


def _can_draw(parameters: Mapping[str, Any], share: float, reading: Any) -> bool:
    try:
        _draw(ChainMap({"validation_share": share}, dict(parameters)), reading)
    except DataError:
        return False
    return True


def _draw(parameters: Mapping[str, Any], reading: Any) -> None:
    """Draw what 09_human_preferences and 10_validation_split will draw, no fit; DataError where a set is left empty.

    reading: a file of pairs, whose `comparisons` are the job's. Which pairs validate, numbers alone do not tell: two
    judgements of one pair go together, and so do the pairs of one prompt where prompts are divided.
    """
    from rmkit.training_sets.by_annotations import all_pairs
    from rmkit.training_sets.cross_fitting import cross_fitting

    def rng_of(purpose: str) -> Any:
        stage, _, world = FOLDS
        return generator(parameters["seed"], stage, purpose, world)

    comparisons, prompt_id_r = reading.comparisons()
    how = {name: parameters[name] for name in ("annotations", "n_folds", "validation_share")}
    for split in parameters.get("splits") or [parameters["validation_split"]]:
        sets = cross_fitting(comparisons, prompt_id_r, rng_of=rng_of, validation_split=split, **how)
    share: float = how["validation_share"]
    if parameters.get("refit"):
        drawn: dict[str, ValidationSplit] = {"pairs to judge": "pair", "all pairs": parameters["validation_split"]}
        for purpose, one in drawn.items():
            rng = rng_of(purpose)
            all_pairs(comparisons, prompt_id_r, validation_share=share, validation_split=one, rng=rng)
    if parameters.get("language_model") is not None:
        from rmkit.lm.training.preference_folds import require_both_sides

        require_both_sides(comparisons, prompt_id_r, sets, validation_share=share, rng_of=rng_of)


def _check_language_model(parameters: Mapping[str, Any], counts: Mapping[str, Any], where: str) -> None:
    """ParamsError for options of a language model that cannot be, or where none is asked for or no text is at hand."""
    name = parameters.get("language_model")
    own = {option.removeprefix(LM): value for option, value in parameters.items() if option.startswith(LM)}
    if amiss := out_of_range(own):
        raise ParamsError(f"{where}: {LM}{amiss[0]}: {amiss[1]}")
    if (asked := parameters.get("keep_head")) is not None:
        one_of(asked, [*parameters["reward_models"], *(["language_model"] if name else [])], f"{where}: keep_head")
    if name is None:
        if parameters.get("lm_lora_rank") is not None:
            raise ParamsError(
                f"{where}: lm_lora_rank: there is no language model to take it; name one by language_model"
            )
        return
    require_model_name(name, counts, f"{where}: language_model")
    if parameters["validation_split"] == "mirrored_row":
        raise ParamsError(
            f"{where}: validation_split: mirrored_row divides pairs; for a language model say pair or prompt"
        )
    if "pairs" in counts and "pairs_of_prompts" not in counts:
        raise ParamsError(f"{where}: language_model: needs the texts: name a pairs_file")


def fewest_outside(pairs_of_prompts: Sequence[int], parameters: Mapping[str, Any]) -> int:
    """How many pairs the folds that 09_human_preferences draws leave to learn from, of the fold that leaves fewest."""
    import numpy as np

    from rmkit.training_sets.prompt_folds import prompt_folds

    rng = generator(parameters["seed"], *FOLDS)
    fold_p = prompt_folds(np.arange(len(pairs_of_prompts)), parameters["n_folds"], rng)
    return int(sum(pairs_of_prompts) - np.bincount(fold_p, weights=pairs_of_prompts).max())


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
