"""Which prompts to go through, and in what order: by words in their texts, by what a fit makes of them.

Pure functions of what a reading knows of each prompt under one fit; no text is shown here, no control.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rmkit.study.monitoring.words import enumerated

# What a fit makes of a prompt, one column each in `by_prompt` of a reading.
MARGIN = "margin"  # its favourite's reward minus its second choice's; of people's pairs, chosen minus rejected
GOLD = "gold"  # the gold reward of the fit's favourite; absent where people judged
LOST = "lost"  # how wrong the fit is: gold's best minus GOLD; of people's pairs, minus the margin
LABEL = "label"  # whether the fit is right, one of the words below

BEST, NOT_BEST = "gold's best too", "not gold's best"
AGREES, CONTRADICTS, UNDECIDED = "agrees", "contradicts", "undecided"

AS_STORED, WORST, LEAST_SURE, MOST_SURE = "as stored", "worst", "least sure", "most sure"
ORDERS = {
    "as stored": AS_STORED,
    "largest disagreement first": WORST,
    "smallest margin first": LEAST_SURE,
    "largest margin first": MOST_SURE,
}

Span = tuple[float, float]


@dataclass(frozen=True)
class Wanted:
    """What prompts must have; None and empty text ask for nothing."""

    text: str = ""
    label: str | None = None
    gold: Span | None = None  # both ends included
    margin: Span | None = None

    def passing(self, by_prompt: pd.DataFrame) -> np.ndarray:
        """(P,) bool, the prompts that have all that is asked for, their texts left aside.

        by_prompt: P rows, with the columns above that the reading has. What a reading has not is not asked for.
        """
        passing_p = np.ones(len(by_prompt), bool)
        for name, span in ((GOLD, self.gold), (MARGIN, self.margin)):
            if span and name in by_prompt:
                passing_p &= by_prompt[name].between(*span).to_numpy()
        return passing_p & (by_prompt[LABEL] == self.label).to_numpy() if self.label else passing_p


def in_order(by_prompt: pd.DataFrame, order: str) -> np.ndarray:
    """(P,) int64 prompts in one of ORDERS; prompts that are equal in it stay as stored. KeyError for another order."""
    sure_p = by_prompt[MARGIN].abs()
    first_p = {AS_STORED: 0 * sure_p, WORST: -by_prompt[LOST], LEAST_SURE: sure_p, MOST_SURE: -sure_p}[order]
    return np.argsort(first_p.to_numpy(), kind="stable")


def pattern_of(text: str) -> re.Pattern[str] | None:
    """What finds a text wherever it stands, in capitals or not, across line breaks; None for an empty text."""
    return re.compile(r"\s+".join(map(re.escape, text.split())), re.IGNORECASE) if text.split() else None


def said_of_places(places: Sequence[str]) -> str:
    """Where a text was found, in words: the prompt, responses 2 and 5."""
    numbers = [place.removeprefix("response ") for place in places if place.startswith("response ")]
    others = [
        f"the {place}" if place == "prompt" else f"the {place} response"
        for place in places
        if not place.startswith("response ")
    ]
    responses = [f"response{'s' if len(numbers) > 1 else ''} {listed(numbers)}"] if numbers else []
    return listed([*others, *responses])


def listed(parts: Sequence[str], most: int = 6) -> str:
    """a, b and c; of many, the first few and how many more."""
    if len(parts) > most + 1:
        parts = [*parts[:most], f"{len(parts) - most} more"]
    return enumerated(parts)
