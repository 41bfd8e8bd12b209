"""How good the uncertainty of a margin is: bounds that hold, confidence that is right, intervals that hold gold.

A margin m = r_i - r_j comes with a standard deviation s, and p = sigmoid(m) with the bounds sigmoid(m - c s) and
sigmoid(m + c s). s is `joint`, the difference's own standard deviation, or `marginal`, s_i + s_j: what a band around
each reward gives, also where responses share their error, which cancels in the margin. Both follow from a root of the
rewards' covariance. Outcomes are labels or chances: 1 where the first is preferred, 1/2 where nothing is.

Gold rewards have neither the origin nor the unit of rewards. They are aligned (`aligned_gold`) before an interval is
asked whether it holds them. Knows arrays; no head, no text. Sources: arXiv 2602.24040 (one-sided errors of bounds and
the four shares); arXiv 2603.09692 (bands around each reward); Geifman & El-Yaniv 2017 (risk and coverage).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, ndtri

from rmkit.errors import DataError
from rmkit.measures.arrays import average_ranks, finite, tie_means
from rmkit.measures.margins import expected_accuracy

MOST_BINS = 1_000_000


class BoundErrors(NamedTuple):
    """How far bounds of p are on the wrong side of what happened: by bins of the bound, means and maxima."""

    lower: float  # mean of max(lower bound - share, 0), weighted by the bins' pairs
    upper: float  # mean of max(share - upper bound, 0)
    lower_most: float  # the maxima over bins
    upper_most: float


class Shares(NamedTuple):
    """Shares of pairs; together 1."""

    confident_right: float
    confident_wrong: float
    unconfident_right: float
    unconfident_wrong: float


class RiskCoverage(NamedTuple):
    """Accuracy when only the surest pairs are answered."""

    kept_m: np.ndarray  # (M,) ascending shares of the pairs, the last is 1
    accuracy_m: np.ndarray  # (M,) among these
    area: float  # under 1 - accuracy, against the share: 0 without errors


def sd_of_pairs(root_nc: np.ndarray, first_m: np.ndarray, second_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(M,) joint and (M,) marginal standard deviations of pairs among N responses, float64.

    root_nc: (N, C), root @ root.T is the rewards' covariance. first_m, second_m: (M,) positions in N. DataError for
    other shapes, and for positions outside N.
    """
    root_nc, first_m, second_m = finite(root_nc, "root of the covariance"), np.asarray(first_m), np.asarray(second_m)
    if root_nc.ndim != 2:
        raise DataError(f"root_nc has shape {root_nc.shape}; it must be (N, C)")
    if first_m.ndim != 1 or first_m.shape != second_m.shape:
        raise DataError(f"first_m has shape {first_m.shape}, second_m {second_m.shape}; both must be (M,)")
    for name, place_m in (("first_m", first_m), ("second_m", second_m)):
        if place_m.dtype.kind not in "iu" or ((place_m < -len(root_nc)) | (place_m >= len(root_nc))).any():
            raise DataError(f"{name} holds what is no position among {len(root_nc)} responses; give whole numbers")
    sd_n = np.linalg.norm(root_nc, axis=1)
    return np.linalg.norm(root_nc[first_m] - root_nc[second_m], axis=1), sd_n[first_m] + sd_n[second_m]


def sd_within_prompts(root_pkc: np.ndarray, first_pq: np.ndarray, second_pq: np.ndarray) -> tuple[np.ndarray, ...]:
    """(P, Q) joint and (P, Q) marginal ones of pairs within prompts, (P, K) ones of a reward less its prompt's mean,
    and (P, K) of a reward, all float64. root_pkc: (P, K, C). first_pq, second_pq: (P, Q) positions in K.
    """
    root_pkc = finite(root_pkc, "root of the covariance")
    shared_pkk = root_pkc @ root_pkc.transpose(0, 2, 1)
    variance_pk = np.diagonal(shared_pkk, axis1=1, axis2=2)
    prompt_p1 = np.arange(len(root_pkc))[:, None]
    sides = variance_pk[prompt_p1, first_pq], variance_pk[prompt_p1, second_pq]
    joint_pq = np.sqrt(np.maximum(sides[0] + sides[1] - 2 * shared_pkk[prompt_p1, first_pq, second_pq], 0.0))
    less_mean_pk = np.linalg.norm(root_pkc - root_pkc.mean(axis=1, keepdims=True), axis=2)
    return joint_pq, np.sqrt(sides[0]) + np.sqrt(sides[1]), less_mean_pk, np.sqrt(variance_pk)


