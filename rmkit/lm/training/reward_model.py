"""A gold reward model in the form that real studies use, fitted to a known reward with TRL's RewardTrainer.

Knows a base model and pairs of responses whose rewards are known; not where the rewards come from. What comes out is a
sequence classifier with one label, loaded and scored like any reward model of the hub.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import Origin, load_tokenizer
from rmkit.lm.templates import TEMPLATES, encoded
from rmkit.lm.training.arguments import reporting, seeded, trained, training_arguments
from rmkit.progress import Progress

if TYPE_CHECKING:
    import pandas as pd


def fit_gold_model(
    base: Origin,
    pairs: "pd.DataFrame",
    folder: str | Path,
    *,
    learning_rate: float,
    batch_size: int,
    seed: int,
    template: str = "plain",
    progress: Progress | None = None,
) -> "pd.DataFrame":
    """Fit a base model with a new head to pairs (prompt, chosen, rejected, margin), one pass, into a folder.

    The loss is -log sigmoid(reward difference - margin), TRL's. Returns the training log (loss, accuracy, ...).
    """
    import torch
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification
    from trl import RewardConfig, RewardTrainer

    tokenizer = load_tokenizer(base, padding_side="right")
    sides = {
        f"{side}_ids": [
            encoded(TEMPLATES[template](prompt, response, tokenizer), template, tokenizer)
            for prompt, response in zip(pairs["prompt"], pairs[side], strict=True)
        ]
        for side in ("chosen", "rejected")
    }
    arguments = training_arguments(
        str(folder), epochs=1, batch_size=batch_size, learning_rate=learning_rate, seed=seed, warmup=0.05,
        schedule="cosine",
    )  # fmt: skip
    with quiet_libraries(), seeded(seed):
        model = AutoModelForSequenceClassification.from_pretrained(
            base.path, num_labels=1, problem_type=None, dtype=torch.float32, ignore_mismatched_sizes=True
        )
        model.config.pad_token_id = tokenizer.pad_token_id
        trainer = RewardTrainer(
            model,
            RewardConfig(**arguments, max_length=None),
            train_dataset=Dataset.from_dict({**sides, "margin": pairs["margin"].tolist()}),
            processing_class=tokenizer,
            callbacks=reporting(progress),
        )
        log = trained(trainer)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return log
