"""The mean of each group of fits, with an interval only where one is honest, and the reason in words where none is.

An interval is Student's t over at least five seeds that differ in nothing else, which speaks of new seeds and these
prompts, or the one that a single row brings. Knows tables of points; not where they come from.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rmkit.intervals.means import FEWEST_SEEDS, t_over_seeds
from rmkit.study.monitoring.words import enumerated
from rmkit.widgets.explorer.coded import Coded

SEED = "seed"
NEW_SEEDS_THESE_PROMPTS = "new seeds, these prompts"
NONE, SINGLE = "no interval: ", "one value"  # how the reason for a missing interval starts, and one of them


def means_of(coded: Coded, kept: np.ndarray, places: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The mean of every group of places, and `row`, the one nearest to it; beside it what its interval is of, or why it
    has none.

    kept: (N,) positions of all rows of the picture. places: a row a dot, with `at_row` (its position in the table), and
    the columns of `by`.
    """
    empty = pd.DataFrame(columns=[*by, "mean", "low", "high", "fits", "row"])
    if places.empty:
        return empty, []
    group_m, first_g = _groups(places, by)
    order = np.argsort(group_m, kind="stable")
    start_g = np.flatnonzero(np.diff(group_m[order], prepend=-1))
    row_m = places["at_row"].to_numpy()[order]
    fits_g = np.diff(start_g, append=len(row_m))
    mean_g = np.add.reduceat(coded.value_r[row_m], start_g) / fits_g
    away_m = np.abs(coded.value_r[row_m] - np.repeat(mean_g, fits_g))
    nearest_m = np.lexsort([away_m, np.repeat(np.arange(len(mean_g)), fits_g)])
    row_g = coded.table.index[row_m[nearest_m[start_g]]]
    names, differs_gv = _differences(coded, kept, row_m, start_g)
    low_g, high_g = np.full((2, len(mean_g)), np.nan)
    whys = []
    for group, (start, fits, differs) in enumerate(zip(start_g, fits_g, differs_gv, strict=True)):
        rows = row_m[start : start + fits]
        low_g[group], high_g[group], why = _interval(coded, rows, [names[v] for v in np.flatnonzero(differs)])
        whys.append(why)
    found = places.iloc[first_g][by].reset_index(drop=True)
    return found.assign(mean=mean_g, low=low_g, high=high_g, fits=fits_g, row=row_g), whys


def _groups(places: pd.DataFrame, by: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The number of each dot's group (M,), groups in the order of their names; and a dot of each group (G,)."""
    code_m = np.zeros(len(places), dtype=np.int64)
    for name in by:
        part_m, found = pd.factorize(places[name], sort=True)
        code_m = code_m * len(found) + part_m
    _, first_g, group_m = np.unique(code_m, return_index=True, return_inverse=True)
    return group_m, first_g


def _differences(
    coded: Coded, kept: np.ndarray, row_m: np.ndarray, start_g: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """The V columns in which any two rows of the picture differ, and in which the rows of each group do: (G, V)."""
    names = coded.differing(kept)
    codes = [coded.column(name).code_r[row_m] for name in names]
    spread = [np.maximum.reduceat(code_m, start_g) - np.minimum.reduceat(code_m, start_g) for code_m in codes]
    return names, np.array(spread, dtype=int).reshape(len(names), len(start_g)).T > 0


def of_one_kind(means: pd.DataFrame, whys: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The means without the bands of every line whose bands are not all of one kind: they would read as one."""
    kind = pd.Series(whys, index=means.index, dtype=object)
    banded = ~kind.str.startswith(NONE).astype(bool)
    n_kinds = kind.where(banded).groupby([means["panel"], means["line"]]).transform("nunique")
    mixed = banded & (n_kinds > 1)
    ends = means[["low", "high"]].where(~mixed, np.nan)
    return means.assign(**ends), list(kind.where(~mixed, f"{NONE}intervals of different kinds"))


def _interval(coded: Coded, rows: np.ndarray, differ: list[str]) -> tuple[float, float, str]:
    """Low and high of the mean of rows, with what they are of, or why there are none (low and high are then NaN).

    differ: the columns in which the rows differ.
    """
    if len(rows) == 1:
        return _own(coded, int(rows[0]))
    if differ == [SEED] and len(np.unique(coded.column(SEED).code_r[rows])) == len(rows):
        if len(rows) < FEWEST_SEEDS:
            return np.nan, np.nan, f"{NONE}fewer than {FEWEST_SEEDS} seeds"
        interval = t_over_seeds(_without_rounding(coded.value_r[rows]), estimand=NEW_SEEDS_THESE_PROMPTS)
        if interval.reason:
            return np.nan, np.nan, f"{NONE}{interval.reason}"
        return interval.low, interval.high, f"95% t-interval over seeds, for {interval.estimand}"
    names = enumerated(differ) or "only the fit"
    return np.nan, np.nan, f"{NONE}{names} differ{'s' if len(differ) < 2 else ''} among them"


def _without_rounding(value_s: np.ndarray) -> np.ndarray:
    """The numbers, all the first one where they differ by no more than floating point of 32 bits does."""
    return np.full_like(value_s, value_s[0]) if np.allclose(value_s, value_s[0], rtol=1e-6, atol=1e-15) else value_s


def _own(coded: Coded, row: int) -> tuple[float, float, str]:
    """The interval that one row brings, if it does."""
    low, high = float(coded.numbers("low")[row]), float(coded.numbers("high")[row])
    if np.isfinite(low) and np.isfinite(high):
        level, estimand = (coded.table[name].iloc[row] for name in ("level", "estimand"))
        return low, high, f"{level:.0%} interval, for {estimand}"
    return np.nan, np.nan, f"{NONE}{SINGLE}"


def title_of(means: pd.DataFrame, whys: Sequence[str], what: str = "fit") -> str:
    """What a mark on a line is: the mean of how many rows, with which interval or why with none. what: a row is one."""
    if means.empty:
        return "no value to draw"
    low, high = int(means["fits"].min()), int(means["fits"].max())
    if bands := [why for why in dict.fromkeys(whys) if not why.startswith(NONE)]:
        banded = sum(not why.startswith(NONE) for why in whys)
        where = "band" if banded == len(whys) else f"band on {banded} of {len(whys)} means"
        said = f"{where}: {bands[0] if len(bands) == 1 else 'an interval, of a kind that differs between fits'}"
    else:
        said = f"{NONE}{'; '.join(why.removeprefix(NONE) for why in dict.fromkeys(whys))}".removesuffix(f": {SINGLE}")
    return f"one {what} a point, {said}" if high == 1 else f"mean of {_range(low, high)} {what}s, {said}"


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def notes_of(coded: Coded, kept: np.ndarray, whys: Sequence[str]) -> list[str]:
    """What cannot be seen: rows without a value, by reason, and points without a band where others have one.

    kept: (N,) positions of the rows of the picture.
    """
    notes, without_value = [], kept[~coded.drawable_r[kept]]
    if len(without_value):
        reasons = coded.table["reason"].iloc[without_value].fillna("no reason given").value_counts(sort=False)
        listed = "; ".join(f"{reason} ({count})" for reason, count in reasons.items())
        notes.append(f"{len(without_value)} of {len(kept)} rows have no value: {listed}")
    without = [why.removeprefix(NONE) for why in whys if why.startswith(NONE)]
    if 0 < len(without) < len(whys):
        listed = "; ".join(f"{reason} ({without.count(reason)})" for reason in dict.fromkeys(without))
        notes.append(f"{len(without)} of {len(whys)} means have no band: {listed}")
    return notes
