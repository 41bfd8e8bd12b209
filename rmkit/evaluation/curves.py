"""Means with their intervals of what several seeds measured against gold: per-prompt evaluations in, a tidy table out.

Seeds draw pairs, labels and initial weights anew; the test prompts are the same for all. With five seeds or more the
interval is about new seeds and new prompts; with one it is about new prompts and these fits; two to four have none.
Knows evaluations; draws nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError
from rmkit.intervals.means import Interval, bootstrap_over_prompts, over_seeds_and_prompts


def stacked(evaluations: Sequence[Evaluations], metric: str) -> np.ndarray:
    """(S, F, P) values of a metric, or ResultError if seeds differ in fits or prompts, or lack the metric."""
    first = evaluations[0]
    for other in evaluations:
        if metric not in other.values:
            raise ResultError(f"evaluations: have no {metric!r}, but {', '.join(other.values)}")
        if not other.fits.equals(first.fits) or not np.array_equal(other.prompt_id_p, first.prompt_id_p):
            raise ResultError("these seeds do not hold the same fits on the same prompts; give those of one study")
    return np.stack([one.values[metric] for one in evaluations]).astype(np.float64)


def interval_of(value_sp: np.ndarray) -> Interval:
    """The interval of the mean of an (S, P) table; prompts that a seed did not evaluate are left out."""
    if len(value_sp) > 1:
        return over_seeds_and_prompts(value_sp)
    value_p = value_sp[0, np.isfinite(value_sp[0])]
    return bootstrap_over_prompts(value_p, np.ones(len(value_p)), rng=np.random.default_rng(0))[0]


def gold_curves(evaluations: Sequence[Evaluations], metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """A row for each fit and metric: the columns of `fits`, metric, n, then those of `interval_row`.

    evaluations: one a seed. metrics: all if None. n is 8 for best_of_8, and missing for what is no Best-of-n.
    """
    rows = []
    for metric in metrics or evaluations[0].values:
        _, _, n = metric.partition("best_of_")
        for fit, value_sp in zip(
            evaluations[0].fits.to_dict("records"), stacked(evaluations, metric).swapaxes(0, 1), strict=True
        ):
            named = {"metric": metric, "n": float(n) if n else np.nan}
            rows.append(fit | named | interval_row(interval_of(value_sp), len(evaluations)))
    return pd.DataFrame(rows)


def contrast(
    evaluations: Sequence[Evaluations], metric: str, first: Mapping[str, Any], second: Mapping[str, Any]
) -> Interval:
    """The interval of the mean difference of two groups of fits, seed by seed and prompt by prompt.

    first, second: what the fits of a group have in common, as {"reward_model": "mlp_bt", "annotations": 1800}; a list
    admits several values; "most" and "fewest" stand for a column's ends, "beyond_fewest" for all but the lower one.
    The groups' means are subtracted before any interval is made, so what is hard for both cancels. ResultError if a
    group is empty.
    """
    value_sfp = stacked(evaluations, metric)
    first_sp, second_sp = (value_sfp[:, in_group(evaluations[0].fits, group)].mean(axis=1) for group in (first, second))
    return interval_of(first_sp - second_sp)


def in_group(fits: pd.DataFrame, group: Mapping[str, Any]) -> np.ndarray:
    """(F,) bool: the fits of a group, or ResultError that names the condition which none fulfils."""
    here = np.full(len(fits), True)
    for column, wanted in group.items():
        if column not in fits:
            raise ResultError(f"fits have no column {column!r}; they have {', '.join(fits)}")
        here &= fulfilling(fits[column], wanted)
        if not here.any():
            raise ResultError(f"no fit has {column} = {wanted} within {dict(group)}; there are {_listed(fits[column])}")
    return here


def fulfilling(column_f: pd.Series, wanted: Any) -> np.ndarray:
    """(F,) bool: where a column has the value, or one of the values, or is at or beyond one of its ends."""
    ends = {"most": column_f.max, "fewest": column_f.min, "beyond_fewest": column_f.min}
    if not (isinstance(wanted, str) and wanted in ends):
        return column_f.isin(wanted if isinstance(wanted, list) else [wanted]).to_numpy()
    end = ends[wanted]()
    return (column_f > end if wanted == "beyond_fewest" else column_f == end).to_numpy()


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


def _listed(values: pd.Series) -> str:
    return ", ".join(map(str, values.dropna().unique()[:12]))
