"""The columns of a result row that an interval fills, written once for all rows of reward models and policies."""

from typing import Any

import numpy as np

from rmkit.intervals.means import Interval


def interval_columns(interval: Interval) -> dict[str, Any]:
    """value, reason, units, low, high, level, estimand, method and no_interval.

    reason: why there is no value, else None. no_interval: why low and high are missing, else nothing.
    """
    return {
        "value": interval.estimate,
        "reason": interval.reason if np.isnan(interval.estimate) else None,
        "units": interval.units,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "estimand": interval.estimand,
        "method": interval.method,
        "no_interval": interval.reason or "",
    }
