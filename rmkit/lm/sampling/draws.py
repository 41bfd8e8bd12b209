"""What it means to draw responses, whatever draws them: how, with which random numbers, and what comes out.

The noise is ours: one uniform number a token, which depends on the seed, the prompt and the response's number alone.
Knows prompts and texts; no model. Source of the defaults: arXiv 2411.04991 (temperature 1.0, top-p 0.95).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError
from rmkit.seeding import generator

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from transformers import PreTrainedTokenizerBase

NEXT_TURN = "\n\nHuman"


@dataclass(frozen=True)
class Decoding:
    """How responses are drawn."""

    max_new_tokens: int
    temperature: float = 1.0
    top_p: float = 0.95

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.temperature <= 0 or not 0 < self.top_p <= 1:
            raise DataError(f"{self}: needs max_new_tokens >= 1, temperature > 0 and 0 < top_p <= 1")


@dataclass(frozen=True)
class Sampled:
    """What was drawn and what it cost."""

    responses: "pd.DataFrame"  # P*K rows: prompt_id, sample, response (raw), answer, n_tokens, finish_reason, draws
    seconds: float  # spent on drawing, by every process that drew a shard
    tokens: int  # drawn, blank responses included

    @property
    def blank(self) -> int:
        """How many blank responses were drawn and replaced."""
        return int((self.responses["draws"] - 1).sum())


def fitting(prompts: "pd.DataFrame", tokenizer: "PreTrainedTokenizerBase", max_tokens: int) -> "pd.DataFrame":
    """The rows whose prompt has at most so many tokens, or DataError if none has."""
    lengths = [len(tokenizer(prompt)["input_ids"]) for prompt in prompts["prompt"]]
    kept = prompts[[length <= max_tokens for length in lengths]].reset_index(drop=True)
    if kept.empty:
        shortest = min(lengths, default=0)
        raise DataError(f"prompts: none of {len(prompts)} has at most {max_tokens} tokens; the shortest has {shortest}")
    return kept


def answer_of(response: str) -> str:
    """A raw response up to the next turn of the dialogue, stripped: what a person would be shown."""
    return response.partition(NEXT_TURN)[0].strip()


def noise(row: dict[str, Any], n_tokens: int, seed: int, draw: int) -> "np.ndarray":
    """(n_tokens,) float64 in [0, 1): the numbers behind one response, whatever else is drawn."""
    return generator(seed, "sampling", str(row["prompt_id"]), str(row["sample"]), str(draw)).random(n_tokens)
