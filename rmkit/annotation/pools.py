"""Which pairs of responses there are to ask about: of one prompt or of two, and of which ranks.

A pool says whose responses a pair holds: two to one prompt (`within_prompt`), or one to each of two prompts
(`cross_prompt`). Its pairs are numbered, first < second, so that a few can be drawn of millions that are never listed.
A choice says which ranks by gold a prompt offers: of `random` any two, of `similar` the two middle ones, of
`diversified` the worst and the best. The last two need gold, which no practitioner has: they ask what would be best,
not how to get it. Knows Q prompts with K responses each, side by side: positions into Q K responses. No array is needed
to count, so that a study can be checked before anything heavy is imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Protocol

from rmkit.errors import DataError, one_of

if TYPE_CHECKING:
    import numpy as np


class Pool(Protocol):
    """The pairs whose responses answer so many prompts."""

    @property
    def prompts_a_pair(self) -> int:
        """1 or 2."""

    def n_pairs(self, n_prompts: int, n_responses: int) -> int:
        """How many different pairs there are of K responses to each of Q prompts."""

    def pair(self, number_m: "np.ndarray", n_responses: int) -> "np.ndarray":
        """(M, 2) int64 positions, first < second, of the pairs of these numbers from 0 to below n_pairs."""


@dataclass(frozen=True)
class WithinPrompt:
    """Q C(K, 2) pairs of two responses to one prompt, prompt by prompt."""

    prompts_a_pair: int = 1

    def n_pairs(self, n_prompts: int, n_responses: int) -> int:
        return n_prompts * (n_responses * (n_responses - 1) // 2)

    def pair(self, number_m: "np.ndarray", n_responses: int) -> "np.ndarray":
        import numpy as np

        prompt_m, own_m = np.divmod(number_m, self.n_pairs(1, n_responses))
        return two_of(own_m) + n_responses * prompt_m[:, None]


@dataclass(frozen=True)
class CrossPrompt:
    """C(Q, 2) K^2 pairs of responses to two prompts, two prompts by two prompts."""

    prompts_a_pair: int = 2

    def n_pairs(self, n_prompts: int, n_responses: int) -> int:
        return n_prompts * (n_prompts - 1) // 2 * n_responses**2

    def pair(self, number_m: "np.ndarray", n_responses: int) -> "np.ndarray":
        import numpy as np

        prompts_m, rest_m = np.divmod(number_m, self.n_pairs(2, n_responses))
        return n_responses * two_of(prompts_m) + np.stack(np.divmod(rest_m, n_responses), axis=1)


POOLS: Mapping[str, Pool] = {"within_prompt": WithinPrompt(), "cross_prompt": CrossPrompt()}

# The pairs of ranks, ascending from 0, that a prompt with K responses offers.
CHOICES: Mapping[str, Callable[[int], list[tuple[int, int]]]] = {
    "random": lambda n_responses: list(combinations(range(n_responses), 2)),
    "similar": lambda n_responses: [((n_responses - 2) // 2, (n_responses - 2) // 2 + 1)],
    "diversified": lambda n_responses: [(0, n_responses - 1)],
}


def offered(choice: str, n_responses: int) -> list[tuple[int, int]]:
    """The pairs of ranks that a choice of CHOICES offers, or DataError."""
    return CHOICES[one_of(choice, CHOICES, "choice", DataError)](n_responses)


def check_prompts(pool: str, n_prompts: int, most: int | None, where: str) -> None:
    """DataError, beginning with `where`, unless n_prompts are enough for a pair of the pool and at most so many."""
    least = POOLS[one_of(pool, POOLS, "pool", DataError)].prompts_a_pair
    if n_prompts < least or (most is not None and n_prompts > most):
        give = f"give at least {least}" if most is None else f"give {least} to {most}"
        raise DataError(f"{where}: {n_prompts} prompts for {pool} pairs; {give}")


def check_draw(pool: str, n_pairs: int, n_prompts: int, n_responses: int, choice: str, where: str) -> None:
    """DataError, beginning with `where`, unless so many pairs can be drawn: within prompts no pair comes twice."""
    each = len(offered(choice, n_responses))
    if n_pairs < 1:
        raise DataError(f"{where}: {n_pairs}; give at least 1")
    check_prompts(pool, n_prompts, None, where)
    if pool == "within_prompt" and n_pairs > n_prompts * each:
        offer = f"{n_prompts} prompts offer {each} {choice} pair{'s' * (each > 1)} each"
        raise DataError(f"{where}: {n_pairs}, and {offer}; say at most {n_prompts * each}")


def two_of(number_m: "np.ndarray") -> "np.ndarray":
    """(M, 2) ints first < second: the pair of a number when pairs are counted (0,1), (0,2), (1,2), (0,3), ...

    Second is the largest s with s (s - 1) / 2 <= number; the square root may be off by one, which is put right.
    """
    import numpy as np

    number_m = np.asarray(number_m, dtype=np.int64)
    second_m = ((1 + np.sqrt(1 + 8 * number_m.astype(np.float64))) // 2).astype(np.int64)
    second_m -= second_m * (second_m - 1) // 2 > number_m
    second_m += second_m * (second_m + 1) // 2 <= number_m
    return np.stack([number_m - second_m * (second_m - 1) // 2, second_m], axis=1)
