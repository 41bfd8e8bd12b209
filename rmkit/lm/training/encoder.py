"""An encoder from a language model: taught to tell what is said of a response, so that its last state holds it.

A multi-label classifier in transformers' form whose trunk is the encoder; its head is left behind when embeddings are
read. Knows texts and the labels that came with them; no reward.
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


def fit_encoder(
    base: Origin,
    labelled: "pd.DataFrame",
    folder: str | Path,
    *,
    labels: tuple[str, ...],
    learning_rate: float,
    batch_size: int,
    seed: int,
    template: str,
    progress: Progress | None = None,
) -> "pd.DataFrame":
    """Fit a base model to rows of prompt, response and one 0/1 column a label, one pass; returns the training log.

    The loss is the mean binary cross-entropy of the labels at the last token.
    """
    import torch
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding, Trainer, TrainingArguments

    tokenizer = load_tokenizer(base, padding_side="right")
    ids = [
        encoded(TEMPLATES[template](prompt, response, tokenizer), template, tokenizer)
        for prompt, response in zip(labelled["prompt"], labelled["response"], strict=True)
    ]
    rows = Dataset.from_dict({"input_ids": ids, "labels": labelled[list(labels)].to_numpy(dtype=float).tolist()})
    arguments = training_arguments(
        str(folder), epochs=1, batch_size=batch_size, learning_rate=learning_rate, seed=seed, warmup=0.05,
        schedule="cosine", adam_beta2=0.99,
    )  # fmt: skip
    with quiet_libraries(), seeded(seed):
        model = AutoModelForSequenceClassification.from_pretrained(
            base.path, num_labels=len(labels), problem_type="multi_label_classification", dtype=torch.float32
        )
        model.config.pad_token_id = tokenizer.pad_token_id
        trainer = Trainer(
            model,
            TrainingArguments(**arguments, train_sampling_strategy="group_by_length"),
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=reporting(progress),
        )
        log = trained(trainer)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return log
