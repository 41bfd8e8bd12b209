"""Shortcuts: do labels, and a head's margins, follow length, marks of Markdown, or which answer was shown first?

Of the pairs that differ in such a trait, two shares: in how many the preferred answer has more of it, and in how many
the head prefers that answer. The first is a lean of the labels where a test by flipped signs, over prompts, says that
it is not 1/2, after Holm's correction over all that is asked here. The second minus the first is a lean of the head: it
orders by the trait more often than the labels do, where the difference is shown likewise and leads away from 1/2. (A
head that knows nothing of a trait which the labels follow prefers it less often than they do; that is no lean.)

Also the accuracy where the preferred answer is the longer one, where it is the shorter one, and where both are about
as long. How often a planted lean is found, and one that is not there, is measured in docs/log/shortcut-power.md. Knows
held-out margins and what is counted in the answers; no text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from rmkit.errors import DataError
from rmkit.intervals.many import holm
from rmkit.intervals.means import FEWEST_PROMPTS, Interval, bootstrap_over_prompts
from rmkit.intervals.sign_flips import sign_flip_p_value

ALIKE = 0.1  # lengths that differ by no more than this share of the longer one are alike
LEVEL, POWER = 0.95, 0.8


@dataclass(frozen=True)
class Lean:
    """How labels and a head follow one trait, on the pairs that differ in it."""

    trait: str
    pairs: int  # that differ
    labels: Interval  # share in which the preferred answer has more of it
    labels_p: float  # of 1/2, Holm's correction over all traits, labels and head; NaN without an interval
    head: Interval | None  # share in which the head prefers the answer with more of it; None: it cannot see the trait
    excess: Interval | None  # the head's share minus the labels'
    excess_p: float  # of 0, corrected likewise
    seen: float  # the smallest distance of the labels' share from 1/2 that 80% of such files would show; NaN likewise

    @property
    def labels_lean(self) -> bool:
        """Whether the labels are shown to follow the trait, or its opposite."""
        return self.labels_p < 1 - LEVEL

    @property
    def head_leans(self) -> bool:
        """Whether the head is shown to follow the trait, or its opposite, more often than the labels do."""
        if self.head is None or not self.excess_p < 1 - LEVEL:
            return False
        return abs(self.head.estimate - 0.5) > abs(self.labels.estimate - 0.5)


def leans(
    trait_of: Mapping[str, np.ndarray],
    margin_m: np.ndarray,
    prompt_m: np.ndarray,
    *,
    weight_m: np.ndarray | None = None,
    unseen: tuple[str, ...] = (),
) -> list[Lean]:
    """Every trait's lean. trait_of: by name, (M,) the preferred answer's amount minus the other's; 0 or NaN: no pair.

    margin_m: (M,) held-out margins, chosen minus rejected; 0 is half a preference. prompt_m: (M,) prompts. weight_m:
    (M,) above 0, how much a pair counts; None: all alike. unseen: traits that no head can see. A trait in which no pair
    differs is left out. DataError for other shapes than (M,), or weights not above 0.
    """
    margin_m = np.asarray(margin_m, np.float64)
    prompt_m, weight_m = _of_pairs(margin_m, "margin_m", prompt_m, weight_m)
    found: list[tuple[str, int, Interval, Interval | None, Interval | None]] = []
    labels_p, excess_p = [], []
    for trait, more_m in trait_of.items():
        more_m = np.nan_to_num(np.asarray(more_m, np.float64))
        _check_shape(more_m, trait, margin_m.shape)
        at = more_m != 0
        if not at.any():
            continue
        labels_n = (more_m[at] > 0).astype(np.float64)
        series = [labels_n]
        if trait not in unseen:
            head_n = (np.sign(margin_m[at]) * np.sign(more_m[at]) + 1) / 2
            series += [head_n, head_n - labels_n]
        intervals = means_over_prompts(np.stack(series), prompt_m[at], weight_m[at])
        labels, head, excess = [*intervals, None, None][:3]
        assert labels is not None
        found.append((trait, int(at.sum()), labels, head, excess))
        labels_p.append(_p_value(labels_n - 0.5, prompt_m[at], weight_m[at]))
        excess_p.append(np.nan if excess is None else _p_value(series[2], prompt_m[at], weight_m[at]))
    adjusted = holm([*labels_p, *excess_p])
    tests = int(np.isfinite(adjusted).sum())
    return [
        Lean(trait, n, labels, float(p), head, excess, float(q), _seen(labels, tests))
        for (trait, n, labels, head, excess), p, q in zip(found, *np.split(adjusted, 2), strict=True)
    ]


def accuracy_by_length(
    chosen_m: np.ndarray,
    rejected_m: np.ndarray,
    margin_m: np.ndarray,
    prompt_m: np.ndarray,
    *,
    weight_m: np.ndarray | None = None,
) -> dict[str, tuple[int, Interval]]:
    """Pairs and accuracy where the longer one was preferred, the shorter one, or lengths are alike (within a tenth).

    chosen_m, rejected_m: (M,) lengths of the answers, in characters. Sets without a pair are left out.
    margin_m, prompt_m, weight_m: as for `leans`; DataError for other shapes than (M,), or weights not above 0.
    """
    chosen_m, rejected_m, margin_m = (np.asarray(each, np.float64) for each in (chosen_m, rejected_m, margin_m))
    prompt_m, weight_m = _of_pairs(chosen_m, "chosen_m", prompt_m, weight_m)
    for name, value_m in (("rejected_m", rejected_m), ("margin_m", margin_m)):
        _check_shape(value_m, name, chosen_m.shape)
    alike_m = np.abs(chosen_m - rejected_m) <= ALIKE * np.maximum(chosen_m, rejected_m)
    right_m = (np.sign(margin_m) + 1) / 2
    sets = {
        "longer preferred": ~alike_m & (chosen_m > rejected_m),
        "shorter preferred": ~alike_m & (chosen_m < rejected_m),
        "about as long": alike_m,
    }
    return {
        name: (int(at.sum()), means_over_prompts(right_m[None, at], prompt_m[at], weight_m[at])[0])
        for name, at in sets.items()
        if at.any()
    }


def means_over_prompts(value_km: np.ndarray, prompt_m: np.ndarray, weight_m: np.ndarray) -> list[Interval]:
    """Means of K series over M weighted pairs, with intervals that resample whole prompts."""
    _, place_m = np.unique(prompt_m, return_inverse=True)
    weight_p = np.bincount(place_m, weights=weight_m)
    value_kp = np.stack([np.bincount(place_m, weights=weight_m * value_m) / weight_p for value_m in value_km])
    return bootstrap_over_prompts(value_kp, weight_p, rng=np.random.default_rng(0), level=LEVEL)


def _error(interval: Interval) -> float:
    """The standard error that an interval's width stands for; NaN without one."""
    return float((interval.high - interval.low) / 2 / norm.isf((1 - LEVEL) / 2))


