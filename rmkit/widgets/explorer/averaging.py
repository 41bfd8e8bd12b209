"""The mean of each group of fits, with an interval only where one is honest, and the reason in words where none is.

An interval is Student's t over at least five seeds that differ in nothing else, which speaks of new seeds and these
prompts, or the one that a single row brings. Knows tables of points; not where they come from.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rmkit.intervals.means import FEWEST_SEEDS, t_over_seeds
from rmkit.widgets.explorer.columns import ABOUT

SEED = "seed"
NEW_SEEDS_THESE_PROMPTS = "new seeds, these prompts"
NONE, SINGLE = "no interval: ", "one fit"  # how the reason for a missing interval starts, and one of them


def means_of(kept: pd.DataFrame, places: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The mean of every group of points; beside it what its interval is of, or why it has none."""
    varying = kept[[name for name in kept if name not in ABOUT and kept[name].nunique(dropna=False) > 1]]
    found, whys = [], []
    for group, points in places.groupby(by, sort=True):
        own = points["row"]
        mean, low, high, why = _mean(kept.loc[own], varying.loc[own])
        found.append({**dict(zip(by, group, strict=True)), "mean": mean, "low": low, "high": high, "fits": len(points)})
        whys.append(why)
    return pd.DataFrame(found, columns=[*by, "mean", "low", "high", "fits"]), whys


def of_one_kind(means: pd.DataFrame, whys: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The means without the bands of every line whose bands are not all of one kind: they would read as one."""
    kind = pd.Series(whys, index=means.index, dtype=object)
    banded = ~kind.str.startswith(NONE).astype(bool)
    n_kinds = kind.where(banded).groupby([means["panel"], means["line"]]).transform("nunique")
    mixed = banded & (n_kinds > 1)
    ends = means[["low", "high"]].where(~mixed, np.nan)
    return means.assign(**ends), list(kind.where(~mixed, f"{NONE}intervals of different kinds"))


def _mean(group: pd.DataFrame, varying: pd.DataFrame) -> tuple[float, float, float, str]:
    """Mean, low and high of rows, with what the interval is of, or why there is none (low and high are then NaN).

    varying: of the same rows the columns in which any two rows of the picture differ.
    """
    value_r = group["value"].to_numpy(dtype=float)
    if len(group) == 1:
        return _own(group.iloc[0], float(value_r[0]))
    differ = [name for name in varying if varying[name].nunique(dropna=False) > 1]
    if differ == [SEED] and group[SEED].is_unique and len(group) >= FEWEST_SEEDS:
        interval = t_over_seeds(value_r, estimand=NEW_SEEDS_THESE_PROMPTS)
        if interval.reason:
            return interval.estimate, np.nan, np.nan, f"{NONE}{interval.reason}"
        return interval.estimate, interval.low, interval.high, f"95% t-interval over seeds, for {interval.estimand}"
    mean = float(value_r.mean())
    if differ == [SEED] and group[SEED].is_unique:
        return mean, np.nan, np.nan, f"{NONE}fewer than {FEWEST_SEEDS} seeds"
    names = " and ".join(filter(None, [", ".join(differ[:-1]), *differ[-1:]])) or "only the fit"
    return mean, np.nan, np.nan, f"{NONE}{names} differ{'s' if len(differ) < 2 else ''} among them"


def _own(row: pd.Series, value: float) -> tuple[float, float, float, str]:
    """One row's value with the interval that it brings, if it does."""
    low, high = (float(row.get(end, np.nan)) for end in ("low", "high"))
    if np.isfinite(low) and np.isfinite(high):
        return value, low, high, f"{row['level']:.0%} interval, for {row['estimand']}"
    return value, np.nan, np.nan, f"{NONE}{SINGLE}"


def title_of(means: pd.DataFrame, whys: Sequence[str]) -> str:
    """What a mark on a line is: the mean of how many rows, with which interval or why with none."""
    if means.empty:
        return "no value to draw"
    low, high = int(means["fits"].min()), int(means["fits"].max())
    if bands := [why for why in dict.fromkeys(whys) if not why.startswith(NONE)]:
        said = f"band: {bands[0] if len(bands) == 1 else 'an interval, of a kind that differs between fits'}"
    else:
        said = f"{NONE}{'; '.join(why.removeprefix(NONE) for why in dict.fromkeys(whys))}".removesuffix(f": {SINGLE}")
    return f"one fit a point, {said}" if high == 1 else f"mean of {_range(low, high)} fits, {said}"


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def notes_of(kept: pd.DataFrame, whys: Sequence[str]) -> list[str]:
    """What cannot be seen: rows without a value, by reason, and points without a band where others have one."""
    notes, has_r = [], np.isfinite(kept["value"].astype(float))
    if not has_r.all():
        reasons = kept[~has_r]["reason"].fillna("no reason given").value_counts(sort=False)
        listed = "; ".join(f"{reason} ({count})" for reason, count in reasons.items())
        notes.append(f"{int((~has_r).sum())} of {len(kept)} rows have no value: {listed}")
    without = [why.removeprefix(NONE) for why in whys if why.startswith(NONE)]
    if 0 < len(without) < len(whys):
        listed = "; ".join(f"{reason} ({without.count(reason)})" for reason in dict.fromkeys(without))
        notes.append(f"{len(without)} of {len(whys)} means have no band: {listed}")
    return notes
