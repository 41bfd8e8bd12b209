"""Texts as a sentence encoder reads them: the mean of the last layer's states over all tokens, scaled to length 1.

What all-MiniLM-L6-v2 and its like were trained for, where a causal encoder's place is the last token (`embed`). Knows
an encoder and texts; no prompt, no response. Source: Reimers & Gurevych 2019, arXiv 1908.10084, section 3.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rmkit.errors import DataError
from rmkit.lm.loading import context_of
from rmkit.lm.reading.batches import Work, ids_through_model
from rmkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def embed_sentences(
    encoder: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    texts: Sequence[str],
    *,
    longest: int = 256,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> "tuple[np.ndarray, Work]":
    """(R, D) float16 embeddings of R texts, each of length 1, and what they cost; DataError if there are none.

    longest: in tokens, and at most the encoder's context. Of a longer text the end is read: a dialogue's last answer.
    The same for every batch size to float16's rounding.
    """
    import numpy as np

    started = time.perf_counter()
    if not texts:
        raise DataError("texts: there are none; give at least one")
    tokenizer.truncation_side = "left"
    most = min(longest, context_of(encoder) or longest)
    ids_r = tokenizer(list(texts), truncation=True, max_length=most)["input_ids"]

    def mean_state(input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "torch.Tensor":
        hidden_bld = encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        real_bl1 = attention_mask.unsqueeze(-1).to(hidden_bld.dtype)
        return (hidden_bld * real_bl1).sum(dim=1) / real_bl1.sum(dim=1)

    mean_rd = ids_through_model(encoder, tokenizer, ids_r, mean_state, batch_size=batch_size, progress=progress)
    embedding_rd = mean_rd / np.linalg.norm(mean_rd, axis=1, keepdims=True)
    return embedding_rd.astype(np.float16), Work(time.perf_counter() - started, sum(map(len, ids_r)))
