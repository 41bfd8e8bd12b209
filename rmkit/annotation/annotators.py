"""Simulated annotators: which of two responses they prefer, how often they are wrong, how often two of them agree.

    P(first preferred) = sigmoid(beta (gold_first - gold_second) / scale)

beta is the annotation sharpness: small is noisy, infinite is free of noise (an even coin where the gold rewards are
equal). The scale carries a convention (scales.py). What annotators do besides (habits.py) is nothing by default. Knows
gold rewards, and lengths where there is a bias for them: no text, no prompt. Source: arXiv 2411.04991, section 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rmkit.annotation.choice_probabilities import Pile, chances
from rmkit.annotation.habits import ALIKE, PLAIN, Habits, Member, check_crowd, check_sharpness
from rmkit.annotation.label_quality import Answers, gaps
from rmkit.annotation.label_theory import quality_at_normal_gaps
from rmkit.annotation.scales import about_zero
from rmkit.errors import DataError


@dataclass(frozen=True)
class Annotator:
    """Whoever labels at a given sharpness: one annotator, or for every label another of a crowd.

    DataError unless beta and scale are above 0. In every method gold_m2 is (M, 2), finite, in the order of labelling;
    length_m2, (M, 2), is needed where there is a bias for length.
    """

    beta: float
    scale: float = 1.0  # in units of the gold reward
    habits: Habits = PLAIN
    crowd: tuple[Member, ...] = ALIKE
    length_unit: float | None = None  # what differences in length are divided by; None: their s.d. among the pairs

    def __post_init__(self) -> None:
        check_sharpness(self.beta, "beta")
        if not 0 < self.scale < np.inf:
            raise DataError(f"scale: {self.scale}; it must be above 0, and finite")
        check_crowd(self.crowd)

    def further(self, *, flip: float = 0.0, length_bias: float = 0.0) -> "Annotator":
        """The same annotator with more flips and bias for length, as `Habits.further`: beta and scale stay."""
        return replace(self, habits=self.habits.further(flip=flip, length_bias=length_bias))

    @property
    def may_tie(self) -> bool:
        """Whether "equal" is among the answers."""
        return self.habits.tie_width > 0

    def answers_cm(self, gold_m2: np.ndarray, length_m2: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(C, M) and (C, M): the chances that each of C members prefers the first, and the second."""
        pile = pile_of(gold_m2, length_m2, self.habits, self.length_unit)
        each = [
            chances(pile, beta=member.beta or self.beta, scale=self.scale, habits=self.habits, dissents=member.dissents)
            for member in self.crowd
        ]
        return np.stack([first_m for first_m, _ in each]), np.stack([second_m for _, second_m in each])

    def answers(self, gold_m2: np.ndarray, length_m2: np.ndarray | None = None) -> Answers:
        """The chances of what a member drawn at random says of each pair."""
        share_c = np.array([member.share for member in self.crowd])
        first_m, second_m = (share_c @ one_cm for one_cm in self.answers_cm(gold_m2, length_m2))
        return Answers(first_m, second_m, gaps(gold_m2), dropped=self.habits.ties == "drop")

    def prefers_first(self, gold_m2: np.ndarray, length_m2: np.ndarray | None = None) -> np.ndarray:
        """(M,) the chance that the label of each pair is 1; where pairs are dropped, of one that is not."""
        label_m2 = self.answers(gold_m2, length_m2).label_m2
        if self.habits.ties != "drop":
            return label_m2[:, 0]
        given_m = label_m2.sum(axis=1)
        return np.divide(label_m2[:, 0], given_m, out=np.full(len(given_m), 0.5), where=given_m > 0)

    def say(self, gold_m2: np.ndarray, draws: "Draws", length_m2: np.ndarray | None = None) -> "Said":
        """What is said of each pair with these random numbers."""
        member_m = np.searchsorted(np.cumsum([member.share for member in self.crowd])[:-1], draws.member_m, "right")
        first_m, second_m = (
            one_cm[member_m, np.arange(len(member_m))] for one_cm in self.answers_cm(gold_m2, length_m2)
        )
        equal_m = np.maximum(1.0 - first_m - second_m, 0.0)  # its two halves lie between the other answers
        label_m = (draws.uniform_m < first_m + equal_m / 2).astype(np.int8)
        called_m = (first_m <= draws.uniform_m) & (draws.uniform_m < first_m + equal_m) & self.may_tie
        return Said(label_m, called_m, member_m, kept_m=~called_m | (self.habits.ties != "drop"))

    def label(self, gold_m2: np.ndarray, rng: np.random.Generator, length_m2: np.ndarray | None = None) -> np.ndarray:
        """(M,) int8 labels, 1 where the first is preferred; one uniform number a pair, whatever beta is.

        So two annotators with generators of one seed differ in beta alone: common random numbers. "Equal" is answered
        by a fair coin here, even where it is to be dropped.
        """
        return self.say(gold_m2, Draws.of(len(gold_m2), [self], rng), length_m2).label_m

    def expected_error(self, gold_m2: np.ndarray, length_m2: np.ndarray | None = None) -> float:
        """The expected share of labels against the gold order, over pairs of unequal gold; NaN if there are none."""
        return self.answers(gold_m2, length_m2).expected_error()

    def expected_agreement(self, gold_m2: np.ndarray, length_m2: np.ndarray | None = None) -> float:
        """How often two such annotators, drawn independently, give a pair the same label."""
        return self.answers(gold_m2, length_m2).expected_agreement()

    def accuracy_ceiling(self, gold_m2: np.ndarray, length_m2: np.ndarray | None = None) -> float:
        """The highest accuracy that any reward can expect against this annotator's labels."""
        return self.answers(gold_m2, length_m2).accuracy_ceiling()

    def gold_accuracy(self, gold_m2: np.ndarray, length_m2: np.ndarray | None = None) -> float:
        """The accuracy that gold itself expects against this annotator's labels."""
        return self.answers(gold_m2, length_m2).gold_accuracy()

    def error_at_normal_gaps(self, gap_sd: float) -> float:
        """The mean of sigmoid(-beta |gap| / scale) if gold gaps were normal about 0; habits and crowd do not count."""
        return 1.0 - quality_at_normal_gaps(self.beta, gap_sd / self.scale)


