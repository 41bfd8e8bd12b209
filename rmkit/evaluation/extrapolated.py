"""What more labels would bring: a learning curve continued, with an interval, and asked to foretell its own end.

A curve of K numbers of annotations n_k is fitted by least squares as a + b f(n), for three shapes f: log n, which never
flattens, -n^(-1/2), and -1/n, which flattens soon. Which is right cannot be told from a few points, so the interval
reaches from the lowest to the highest of the three intervals; the estimate is that of -n^(-1/2). The gain from n to m,
b (f(m) - f(n)), is a sum of the K accuracies with weights that the numbers alone decide, so it is a mean over prompts
of what each prompt says, and its interval resamples prompts. What that interval covers is measured in
docs/log/extrapolation-coverage.md. Knows evaluations; no head and no figure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError
from rmkit.evaluation.curves import mean_over_seeds
from rmkit.intervals.means import Interval, bootstrap_over_prompts

ACCURACY = "accuracy"
FEWEST_COUNTS = 3  # two would be a line through two points
SHAPES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "log n": np.log,
    "-1/√n": lambda count: -1 / np.sqrt(count),
    "-1/n": lambda count: -1 / count,
}
MIDDLE = "-1/√n"
ENDS = {"mean": "estimate", "low": "low", "high": "high"}
NEW_LABELS = "new prompts and labels, if the curve goes on as it went"


@dataclass(frozen=True)
class Foretold:
    """What a continued curve says of the gain in accuracy from one number of annotations to another."""

    start: int
    end: int
    gain: Interval  # a share; accuracy at `end` minus accuracy at `start`


def gain(evaluations: Sequence[Evaluations], reward_model: str, start: int, end: int) -> Foretold:
    """The gain of a head from `start` to `end` annotations, by all of its counts; evaluations: one a seed.

    ResultError for fewer than three numbers of annotations.
    """
    counts, value_kp, units_p = _curve(evaluations, reward_model)
    return _gain(counts, value_kp, units_p, start, end)


def last_step(evaluations: Sequence[Evaluations], reward_model: str) -> tuple[Foretold, Interval] | None:
    """What the curve without its last number says of its last step, and what was seen there; None for too few counts.

    What was seen has the interval of its mean over the same prompts.
    """
    counts, value_kp, units_p = _curve(evaluations, reward_model)
    if len(counts) <= FEWEST_COUNTS:
        return None
    start, end = int(counts[-2]), int(counts[-1])
    foretold = _gain(counts[:-1], value_kp[:-1], units_p, start, end)
    seen = bootstrap_over_prompts(value_kp[-1] - value_kp[-2], units_p, rng=np.random.default_rng(0))[0]
    return foretold, seen


def continued(evaluations: Sequence[Evaluations], reward_model: str, end: int, n_points: int = 25) -> pd.DataFrame:
    """The band of the curve from its last number to `end`: annotations, mean, low, high of the accuracy.

    It is the accuracy that was seen at the last number, plus the gain from there.
    """
    counts, value_kp, units_p = _curve(evaluations, reward_model)
    last, seen = int(counts[-1]), float(value_kp[-1] @ units_p / units_p.sum())
    rows = []
    for to in np.unique(np.geomspace(last + 1, end, n_points).round().astype(int)):
        found = _gain(counts, value_kp, units_p, last, int(to)).gain
        rows.append({"annotations": to, **{name: seen + getattr(found, of) for name, of in ENDS.items()}})
    return pd.DataFrame([{"annotations": last} | dict.fromkeys(ENDS, seen), *rows])


def weights(counts: np.ndarray, start: float, end: float, shape: str) -> np.ndarray:
    """(K,) by which the accuracies at K counts add up to the gain from `start` to `end` of a least-squares curve."""
    of_shape = SHAPES[shape]
    f_k = of_shape(counts.astype(np.float64))
    centred_k = f_k - f_k.mean()
    ends = of_shape(np.array([start, end], dtype=np.float64))
    weight_k: np.ndarray = (ends[1] - ends[0]) * centred_k / (centred_k @ centred_k)
    return weight_k


def _curve(evaluations: Sequence[Evaluations], reward_model: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(K,) numbers of annotations ascending, (K, P) accuracies, (P,) pairs of a head, seeds averaged."""
    mean = mean_over_seeds(evaluations)
    fits = mean.fits.reset_index(drop=True)
    mine = fits[(fits["reward_model"] == reward_model) & fits["annotations"].notna()].sort_values("annotations")
    if len(mine) < FEWEST_COUNTS:
        raise ResultError(
            f"evaluations: {reward_model} has {len(mine)} numbers of annotations; a curve is continued from three"
        )
    value_kp = mean.values[ACCURACY][mine.index].astype(np.float64)
    return mine["annotations"].to_numpy(dtype=np.float64), value_kp, mean.units_p


def _gain(counts: np.ndarray, value_kp: np.ndarray, units_p: np.ndarray, start: int, end: int) -> Foretold:
    series = [weights(counts, start, end, shape) @ value_kp for shape in SHAPES]
    found = bootstrap_over_prompts(np.stack(series), units_p, rng=np.random.default_rng(0))
    middle = found[list(SHAPES).index(MIDDLE)]
    low, high = min(each.low for each in found), max(each.high for each in found)
    method = f"{middle.method}; the widest of {len(SHAPES)} shapes of the curve"
    return Foretold(start, end, replace(middle, low=low, high=high, estimand=NEW_LABELS, method=method))
