"""Means with their intervals of what several seeds measured: per-prompt evaluations in, a tidy table out.

Against gold (`gold_curves`) seeds draw pairs, labels and initial weights anew; the test prompts are the same for all.
With five seeds or more the interval is about new seeds and new prompts; with one it is about new prompts and these
fits; two to four have none. On labelled pairs (`learning_curves`) seeds fold the same pairs anew: a fit is averaged
over seeds first, then prompts are resampled. Knows evaluations; draws nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.errors import ResultError
from rmkit.intervals.means import Interval, bootstrap_over_prompts, over_seeds_and_prompts

RESAMPLES = 2000


def stacked(evaluations: Sequence[Evaluations], metric: Metric | str) -> np.ndarray:
    """(S, F, P) values of a metric, or ResultError if seeds differ in fits or prompts, or lack the metric."""
    first, value_sfp = evaluations[0], [one.value_fp(metric) for one in evaluations]
    for other in evaluations:
        if not other.fits.equals(first.fits) or not np.array_equal(other.prompt_id_p, first.prompt_id_p):
            raise ResultError("these seeds do not hold the same fits on the same prompts; give those of one study")
    return np.stack(value_sfp).astype(np.float64)


def interval_of(value_sp: np.ndarray) -> Interval:
    """The interval of the mean of an (S, P) table; prompts that a seed did not evaluate are left out."""
    if len(value_sp) > 1:
        return over_seeds_and_prompts(value_sp)
    value_p = value_sp[0, np.isfinite(value_sp[0])]
    return bootstrap_over_prompts(value_p, np.ones(len(value_p)), rng=np.random.default_rng(0))[0]


def gold_curves(evaluations: Sequence[Evaluations], metrics: Sequence[Metric | str] | None = None) -> pd.DataFrame:
    """A row for each fit and metric: the columns of `fits`, metric, n, then those of `interval_row`.

    evaluations: one a seed. metrics: all if None. n is missing for what is not measured along n.
    """
    rows = []
    for given in metrics or evaluations[0].metrics():
        metric = Metric(given) if isinstance(given, str) else given
        for fit, value_sp in zip(
            evaluations[0].fits.to_dict("records"), stacked(evaluations, metric).swapaxes(0, 1), strict=True
        ):
            named = {"metric": metric.name, "n": np.nan if metric.at is None else float(metric.at)}
            rows.append(fit | named | interval_row(interval_of(value_sp), len(evaluations)))
    return pd.DataFrame(rows)


def interval_row(interval: Interval, n_seeds: int) -> dict[str, Any]:
    """An interval as the columns of a table: mean, low, high, level, seeds, prompts, estimand, method, reason."""
    return {
        "mean": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "seeds": n_seeds,
        "prompts": interval.units,
        "estimand": interval.estimand,
        "method": interval.method,
        "reason": interval.reason,
    }


def mean_over_seeds(evaluations: Sequence[Evaluations]) -> Evaluations:
    """Each fit's values averaged over seeds, as one Evaluations; ResultError if seeds differ in fits or prompts."""
    first = evaluations[0]
    for other in evaluations[1:]:
        if not other.fits.equals(first.fits) or not np.array_equal(other.prompt_id_p, first.prompt_id_p):
            raise ResultError(
                "these seeds do not hold the same fits on the same prompts; they are of different studies"
            )
        if not np.array_equal(other.units_p, first.units_p):
            raise ResultError("these seeds do not hold the same pairs a prompt; a pair must be scored once a seed")
    values = {
        metric: np.stack([one.values[metric] for one in evaluations]).mean(axis=0, dtype=np.float64).astype(np.float32)
        for metric in first.values
    }
    return replace(first, values=values)


def learning_curves(evaluations: Sequence[Evaluations], *, resamples: int = RESAMPLES) -> pd.DataFrame:
    """Mean and interval of every fit and metric: columns of `fits`, metric, mean, low, high, of what, and reason.

    evaluations: one a seed. A metric that a fit does not have, or that has an axis, is left out. All fits share the
    resampled prompts, which are drawn with one fixed generator: the same evaluations give the same table.
    """
    mean = mean_over_seeds(evaluations)
    tables = []
    for metric in [metric for metric in mean.values if metric not in mean.axes]:
        value_fp = mean.values[metric]
        has = ~np.isnan(value_fp).any(axis=1)
        if has.any():
            intervals = bootstrap_over_prompts(
                value_fp[has], mean.units_p, rng=np.random.default_rng(0), n_resamples=resamples
            )
            tables.append(interval_table(mean.fits[has], metric, intervals, len(evaluations)))
    return pd.concat(tables, ignore_index=True)


def interval_table(names: pd.DataFrame, metric: str, intervals: Sequence[Interval], seeds: int) -> pd.DataFrame:
    """Intervals as the columns of a table, beside the columns of `names`, a row each."""
    numbers = pd.DataFrame(
        {
            "metric": metric,
            "mean": [interval.estimate for interval in intervals],
            "low": [interval.low for interval in intervals],
            "high": [interval.high for interval in intervals],
            "level": [interval.level for interval in intervals],
            "seeds": seeds,
            "prompts": [interval.units for interval in intervals],
            "estimand": [interval.estimand for interval in intervals],
            "method": [interval.method for interval in intervals],
            "reason": [interval.reason for interval in intervals],
        }
    )
    return pd.concat([names.reset_index(drop=True), numbers], axis=1)
