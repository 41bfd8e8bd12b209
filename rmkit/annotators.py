"""Simulated annotators: which of two responses they prefer, how often they are wrong, how often two of them agree.

    P(first preferred) = sigmoid(beta (gold_first - gold_second) / scale)

beta is the annotation sharpness: small is noisy, infinite is free of noise (an even coin where the gold rewards are
equal). The scale carries a convention, since papers and code differ in it and the same beta then means another noise.
Knows gold rewards only: no text, no prompt. Sources: arXiv 2411.04991, section 4 (its released code divides by a fixed
number of each gold model; the embedding release that followed, by the standard deviation of all rewards).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.integrate import quad
from scipy.special import expit

from rmkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SCALES: Mapping[str, str] = {
    "none": "1: beta is in units of one over the gold reward",
    "fixed": "a number that is given, one for each gold model (arXiv 2411.04991's code: 1 and 6)",
    "gold_sd": "the standard deviation of all gold rewards of the responses that pairs are made from",
}


@dataclass(frozen=True)
class Annotator:
    """An annotator of a given sharpness; DataError unless beta and scale are above 0."""

    beta: float
    scale: float = 1.0  # in units of the gold reward

    def __post_init__(self) -> None:
        if not self.beta > 0 or not 0 < self.scale < np.inf:
            raise DataError(f"annotator: beta={self.beta}, scale={self.scale}; beta must be above 0, scale as well")

    def prefers_first(self, gold_m2: np.ndarray) -> np.ndarray:
        """(M,) the chance that the first of each pair is preferred. gold_m2: (M, 2) gold rewards, finite."""
        gap_m = gaps(gold_m2)
        if np.isinf(self.beta):
            return (np.sign(gap_m) + 1.0) / 2.0
        return expit(self.beta * gap_m / self.scale)

    def label(self, gold_m2: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(M,) int8 labels, 1 where the first is preferred; one uniform number a pair, whatever beta is.

        So two annotators with generators of one seed differ in beta alone: common random numbers.
        """
        chance_m = self.prefers_first(gold_m2)
        return (rng.random(len(chance_m)) < chance_m).astype(np.int8)

    def expected_error(self, gold_m2: np.ndarray) -> float:
        """The expected share of labels against the gold order, over pairs of unequal gold; NaN if there are none."""
        chance_m, unequal_m = self.prefers_first(gold_m2), gaps(gold_m2) != 0
        wrong_m = np.where(gaps(gold_m2) > 0, 1.0 - chance_m, chance_m)
        return float(wrong_m[unequal_m].mean()) if unequal_m.any() else float("nan")

    def expected_agreement(self, gold_m2: np.ndarray) -> float:
        """How often two such annotators give a pair the same label, in expectation: the mean of p^2 + (1-p)^2."""
        chance_m = self.prefers_first(gold_m2)
        return float((chance_m**2 + (1.0 - chance_m) ** 2).mean())

    def accuracy_ceiling(self, gold_m2: np.ndarray) -> float:
        """The highest accuracy that any reward can expect against this annotator's labels: the mean of max(p, 1-p)."""
        chance_m = self.prefers_first(gold_m2)
        return float(np.maximum(chance_m, 1.0 - chance_m).mean())

    def error_at_normal_gaps(self, gap_sd: float) -> float:
        """The error if gold differences were normal about 0: the mean of sigmoid(-beta |gap| / scale)."""
        if np.isinf(self.beta):
            return 0.0
        sharpness = self.beta * gap_sd / self.scale
        value, _ = quad(lambda z: expit(-sharpness * z) * np.exp(-z * z / 2) * np.sqrt(2 / np.pi), 0, np.inf)
        return float(value)


