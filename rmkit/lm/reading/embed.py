"""Responses as vectors: the last layer's hidden state at the last real token of prompt and response.

As arXiv 2411.04991 (section 4 of its code: `hidden_states[-1]` at the last position), with the last token found by the
attention mask, never by position -1. Knows an encoder and texts; not where they come from.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rmkit.errors import DataError
from rmkit.lm.reading.batches import Work, through_model
from rmkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def embed(
    encoder: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: Sequence[str],
    responses: Sequence[str],
    *,
    template: str = "plain",
    batch_size: int = 64,
    progress: Progress | None = None,
) -> "tuple[np.ndarray, Work]":
    """(R, D) float16 embeddings of R responses after their prompts, and what they cost; DataError names the row.

    The same for every batch size to 1e-3 of the largest value, which is float16's rounding.
    """
    import numpy as np

    def last_hidden_state(input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "torch.Tensor":
        hidden_bld = encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        last_b = attention_mask.sum(dim=1) - 1
        return hidden_bld[range(len(last_b)), last_b]

    embedding_rd, work = through_model(
        encoder, tokenizer, prompts, responses, last_hidden_state,
        template=template, batch_size=batch_size, progress=progress,
    )  # fmt: skip
    if not (finite := (np.abs(embedding_rd) <= np.finfo(np.float16).max).all(axis=1)).all():
        raise DataError(f"embedding of response {int(np.argmin(finite))}: does not fit float16; use another encoder")
    return embedding_rd.astype(np.float16), work
