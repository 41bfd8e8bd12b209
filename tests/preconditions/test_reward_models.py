import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError, ParamsError
from rmkit.preconditions.reward_models import check_cross_fitting
from rmkit.seeding import generator
from rmkit.stages.graph import STAGES
from rmkit.training_sets.cross_fitting import cross_fitting

GOOD = {"annotations": [100, 200], "n_folds": 5, "validation_share": 0.2}
COUNTS = {"pairs": 300, "prompts": 300}


def test_what_can_be_drawn_passes():
    check_cross_fitting(GOOD, COUNTS, "here")
    check_cross_fitting({**GOOD, "annotations": [10**6]}, {}, "here")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"annotations": [100, 400, 800]},
            r"annotations: 400, 800, and there are about 240 pairs outside a fold .*say --set 'annotations=\[100\]'",
        ),
        ({"annotations": [400]}, r".*say --set 'annotations=\[60,120\]'"),
        ({"validation_share": 1.5}, "validation_share: 1.5 is not between 0 and 1"),
        ({"validation_share": 1e-300, "annotations": None}, "n_folds: .*say --set validation_share=0.2"),
        ({"annotations": [4]}, r"annotations\[0\]: 4 pairs leave 4 to train and 0 to validate on; give at least 5"),
        ({"annotations": [-5]}, r"annotations\[0\]: -5; it must be 1 or more pairs"),
        ({"validation_share": 1e-5, "annotations": [100]}, r"annotations\[0\]: .*say --set validation_share=0.2"),
        ({"baselines": ["random", "random"]}, "baselines: 'random' is listed twice; give each once"),
        ({"n_folds": 1}, "n_folds: 1; .* at least 2"),
        ({"n_folds": 400}, "n_folds: 400 folds, and there are 300 prompts"),
    ],
)
def test_what_cannot_is_said_with_what_to_type(change, says):
    with pytest.raises(ParamsError, match=f"^here: {says}"):
        check_cross_fitting({**GOOD, **change}, COUNTS, "here")


TUNED = {
    **{
        "language_model": "org/model",
        "lm_lora_rank": 8,
        "lm_epochs": 2,
        "lm_learning_rate": None,
        "lm_max_length": 1024,
    },
    **{"keep_head": "language_model", "reward_models": ["linear_bt"], "validation_split": "pair"},
}
WITH_TEXTS = {"pairs": 300, "prompts": 300, "pairs_of_prompts": [1] * 300}


@pytest.mark.parametrize(
    ("change", "counts", "says"),
    [
        ({"language_model": None}, WITH_TEXTS, "keep_head: 'language_model' is not one of linear_bt"),
        (
            {"language_model": None, "keep_head": None},
            WITH_TEXTS,
            "lm_lora_rank: there is no language model to take it",
        ),
        (
            {"language_model": "/none/here"},
            WITH_TEXTS,
            "language_model: there is no folder '/none/here', and on the hub",
        ),
        ({"language_model": None, "lm_epochs": -1}, WITH_TEXTS, "lm_epochs: -1; it must be 1 to 1,000"),
        ({"language_model": "mine"}, WITH_TEXTS, "language_model: 'mine' is no folder or hub name with a slash in it"),
        ({"validation_split": "mirrored_row"}, WITH_TEXTS, "validation_split: mirrored_row divides pairs"),
        ({}, COUNTS, "language_model: needs the texts: name a pairs_file"),
        ({"lm_lora_rank": 0}, WITH_TEXTS, "lm_lora_rank: 0; it must be 1 to 1,024"),
        ({"lm_epochs": 0}, WITH_TEXTS, "lm_epochs: 0; it must be 1 to 1,000"),
        ({"lm_max_length": 4}, WITH_TEXTS, "lm_max_length: 4; it must be 8 to 1,000,000"),
        ({"lm_lora_rank": 10**9}, WITH_TEXTS, "lm_lora_rank: 1000000000; it must be 1 to 1,024"),
        ({"lm_epochs": 10**9}, WITH_TEXTS, "lm_epochs: 1000000000; it must be 1 to 1,000"),
        ({"lm_max_length": 10**12}, WITH_TEXTS, "lm_max_length: 1000000000000; it must be 8 to 1,000,000"),
        ({"lm_learning_rate": float("nan")}, WITH_TEXTS, "lm_learning_rate: nan; it must be above 0 and below 1"),
        ({"lm_learning_rate": 3.0}, WITH_TEXTS, "lm_learning_rate: 3.0; it must be above 0 and below 1"),
    ],
)
def test_a_language_model_that_cannot_be_fitted_is_one_line(change, counts, says):
    parameters = {**GOOD, **TUNED, "annotations": [100], "seed": 0}
    check_cross_fitting(parameters, WITH_TEXTS, "here")
    with pytest.raises(ParamsError, match=f"^here: {says}"):
        check_cross_fitting({**parameters, **change}, counts, "here")


def drawn(sizes, seed, n_folds, annotations):
    """The cross-fitting that notebook 09 draws for prompts with so many pairs each."""
    prompt_m = np.repeat(np.arange(len(sizes)), sizes)
    first_m = 2 * np.arange(len(prompt_m))
    table = pd.DataFrame({"first": first_m, "second": first_m + 1, "label": np.ones(len(prompt_m), np.int8)})
    stage, *more = STAGES["09_human_preferences"].streams
    return cross_fitting(
        Comparisons(table), np.repeat(prompt_m, 2), annotations=annotations, n_folds=n_folds, validation_share=0.2,
        rng_of=lambda purpose: generator(seed, stage, purpose, *more),
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=5, max_size=40),
    seed=st.integers(0, 5),
    n_folds=st.integers(2, 5),
    counts=st.lists(st.integers(1, 200), min_size=1, max_size=3, unique=True),
)
def test_what_check_passes_can_be_drawn_and_what_it_refuses_cannot(sizes, seed, n_folds, counts):
    held = {"pairs": sum(sizes), "prompts": len(sizes), "pairs_of_prompts": tuple(sizes)}
    for annotations in (counts, None):
        parameters = {"annotations": annotations, "n_folds": n_folds, "validation_share": 0.2, "seed": seed}
        try:
            check_cross_fitting(parameters, held, "here")
        except ParamsError as refused:
            with pytest.raises(DataError):
                drawn(sizes, seed, n_folds, annotations)
            if remedy := re.search(r"--set 'annotations=(\[[0-9,]+\])'", str(refused)):
                check_cross_fitting({**parameters, "annotations": json.loads(remedy[1])}, held, "here")
                drawn(sizes, seed, n_folds, json.loads(remedy[1]))
        else:
            drawn(sizes, seed, n_folds, annotations)


def test_a_prompt_with_most_of_the_pairs_is_seen_before_anything_runs():
    held = {"pairs": 600, "prompts": 91, "pairs_of_prompts": (420, *[2] * 90)}
    with pytest.raises(ParamsError, match=r"annotations: 200, and there are 144 pairs outside a fold"):
        check_cross_fitting({**GOOD, "annotations": [100, 200], "seed": 0}, held, "here")


def test_without_texts_there_is_no_refit():
    with pytest.raises(ParamsError, match="here: refit: needs the texts, to give new ones their features"):
        check_cross_fitting({**GOOD, "refit": True}, COUNTS, "here")
