"""Correlations of weighted pairs of numbers, many sets of weights at once: what a resample of units asks for.

A pair that is drawn w times counts w times, as if it were listed so often; a weight of 0 leaves it out. Knows arrays
alone. Sources: Kendall 1945 (tau-b; copies of a pair are tied in both); average ranks of ties as scipy's.
"""

from collections.abc import Callable

import numpy as np

from rmkit.intervals.correlations import Statistic

BLOCK = 2**20  # comparisons of two pairs at a time, by memory


def weighted_correlation(
    first_e: np.ndarray, second_e: np.ndarray, weight_be: np.ndarray, statistic: Statistic
) -> np.ndarray:
    """(B,) correlation of E pairs of numbers under each of B sets of weights; NaN where a side is constant.

    first_e, second_e: (E,) finite. weight_be: (B, E) at least 0, whole numbers for Kendall and Spearman to be exact.
    """
    found: np.ndarray = WEIGHTED[statistic](first_e, second_e, weight_be)
    return found


def weighted_pearson(first_e: np.ndarray, second_e: np.ndarray, weight_be: np.ndarray) -> np.ndarray:
    """Pearson's correlation; first and second may be (B, E) too."""
    share_be = weight_be / weight_be.sum(axis=1, keepdims=True)
    first_be, second_be = (value_e - (share_be * value_e).sum(axis=1, keepdims=True) for value_e in (first_e, second_e))
    both_b, first_b, second_b = (
        (share_be * product_be).sum(axis=1) for product_be in (first_be * second_be, first_be**2, second_be**2)
    )
    varies_b = _varies(first_e, weight_be) & _varies(second_e, weight_be)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(varies_b, both_b / np.sqrt(first_b * second_b), np.nan)


def weighted_spearman(first_e: np.ndarray, second_e: np.ndarray, weight_be: np.ndarray) -> np.ndarray:
    """Spearman's correlation, ties at their average rank."""
    return weighted_pearson(_ranks(first_e, weight_be), _ranks(second_e, weight_be), weight_be)


def weighted_kendall(first_e: np.ndarray, second_e: np.ndarray, weight_be: np.ndarray) -> np.ndarray:
    """Kendall's tau-b: agreeing minus opposed comparisons, over the root of those untied in either."""
    n_pairs, weight_be = len(first_e), weight_be.astype(np.float32)  # whole numbers stay exact far beyond need
    totals_kb = np.zeros((3, len(weight_be)))
    step = max(1, BLOCK // n_pairs)
    for start in range(0, n_pairs, step):
        rows = slice(start, start + step)
        first_ee, second_ee = (
            np.sign(value_e[rows, None] - value_e).astype(np.float32) for value_e in (first_e, second_e)
        )
        for total_b, sign_ee in zip(totals_kb, (first_ee * second_ee, first_ee**2, second_ee**2), strict=True):
            total_b += np.einsum("be,be->b", weight_be[:, rows], weight_be @ sign_ee.T, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        tau_b: np.ndarray = totals_kb[0] / np.sqrt(totals_kb[1] * totals_kb[2])
    return tau_b


def _ranks(value_e: np.ndarray, weight_be: np.ndarray) -> np.ndarray:
    """(B, E) ranks, up to a number that all share: the weight below, and half of the weight of what is tied."""
    _, place_e = np.unique(value_e, return_inverse=True)
    order_e = np.argsort(place_e, kind="stable")
    starts = np.flatnonzero(np.diff(place_e[order_e], prepend=-1))
    tied_bu = np.add.reduceat(weight_be[:, order_e].astype(np.float64), starts, axis=1)
    rank_be: np.ndarray = (np.cumsum(tied_bu, axis=1) - tied_bu / 2)[:, place_e]
    return rank_be


def _varies(value_e: np.ndarray, weight_be: np.ndarray) -> np.ndarray:
    """(B,) whether the values that count differ."""
    counts_be = weight_be > 0
    lowest_b, highest_b = (
        edge(np.where(counts_be, value_e, fill), axis=1) for edge, fill in ((np.min, np.inf), (np.max, -np.inf))
    )
    varies_b: np.ndarray = highest_b > lowest_b
    return varies_b


WEIGHTED: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "kendall": weighted_kendall,
    "spearman": weighted_spearman,
    "pearson": weighted_pearson,
}
