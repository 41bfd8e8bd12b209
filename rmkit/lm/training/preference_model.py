"""A language model fine-tuned on people's preferences by TRL's RewardTrainer: all its weights, or LoRA, then merged.

Knows texts of chosen and rejected responses after their prompts; not where they come from. The epoch is chosen by the
log-loss of pairs held out. What comes out is a sequence classifier with one label. Sources: Bradley & Terry 1952; TRL's
RewardTrainer; Hu et al. 2022, arXiv 2106.09685, for LoRA.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmkit.errors import DataError
from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import (
    Origin,
    check_causal_folder,
    context_of,
    first_line,
    load_tokenizer,
    not_causal,
    origin_of,
)
from rmkit.lm.reading.score import rewards_of
from rmkit.lm.templates import SYSTEM, TEMPLATES, cut_ids, prepare_tokenizer
from rmkit.lm.training.arguments import reporting, seeded, trained, training_arguments
from rmkit.lm.training.preference_options import out_of_range
from rmkit.lm.training.preference_trainer import best_epoch, preference_trainer
from rmkit.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

RATE, LORA_RATE = 2e-5, 2e-4  # where none is asked for: of all weights, and of LoRA


@dataclass(frozen=True)
class PreferenceTraining:
    """How a language model is fine-tuned on pairs. Checked when made, or DataError."""

    language_model: str  # a folder, or a name on the hub with a slash in it and, after an @, a revision
    lora_rank: int | None = None  # None: all weights
    learning_rate: float | None = None  # None: RATE, or LORA_RATE
    epochs: int = 2  # at most; the best of them is kept
    batch_size: int = 8  # pairs
    max_length: int = 1024  # tokens of prompt and response, or the model's context if that is less
    warmup: float = 0.05  # share of the steps
    regulariser: str = "sum_of_squares"  # of the scores, one of REGULARISERS
    coefficient: float = 0.0  # of the regulariser; 0: none

    def __post_init__(self) -> None:
        if amiss := out_of_range(vars(self)):
            raise DataError(f"{amiss[0]}: is {amiss[1]}")

    @property
    def rate(self) -> float:
        """The learning rate."""
        return self.learning_rate or (LORA_RATE if self.lora_rank else RATE)


@dataclass(frozen=True, eq=False)
class PairTexts:
    """M pairs of responses with the prompt of each, as dialogues in HH-RLHF's form."""

    prompt_m: Sequence[str]
    chosen_m: Sequence[str]
    rejected_m: Sequence[str]
    weight_m: np.ndarray | None = None  # (M,) above 0, how much each pair counts; None: all alike
    rejected_prompt_m: Sequence[str] | None = None  # of pairs across prompts: prompt_m is the chosen responses' then


