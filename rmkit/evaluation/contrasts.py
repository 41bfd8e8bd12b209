"""Differences between groups of fits with their intervals, subtracted prompt by prompt before any interval is made.

So what is hard for both cancels. Knows per-prompt evaluations; draws nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError, ResultError
from rmkit.evaluation.curves import RESAMPLES, interval_of, interval_table, mean_over_seeds, stacked
from rmkit.intervals.means import Interval, paired_difference


def contrast(
    evaluations: Sequence[Evaluations], metric: Metric | str, first: Mapping[str, Any], second: Mapping[str, Any]
) -> Interval:
    """The interval of the mean difference of two groups of fits, seed by seed and prompt by prompt.

    first, second: what the fits of a group have in common, as {"reward_model": "mlp_bt", "annotations": 1800}; a list
    admits several values; "most" and "fewest" stand for a column's ends, "beyond_fewest" for all but the lower one.
    The groups' means are subtracted before any interval is made, so what is hard for both cancels. ResultError if a
    group is empty.
    """
    return interval_of(differences(evaluations, metric, first, second))


def differences(
    evaluations: Sequence[Evaluations], metric: Metric | str, first: Mapping[str, Any], second: Mapping[str, Any]
) -> np.ndarray:
    """(S, P) the difference of two groups of fits in each seed on each prompt; groups and errors as in `contrast`."""
    value_sfp = stacked(evaluations, metric)
    first_sp, second_sp = (value_sfp[:, in_group(evaluations[0].fits, group)].mean(axis=1) for group in (first, second))
    difference_sp: np.ndarray = first_sp - second_sp
    return difference_sp


def group_means(evaluations: Sequence[Evaluations], metric: Metric | str, group: Mapping[str, Any]) -> np.ndarray:
    """(S, P) the mean of a group of fits in each seed on each prompt; groups and errors as in `contrast`."""
    mean_sp: np.ndarray = stacked(evaluations, metric)[:, in_group(evaluations[0].fits, group)].mean(axis=1)
    return mean_sp


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


def _listed(values: pd.Series) -> str:
    return ", ".join(map(str, values.dropna().unique()[:12]))


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
    for metric in [metric for metric in mean.values if metric not in mean.axes]:
        value_fp = mean.values[metric]
        first_kp, second_kp = (value_fp[pairs[f"position_{side}"]] for side in ("first", "second"))
        has = ~np.isnan(first_kp + second_kp).any(axis=1)
        if has.any():
            intervals = paired_difference(
                first_kp[has], second_kp[has], mean.units_p, rng=np.random.default_rng(0), n_resamples=resamples
            )
            tables.append(interval_table(names[has], metric, intervals, len(evaluations)))
    return pd.concat(tables, ignore_index=True)


def _positions(fits: pd.DataFrame, name: str) -> pd.DataFrame:
    """Where the fits of a reward model stand, with their annotation counts."""
    found = fits.reset_index(drop=True).query("reward_model == @name")[["annotations"]]
    if found.empty:
        raise ResultError(f"no fit of {name!r} here; there are {', '.join(dict.fromkeys(fits['reward_model']))}")
    return found.assign(position=found.index)


def over_prompts(
    seeds: Sequence[Evaluations], metric: Metric | str, first: Mapping[str, Any], second: Mapping[str, Any]
) -> Interval:
    """The difference of two groups of these fits for new prompts: seeds averaged, whole prompts resampled."""
    value_fp = stacked(seeds, metric).mean(axis=0)
    first_p, second_p = (value_fp[in_group(seeds[0].fits, group)].mean(axis=0) for group in (first, second))
    has_p = np.isfinite(first_p) & np.isfinite(second_p)
    return paired_difference(first_p[has_p], second_p[has_p], seeds[0].units_p[has_p], rng=np.random.default_rng(0))[0]


def minus_strategy(evaluations: Evaluations, strategy: str) -> Evaluations:
    """Each other fit's values minus those that `strategy` has with as many labels of the same pool, prompt by prompt.

    What they share falls out: the prompts, the start and the seed. DataError if a fit finds no counterpart.
    """
    fits = evaluations.fits.reset_index(drop=True)
    theirs = {(fit.pool, fit.annotations): fit.Index for fit in fits[fits["strategy"] == strategy].itertuples()}
    others = fits[fits["strategy"] != strategy]
    keys = list(zip(others["pool"], others["annotations"], strict=True))
    if lost := [key for key in keys if key not in theirs]:
        raise DataError(f"evaluations: {strategy} has no fit of {lost[0][0]} with {lost[0][1]} labels to hold against")
    against = [theirs[key] for key in keys]
    values = {metric: value[others.index] - value[against] for metric, value in evaluations.values.items()}
    return replace(evaluations, fits=others.reset_index(drop=True), values=values)