def bound_errors(
    margin_m: np.ndarray,
    sd_m: np.ndarray,
    outcome_m: np.ndarray,
    *,
    width: float = 1.0,
    n_bins: int = 10,
    mirrored: bool = True,
    weight_m: np.ndarray | None = None,
) -> BoundErrors:
    """One-sided calibration errors of both bounds, over bins of equal width on [0, 1]; 0 where bounds hold.

    mirrored: each pair counts once more with its sides exchanged, so that which response is called first changes
    nothing: the published form (ELCE, EUCE and their maxima MLCE, MUCE). Its upper errors then equal its lower ones,
    because a pair's upper bound is 1 minus the lower one of its mirror image. Otherwise the response with the larger
    reward comes first: then `lower` is how far confidence is above what happens even at its lower bound, `upper` how
    far it is below that at its upper bound. margin_m, sd_m, outcome_m, weight_m: as `checked` says.
    """
    margin_m, sd_m, outcome_m, weight_m = checked(margin_m, sd_m, outcome_m, weight_m)
    if not isinstance(n_bins, int | np.integer) or isinstance(n_bins, bool) or not 1 <= n_bins <= MOST_BINS:
        raise DataError(f"n_bins is {n_bins}; it must be a whole number from 1 to {MOST_BINS:,}")
    _check_width(width)
    if mirrored:
        margin_m, outcome_m = np.concatenate([margin_m, -margin_m]), np.concatenate([outcome_m, 1 - outcome_m])
        sd_m, weight_m = np.tile(sd_m, 2), np.tile(weight_m, 2)
    else:
        outcome_m, margin_m = expected_accuracy(margin_m, outcome_m), np.abs(margin_m)
    lower, lower_most = _above(expit(margin_m - width * sd_m), outcome_m, weight_m, n_bins)
    upper, upper_most = _above(expit(-margin_m - width * sd_m), 1 - outcome_m, weight_m, n_bins)
    return BoundErrors(lower, upper, lower_most, upper_most)


def _check_width(width: float) -> None:
    """DataError unless bounds lie a finite number of standard deviations, not below 0, from the margin."""
    if not 0 <= width < np.inf:
        raise DataError(f"width is {width}; it must be a finite number of standard deviations, 0 or more")


def _above(bound_m: np.ndarray, outcome_m: np.ndarray, weight_m: np.ndarray, n_bins: int) -> tuple[float, float]:
    """Mean and maximum over bins of how far the mean bound lies above the mean outcome; a bin owns its low edge."""
    bin_m = np.minimum((bound_m * n_bins).astype(int), n_bins - 1)
    pairs_b = np.bincount(bin_m, weights=weight_m, minlength=n_bins)
    excess_b = np.bincount(bin_m, weights=weight_m * (bound_m - outcome_m), minlength=n_bins)
    above_b = np.maximum(excess_b[pairs_b > 0] / pairs_b[pairs_b > 0], 0.0)
    return float(np.average(above_b, weights=pairs_b[pairs_b > 0])), float(above_b.max())


def confidence_shares(
    margin_m: np.ndarray,
    sd_m: np.ndarray,
    outcome_m: np.ndarray,
    *,
    width: float = 1.0,
    weight_m: np.ndarray | None = None,
) -> Shares:
    """How often confident or not (1/2 lies outside the bounds or not), and right or wrong; a margin of 0 is neither.

    For pairs (preferred, other) with outcome 1: confident right where the lower bound is above 1/2, confident wrong
    where the upper one is below. All four are needed: who is never confident is never confidently wrong.
    """
    margin_m, sd_m, outcome_m, weight_m = checked(margin_m, sd_m, outcome_m, weight_m)
    _check_width(width)
    right_m, confident_m = expected_accuracy(margin_m, outcome_m), np.abs(margin_m) > width * sd_m
    return Shares(
        *(
            float(np.average(mine_m * how_m, weights=weight_m))
            for mine_m in (confident_m, ~confident_m)
            for how_m in (right_m, 1 - right_m)
        )
    )


def risk_coverage(
    margin_m: np.ndarray, sd_m: np.ndarray, outcome_m: np.ndarray, *, weight_m: np.ndarray | None = None
) -> RiskCoverage:
    """Accuracy among the surest pairs, for every share of them; sure is a large |m| / s.

    That orders pairs as the probability of a right sign does, where the margin's error is normal. Pairs that are
    equally sure come in random order: what stands here is the mean over these orders (with weights, that of the block).
    """
    margin_m, sd_m, outcome_m, weight_m = checked(margin_m, sd_m, outcome_m, weight_m)
    with np.errstate(divide="ignore"):
        sure_m = np.divide(np.abs(margin_m), sd_m, out=np.zeros_like(margin_m), where=margin_m != 0)
    order_m = np.argsort(-sure_m, kind="stable")
    right_m = expected_accuracy(margin_m, outcome_m)[order_m]
    weight_m = weight_m[order_m]
    block_m = tie_means(-sure_m[order_m], weight_m * right_m) / tie_means(-sure_m[order_m], weight_m)
    kept_m = np.cumsum(weight_m)
    accuracy_m = np.cumsum(weight_m * block_m) / kept_m
    return RiskCoverage(kept_m / kept_m[-1], accuracy_m, float(np.average(1 - accuracy_m, weights=weight_m)))


