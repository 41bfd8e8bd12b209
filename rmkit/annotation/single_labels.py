"""What one label a pair can say of label noise: bounds of the flip rate, and a list of likely wrong labels.

Knows held-out margins (first minus second, of cross-fitted models that saw none of a pair's labels) and labels alone.

From single labels a flip rate, dull annotators and a weak model are confounded: all three make the model right less
often. Two things can be said. If each label is the truth turned round with probability at most 1/2, no model is right
on more labels than are true: the mean flip rate is at most 1 - accuracy. If that probability is the same f for all, it
is also at most 1 - accuracy where the model is surest. Labels whose noise depends on the pair (sharper where responses
differ more) have less noise there, so the second bound is about the constant part alone. Nothing bounds f from below
but labels given twice.

A list of likely wrong labels is confident learning (Northcutt, Jiang & Chuang, JAIR 2021), for pairs: a pair and its
mirror image are one item of either class, so both classes have one threshold.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from rmkit.errors import DataError
from rmkit.intervals.means import FEWEST_PROMPTS, Interval, check_request

SUREST = 0.1  # the share of pairs with the largest margins: fixed beforehand, since a share that is chosen is biased
HIGHEST_FLIP = 0.49  # of a default: at 1/2 no label says anything
STEEPEST, GENTLEST = 1e4, 1e-4  # slopes tried, in units of 1 / root mean square margin


@dataclass(frozen=True)
class FlipBounds:
    """A flip rate lies between low and high, at the confidence `level`; the accuracy ceiling is 1 minus that."""

    low: float
    high: float
    mean_high: float  # bound of the mean flip rate, which holds for noise that depends on the pair too
    level: float
    sentence: str


@dataclass(frozen=True, eq=False)
class Suspects:
    """K pairs whose labels are most likely wrong, the likeliest first."""

    position_k: np.ndarray  # (K,) int64 positions of pairs
    other_k: np.ndarray  # (K,) calibrated probability of the other answer, were the margin all that decides labels
    wrong_k2: np.ndarray  # (K, 2) probability that the label is wrong, at the lowest and the highest flip rate
    precision: tuple[float, float]  # means of wrong_k2: the expected share of wrong labels in the list; NaN if empty
    flip: tuple[float, float]  # the lowest and the highest flip rate


def flip_bounds(
    margin_m: np.ndarray,
    label_m: np.ndarray,
    *,
    prompt_m: np.ndarray | None = None,
    repeated: Interval | None = None,
    surest: float = SUREST,
    level: float = 0.95,
) -> FlipBounds:
    """Bounds of a constant flip rate from M held-out margins and labels (1 first preferred, 0 second).

    high is the smaller of two bounds: 1 - accuracy on all pairs, and on the share `surest` with the largest |margin|.
    Both are upper ends of one-sided score intervals and share the error, so that one of them may be chosen. prompt_m:
    (M,) prompts of pairs; pairs of one prompt that are right together widen both. low is 0, or the lower end of
    `repeated`, the flip rate of labels given twice. A margin of 0 is right by half. With fewer than 20 pairs (or
    prompts) in a bound, it is 1/2: nothing is known.
    """
    check_request(level, 1)
    margin_m, label_m = _checked(margin_m, label_m)
    if not 0 < surest <= 1:
        raise DataError(f"surest: {surest}; it must be a share of the pairs, above 0 and at most 1")
    prompt_m = np.arange(len(margin_m)) if prompt_m is None else np.asarray(prompt_m)
    if prompt_m.shape != margin_m.shape:
        raise DataError(f"prompt_m {prompt_m.shape} and margin_m {margin_m.shape} differ in shape")
    right_m = np.where(margin_m == 0, 0.5, (margin_m > 0) == (label_m == 1))
    sure_m = np.abs(margin_m) >= np.quantile(np.abs(margin_m), 1 - surest)
    each = 1 - (1 - level) / 2  # two bounds share the error (Bonferroni)
    everywhere = min(_highest_error(right_m, prompt_m, each), 0.5)
    where_sure = min(_highest_error(right_m[sure_m], prompt_m[sure_m], each), 0.5)
    high = min(everywhere, where_sure)
    low = repeated.low if repeated is not None and np.isfinite(repeated.low) else 0.0
    sentence = _said(right_m, sure_m, low, high, everywhere, where_sure, level)
    return FlipBounds(low, high, everywhere, level, sentence)


def calibrated_slope(margin_m: np.ndarray, label_m: np.ndarray, *, flip: float = 0.0) -> float:
    """The slope (1 / temperature) under which labels are likeliest, given held-out margins and a flip rate.

    P(label 1) = (1 - flip) sigmoid(slope margin) + flip sigmoid(-slope margin); slope at least 0, found on a grid of
    logarithms and then refined. 0 where no margin says anything, or where margins are against the labels.
    """
    margin_m, label_m = _checked(margin_m, label_m)
    if not 0 <= flip < 0.5:
        raise DataError(f"flip: {flip}; it must be a share of the labels below 1/2, and at least 0")
    from scipy.optimize import minimize_scalar

    unit = float(np.sqrt(np.mean(margin_m**2)))
    if unit == 0:
        return 0.0
    signed_m = np.where(label_m == 1, margin_m, -margin_m) / unit

    def loss(log_slope: float) -> float:
        truth_m = expit(np.exp(log_slope) * signed_m)
        return -float(np.log(np.maximum(flip + (1 - 2 * flip) * truth_m, np.finfo(np.float64).tiny)).mean())

    grid_g = np.linspace(np.log(GENTLEST), np.log(STEEPEST), 93)
    loss_g = [loss(log_slope) for log_slope in grid_g]
    best = int(np.argmin(loss_g))
    ends = (grid_g[max(best - 1, 0)], grid_g[min(best + 1, len(grid_g) - 1)])
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-8})
    return 0.0 if best == 0 else float(np.exp(found.x)) / unit


def suspect_labels(
    margin_m: np.ndarray,
    label_m: np.ndarray,
    *,
    k: int | None = None,
    flip: float | tuple[float, float] | None = None,
) -> Suspects:
    """The k labels that are most likely wrong, by held-out margins whose slope is calibrated on these labels.

    A label is wrong with probability f (1 - q) / p under a flip rate f, with q = sigmoid(slope margin) of its answer
    being true and p = (1 - f) q + f (1 - q) of its being given. flip: the rate or its bounds, from several annotators;
    by default from 0 to `flip_bounds` without prompts. With clean labels and a weak model none of the list is wrong,
    however sure confident learning is of the other answer, so from single labels the precision is a range from 0.
    k: by default as many as confident learning counts, and no more than the highest flip rate times M.
    """
    margin_m, label_m = _checked(margin_m, label_m)
    if k is not None and not 0 <= k <= len(margin_m):
        raise DataError(f"k: {k}; it must lie between 0 and the number of pairs, {len(margin_m)}")
    if flip is None:
        flip = 0.0, min(flip_bounds(margin_m, label_m).high, HIGHEST_FLIP)
    low, high = flip if isinstance(flip, tuple) else (flip, flip)
    if low > high:
        raise DataError(f"flip: ({low}, {high}); give the lowest rate first")
    signed_m = np.where(label_m == 1, margin_m, -margin_m)
    other_m = expit(-calibrated_slope(margin_m, label_m) * signed_m)
    count = min(count_of_wrong(other_m), int(np.ceil(high * len(margin_m)))) if k is None else k
    position_k = np.argsort(signed_m, kind="stable")[:count]
    wrong_k2 = np.empty((count, 2))
    for end, rate in enumerate((low, high)):
        false_k = expit(-calibrated_slope(margin_m, label_m, flip=rate) * signed_m[position_k])
        given_k = rate * false_k + (1 - rate) * (1 - false_k)
        wrong_k2[:, end] = rate * false_k / np.maximum(given_k, np.finfo(np.float64).tiny)
    lowest, highest = wrong_k2.mean(axis=0) if count else (np.nan, np.nan)
    return Suspects(position_k, other_m[position_k], wrong_k2, (float(lowest), float(highest)), (low, high))


def count_of_wrong(other_m: np.ndarray) -> int:
    """How many labels confident learning counts as wrong, from the calibrated probability of the other answer.

    An answer is confident where its probability reaches the mean probability of the labels that were given. The share
    of labels against which the other answer is confident, among all that are confident either way, times M.
    """
    threshold = float((1 - other_m).mean())
    against, along = int((other_m >= threshold).sum()), int((1 - other_m >= threshold).sum())
    if threshold <= 0.5 or not against + along:
        return 0  # the margins say nothing, so no answer is confident
    return round(len(other_m) * against / (against + along))


def _highest_error(right_n: np.ndarray, prompt_n: np.ndarray, level: float) -> float:
    """Upper end of a one-sided score interval of 1 - accuracy, with fewer effective pairs where prompts cluster."""
    _, of_n = np.unique(prompt_n, return_inverse=True)
    n_prompts = int(of_n.max()) + 1
    if n_prompts < FEWEST_PROMPTS:
        return 1.0
    error, n = 1 - float(right_n.mean()), len(right_n)
    excess = 1.0
    if 0 < error < 1 and n_prompts < n:
        rest_p = np.bincount(of_n, weights=1 - right_n - error)
        excess = max(1.0, n_prompts / (n_prompts - 1) * float((rest_p**2).sum()) / (n * error * (1 - error)))
    z, n_effective = float(ndtri(level)), n / excess
    centre = error + z * z / (2 * n_effective)
    half = z * np.sqrt(error * (1 - error) / n_effective + (z / (2 * n_effective)) ** 2)
    return float((centre + half) / (1 + z * z / n_effective))  # Wilson 1927


def _said(
    right_m: np.ndarray,
    sure_m: np.ndarray,
    low: float,
    high: float,
    everywhere: float,
    where_sure: float,
    level: float,
) -> str:
    if high >= 0.5:
        return "These labels bound the flip rate by nothing below 50%: no model is right on them surely enough."
    if low > high:
        return (
            f"Labels given twice say a flip rate of at least {low:.1%}, and the model's accuracy at most {high:.1%}: "
            "one of them is not what it seems."
        )
    where = (
        f"the {int(sure_m.sum())} pairs with the largest margins"
        if where_sure < everywhere
        else f"all {len(right_m):,} pairs"
    )
    accuracy = right_m[sure_m].mean() if where_sure < everywhere else right_m.mean()
    below = f"at least {low:.1%} (labels given twice) and " if low > 0 else ""
    tail = "" if low > 0 else " The rate may be 0: single labels cannot tell noise from a weak model."
    lower = f" Where labels are noisier the less two answers differ, it may be as low as {1 - everywhere:.1%}."
    where_close = lower if where_sure < everywhere else ""
    return (
        f"A flip rate that is the same for all pairs is {below}at most {high:.1%} ({level:.0%} bound), because the "
        f"model is right on {accuracy:.1%} of {where}; the accuracy ceiling then lies between {1 - high:.1%} and "
        f"{1 - low:.1%}.{where_close}{tail}"
    )


def _checked(margin_m: np.ndarray, label_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    margin_m, label_m = np.asarray(margin_m, dtype=np.float64), np.asarray(label_m, dtype=np.float64)
    if margin_m.ndim != 1 or margin_m.shape != label_m.shape or not len(margin_m):
        raise DataError(f"margin_m {margin_m.shape} and label_m {label_m.shape} must be (M,), one of each a pair")
    if len(bad := np.flatnonzero(~np.isfinite(margin_m))):
        raise DataError(f"margin_m[{bad[0]}] is {margin_m[bad[0]]}; it must be a finite number")
    if len(bad := np.flatnonzero(~np.isin(label_m, (0, 1)))):
        raise DataError(f"label_m[{bad[0]}] is {label_m[bad[0]]}; it must be 1 (first preferred) or 0 (second)")
    return margin_m, label_m
