"""What is called sound can be drawn, and what cannot is told with a share that can, of files of few prompts too."""

import json
import re

import numpy as np
import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.lm.training.preference_folds import require_both_sides
from rmkit.preconditions.reward_models import check_cross_fitting
from rmkit.seeding import generator
from rmkit.stages.graph import STAGES
from rmkit.training_sets.by_annotations import all_pairs
from rmkit.training_sets.cross_fitting import cross_fitting
from rmkit.worlds.human_preferences.pairs import bank_and_comparisons, check, read_pairs

FILES = {
    "ten pairs": [(p, k, 1) for p in range(5) for k in range(2)],
    "most pairs of one prompt": [(0, k, 1) for k in range(42)] + [(p, 0, 1) for p in range(1, 19)],
    "a crowd": [(p, 0, 30) for p in range(6)],
    "a larger crowd": [(p, k, 8) for p in range(7) for k in range(2)],
    "two prompts": [(p, k, 1) for p in range(2) for k in range(30)],
    "many": [(p, 0, 1) for p in range(60)],
}
ASKED = {
    "annotations": None, "validation_share": 0.2, "validation_split": "pair", "reward_models": ["linear_bt"],
    "keep_head": None, "refit": True, "language_model": None, "lm_lora_rank": None,
}  # fmt: skip


def file_of(tmp_path, name):
    rows = [
        {"prompt": f"q{p}", "chosen": f"good {p} {k}", "rejected": f"bad {p} {k}", "annotator": f"a{a}"}
        for p, k, times in FILES[name]
        for a in range(times)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def draw(path, asked):
    """What 09 draws, by its own stream, and what a language model's fits would."""
    bank, comparisons = bank_and_comparisons(
        read_pairs(path), lambda texts: (np.zeros((len(texts), 1), np.float16), {})
    )
    stage, *more = STAGES["09_human_preferences"].streams

    def rng_of(purpose):
        return generator(asked["seed"], stage, purpose, *more)

    share = {"validation_share": asked["validation_share"]}
    split = {"validation_split": asked["validation_split"]}
    counts = {name: asked[name] for name in ("annotations", "n_folds")}
    sets = cross_fitting(comparisons, bank.prompt_id_r, rng_of=rng_of, **counts, **share, **split)
    all_pairs(comparisons, bank.prompt_id_r, rng=rng_of("all pairs"), **share, **split)
    all_pairs(comparisons, bank.prompt_id_r, rng=rng_of("pairs to judge"), **share, validation_split="pair")
    if asked["language_model"]:
        require_both_sides(comparisons, bank.prompt_id_r, sets, rng_of=rng_of, **share)


def refusal(asked, counts):
    """What `check` says against it; nothing where it is sound."""
    try:
        check_cross_fitting(asked, counts, "here")
    except ParamsError as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [{}, {"validation_split": "prompt"}, {"language_model": "org/model"}])
def test_sound_pairs_are_drawn_and_a_remedy_that_is_offered_works(tmp_path, name, change):
    path = file_of(tmp_path, name)
    _, counts = check(path)
    for seed in range(3):
        for n_folds in (2, 5):
            asked = {**ASKED, **change, "seed": seed, "n_folds": min(n_folds, counts["prompts"])}
            if said := refusal(asked, counts):
                remedy = re.search(r"; say --set validation_share=([\d.]+)$", said)
                assert remedy or said.endswith(("label pairs of more prompts", "add pairs")), said
                if not remedy:
                    continue
                with pytest.raises(DataError):
                    draw(path, asked)
                asked["validation_share"] = float(remedy[1])
                assert refusal(asked, counts) == ""
            draw(path, asked)


def test_judgements_of_few_pairs_that_leave_nothing_to_validate_are_refused(tmp_path):
    """144 rows outside a fold are of five pairs, or of four, whose judgements go together."""
    _, counts = check(file_of(tmp_path, "a crowd"))
    asked = {**ASKED, "seed": 0, "n_folds": 3}
    said = (
        r"^here: annotations\[0\]: \d+ annotations outside fold \d leave \d+ to train and 0 to validate on; say --set"
    )
    with pytest.raises(ParamsError, match=said):
        check_cross_fitting(asked, counts, "here")


def test_a_language_model_needs_prompts_on_both_sides(tmp_path):
    _, counts = check(file_of(tmp_path, "two prompts"))
    asked = {**ASKED, "seed": 0, "n_folds": 2}
    check_cross_fitting(asked, counts, "here")
    with pytest.raises(
        ParamsError, match=r"language_model: the prompts of fold 0 leave 30 to train and 0 to validate on"
    ):
        check_cross_fitting({**asked, "language_model": "org/model"}, counts, "here")