def accuracy_of_surest(curve: RiskCoverage, share: float) -> float:
    """Accuracy of the fewest surest pairs that are at least this share, 0 < share <= 1, of all."""
    if not 0 < share <= 1:
        raise DataError(f"share is {share}; it must be above 0, and at most 1")
    last = min(int(np.searchsorted(curve.kept_m, share - 1e-12)), len(curve.kept_m) - 1)
    return float(curve.accuracy_m[last])


def aligned_gold(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """(P, K) gold rewards as rewards of this scale: less their prompt's mean, times one number for all prompts.

    The number is 1 / b, with b the least-squares slope of gold on the rewards, both less their prompts' means (so it is
    that of all differences within prompts). Rewards that are a posterior mean of a multiple of gold are aligned to that
    multiple; the slope of rewards on gold would shrink it. All NaN where b is not above 0: then rewards do not follow
    gold, and gold has no place on their scale. score_pk, gold_pk: (P, K) finite.
    """
    score_pk, gold_pk = finite(score_pk, "score"), finite(gold_pk, "gold reward")
    if score_pk.ndim != 2 or score_pk.shape != gold_pk.shape:
        raise DataError(f"scores {score_pk.shape} and gold rewards {gold_pk.shape} differ; both must be (prompts, K)")
    score_pk, gold_pk = (value_pk - value_pk.mean(axis=1, keepdims=True) for value_pk in (score_pk, gold_pk))
    shared, own = float(np.vdot(score_pk, gold_pk)), float(np.vdot(score_pk, score_pk))
    if not shared > 1e-12 * np.sqrt(own * np.vdot(gold_pk, gold_pk)):
        return np.full(gold_pk.shape, np.nan)
    return gold_pk * (own / shared)


def holds(error: np.ndarray, sd: np.ndarray, level: float) -> np.ndarray:
    """Whether the central normal interval of this level holds an error: |error| <= z s. Any shape; bool."""
    return np.abs(error) <= half_width(level) * sd


def half_width(level: float) -> float:
    """z of a central normal interval, in standard deviations: 1.96 for 0.95. DataError unless 0 < level < 1."""
    if not 0 < level < 1:
        raise DataError(f"level is {level}; it must be between 0 and 1")
    return float(ndtri((1 + level) / 2))


def error_sd_correlation(error_m: np.ndarray, sd_m: np.ndarray) -> float:
    """Rank correlation (Spearman) of |error| with s: above 0 if larger errors are announced. NaN if either is constant.

    For normal errors of standard deviation s it is well below 1, because |error| varies by chance. Both are (M,), with
    a pair at least, or DataError.
    """
    error_m, sd_m = np.asarray(error_m, np.float64), np.asarray(sd_m, np.float64)
    if error_m.ndim != 1 or error_m.shape != sd_m.shape or not error_m.size:
        raise DataError(
            f"error_m has shape {error_m.shape}, sd_m {sd_m.shape}; both must be (M,), with a pair at least"
        )
    rank_m, other_m = (average_ranks(finite(value_m, "value")[None])[0] for value_m in (np.abs(error_m), sd_m))
    if np.ptp(rank_m) == 0 or np.ptp(other_m) == 0:
        return float("nan")
    return float(np.corrcoef(rank_m, other_m)[0, 1])


def checked(
    margin_m: np.ndarray, sd_m: np.ndarray, outcome_m: np.ndarray, weight_m: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All as float64 of one shape (M,), M above 0: finite margins, s not below 0, outcomes in [0, 1], weights above 0.

    DataError that names the array otherwise; weights are 1 where there are none.
    """
    margin_m, sd_m, outcome_m = finite(margin_m, "margin"), finite(sd_m, "sd"), finite(outcome_m, "outcome")
    weight_m = np.ones(margin_m.shape) if weight_m is None else finite(weight_m, "weight")
    if margin_m.ndim != 1 or margin_m.size == 0:
        raise DataError(f"margin_m has shape {margin_m.shape}; it must be (M,), with a pair at least")
    for name, value_m in {"sd_m": sd_m, "outcome_m": outcome_m, "weight_m": weight_m}.items():
        if value_m.shape != margin_m.shape:
            raise DataError(f"{name} has shape {value_m.shape} and margin_m {margin_m.shape}; give each pair one")
    if (sd_m < 0).any() or (weight_m <= 0).any() or (outcome_m < 0).any() or (outcome_m > 1).any():
        raise DataError("sd_m must not be below 0, outcome_m lie between 0 and 1, weight_m be above 0")
    return margin_m, sd_m, outcome_m, weight_m