def labelled(
    pairs_m2: np.ndarray, gold_r: np.ndarray, annotators: Sequence[Annotator], rng: np.random.Generator
) -> "pd.DataFrame":
    """What every annotator says of (M, 2) pairs of positions into (R,) gold: first, second, label, beta; M rows each.

    All use the same uniform number for a pair: a pair that one gets wrong is wrong for every noisier one.
    """
    import pandas as pd

    uniform_m = rng.random(len(pairs_m2))
    sides = {"first": pairs_m2[:, 0], "second": pairs_m2[:, 1]}
    tables = []
    for annotator in annotators:
        label_m = (uniform_m < annotator.prefers_first(gold_r[pairs_m2])).astype(np.int8)
        tables.append(pd.DataFrame(sides | {"label": label_m, "beta": annotator.beta}))
    return pd.concat(tables, ignore_index=True)


def noise_rows(
    annotators: Sequence[Annotator], gold_m2: np.ndarray, first: np.random.Generator, second: np.random.Generator
) -> "pd.DataFrame":
    """Result rows (beta, metric, value, reason, units) on how noisy each annotator is on the pairs of (M, 2) gold.

    first, second: generators of this annotator's labels and of another's of the same sharpness; every annotator gets
    the same numbers from them. An error is undefined, with a reason, where no pair has unequal gold.
    """
    import pandas as pd

    rows = []
    first_m, second_m = first.random(len(gold_m2)), second.random(len(gold_m2))
    for annotator in annotators:
        chance_m = annotator.prefers_first(gold_m2)
        label_m, other_m = first_m < chance_m, second_m < chance_m
        figures = {
            "expected_error": annotator.expected_error(gold_m2),
            "realised_error": realised_error(label_m, gold_m2),
            "expected_agreement": annotator.expected_agreement(gold_m2),
            "realised_agreement": float((label_m == other_m).mean()),
            "accuracy_ceiling": annotator.accuracy_ceiling(gold_m2),
            "gold_gap": float(np.abs(gaps(gold_m2)).mean()),
        }
        rows += [{"beta": annotator.beta, "metric": name, "value": value} for name, value in figures.items()]
    table = pd.DataFrame(rows).assign(units=len(gold_m2))
    return table.assign(
        reason=["no pair has unequal gold rewards" if absent else None for absent in table["value"].isna()]
    )


def scale_of(convention: str, gold_r: np.ndarray, fixed: float | None = None) -> float:
    """The scale that a convention of SCALES gives for (R,) gold rewards; `fixed` for the convention of that name alone.

    DataError for another convention, for `fixed` where it does not belong or is missing, and for gold without spread.
    """
    if convention not in SCALES:
        raise DataError(f"scale: {convention!r} is not one of {', '.join(SCALES)}")
    if (convention == "fixed") != (fixed is not None):
        raise DataError(
            f"scale: the convention is {convention} and the fixed number {fixed}; `fixed` needs one, no other"
        )
    if convention == "gold_sd":
        spread = float(np.std(gold_r))
        if not 0 < spread < np.inf:
            raise DataError(f"scale: the gold rewards have a standard deviation of {spread}; they must differ")
        return spread
    return 1.0 if fixed is None else float(fixed)


def realised_error(label_m: np.ndarray, gold_m2: np.ndarray) -> float:
    """The share of labels against the gold order, over pairs of unequal gold; NaN if there are none."""
    gap_m = gaps(gold_m2)
    unequal_m = gap_m != 0
    return float(((label_m == 1) != (gap_m > 0))[unequal_m].mean()) if unequal_m.any() else float("nan")


def gaps(gold_m2: np.ndarray) -> np.ndarray:
    """(M,) first minus second gold reward, float64, or DataError with the first pair that is not finite."""
    gold_m2 = np.asarray(gold_m2, dtype=np.float64)
    if gold_m2.ndim != 2 or gold_m2.shape[1] != 2 or not len(gold_m2):
        raise DataError(f"gold rewards of pairs: shape {gold_m2.shape}; it must be (M, 2) with at least one pair")
    if len(bad := np.flatnonzero(~np.isfinite(gold_m2).all(axis=1))):
        raise DataError(f"gold rewards of pair {bad[0]}: {gold_m2[bad[0]].tolist()}; both must be finite numbers")
    return gold_m2[:, 0] - gold_m2[:, 1]
