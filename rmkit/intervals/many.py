"""Many statements at once: the p-value behind an interval, and Holm's correction of several.

Knows intervals and numbers only. A p-value here says nothing that its interval does not: it is read off the interval's
width, so that it is below 1 - level exactly where the interval leaves the threshold out.
Sources: Holm, Scandinavian Journal of Statistics 1979 (step-down correction); Efron & Tibshirani 1993, ch. 15 (tests
from intervals); Altman & Bland, BMJ 2011 (a p-value from the width of an interval).
"""

from collections.abc import Sequence

import numpy as np

from rmkit.intervals.means import Interval


def p_value(interval: Interval, threshold: float) -> float:
    """The two-sided p-value of "the true value is the threshold", from the interval's width; NaN without an interval.

    The width is the one on the threshold's side of the estimate, and counts as the quantile of Student's t at the
    interval's degrees of freedom, or of the normal where it has none. Where limits are symmetric in Fisher's z, it is
    measured on that scale; of a ratio, on that of sinh(log), where the test of Pitman and Morgan has its t. This is the
    t-test for `t_over_seeds` and `over_seeds_and_prompts`, that test for `spread_ratio`, and the test on z for one
    correlation. For a percentile bootstrap and for the difference of two correlations it is an approximation: their
    ends hold, and beyond them each side is taken for half a normal curve.
    """
    from scipy.stats import norm, t

    alpha, low, high = 1 - interval.level, interval.low, interval.high
    if interval.reason or not np.isfinite([interval.estimate, low, high]).all():
        return float("nan")
    estimate, end = interval.estimate, low if threshold < interval.estimate else high
    curve = norm if interval.df is None else t(interval.df)
    p = float(2 * curve.sf(_shares(estimate, end, threshold, interval) * curve.isf(alpha / 2)))
    # rounding must not part the p-value from the verdict
    return min(p, float(np.nextafter(alpha, 0))) if threshold < low or threshold > high else max(p, alpha)


def _shares(estimate: float, end: float, threshold: float, interval: Interval) -> float:
    """How far the threshold is from the estimate, in widths from the estimate to the interval's end beyond it."""
    points = np.array([estimate, end, threshold])
    if interval.on_log:
        points = np.sinh(np.log(np.maximum(points, np.finfo(float).tiny) / estimate))  # l and L in intervals/spreads.py
    elif interval.on_z:
        with np.errstate(divide="ignore"):
            points = np.arctanh(np.clip(points, -1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = abs(points[2] - points[0]) / abs(points[1] - points[0])
    return 0.0 if np.isnan(shares) else float(shares)  # 0 of 0: the threshold is the estimate


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p-values, (n,) float64: below alpha where a statement survives among all n at once.

    p_values: (n,) in [0, 1]; a NaN is no test, stays NaN and does not count. The chance of any false rejection is at
    most alpha, however the tests depend on each other. The k-th smallest of n p-values is multiplied by n - k + 1, and
    none is smaller than the one before.
    """
    adjusted = np.array(p_values, dtype=np.float64)
    asked = np.flatnonzero(~np.isnan(adjusted))
    order = asked[np.argsort(adjusted[asked], kind="stable")]
    times = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(times * adjusted[order]))
    return adjusted
