"""A bank and comparisons of pairs that were made up for these tests, and a reward model of all of them."""

import numpy as np
import pytest

from rmkit.export.refit import refitted
from rmkit.seeding import generator
from rmkit.worlds.human_preferences.computed_features import read_texts
from tests.worlds.human_preferences.dialogues import made_up, written

NGRAMS = {"n_dimensions": 20, "min_df": 3, "ngrams": [2, 3], "embedded": "response"}


@pytest.fixture(scope="session")
def preferences(tmp_path_factory):
    return read_texts(written(tmp_path_factory.mktemp("pairs") / "pairs.jsonl", made_up()), features="ngrams", **NGRAMS)


def fitted_on(preferences, name="linear_bt", features="ngrams", **about):
    return refitted(
        name,
        preferences.bank,
        preferences.comparisons,
        features=features,
        procedure="sound",
        validation_share=0.2,
        validation_split="pair",
        rng_of=lambda purpose: generator(0, purpose),
        progress=lambda what: lambda done, total: None,
        about=about,
    )


def texts_of(bank):
    """(R,) prompts and (R,) responses of a bank."""
    prompt_p = bank.prompts.set_index("prompt_id")["prompt"]
    return prompt_p.loc[bank.prompt_id_r].tolist(), bank.responses["response"].tolist()


@pytest.fixture(scope="session")
def model(preferences):
    return fitted_on(preferences, chosen=["kept: linear_bt"])


def alike(first_r, second_r):
    """Whether two sets of rewards are the same but for a step of float16 in the features."""
    return np.abs(first_r - second_r).max() < 0.01 * np.ptp(second_r)
