"""What the validation split, and the objective, change: differences between the arms of the split ablation, paired.

An arm is a head, a procedure and a split (validation_split.py has the why). Every difference is taken seed by seed and
prompt by prompt before an interval is made, so that what is hard for both arms cancels. Against gold, seeds draw pairs
anew and the interval is `gold_curves`'; where people judged, they fold the same pairs anew, and it is
`learning_curves`', of these fits. Knows evaluations; draws nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.ablations.validation_split import HEADS
from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.errors import ResultError
from rmkit.evaluation.contrasts import contrast, in_group
from rmkit.evaluation.curves import gold_curves, interval_row, learning_curves, mean_over_seeds
from rmkit.intervals.means import Interval, paired_difference

ARM = ("reward_model", "procedure", "validation")
RELEASED_SPLIT = "mirrored_row"
LEVELS = ("beta", "annotations")  # what an arm's fits vary in; people have no beta
Group = Mapping[str, Any]


def split_curves(evaluations: Sequence[Evaluations], metric: Metric | str) -> pd.DataFrame:
    """A row for each fit: the columns of `fits`, metric, mean, low, high, seeds and what the interval is of."""
    if "beta" in evaluations[0].fits:
        return gold_curves(evaluations, [metric])
    check(evaluations, metric)
    curves = learning_curves(evaluations)
    return curves[curves["metric"] == str(metric)].reset_index(drop=True)


def split_differences(evaluations: Sequence[Evaluations], metric: Metric | str) -> pd.DataFrame:
    """A row for each difference of two arms at each level of noise and number of annotations.

    evaluations: one a seed, with ARM and the LEVELS that there are among the columns of `fits`. Columns: those levels,
    difference, then those of `interval_row`. ResultError if no two arms can be held against each other.
    """
    check(evaluations, metric)
    fits = evaluations[0].fits
    levels = [level for level in LEVELS if level in fits]
    rows = []
    for values in fits[levels].drop_duplicates().sort_values(levels).itertuples(index=False):
        at = dict(zip(levels, values, strict=True))
        for name, first, second in contrasts(fits[in_group(fits, at)]):
            interval = difference(evaluations, metric, {**at, **first}, {**at, **second})
            rows.append(at | {"difference": name} | interval_row(interval, len(evaluations)))
    if not rows:
        raise ResultError(f"evaluations: no two arms to compare, of {', '.join(arms(fits))}; fit both heads or splits")
    return pd.DataFrame(rows)


def contrasts(fits: pd.DataFrame) -> Iterator[tuple[str, Group, Group]]:
    """(name, first, second) of all differences between these fits: of splits for each head, then of heads."""
    there = {tuple(row) for row in fits[list(ARM)].itertuples(index=False)}
    ways = list(dict.fromkeys(tuple(row) for row in fits[list(ARM[1:])].itertuples(index=False)))
    for head in HEADS:
        for procedure, split in ways:
            pair = [(head, procedure, split), (head, procedure, RELEASED_SPLIT)]
            if split != RELEASED_SPLIT and there.issuperset(pair):
                yield f"{head} {procedure}: {split} minus {RELEASED_SPLIT}", group(pair[0]), group(pair[1])
    for procedure, split in ways:
        pair = [(head, procedure, split) for head in reversed(HEADS)]
        if there.issuperset(pair):
            yield f"{procedure} {split}: {HEADS[1]} minus {HEADS[0]}", group(pair[0]), group(pair[1])


def difference(evaluations: Sequence[Evaluations], metric: Metric | str, first: Group, second: Group) -> Interval:
    """The interval of first minus second, fits of one row each."""
    if "beta" in evaluations[0].fits:
        return contrast(evaluations, metric, first, second)
    mean = mean_over_seeds(evaluations)
    first_1p, second_1p = (mean.value_fp(metric)[in_group(mean.fits, each)] for each in (first, second))
    return paired_difference(first_1p, second_1p, mean.units_p, rng=np.random.default_rng(0))[0]


def check(evaluations: Sequence[Evaluations], metric: Metric | str) -> None:
    """ResultError unless the fits say what their arms are, and have the metric."""
    fits = evaluations[0].fits
    if missing := [column for column in (*ARM, "annotations") if column not in fits]:
        raise ResultError(f"fits: lack {', '.join(missing)}; they have {', '.join(map(str, fits))}")
    evaluations[0].value_fp(metric)


def group(arm: tuple[str, ...]) -> Group:
    """An arm as the condition that its fits fulfil."""
    return dict(zip(ARM, arm, strict=True))


def arms(fits: pd.DataFrame) -> list[str]:
    """The names of the arms there are."""
    return list(dict.fromkeys(" ".join(row) for row in fits[list(ARM)].itertuples(index=False)))
