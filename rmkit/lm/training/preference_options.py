"""The numbers by which a language model may be fine-tuned on pairs, each with its least and its most.

Knows numbers only, so that a study can be refused before any of its jobs has run (preconditions/).
"""

from collections.abc import Mapping
from typing import Any

RANGES = {
    "lora_rank": (1, 1_024),
    "epochs": (1, 1_000),
    "batch_size": (1, 100_000),  # pairs
    "max_length": (8, 1_000_000),  # tokens
    "warmup": (0, 0.99),  # share of the steps
    "coefficient": (0, 1_000),  # of the regulariser
}
RATE = "learning_rate"
REGULARISER, REGULARISERS = "regulariser", ("sum_of_squares", "centre")  # preference_trainer.py has them


def out_of_range(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first option that cannot be, by its name, and what would be right; None where all can be.

    None as a value stands for the usual one; other names are not looked at.
    """
    for name, (least, most) in RANGES.items():
        value = options.get(name)
        if value is not None and not least <= value <= most:
            return name, f"{value}; it must be {least} to {most:,}"
    rate = options.get(RATE)
    if rate is not None and not 0 < rate < 1:
        return RATE, f"{rate}; it must be above 0 and below 1"
    regulariser = options.get(REGULARISER)
    if regulariser is not None and regulariser not in REGULARISERS:
        return REGULARISER, f"{regulariser}; it must be {' or '.join(REGULARISERS)}"
    return None
