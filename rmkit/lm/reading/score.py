"""Scores of a reward model in transformers' form: a sequence classifier with one label, the hub's or one's own.

Knows a model and texts. Source of the form: TRL's RewardTrainer; arXiv 2411.04991's gold models.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError
from rmkit.lm.reading.batches import Work, ids_through_model, through_model
from rmkit.lm.templates import fingerprint
from rmkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def score(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: Sequence[str],
    responses: Sequence[str],
    *,
    template: str = "plain",
    batch_size: int = 64,
    progress: Progress | None = None,
) -> "tuple[np.ndarray, Work]":
    """(R,) float32 rewards of R responses to their prompts, and what they cost; DataError names the row.

    The same for every batch size to 1e-4 of the scores' spread in fp32.
    """
    import numpy as np

    def logit(input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "torch.Tensor":
        return model(input_ids=input_ids, attention_mask=attention_mask).logits[:, 0]

    score_r, work = through_model(
        model, tokenizer, prompts, responses, logit, template=template, batch_size=batch_size, progress=progress
    )
    if not (finite := np.isfinite(score_r)).all():
        raise DataError(f"score of response {int(np.argmin(finite))}: is no finite number; is the model sound?")
    return score_r.astype(np.float32), work


def rewards_of(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    ids_r: Sequence[Sequence[int]],
    *,
    batch_size: int = 16,
    progress: Progress | None = None,
) -> "np.ndarray":
    """(R,) float32 rewards of R sequences of token ids, as `score` gives them of texts; DataError names the row."""
    import numpy as np

    def logit(input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "torch.Tensor":
        return model(input_ids=input_ids, attention_mask=attention_mask).logits[:, 0]

    reward_r = ids_through_model(model, tokenizer, ids_r, logit, batch_size=batch_size, progress=progress)
    if not (finite_r := np.isfinite(reward_r)).all():
        raise DataError(f"score of response {int(np.argmin(finite_r))}: is no finite number; is the model sound?")
    return reward_r.astype(np.float32)


def source_of(
    name: str, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", template: str
) -> dict[str, Any]:
    """What a bank says of a scorer or an encoder: model, revision (None for a folder), template and its fingerprint."""
    revision = getattr(model.config, "_commit_hash", None)
    return {"model": name, "revision": revision, "template": fingerprint(template, tokenizer)}
