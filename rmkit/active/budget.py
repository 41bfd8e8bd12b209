"""How labels are spent: how many at the start, in how many rounds of how many. Numbers only.

Knows counts; no array, so that a study can be refused before any of its jobs has run (preconditions/).
"""

from dataclasses import dataclass
from typing import Self

from rmkit.errors import DataError

PUBLISHED_PROMPTS, PUBLISHED_BATCHES = 500, (125, 250, 500, 1000)  # a round's, arXiv 2502.04354
VALIDATION_EVERY = 5  # of the labelled pairs, in order of labelling, the last of each five validates


@dataclass(frozen=True, kw_only=True)
class Budget:
    """n_start labels at random, then n_rounds times n_batch; a round's pool has n_candidates pairs of n_prompts.

    DataError for fewer labels at the start than leave one to validate on, for no round, in which no strategy would
    choose, and for a batch that no round can fill.
    """

    n_start: int
    n_rounds: int
    n_batch: int
    n_prompts: int
    n_candidates: int

    def __post_init__(self) -> None:
        if self.n_start < VALIDATION_EVERY:
            raise DataError(f"n_start: {self.n_start}; each fifth label validates, give at least {VALIDATION_EVERY}")
        if self.n_prompts < 1 or self.n_rounds < 1:
            raise DataError(f"n_prompts: {self.n_prompts}, n_rounds: {self.n_rounds}; give 1 or more of each")
        if not 1 <= self.n_batch <= self.n_candidates:
            candidates = f"{self.n_candidates} candidates; give 1 to {self.n_candidates}"
            raise DataError(f"n_batch: {self.n_batch} labels a round, of {candidates}")

    @property
    def annotations(self) -> list[int]:
        """The number of labels after the start and after each round."""
        return [self.n_start + self.n_batch * done for done in range(self.n_rounds + 1)]

    @classmethod
    def published(
        cls, *, n_rounds: int, n_batch: int, n_candidates: int, has_prompts: int | None
    ) -> tuple[Self, str | None]:
        """The paper's sizes: 500 prompts a round, a first batch at random of the size of the others; and a sentence.

        n_batch: 125, 250, 500 or 1,000, or DataError. Where a world has fewer prompts, all counts shrink in proportion,
        and the sentence says so; None where nothing shrank. n_candidates: pairs of 500 prompts; the paper's is unknown.
        """
        if n_batch not in PUBLISHED_BATCHES:
            listed = ", ".join(map(str, PUBLISHED_BATCHES))
            raise DataError(f"n_batch: {n_batch} with sizes published; the paper's are {listed}")
        n_prompts = min(PUBLISHED_PROMPTS, has_prompts or PUBLISHED_PROMPTS)
        batch, candidates = (
            max(least, round(count * n_prompts / PUBLISHED_PROMPTS))
            for count, least in ((n_batch, VALIDATION_EVERY), (n_candidates, 1))
        )
        told = None
        if n_prompts < PUBLISHED_PROMPTS:
            counts = (
                f"{n_prompts} a round, batches of {batch} for {n_batch}, {candidates} candidates for {n_candidates}"
            )
            told = (
                f"the paper draws {PUBLISHED_PROMPTS} prompts a round; here are {n_prompts}, so all shrinks: {counts}"
            )
        made = cls(n_start=batch, n_rounds=n_rounds, n_batch=batch, n_prompts=n_prompts, n_candidates=candidates)
        return made, told


def budget_of(*, sizes: str, has_prompts: int | None, **counts: int) -> tuple[Budget, str | None]:
    """The budget of these counts as they are, or of the paper's sizes, and what is to be said about it."""
    if sizes == "published":
        used = {name: counts[name] for name in ("n_rounds", "n_batch", "n_candidates")}
        return Budget.published(**used, has_prompts=has_prompts)
    return Budget(**counts), None
