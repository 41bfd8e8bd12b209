"""How labels are spent: how many at the start, in how many rounds of how many, from which pools. Numbers only.

Knows counts; no array, so that a study is refused before any of its jobs has run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rmkit.errors import ParamsError

VALIDATION_EVERY = 5  # of the labelled pairs, in order of labelling, the last of each five validates


@dataclass(frozen=True, kw_only=True)
class Budget:
    """n_start labels at random, then n_rounds times n_batch; a round's pool has n_candidates pairs of n_prompts."""

    n_start: int
    n_rounds: int
    n_batch: int
    n_prompts: int
    n_candidates: int

    @property
    def annotations(self) -> list[int]:
        """The number of labels after the start and after each round."""
        return [self.n_start + self.n_batch * done for done in range(self.n_rounds + 1)]


def check_budget(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError if the numbers cannot go together.

    parameters: the notebook's, and those of the world that it takes its banks from, if known. where: how messages
    begin.
    """
    n_start, n_batch, n_candidates = (parameters[name] for name in ("n_start", "n_batch", "n_candidates"))
    if n_start < VALIDATION_EVERY:
        raise ParamsError(f"{where}: n_start: {n_start}; each fifth label validates, give at least {VALIDATION_EVERY}")
    if not 1 <= n_batch <= n_candidates:
        raise ParamsError(
            f"{where}: n_batch: {n_batch} labels a round, of {n_candidates} candidates; give 1 to {n_candidates}"
        )
    if parameters["n_prompts"] < (least := 2 if "cross_prompt" in parameters["pools"] else 1):
        raise ParamsError(f"{where}: n_prompts: {parameters['n_prompts']}; the pools need at least {least}")
    if parameters["n_prompts"] > parameters.get("n_train_prompts", parameters["n_prompts"]):
        have = f"00_grammar_world draws {parameters['n_train_prompts']} training prompts"
        raise ParamsError(f"{where}: n_prompts: {parameters['n_prompts']} a round, and {have}")
    for name in ("beta", "prior"):
        if not 0 < parameters[name] < float("inf"):
            raise ParamsError(f"{where}: {name}: {parameters[name]}; it must be a finite number above 0")
    most = parameters.get("n_test_responses", max(parameters["ns"], default=1))
    if not parameters["ns"] or not all(1 <= n <= most for n in parameters["ns"]):
        raise ParamsError(f"{where}: ns: {parameters['ns']}; give numbers from 1 to {most}, the responses to a prompt")