def _p_value(deviation_n: np.ndarray, prompt_n: np.ndarray, weight_n: np.ndarray) -> float:
    """Of "the mean deviation is 0", by flipped signs of prompts; NaN for fewer than 20 of them."""
    _, place_n = np.unique(prompt_n, return_inverse=True)
    deviation_p = np.bincount(place_n, weights=weight_n * deviation_n)
    if len(deviation_p) < FEWEST_PROMPTS:
        return float("nan")
    p = sign_flip_p_value(deviation_p, rng=np.random.default_rng(0))
    return 1.0 if np.isnan(p) else p


def _seen(interval: Interval, tests: int) -> float:
    """What is seen with a power of 80% where the p-value has to be below 0.05 / tests."""
    if not tests or not (error := _error(interval)) > 0:
        return float("nan")
    df = interval.units - 1
    return float(error * (t.isf((1 - LEVEL) / 2 / tests, df) + t.ppf(POWER, df)))


def _of_pairs(
    value_m: np.ndarray, name: str, prompt_m: np.ndarray, weight_m: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Prompts and weights as arrays, weights 1 where there are none; DataError unless all have one shape (M,)."""
    if value_m.ndim != 1:
        raise DataError(f"{name}: has shape {value_m.shape}; it must be (M,), a number for each pair")
    prompt_m = np.asarray(prompt_m)
    weight_m = np.ones(len(value_m)) if weight_m is None else np.asarray(weight_m, np.float64)
    for other, other_m in (("prompt_m", prompt_m), ("weight_m", weight_m)):
        _check_shape(other_m, other, value_m.shape)
    if not (np.isfinite(weight_m) & (weight_m > 0)).all():
        raise DataError("weight_m: holds what is not above 0; give each pair a finite weight above 0")
    return prompt_m, weight_m


def _check_shape(value_m: np.ndarray, name: str, shape: tuple[int, ...]) -> None:
    if value_m.shape != shape:
        raise DataError(f"{name}: has shape {value_m.shape}; it must be {shape}, a number for each pair")
