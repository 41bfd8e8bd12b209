"""How a budget of labels is spread: over which prompts, and how many labels a pair gets.

Knows counts alone, no array, so that a study can be checked before anything heavy is imported; pairs.py draws. Names
are those of the parameters of 03_annotation_noise, so that a message says what to change.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rmkit.annotation.pools import check_draw, check_prompts, offered
from rmkit.errors import DataError, one_of

PROMPT_ORDERS: Mapping[str, str] = {
    "random": "each pass over the prompts in a new random order",
    "file": "every pass in the order of the bank",
}


@dataclass(frozen=True)
class LabelBudget:
    """How labels are spread; the defaults spread them over all prompts. DataError with the first value amiss."""

    n_annotated_prompts: int | None = None  # prompts that are annotated at all; None: every one
    labels_per_pair: int = 1  # labels of one pair come one after another, each an annotator's own
    prompt_order: str = "random"  # one of PROMPT_ORDERS; with "file", the first prompts are annotated

    def __post_init__(self) -> None:
        if self.labels_per_pair < 1:
            raise DataError(f"labels_per_pair: {self.labels_per_pair}; give at least 1")
        if self.n_annotated_prompts is not None and self.n_annotated_prompts < 1:
            raise DataError(f"n_annotated_prompts: {self.n_annotated_prompts}; give at least 1, or null for all")
        one_of(self.prompt_order, PROMPT_ORDERS, "prompt_order", DataError)

    def prompts_of(self, n_prompts: int) -> int:
        """How many of so many prompts are annotated."""
        return n_prompts if self.n_annotated_prompts is None else self.n_annotated_prompts

    def pairs_of(self, n_labels: int) -> int:
        """How many different pairs so many labels are given to."""
        return -(-n_labels // self.labels_per_pair)

    def most(self, n_prompts: int, n_responses: int, choice: str) -> int:
        """The most labels that pairs within prompts have room for."""
        return self.prompts_of(n_prompts) * len(offered(choice, n_responses)) * self.labels_per_pair

    def check(self, n_labels: int, n_prompts: int, n_responses: int, choice: str, pool: str) -> None:
        """DataError unless K responses to each of P prompts have room for so many labels of this choice and pool."""
        annotated = self.prompts_of(n_prompts)
        check_prompts(pool, annotated, n_prompts, "n_annotated_prompts")
        where = "n_labels" if self.labels_per_pair == 1 else "n_labels / labels_per_pair"
        check_draw(pool, self.pairs_of(n_labels), annotated, n_responses, choice, where)


EVERYWHERE = LabelBudget()
