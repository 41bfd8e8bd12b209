"""Whether a model that picked pairs was as sure of their labels as it should have been, before it had seen them.

The labels that a model asked for test it before it learns from them (Dawid 1984). With probabilities p_m that the first
response wins, and labels y_m, the loss that was seen and the loss that the model itself expected are, in nats,

    seen = sum_m -log p_m(y_m),      expected = sum_m H(p_m) = sum_m -p_m log p_m - (1 - p_m) log(1 - p_m)

A calibrated model has seen = expected on average, whichever pairs it picked. A ratio above 1 says that it is surer than
its labels allow, one below 1 that it is not sure enough. Knows probabilities, labels and prompts.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.means import Interval, bootstrap_over_prompts
from rmkit.measures.designs.bald import label_entropy

NEW_LABELS = "new prompts and labels, this way of picking"
WIDE = 0.25  # an interval that reaches this far from 1 rules out too little to speak of calibration
SURE = 1e-12  # a probability is taken to be at least this far from 0 and 1


@dataclass(frozen=True)
class Prequential:
    """What the labels of some picks say of the model that picked them."""

    labels: int
    right: float  # share of labels that the model had foretold, a probability of 1/2 counting half; NaN for none
    seen: float  # mean log-loss, in nats
    expected: float
    ratio: Interval  # seen over expected
    verdict: str  # "too sure", "not sure enough", "as sure as it should be", or "cannot tell"

    @property
    def in_words(self) -> str:
        """`log-loss 0.62 nats where 0.60 were expected, ratio 1.03 (95%: 0.95 to 1.12)`, or why no interval."""
        if not self.labels:
            return "no label yet"
        low, high, reason = self.ratio.low, self.ratio.high, self.ratio.reason
        interval = f"{self.ratio.level:.0%}: {low:.2f} to {high:.2f}" if reason is None else f"no interval: {reason}"
        losses = f"log-loss {self.seen:.2f} nats where {self.expected:.2f} were expected"
        return f"{losses}, ratio {self.ratio.estimate:.2f} ({interval})"


def prequential(p_m: np.ndarray, label_m: np.ndarray, prompt_m: np.ndarray, *, rng: np.random.Generator) -> Prequential:
    """p_m: (M,) chance of a win of the first, label_m: (M,) 1 where it won and 0 where not, prompt_m: (M,) of each.

    The interval resamples prompts; below 20 of them there is none, and the verdict is that one cannot tell.
    """
    p_m, label_m, prompt_m = np.asarray(p_m, np.float64), np.asarray(label_m), np.asarray(prompt_m)
    if not p_m.shape == label_m.shape == prompt_m.shape or p_m.ndim != 1:
        raise DataError(f"p_m, label_m and prompt_m have the shapes {p_m.shape}, {label_m.shape}, {prompt_m.shape}")
    if not (np.isfinite(p_m) & (p_m >= 0) & (p_m <= 1)).all() or not np.isin(label_m, (0, 1)).all():
        raise DataError("p_m must be probabilities and label_m 0 or 1, without a missing value")
    if not len(p_m):
        none = Interval(np.nan, np.nan, np.nan, 0.95, NEW_LABELS, "none", 0, "there is no label yet")
        return Prequential(0, np.nan, np.nan, np.nan, none, CANNOT_TELL)
    p_m = np.clip(p_m, SURE, 1 - SURE)
    seen_m, expected_m = -np.log(np.where(label_m == 1, p_m, 1 - p_m)), label_entropy(p_m)
    place_m = np.unique(prompt_m, return_inverse=True)[1]
    seen_p, expected_p = (np.bincount(place_m, weights=value_m) for value_m in (seen_m, expected_m))
    (ratio,) = bootstrap_over_prompts(seen_p / expected_p, expected_p, rng=rng, estimand=NEW_LABELS)
    right = float(np.where(p_m == 0.5, 0.5, (p_m > 0.5) == (label_m == 1)).mean())
    return Prequential(len(p_m), right, float(seen_m.mean()), float(expected_m.mean()), ratio, _verdict(ratio))


TOO_SURE, NOT_SURE, CALIBRATED, CANNOT_TELL = "too sure", "not sure enough", "as sure as it should be", "cannot tell"


def _verdict(ratio: Interval) -> str:
    if ratio.reason is not None:
        return CANNOT_TELL
    if ratio.low > 1:
        return TOO_SURE
    if ratio.high < 1:
        return NOT_SURE
    return CALIBRATED if ratio.low >= 1 - WIDE and ratio.high <= 1 + WIDE else CANNOT_TELL
