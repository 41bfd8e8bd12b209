"""The grammar world's language models and its gold model: which there are, and what they learn from.

Knows the grammar and the trainers of `lm`; the numbers here are part of the world and were set before any study.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.lm.encoder import fit_encoder
from rmkit.lm.gold import fit_gold_model
from rmkit.lm.models import Origin
from rmkit.lm.pretraining import Architecture, pretrain, train_tokenizer
from rmkit.lm.training import Progress
from rmkit.seeding import generator
from rmkit.worlds.grammar.drawing import (
    CORPUS,
    DEMONSTRATED,
    Part,
    answer_text,
    dialogues,
    frames,
    pick,
    prompt_text,
    remark_table,
)
from rmkit.worlds.grammar.rule import score_by_rule
from rmkit.worlds.grammar.sources import REMARKS, Grammar

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 1500
TEMPLATE = "next_turn"  # what encoder and gold model read: the person has the word
TOKENIZER_DIALOGUES = 6000


@dataclass(frozen=True)
class BaseModel:
    """A base model's size and schooling."""

    architecture: Architecture
    dialogues: float  # how many it reads, as a share of the corpus
    learning_rate: float


BASE_MODELS: Mapping[str, BaseModel] = {
    "grammar-s": BaseModel(Architecture(hidden=192, layers=2, heads=6, inner=512), 1.0, 3e-3),
    "grammar-m": BaseModel(Architecture(hidden=192, layers=4, heads=6, inner=512), 1.0, 2.5e-3),
    "grammar-l": BaseModel(Architecture(hidden=256, layers=4, heads=8, inner=768), 1.5, 2e-3),
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


def make_encoder(
    grammar: Grammar, base: Path, folder: str | Path, *, n_remarked: int, seed: int, progress: Progress | None = None
) -> "pd.DataFrame":
    """Teach a base model which remarks people make on an answer, into a folder; returns the training log."""
    table = remark_table(grammar, n_remarked, generator(seed, "grammar", "remarks"))
    return fit_encoder(
        Origin(base.name, str(base)), table, folder, labels=REMARKS, learning_rate=8e-4, batch_size=8,
        seed=int(generator(seed, "grammar", "encoder").integers(2**31)), template=TEMPLATE, progress=progress,
    )  # fmt: skip


def gold_pairs(grammar: Grammar, n: int, *, seed: int, part: Part = "corpus") -> "pd.DataFrame":
    """n pairs of answers to one prompt of a part, ordered by the rule: prompt, chosen, rejected, margin.

    Half are drawn under the corpus's law and half under the demonstrations', so that answers of both kinds are told
    apart; equal rewards are drawn again. margin: the difference of the rule's rewards.
    """
    import pandas as pd

    rng = generator(seed, "grammar", "gold pairs", part)
    asked = frames(grammar, part)
    rows: list[dict[str, object]] = []
    while len(rows) < n:
        frame = pick(asked, rng)
        request, called = int(rng.integers(len(frame.category.requests))), int(rng.integers(2))
        prompt = prompt_text(frame, request, called)
        law = CORPUS if len(rows) % 2 else DEMONSTRATED
        answers = [answer_text(grammar, frame, law, rng, called) for _ in range(2)]
        (first, second), _ = score_by_rule(grammar, [prompt, prompt], answers)
        if first != second:
            chosen, rejected = answers if first > second else answers[::-1]
            rows.append(
                {"prompt": prompt, "chosen": chosen, "rejected": rejected, "margin": float(abs(first - second))}
            )
    return pd.DataFrame(rows)


def make_gold_model(
    grammar: Grammar, start: Path, folder: str | Path, *, n_pairs: int, seed: int, progress: Progress | None = None
) -> "pd.DataFrame":
    """Fit the gold model to the rule, from another model's weights, into a folder; returns the training log."""
    pairs = gold_pairs(grammar, n_pairs, seed=seed)
    return fit_gold_model(
        Origin(start.name, str(start)), pairs, folder, learning_rate=1e-3, batch_size=16, template=TEMPLATE,
        seed=int(generator(seed, "grammar", "gold model").integers(2**31)), progress=progress,
    )  # fmt: skip
