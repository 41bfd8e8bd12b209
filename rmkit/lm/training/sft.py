"""Supervised fine-tuning on demonstrations with TRL's SFTTrainer: the loss is on the completion alone.

Knows a base model, rows of prompt and completion, and two recipes. `published` repeats arXiv 2411.04991's released
code, whose pad token is the end-of-text token and is masked: it never teaches a model to stop. Fine-tunes all weights,
or LoRA adapters, which are merged, so that what comes out is always a whole model; the adapter lies in a folder of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError
from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import Origin, context_of, load_causal
from rmkit.lm.training.arguments import reporting, seeded, trained, training_arguments
from rmkit.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedTokenizerBase


ADAPTER = "adapter"


@dataclass(frozen=True)
class Recipe:
    """How a model is fine-tuned."""

    learning_rate: float
    epochs: float
    batch_size: int
    teaches_stopping: bool  # whether the completion ends with the end-of-text token
    schedule: str = "linear"
    warmup: float = 0.0  # share of the steps
    lora_rank: int | None = None  # None: all weights
    lora_alpha: int = 32
    max_length: int = 1024  # tokens of prompt and completion; longer demonstrations are left out and counted


RECIPES = {
    "default": Recipe(
        learning_rate=1e-3, epochs=1, batch_size=16, teaches_stopping=True, schedule="cosine", warmup=0.05
    ),
    # TRL 0.9.6's and PEFT 0.11.1's defaults, as the released code leaves them: rank 32 on q_proj and v_proj.
    "published": Recipe(learning_rate=5e-5, epochs=2, batch_size=1, teaches_stopping=False, lora_rank=32),
}


@dataclass(frozen=True)
class FineTuned:
    """What came of a fine-tuning."""

    log: "pd.DataFrame"  # step, loss, mean_token_accuracy, ...
    n_used: int  # demonstrations
    n_too_long: int


def fine_tune(
    base: Origin,
    demonstrations: "pd.DataFrame",
    folder: str | Path,
    recipe: Recipe,
    *,
    seed: int,
    dtype: str = "float32",
    pad_token: str | None = None,
    progress: Progress | None = None,
) -> FineTuned:
    """Fine-tune a base model on rows of prompt and completion, and save it whole, with its tokenizer, into a folder.

    An adapter is saved too, as it was before it was merged, into the folder `adapter` there.
    DataError for an empty completion, with its row, or if every demonstration is longer than recipe.max_length.
    """
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    if demonstrations.empty:
        raise DataError("demonstrations: there are none; give at least one")
    model, tokenizer = load_causal(base, dtype=dtype, pad_token=pad_token)
    examples = tokenized(demonstrations, tokenizer, recipe.teaches_stopping)
    longest = min(recipe.max_length, context_of(model) or recipe.max_length)
    kept = [example for example in examples if len(example["input_ids"]) <= longest]
    limit = f"max_length={longest}" if longest == recipe.max_length else f"the model's context of {longest}"
    if not kept:
        shortest = min(len(example["input_ids"]) for example in examples)
        raise DataError(
            f"demonstrations: all {len(examples)} are longer than {limit} tokens; the shortest has {shortest}"
        )
    arguments = training_arguments(
        str(folder), epochs=recipe.epochs, batch_size=recipe.batch_size, learning_rate=recipe.learning_rate, seed=seed,
        warmup=recipe.warmup, schedule=recipe.schedule, dtype=dtype,
    )  # fmt: skip
    with quiet_libraries(), seeded(seed):
        trainer = SFTTrainer(
            model,
            SFTConfig(
                **arguments,
                max_length=recipe.max_length,
                completion_only_loss=True,
                train_sampling_strategy="group_by_length" if recipe.batch_size > 1 else "random",
            ),
            train_dataset=Dataset.from_list(kept),
            processing_class=tokenizer,
            peft_config=lora(recipe) if recipe.lora_rank else None,
            callbacks=reporting(progress),
        )
        log = trained(trainer)
        if recipe.lora_rank:
            trainer.model.peft_config["default"].base_model_name_or_path = base.name  # of a world's own no path
            trainer.model.save_pretrained(Path(folder) / ADAPTER, save_embedding_layers=False)  # LoRA trains none
        whole = trainer.model.merge_and_unload() if recipe.lora_rank else trainer.model
        whole.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return FineTuned(log, len(kept), len(examples) - len(kept))


def lora(recipe: Recipe) -> Any:
    """PEFT's configuration of a recipe; the target modules are PEFT's choice for the architecture."""
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.lora_rank or 1, lora_alpha=recipe.lora_alpha, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM"
    )


def tokenized(
    demonstrations: "pd.DataFrame", tokenizer: "PreTrainedTokenizerBase", teaches_stopping: bool
) -> list[dict[str, list[int]]]:
    """input_ids and completion_mask of each row: 1 on the completion, and on the end-of-text token if it is taught."""
    examples = []
    for row, (prompt, completion) in enumerate(
        zip(demonstrations["prompt"], demonstrations["completion"], strict=True)
    ):
        if not completion.strip():
            raise DataError(f"demonstrations, row {row}: its completion is empty; leave the row out")
        n_prompt = len(without_end(tokenizer(prompt)["input_ids"], tokenizer))
        ids = without_end(tokenizer(prompt + completion)["input_ids"], tokenizer)
        if teaches_stopping:
            ids = [*ids, tokenizer.eos_token_id]
        examples.append({"input_ids": ids, "completion_mask": [0] * n_prompt + [1] * (len(ids) - n_prompt)})
    return examples


def without_end(ids: Sequence[int], tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """The token ids without the end-of-text token that some tokenizers put after every text."""
    return list(ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids)


def log_rows(log: "pd.DataFrame") -> "pd.DataFrame":
    """A training log as result rows: loss and token accuracy by step; units is 1, a step of the trainer's averages."""
    names = {"loss": "train_loss", "mean_token_accuracy": "train_token_accuracy"}
    rows = log.rename(columns=names).melt(id_vars="step", value_vars=list(names.values()), var_name="metric")
    return rows.assign(fit="policy", reason=None, units=1)
