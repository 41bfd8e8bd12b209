"""Learning curves with their intervals: per-prompt evaluations of several seeds in, one tidy table out.

Averages a fit over seeds first, then resamples prompts (intervals/means.py), so what the interval is of stays one
thing. Knows evaluations; draws nothing.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError
from rmkit.intervals.means import Interval, bootstrap_over_prompts, paired_difference

RESAMPLES = 2000


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
    return Evaluations(first.fits, first.prompt_id_p, first.units_p, values)


def learning_curves(evaluations: Sequence[Evaluations], *, resamples: int = RESAMPLES) -> pd.DataFrame:
    """Mean and interval of every fit and metric: columns of `fits`, metric, mean, low, high, and of what.

    evaluations: one a seed. A metric that a fit does not have is left out. All fits share the resampled prompts, which
    are drawn with one fixed generator: the same evaluations give the same table.
    """
    mean = mean_over_seeds(evaluations)
    tables = []
    for metric, value_fp in mean.values.items():
        has = ~np.isnan(value_fp).any(axis=1)
        if has.any():
            intervals = bootstrap_over_prompts(
                value_fp[has], mean.units_p, rng=np.random.default_rng(0), n_resamples=resamples
            )
            tables.append(_table(mean.fits[has], metric, intervals, len(evaluations)))
    return pd.concat(tables, ignore_index=True)


def paired_differences(
    evaluations: Sequence[Evaluations], first: str, second: str, *, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """The interval of `first` minus `second` at every annotation count and metric, on the same prompts.

    first, second: names in the column reward_model. Where one of them has no annotation count (a baseline) it is held
    against every count of the other. Columns: first, second, annotations, then as `learning_curves` from metric on.
    """
    mean = mean_over_seeds(evaluations)
    pairs = pd.merge(
        *(_positions(mean.fits, name) for name in (first, second)), how="cross", suffixes=("_first", "_second")
    )
    same = pairs["annotations_first"] == pairs["annotations_second"]
    pairs = pairs[same | pairs["annotations_first"].isna() | pairs["annotations_second"].isna()]
    counts = pairs["annotations_first"].fillna(pairs["annotations_second"])
    names = pd.DataFrame({"first": first, "second": second, "annotations": counts})
    tables = []
    for metric, value_fp in mean.values.items():
        first_kp, second_kp = (value_fp[pairs[f"position_{side}"]] for side in ("first", "second"))
        has = ~np.isnan(first_kp + second_kp).any(axis=1)
        if has.any():
            intervals = paired_difference(
                first_kp[has], second_kp[has], mean.units_p, rng=np.random.default_rng(0), n_resamples=resamples
            )
            tables.append(_table(names[has], metric, intervals, len(evaluations)))
    return pd.concat(tables, ignore_index=True)


def _positions(fits: pd.DataFrame, name: str) -> pd.DataFrame:
    """Where the fits of a reward model stand, with their annotation counts."""
    found = fits.reset_index(drop=True).query("reward_model == @name")[["annotations"]]
    if found.empty:
        raise ResultError(f"no fit of {name!r} here; there are {', '.join(dict.fromkeys(fits['reward_model']))}")
    return found.assign(position=found.index)


def _table(names: pd.DataFrame, metric: str, intervals: Sequence[Interval], seeds: int) -> pd.DataFrame:
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
        }
    )
    return pd.concat([names.reset_index(drop=True), numbers], axis=1)
