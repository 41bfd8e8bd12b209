"""A tokenizer and a small causal language model from scratch: byte-level BPE, Llama's architecture, fp32.

Knows texts and sizes; not where the texts come from. The folders that it writes are transformers' own: they load like
any model of the hub.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.training.arguments import reporting, seeded, trained, training_arguments
from rmkit.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedTokenizerFast

PAD, START, END = "<pad>", "<s>", "</s>"
TEXT_BATCH = 8  # at this size many small steps learn more in a minute than few large ones


@dataclass(frozen=True)
class Architecture:
    """The size of a Llama model."""

    hidden: int
    layers: int
    heads: int
    inner: int  # width of the feed-forward layers
    context: int = 256


def train_tokenizer(texts: Sequence[str], folder: str | Path, *, vocabulary: int) -> "PreTrainedTokenizerFast":
    """A byte-level BPE tokenizer of at most so many tokens, saved into a folder; it puts <s> before every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[PAD, START, END],
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    bpe.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", pair=f"{START} $A $B", special_tokens=[(START, bpe.token_to_id(START))]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, bos_token=START, eos_token=END, padding_side="left"
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def pretrain(
    texts: Sequence[str],
    tokenizer: "PreTrainedTokenizerFast",
    architecture: Architecture,
    folder: str | Path,
    *,
    learning_rate: float,
    seed: int,
    progress: Progress | None = None,
) -> "pd.DataFrame":
    """Train a model from scratch, one pass over the texts, into a folder with its tokenizer; returns the training log.

    Each text is a document of its own, ended by </s>. The same arguments give the same bytes on the same machine.
    """
    from datasets import Dataset
    from transformers import DataCollatorForLanguageModeling, LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=architecture.hidden,
        intermediate_size=architecture.inner,
        num_hidden_layers=architecture.layers,
        num_attention_heads=architecture.heads,
        num_key_value_heads=architecture.heads,
        max_position_embeddings=architecture.context,
        tie_word_embeddings=True,
        initializer_range=1 / math.sqrt(architecture.hidden) / 2,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    documents = tokenizer([f"{text}{END}" for text in texts], truncation=True, max_length=architecture.context)
    with quiet_libraries(), seeded(seed):
        arguments = training_arguments(
            str(folder), epochs=1, batch_size=TEXT_BATCH, learning_rate=learning_rate, seed=seed, warmup=0.05,
            schedule="cosine", weight_decay=0.01, adam_beta2=0.99,
        )  # fmt: skip
        model = LlamaForCausalLM(config)
        trainer = Trainer(
            model,
            TrainingArguments(**arguments, train_sampling_strategy="group_by_length"),
            data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
            train_dataset=Dataset.from_dict({"input_ids": documents["input_ids"]}),
            callbacks=reporting(progress),
        )
        log = trained(trainer)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return log
