"""The grammar world's language models and its gold model: which there are, and what they learn from.

Knows the grammar and the trainers of `lm`; the numbers here are part of the world and were set before any study.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.lm.loading import Origin, load_causal
from rmkit.lm.sampling.draws import Decoding
from rmkit.lm.sampling.transformers import sample
from rmkit.lm.training.encoder import fit_encoder
from rmkit.lm.training.pretrain import Architecture, pretrain, train_tokenizer
from rmkit.lm.training.reward_model import fit_gold_model
from rmkit.progress import Progress
from rmkit.seeding import generator
from rmkit.worlds.grammar.drawing import dialogues, drawn_question, frames
from rmkit.worlds.grammar.judge_corpus import ANSWERS_EACH, answered_table, gold_pairs, model_pairs, noted, notes
from rmkit.worlds.grammar.phrases import Grammar

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 1500
TEMPLATE = "next_turn"  # what encoder and gold model read: the person has the word
TOKENIZER_DIALOGUES = 6000
ANSWER_TOKENS = 32
MODEL_SHARE = 0.4  # of the answers that the encoder reads, by a model
MODEL_PAIR_SHARE = 2 / 3  # of the pairs that the gold model learns from, by a model


@dataclass(frozen=True)
class BaseModel:
    """A base model's size and schooling."""

    architecture: Architecture
    dialogues: float  # how many it reads, as a share of the corpus
    learning_rate: float


BASE_MODELS: Mapping[str, BaseModel] = {
    "grammar-s": BaseModel(Architecture(hidden=192, layers=3, heads=6, inner=512), 1.0, 1.5e-3),
    "grammar-m": BaseModel(Architecture(hidden=192, layers=4, heads=6, inner=512), 1.0, 1.5e-3),
    "grammar-l": BaseModel(Architecture(hidden=256, layers=4, heads=8, inner=768), 1.5, 1.2e-3),
}


def make_tokenizer(grammar: Grammar, folder: str | Path, *, seed: int) -> "PreTrainedTokenizerFast":
    """The tokenizer that all models of this world share."""
    texts = list(dialogues(grammar, TOKENIZER_DIALOGUES, generator(seed, "grammar", "tokenizer")))
    return train_tokenizer(texts, folder, vocabulary=VOCABULARY)


def make_base_model(
    grammar: Grammar,
    name: str,
    tokenizer: "PreTrainedTokenizerFast",
    folder: str | Path,
    *,
    n_dialogues: int,
    seed: int,
    progress: Progress | None = None,
) -> "pd.DataFrame":
    """Train the named model of BASE_MODELS on its share of n dialogues into a folder; returns the training log."""
    spec = BASE_MODELS[name]
    rng = generator(seed, "grammar", "corpus")
    texts = list(dialogues(grammar, round(spec.dialogues * n_dialogues), rng))
    return pretrain(
        texts, tokenizer, spec.architecture, folder,
        learning_rate=spec.learning_rate, seed=int(generator(seed, "grammar", name).integers(2**31)), progress=progress,
    )  # fmt: skip


def model_answers(
    grammar: Grammar, base: Path, n_prompts: int, *, seed: int, progress: Progress | None = None
) -> "pd.DataFrame":
    """What a base model answers to n prompts of the corpus, ANSWERS_EACH to each: columns prompt, response.

    A model slips where the grammar never does; who is to judge models must have read some.
    """
    import pandas as pd

    rng, asked = generator(seed, "grammar", "asked of the model"), frames(grammar, "corpus")
    prompts = pd.DataFrame(
        {"prompt_id": range(n_prompts), "prompt": [drawn_question(asked, rng)[2] for _ in range(n_prompts)]}
    )
    speaker = load_causal(Origin(base.name, str(base)))
    drawn = sample(
        *speaker,
        prompts,
        n=ANSWERS_EACH,
        decoding=Decoding(ANSWER_TOKENS),
        seed=int(rng.integers(2**31)),
        progress=progress,
    )
    said = drawn.responses.merge(prompts, on="prompt_id")
    return said[["prompt", "answer"]].rename(columns={"answer": "response"})


def make_encoder(
    grammar: Grammar,
    base: Path,
    folder: str | Path,
    *,
    answers: "pd.DataFrame",
    n_noted: int,
    seed: int,
    progress: Progress | None = None,
) -> "pd.DataFrame":
    """Teach a base model what readers note of an answer, into a folder; returns the training log.

    answers: what a base model said; up to MODEL_SHARE of the n answers are of them, the others the grammar's.
    """
    import pandas as pd

    rng = generator(seed, "grammar", "notes")
    own = answers.iloc[rng.permutation(len(answers))[: round(MODEL_SHARE * n_noted)]]
    table = noted(grammar, pd.concat([answered_table(grammar, n_noted - len(own), rng), own]), rng)
    return fit_encoder(
        Origin(base.name, str(base)), table, folder, labels=notes(grammar), learning_rate=7e-4, batch_size=8,
        seed=int(generator(seed, "grammar", "encoder").integers(2**31)), template=TEMPLATE, progress=progress,
    )  # fmt: skip


def make_gold_model(
    grammar: Grammar,
    start: Path,
    folder: str | Path,
    *,
    answers: "pd.DataFrame",
    n_pairs: int,
    seed: int,
    progress: Progress | None = None,
) -> "pd.DataFrame":
    """Fit the gold model to the rule, from another model's weights, into a folder; returns the training log.

    answers: what a base model said; up to MODEL_PAIR_SHARE of the n pairs are of them, the others of the grammar.
    """
    import pandas as pd

    own = model_pairs(grammar, answers)
    rng = generator(seed, "grammar", "model pairs")
    own = own.iloc[rng.permutation(len(own))[: round(MODEL_PAIR_SHARE * n_pairs)]]
    pairs = pd.concat([gold_pairs(grammar, n_pairs - len(own), seed=seed), own], ignore_index=True)
    return fit_gold_model(
        Origin(start.name, str(start)), pairs, folder, learning_rate=3e-4, batch_size=16, template=TEMPLATE,
        seed=int(generator(seed, "grammar", "gold model").integers(2**31)), progress=progress,
    )  # fmt: skip
