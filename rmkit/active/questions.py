"""Which pairs a round may ask about, and who answers: a simulated annotator of a bank's pairs, or people who judged.

Both are `Questions`; the rounds of setting.py know no more of either. Gold is read by the annotator, and by
`contradicted`, which describes labels after they were given; no strategy sees it.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from rmkit.active.common_answers import answers
from rmkit.active.pools import draw_pool
from rmkit.annotation.annotators import Annotator
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError


class Questions(Protocol):
    """Pairs of R responses, first < second, and an answer to each: always the same one, whoever asks and when."""

    @property
    def prompt_r(self) -> np.ndarray:
        """(R,) int64: which prompt each response answers."""

    def drawn(self, n_prompts: int, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """(M, 2) int64 positions into R of at most n_pairs pairs of n_prompts prompts, none twice, in random order."""

    def answered(self, pair_m2: np.ndarray) -> np.ndarray:
        """(M,) int8: 1 where the first of the pair is preferred."""

    def contradicted(self, pair_m2: np.ndarray, label_m: np.ndarray) -> float:
        """The share of labels against gold's order, pairs of equal gold left out; NaN where no gold is known."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ToAnnotator:
    """All pairs of a pool of P prompts with K responses each, answered by a simulated annotator; or DataError."""

    gold_pk: np.ndarray  # (P, K), for the annotator
    annotator: Annotator
    length_r: np.ndarray | None = None  # (R,) lengths of the responses, for an annotator with a bias for them
    answer_seed: int
    pool: str
    cross_share: float = 0.5  # of a mixed pool's candidates: those of two prompts

    @property
    def prompt_r(self) -> np.ndarray:
        """As `Questions.prompt_r`."""
        return np.arange(self.gold_pk.size) // self.gold_pk.shape[1]

    def drawn(self, n_prompts: int, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Questions.drawn`."""
        n_all, n_responses = self.gold_pk.shape
        return draw_pool(self.pool, (n_all, n_responses), n_prompts, n_pairs, rng, cross_share=self.cross_share)

    def answered(self, pair_m2: np.ndarray) -> np.ndarray:
        """As `Questions.answered`."""
        return answers(pair_m2, self.gold_pk.reshape(-1), self.annotator, self.answer_seed, length_r=self.length_r)

    def contradicted(self, pair_m2: np.ndarray, label_m: np.ndarray) -> float:
        """As `Questions.contradicted`."""
        first_m, second_m = self.gold_pk.reshape(-1)[pair_m2].T
        apart_m = first_m != second_m
        return float(np.mean((first_m > second_m)[apart_m] != label_m[apart_m])) if apart_m.any() else float("nan")


@dataclass(frozen=True, eq=False)
class ToPeople:
    """The pairs that people judged, each label hidden until it is asked for."""

    prompt_r: np.ndarray  # (R,) int64
    pair_m2: np.ndarray  # (M, 2) int64 positions into R, first < second, no pair twice
    label_m: np.ndarray  # (M,) int8, 1 where the first was preferred

    @classmethod
    def of(cls, comparisons: Comparisons, prompt_r: np.ndarray) -> Self:
        """A pair that was judged more than once is asked about once, and its first judgement is the answer.

        prompt_r: (R,) of the bank. DataError where a judgement makes several pairs, since no pair then has an answer.
        """
        if (weight_m := comparisons.weight_m) is not None and (weight_m != 1).any():
            raise DataError("comparisons: a judgement makes several pairs; say tied_pairs: leave_out, and no rankings")
        pair_m2 = np.stack([comparisons.first_m, comparisons.second_m], axis=1)
        turned_m = pair_m2[:, 0] > pair_m2[:, 1]
        _, first = np.unique(np.sort(pair_m2, axis=1), axis=0, return_index=True)
        kept = np.sort(first)
        label_m = np.where(turned_m, 1 - comparisons.label_m, comparisons.label_m).astype(np.int8)
        return cls(prompt_r, np.sort(pair_m2, axis=1)[kept], label_m[kept])

    def __len__(self) -> int:
        return len(self.pair_m2)

    @property
    def prompts(self) -> np.ndarray:
        """(Q,) int64 the prompts that have a pair, ascending."""
        return np.unique(self.prompt_r[self.pair_m2[:, 0]])

    def apart(self, share: float, rng: np.random.Generator) -> tuple["ToPeople", "ToPeople"]:
        """The pairs to ask about, and those of a share of the prompts, to test on; DataError if either is empty."""
        prompt_m, prompts = self.prompt_r[self.pair_m2[:, 0]], self.prompts
        n_tests = round(share * len(prompts))
        if not 0 < n_tests < len(prompts):
            raise DataError(f"test_share: {share} of {len(prompts)} prompts leaves one side without a pair")
        tests_m = np.isin(prompt_m, rng.choice(prompts, size=n_tests, replace=False))
        sides = (ToPeople(self.prompt_r, self.pair_m2[at], self.label_m[at]) for at in (~tests_m, tests_m))
        return next(sides), next(sides)

    def drawn(self, n_prompts: int, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Questions.drawn`; DataError for more prompts than there are."""
        prompt_m, prompts = self.prompt_r[self.pair_m2[:, 0]], self.prompts
        if n_prompts > len(prompts):
            have = f"people judged pairs of {len(prompts)} prompts beside those that are kept to test on"
            raise DataError(f"n_prompts: {n_prompts}, and {have}; ask for fewer, or lower test_share")
        at = np.flatnonzero(np.isin(prompt_m, rng.choice(prompts, size=n_prompts, replace=False)))
        return self.pair_m2[rng.permutation(at)[:n_pairs]]

    def answered(self, pair_m2: np.ndarray) -> np.ndarray:
        """As `Questions.answered`; KeyError for a pair that nobody judged."""
        label_of = dict(zip(map(tuple, self.pair_m2.tolist()), self.label_m.tolist(), strict=True))
        return np.array([label_of[tuple(pair)] for pair in pair_m2.tolist()], dtype=np.int8)

    def contradicted(self, pair_m2: np.ndarray, label_m: np.ndarray) -> float:
        """As `Questions.contradicted`: people have no gold."""
        del pair_m2, label_m
        return float("nan")

    @property
    def won_m2(self) -> np.ndarray:
        """(M, 2) int64: the chosen and the rejected response of each pair."""
        return np.where(self.label_m[:, None] == 1, self.pair_m2, self.pair_m2[:, ::-1])
