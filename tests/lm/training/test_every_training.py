"""What holds for every training of a language model: what a user draws next does not depend on it."""

import random
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import set_seed

from rmkit.lm.training.arguments import seeded
from rmkit.lm.training.encoder import fit_encoder
from rmkit.lm.training.pretrain import Architecture, pretrain
from rmkit.lm.training.reward_model import fit_gold_model
from rmkit.lm.training.sft import Recipe, fine_tune

PROMPT = "\n\nHuman: Hi.\n\nAssistant:"
ROWS = pd.DataFrame({"prompt": [PROMPT] * 2, "kind": [1, 0], "margin": 1.0})
TRAININGS = {
    "pretrain": lambda base, tokenizer, folder: pretrain(
        ["Hi.", "Thank you."], tokenizer, Architecture(16, 1, 2, 24, 64), folder, learning_rate=1e-3, seed=5
    ),
    "encoder": lambda base, tokenizer, folder: fit_encoder(
        base, ROWS.assign(response=["Thank you.", "You fool."]), folder, labels=("kind",), learning_rate=1e-3,
        batch_size=2, seed=5, template="plain",
    ),
    "reward_model": lambda base, tokenizer, folder: fit_gold_model(
        base, ROWS.assign(chosen="Thank you.", rejected="You fool."), folder, learning_rate=1e-3, batch_size=2, seed=5
    ),
    "sft": lambda base, tokenizer, folder: fine_tune(
        base, ROWS.assign(completion=" Thank you."), folder, Recipe(1e-3, 1, 2, teaches_stopping=True), seed=5
    ),
}  # fmt: skip


def global_states():
    """Where the global generators of Python, NumPy and torch are."""
    arrays = np.random.get_state(legacy=False)  # noqa: NPY002 - trainers seed the global one
    return str(random.getstate()), str(arrays), torch.get_rng_state().tolist()


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_leaves_the_global_generators_as_they_were(causal, base, tmp_path, name):
    _, tokenizer = causal
    before = global_states()
    TRAININGS[name](base, tokenizer, tmp_path)
    assert global_states() == before


def test_one_that_fails_does_so_too_and_inside_draws_are_the_seeds():
    before = global_states()
    with suppress(ZeroDivisionError), seeded(5):
        set_seed(6)
        raise ZeroDivisionError
    assert global_states() == before
    draws = []
    for seed in (5, 5, 6):
        with seeded(seed):
            draws.append(torch.rand(()).item())
    assert draws[0] == draws[1] != draws[2]
