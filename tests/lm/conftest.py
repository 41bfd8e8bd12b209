"""Real models, as small as they can be: a tokenizer and a Llama trained on grammar dialogues, and a gold model on it."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rmkit.lm.loading import Origin, load_causal, load_encoder, load_reward_model
from rmkit.lm.training.pretrain import Architecture, pretrain, train_tokenizer
from rmkit.lm.training.reward_model import fit_gold_model
from rmkit.worlds.grammar.drawing import CORPUS, answer_text, dialogues, frames, pick, prompt_table, prompt_text
from rmkit.worlds.grammar.judge_corpus import gold_pairs
from rmkit.worlds.grammar.phrases import read_grammar

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub, which reads it once
TINY = Architecture(hidden=32, layers=2, heads=2, inner=64)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def grammar():
    return read_grammar(Path(__file__).parents[2] / "data/grammar")


@pytest.fixture(scope="session")
def texts(grammar):
    return list(dialogues(grammar, 150, np.random.default_rng(0)))


@pytest.fixture(scope="session")
def base(texts, tmp_path_factory):
    """A Llama of two layers that has read 150 dialogues eight times; do not change it."""
    folder = tmp_path_factory.mktemp("models") / "base"
    tokenizer = train_tokenizer(texts, folder, vocabulary=600)
    pretrain(texts * 8, tokenizer, TINY, folder, learning_rate=1e-2, seed=0)
    return Origin("base", str(folder))


@pytest.fixture(scope="session")
def gpt2(base, tmp_path_factory):
    """A GPT-2 that has read nothing: learned positions, where a shift by padding would show at once."""
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=192, initializer_range=0.3,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "gpt2"
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Origin("gpt2", str(folder))


@pytest.fixture(scope="session")
def gold_model(base, grammar, tmp_path_factory):
    """A sequence classifier with one label, fitted to 32 pairs that the rule ordered."""
    folder = tmp_path_factory.mktemp("models") / "gold"
    fit_gold_model(base, gold_pairs(grammar, 32, seed=0), folder, learning_rate=3e-3, batch_size=8, seed=0)
    return Origin("gold", str(folder))


@pytest.fixture(scope="session")
def causal(base):
    return load_causal(base)


@pytest.fixture(scope="session")
def encoder(base):
    return load_encoder(base)


@pytest.fixture(scope="session")
def scorer(gold_model):
    return load_reward_model(gold_model)


@dataclass(frozen=True)
class Said:
    """Responses and the prompts that they answer."""

    prompts: list[str]
    responses: list[str]


@pytest.fixture(scope="session")
def said(grammar):
    """70 responses of one to some sixty words, in no order of length."""
    rng = np.random.default_rng(1)
    prompts, responses = [], []
    for number in range(70):
        frame = pick(frames(grammar, "test"), rng)
        answers = [answer_text(grammar, frame, CORPUS, rng) for _ in range(1 + number % 4)]
        prompts.append(prompt_text(frame, 0, 0))
        responses.append(" ".join(answers) if number % 5 else "No.")
    return Said(prompts, responses)


@pytest.fixture(scope="session")
def asked(grammar):
    """Ten prompts of different lengths, with ids that are not their positions."""
    prompts = prompt_table(grammar, "test", 5, np.random.default_rng(0))
    return prompts.assign(prompt_id=np.arange(10) * 7 + 3)[["prompt_id", "prompt"]]
