"""How labels are spent: how many at the start, in how many rounds of how many, from which pools. Numbers only.

Knows counts; no array, so that a study is refused before any of its jobs has run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rmkit.annotation.habits import check_sharpness
from rmkit.annotation.pools import check_prompts
from rmkit.errors import DataError, ParamsError, told_of

VALIDATION_EVERY = 5  # of the labelled pairs, in order of labelling, the last of each five validates


@dataclass(frozen=True, kw_only=True)
class Budget:
    """n_start labels at random, then n_rounds times n_batch; a round's pool has n_candidates pairs of n_prompts.

    DataError for fewer labels at the start than leave one to validate on, and for a batch that no round can fill.
    """

    n_start: int
    n_rounds: int
    n_batch: int
    n_prompts: int
    n_candidates: int

    def __post_init__(self) -> None:
        if self.n_start < VALIDATION_EVERY:
            raise DataError(f"n_start: {self.n_start}; each fifth label validates, give at least {VALIDATION_EVERY}")
        if not 1 <= self.n_batch <= self.n_candidates:
            candidates = f"{self.n_candidates} candidates; give 1 to {self.n_candidates}"
            raise DataError(f"n_batch: {self.n_batch} labels a round, of {candidates}")

    @property
    def annotations(self) -> list[int]:
        """The number of labels after the start and after each round."""
        return [self.n_start + self.n_batch * done for done in range(self.n_rounds + 1)]


def check_budget(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if the numbers cannot go together.

    parameters: the notebook's, and those of the world that it takes its banks from, if known. where: how messages
    begin.
    """
    with told_of(where):
        budget = Budget(**{field.name: parameters[field.name] for field in fields(Budget)})
        for pool in parameters["pools"]:
            check_prompts(pool, budget.n_prompts, parameters.get("n_train_prompts"), "n_prompts")
        check_sharpness(parameters["beta"], "beta")
    if not 0 < parameters["prior"] < float("inf"):
        raise ParamsError(f"{where}: prior: {parameters['prior']}; it must be a finite number above 0")
    most = parameters.get("n_test_responses", max(parameters["ns"], default=1))
    if not parameters["ns"] or not all(1 <= n <= most for n in parameters["ns"]):
        raise ParamsError(f"{where}: ns: {parameters['ns']}; give numbers from 1 to {most}, the responses to a prompt")
