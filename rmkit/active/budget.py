"""How labels are spent: how many at the start, in how many rounds of how many. Numbers only.

Knows counts; no array, so that a study can be refused before any of its jobs has run (preconditions/).
"""

from dataclasses import dataclass

from rmkit.errors import DataError

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