@dataclass(frozen=True, eq=False)
class TunedModel:
    """What came of a fine-tuning: a whole model, LoRA merged, ready to score."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    template: str  # the tokenizer's own chat template, or rmkit's plain form
    log: "pd.DataFrame"  # step, loss, accuracy, ...
    validation_loss_e: list[float]  # nats a pair, after each epoch
    n_cut: int  # texts of the pairs, both sides, of which only the end was read
    revision: str | None = None

    @property
    def epoch(self) -> int:
        """The one that was kept, from 1."""
        return int(np.argmin(self.validation_loss_e)) + 1

    def score(
        self,
        prompts: Sequence[str],
        responses: Sequence[str],
        *,
        batch_size: int = 16,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """(R,) float32 rewards of R responses to their prompts."""
        ids_r, _ = cut_ids(prompts, responses, self.template, self.tokenizer)
        return rewards_of(self.model, self.tokenizer, ids_r, batch_size=batch_size, progress=progress)


def fit_preference_model(
    training: PreferenceTraining,
    train: PairTexts,
    validation: PairTexts,
    *,
    seed: int,
    progress: Progress | None = None,
) -> TunedModel:
    """Fine-tune a language model on pairs; of its epochs, the one with the least log-loss on the validation pairs.

    The loss is the weighted mean of -log sigmoid(reward difference), with the regulariser where its coefficient is
    above 0; the validation loss is without it. Everything random comes from the seed. DataError if the model cannot be
    loaded as a sequence classifier, or if the loss ever is no number.
    """
    from datasets import Dataset
    from trl import RewardConfig

    origin = origin_of(training.language_model, {}, "language_model")
    with quiet_libraries(), seeded(seed), tempfile.TemporaryDirectory() as folder:
        model = _loaded(origin)
        tokenizer = load_tokenizer(origin, padding_side="right")
        template = template_of(tokenizer, train.prompt_m)
        longest = min(training.max_length, context_of(model) or training.max_length)
        prepare_tokenizer(tokenizer, template, longest=longest)
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:  # a pad token was added
            model.resize_token_embeddings(len(tokenizer))
        model.config.pad_token_id = tokenizer.pad_token_id
        (ids, n_train), (held_out, n_held_out) = (_ids_of(pairs, template, tokenizer) for pairs in (train, validation))
        rows: dict[str, Any] = {f"{side}_ids": ids_m for side, ids_m in ids.items()}
        if train.weight_m is not None:
            rows["margin"] = (
                train.weight_m / train.weight_m.mean()
            ).tolist()  # the column that TRL's collator passes on
        arguments = training_arguments(
            folder, epochs=training.epochs, batch_size=training.batch_size, learning_rate=training.rate, seed=seed,
            warmup=training.warmup, schedule="cosine",
        )  # fmt: skip
        best = best_epoch(lambda of: _log_loss(of, tokenizer, held_out, validation.weight_m))
        trainer = preference_trainer(training.regulariser, training.coefficient)(
            model,
            RewardConfig(**arguments, max_length=None),
            train_dataset=Dataset.from_dict(rows),
            processing_class=tokenizer,
            peft_config=_lora(training.lora_rank) if training.lora_rank else None,
            callbacks=[*reporting(progress), best],
        )
        log = trained(trainer)
        best.restore(trainer.model)
        whole = trainer.model.merge_and_unload() if training.lora_rank else trainer.model
    revision = getattr(model.config, "_commit_hash", None)
    return TunedModel(whole.eval(), tokenizer, template, log, best.loss_e, n_train + n_held_out, revision)


def template_of(tokenizer: "PreTrainedTokenizerBase", prompts: Sequence[str]) -> str:
    """`chat` where the tokenizer has a chat template that takes such prompts, system prompts included, else `plain`."""
    if not tokenizer.chat_template:
        return "plain"
    probe = next((prompt for prompt in prompts if prompt.startswith(SYSTEM)), prompts[0])
    try:
        TEMPLATES["chat"](probe, "Yes.", tokenizer)
    except DataError:
        return "plain"
    return "chat"


def _loaded(origin: Origin) -> "PreTrainedModel":
    import torch
    from transformers import AutoModelForSequenceClassification

    if Path(origin.path).is_dir():
        check_causal_folder(origin.path, origin.name)
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            origin.path, revision=origin.revision, num_labels=1, problem_type=None, dtype=torch.float32,
            ignore_mismatched_sizes=True, trust_remote_code=False,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as fault:
        said = first_line(fault)
        raise DataError(f"{origin.name}: cannot be fine-tuned ({said}); give a causal language model") from None
    if not hasattr(model, "score"):  # transformers' name for a head on the last token's state
        raise not_causal(origin.name, model.config.architectures or [], model.config.model_type)
    return model


def _ids_of(
    pairs: PairTexts, template: str, tokenizer: "PreTrainedTokenizerBase"
) -> tuple[Mapping[str, list[list[int]]], int]:
    """The token ids of both sides, and how many texts were cut."""
    chosen_m, n_chosen = cut_ids(pairs.prompt_m, pairs.chosen_m, template, tokenizer)
    rejected_prompt_m = pairs.prompt_m if pairs.rejected_prompt_m is None else pairs.rejected_prompt_m
    rejected_m, n_rejected = cut_ids(rejected_prompt_m, pairs.rejected_m, template, tokenizer)
    return {"chosen": chosen_m, "rejected": rejected_m}, n_chosen + n_rejected


def _log_loss(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    ids: Mapping[str, list[list[int]]],
    weight_m: np.ndarray | None,
) -> float:
    model.eval()
    chosen_m, rejected_m = (rewards_of(model, tokenizer, ids[side]).astype(np.float64) for side in ids)
    model.train()
    return float(np.average(np.logaddexp(0, rejected_m - chosen_m), weights=weight_m))


def _lora(rank: int) -> Any:
    """PEFT's configuration; without `modules_to_save` the reward's own layer would be neither trained nor kept."""
    from peft import LoraConfig

    return LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, bias="none", task_type="SEQ_CLS", modules_to_save=["score"]
    )
