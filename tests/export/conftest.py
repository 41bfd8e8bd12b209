"""A bank and comparisons of pairs that were made up for these tests, and a reward model of all of them."""

import numpy as np
import pytest

from rmkit.export.refit import refitted
from rmkit.lm.training.pretrain import train_tokenizer
from rmkit.seeding import generator
from rmkit.worlds.human_preferences.computed_features import read_texts
from tests.worlds.human_preferences.dialogues import made_up, written

NGRAMS = {"n_dimensions": 20, "min_df": 3, "ngrams": [2, 3], "embedded": "response"}


@pytest.fixture(scope="session")
def preferences(tmp_path_factory):
    return read_texts(written(tmp_path_factory.mktemp("pairs") / "pairs.jsonl", made_up()), features="ngrams", **NGRAMS)


@pytest.fixture(scope="session")
def causal_with_start(tmp_path_factory):
    """The folder of a Llama that has read nothing, of the hub's usual kind: <s> before every text, no pad token."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("causal") / "llama"
    train_tokenizer(["".join(row["chosen"]) for row in made_up()], folder, vocabulary=400)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(
        vocab_size=len(tokenizer), initializer_range=0.3, max_position_embeddings=256, bos_token_id=1, eos_token_id=2,
        **sizes,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


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
