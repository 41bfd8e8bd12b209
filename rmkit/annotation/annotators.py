"""Simulated annotators: which of two responses they prefer, how often they are wrong, how often two of them agree.

    P(first preferred) = sigmoid(beta (gold_first - gold_second) / scale)

beta is the annotation sharpness: small is noisy, infinite is free of noise (an even coin where the gold rewards are
equal). The scale carries a convention, since papers and code differ in it and the same beta then means another noise.
What annotators do besides (annotator_habits.py) is nothing by default. Knows gold rewards, and lengths where there is a
bias for them: no text, no prompt. Sources: arXiv 2411.04991, section 4 (its released code divides by a fixed number of
each gold model; the embedding release that followed, by the standard deviation of all rewards).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq

from rmkit.annotation.habits import ALIKE, PLAIN, Habits, Member, Pile, chances, check_crowd
from rmkit.annotation.label_quality import NO_GAP, NO_LABEL, Answers, gaps, realised_error, share, value_of_pairs
from rmkit.annotation.label_theory import quality_at_normal_gaps
from rmkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SCALES: Mapping[str, str] = {
    "none": "1: beta is in units of one over the gold reward",
    "fixed": "a number that is given, one for each gold model: PUBLISHED_SCALES, or one's own",
    "gold_sd": "the standard deviation of all gold rewards of the responses that pairs are made from",
    "gap_sd": "the standard deviation, about 0, of the differences in gold of the pairs that are labelled",
}
PUBLISHED_SCALES: Mapping[str, float] = {"harmless": 1.0, "helpful": 6.0}  # `fixed` in arXiv 2411.04991's code, by task


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

    def __post_init__(self) -> None:
        if not self.beta > 0 or not 0 < self.scale < np.inf:
            raise DataError(f"annotator: beta={self.beta}, scale={self.scale}; beta must be above 0, scale as well")
        check_crowd(self.crowd)

    @property
    def may_tie(self) -> bool:
        """Whether "equal" is among the answers."""
        return self.habits.tie_width > 0

    def answers_cm(self, gold_m2: np.ndarray, length_m2: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(C, M) and (C, M): the chances that each of C members prefers the first, and the second."""
        pile = pile_of(gold_m2, length_m2, self.habits)
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


def labelled(
    pairs_m2: np.ndarray,
    gold_r: np.ndarray,
    annotators: Sequence[Annotator],
    rng: np.random.Generator,
    *,
    length_r: np.ndarray | None = None,
) -> "pd.DataFrame":
    """What every annotator says of (M, 2) pairs of positions into (R,) gold: first, second, label, beta; M rows each.

    All use the same uniform number for a pair: a pair that one gets wrong is wrong for every noisier one. A column
    `annotator` names the member of a crowd, and `called_equal` tells labels of a coin, where there are such; pairs that
    are called equal and dropped have no row.
    """
    import pandas as pd

    gold_m2 = value_of_pairs(gold_r, pairs_m2, "gold_r")
    length_m2 = None if length_r is None else value_of_pairs(length_r, pairs_m2, "length_r")
    draws = Draws.of(len(pairs_m2), annotators, rng)
    tables = []
    for annotator in annotators:
        said = annotator.say(gold_m2, draws, length_m2)
        sides = {"first": pairs_m2[:, 0], "second": pairs_m2[:, 1]}
        table = pd.DataFrame(sides | {"label": said.label_m, "beta": annotator.beta})
        if len(annotator.crowd) > 1:
            table["annotator"] = np.array([member.name for member in annotator.crowd])[said.member_m]
        if annotator.may_tie and annotator.habits.ties == "coin":
            table["called_equal"] = said.called_equal_m
        tables.append(table[said.kept_m])
    return pd.concat(tables, ignore_index=True)


def noise_rows(
    annotators: Sequence[Annotator],
    gold_m2: np.ndarray,
    first: np.random.Generator,
    second: np.random.Generator,
    *,
    length_m2: np.ndarray | None = None,
) -> "pd.DataFrame":
    """Result rows (beta, metric, value, reason, units) on how noisy each annotator is on the pairs of (M, 2) gold.

    first, second: generators of this annotator's labels and of another's of the same sharpness; every annotator gets
    the same numbers from them. A value is undefined, with a reason, where no pair has unequal gold or none a label.
    """
    import pandas as pd

    gap_m = gaps(gold_m2)
    draws, other_draws = (Draws.of(len(gap_m), annotators, rng) for rng in (first, second))
    rows = []
    for annotator in annotators:
        says = [annotator.say(gold_m2, one, length_m2) for one in (draws, other_draws)]
        figures = noise_figures(annotator.answers(gold_m2, length_m2), gold_m2, says, ties=annotator.may_tie)
        rows += [{"beta": annotator.beta, "metric": name, "value": value} for name, value in figures.items()]
    table = pd.DataFrame(rows).assign(units=len(gap_m))
    why = NO_LABEL if (gap_m != 0).any() else NO_GAP
    return table.assign(reason=[why if absent else None for absent in table["value"].isna()])