@dataclass(frozen=True, eq=False)
class Draws:
    """The random numbers behind M answers: the same ones for every level of noise."""

    uniform_m: np.ndarray  # (M,) in [0, 1), which answer
    member_m: np.ndarray  # (M,) in [0, 1), by whom

    @classmethod
    def of(cls, n_pairs: int, annotators: Sequence[Annotator], rng: np.random.Generator) -> "Draws":
        """Drawn from rng; who answers is drawn second, and only where there is a choice."""
        uniform_m = rng.random(n_pairs)
        drawn = any(len(annotator.crowd) > 1 for annotator in annotators)
        return cls(uniform_m, rng.random(n_pairs) if drawn else np.zeros(n_pairs))


@dataclass(frozen=True, eq=False)
class Said:
    """What was said of M pairs."""

    label_m: np.ndarray  # (M,) int8, 1 where the first is preferred; a coin's where the pair was called equal
    called_equal_m: np.ndarray  # (M,) bool
    member_m: np.ndarray  # (M,) int64 into the crowd
    kept_m: np.ndarray  # (M,) bool, whether there is a label


def pile_of(
    gold_m2: np.ndarray, length_m2: np.ndarray | None, habits: Habits, length_unit: float | None = None
) -> Pile:
    """The pairs as an annotator meets them, one after another, or DataError."""
    gap_m = gaps(gold_m2)
    longer_m = np.zeros(len(gap_m))
    if habits.length_bias and length_m2 is None:
        raise DataError(f"length_bias: {habits.length_bias}, and no lengths were given; give length_m2")
    if length_m2 is not None:
        longer_m = gaps(length_m2, "lengths")
        if len(longer_m) != len(gap_m):
            raise DataError(f"lengths: of {len(longer_m)} pairs, and gold of {len(gap_m)}; there must be as many")
        longer_m = longer_m / (length_unit or about_zero(longer_m) or 1.0)
    return Pile(gap_m, longer_m, elapsed_m=np.linspace(0.0, 1.0, len(gap_m)))