def noise_figures(answers: Answers, gold_m2: np.ndarray, says: Sequence[Said], *, ties: bool) -> dict[str, float]:
    """What is expected of labels and what became of them: of the first of two annotators, and of both together."""
    said, other = says
    both_m = said.kept_m & other.kept_m
    same_m = said.label_m == other.label_m
    kept_m = said.kept_m
    figures = {
        "expected_error": answers.expected_error(),
        "realised_error": realised_error(said.label_m[kept_m], gold_m2[kept_m]) if kept_m.any() else float("nan"),
        "expected_agreement": answers.expected_agreement(),
        "realised_agreement": share(same_m[both_m].sum(), both_m.sum()),
        "accuracy_ceiling": answers.accuracy_ceiling(),
        "gold_accuracy": answers.gold_accuracy(),
        "gold_gap": float(np.abs(answers.gap_m).mean()),
    }
    if ties:
        figures["expected_tie_share"] = float(answers.equal_m.mean())
        figures["realised_tie_share"] = float(said.called_equal_m.mean())
    return figures


def beta_for_agreement(
    agreement: float, gold_m2: np.ndarray, who: Annotator | None = None, length_m2: np.ndarray | None = None
) -> float:
    """The sharpness at which two annotators agree so often on these pairs, all else as in `who`.

    By root finding: agreement rises with beta, unless dissenters nearly balance the others. DataError with the range
    that can be reached.
    """
    return beta_for(lambda one: one.expected_agreement(gold_m2, length_m2), agreement, "agreement", gold_m2, who)


def beta_for_error(
    error: float, gold_m2: np.ndarray, who: Annotator | None = None, length_m2: np.ndarray | None = None
) -> float:
    """The sharpness at which so many labels are against the gold order, all else as in `who`; as beta_for_agreement."""
    return beta_for(lambda one: one.expected_error(gold_m2, length_m2), error, "error", gold_m2, who)


def beta_for(
    measure: Callable[[Annotator], float], target: float, name: str, gold_m2: np.ndarray, who: Annotator | None
) -> float:
    """The beta whose measure is the target, between one of pure noise and one nearly free of it, or DataError."""
    who = who or Annotator(1.0)
    typical = np.sqrt(np.mean(gaps(gold_m2) ** 2)) / who.scale or 1.0
    low, high = (exponent - np.log(typical) for exponent in (-12.0, 12.0))

    def miss(log_beta: float) -> float:
        return measure(replace(who, beta=float(np.exp(log_beta)))) - target

    noisy, sharp = miss(low) + target, miss(high) + target
    if not min(noisy, sharp) < target < max(noisy, sharp):
        reach = f"between {noisy:.3f} (pure noise) and {sharp:.3f} (next to none)"
        raise DataError(f"{name}: {target} cannot be had of such annotators on these pairs; it lies {reach}")
    return float(np.exp(brentq(miss, low, high, xtol=1e-10)))


def scale_of(
    convention: str, gold_r: np.ndarray, fixed: float | None = None, *, gold_m2: np.ndarray | None = None
) -> float:
    """The scale that a convention of SCALES gives for (R,) gold rewards; `fixed` for the convention of that name alone.

    gold_m2: (M, 2) gold of the pairs to be labelled, for gap_sd. DataError for another convention, for what does not
    belong to it or is missing, and for gold without spread.
    """
    if convention not in SCALES:
        raise DataError(f"scale: {convention!r} is not one of {', '.join(SCALES)}")
    if (convention == "fixed") != (fixed is not None):
        raise DataError(
            f"scale: the convention is {convention} and the fixed number {fixed}; `fixed` needs one, no other"
        )
    if convention == "gap_sd" and gold_m2 is None:
        raise DataError("scale: gap_sd is of the pairs that are labelled, and their gold_m2 was not given")
    if convention in ("none", "fixed"):
        return 1.0 if fixed is None else float(fixed)
    spread = float(np.std(gold_r)) if gold_m2 is None or convention == "gold_sd" else about_zero(gaps(gold_m2))
    if not 0 < spread < np.inf:
        raise DataError(f"scale: the gold rewards have a standard deviation of {spread}; they must differ")
    return spread


def about_zero(gap_m: np.ndarray) -> float:
    """The standard deviation about 0: which of a pair comes first says nothing, and must change nothing."""
    return float(np.sqrt(np.mean(np.square(gap_m))))


def pile_of(gold_m2: np.ndarray, length_m2: np.ndarray | None, habits: Habits) -> Pile:
    """The pairs as an annotator meets them, one after another, or DataError."""
    gap_m = gaps(gold_m2)
    longer_m = np.zeros(len(gap_m))
    if habits.length_bias and length_m2 is None:
        raise DataError(f"annotator: length_bias={habits.length_bias}, and no lengths were given; give length_m2")
    if length_m2 is not None:
        longer_m = gaps(length_m2, "lengths")
        if len(longer_m) != len(gap_m):
            raise DataError(f"lengths: of {len(longer_m)} pairs, and gold of {len(gap_m)}; there must be as many")
        longer_m = longer_m / (about_zero(longer_m) or 1.0)
    return Pile(gap_m, longer_m, elapsed_m=np.linspace(0.0, 1.0, len(gap_m)))
