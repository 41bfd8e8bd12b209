"""Scores of reward models that a leaderboard published: two benchmarks, a row a model, and what correlates over them.

Knows a JSON file of figures with its source, and arrays; no text, no test set. What ships is in data/published-scores.
Sources of what is published: arXiv 2403.13787 (RewardBench), arXiv 2506.01937 (RewardBench 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from rmkit.errors import DataError, one_of
from rmkit.files.regular import read_json
from rmkit.intervals.correlations import CORRELATIONS

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
FILE = "data/published-scores/rewardbench.json"  # in the project
BENCHMARKS = {"v1": "RewardBench", "v2": "RewardBench 2"}
SCORE = "Score"  # the column of a benchmark's total
FEWEST = 4  # models of a correlation, so that Fisher's z has an error, 1 / sqrt(n - 3)
KENDALL_ERROR = np.sqrt(0.437)  # of Fisher's z of Kendall's tau, over sqrt(n - 4) (Fieller, Hartley & Pearson 1957)
BLOCK = 4096  # draws of `random_subsets` that are correlated at once


@dataclass(frozen=True, eq=False)
class PublishedScores:
    """Tables of scores from 0 to 1 by benchmark: a row a model, its name the index; NaN where nothing was published."""

    tables: "dict[str, pd.DataFrame]"
    source: dict[str, Any]  # repository, revision, licence, sha256 of the original

    def both(self) -> "pd.DataFrame":
        """The models that both benchmarks score under one name, a column a benchmark, the worst of the first on top."""
        import pandas as pd

        totals = {name: self.tables[name][SCORE] for name in BENCHMARKS}
        return pd.concat(totals, axis=1, join="inner").dropna().sort_values(list(BENCHMARKS))


def read_published_scores(path: str | Path) -> PublishedScores:
    """The scores of a file such as FILE, or DataError with what is amiss in it."""
    import pandas as pd

    try:
        told = read_json(path, finite=True)
        if told["format"] != FORMAT:
            raise DataError(f"{path}: is of format {told['format']!r}; this rmkit reads format {FORMAT}")
        tables = {
            name: pd.DataFrame.from_dict(told[name]["models"], orient="index", columns=told[name]["sections"])
            for name in BENCHMARKS
        }
        values = {name: table.to_numpy(dtype=np.float64) for name, table in tables.items()}
    except OSError as fault:
        raise DataError(f"{path}: cannot be read ({fault.strerror or fault})") from None
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise DataError(f"{path}: is no file of published scores ({type(fault).__name__}: {fault})") from None
    for name, value in values.items():
        if not ((value >= 0) & (value <= 1) | np.isnan(value)).all():
            raise DataError(
                f"{path}: {name} has a score outside 0 to 1; a score is a share, or null where there is none"
            )
    return PublishedScores({name: table.astype(float) for name, table in tables.items()}, dict(told["source"]))


def without_each(first_m: ArrayLike, second_m: ArrayLike, statistic: str) -> tuple[float, np.ndarray]:
    """A correlation over M models, and (M,) the same without each of them; statistic: a key of CORRELATIONS."""
    one_m, other_m, correlate = _checked(first_m, second_m, statistic)
    others_mm = np.array([np.delete(np.arange(len(one_m)), m) for m in range(len(one_m))])
    return float(correlate(one_m, other_m)), correlate(one_m[others_mm], other_m[others_mm])


def random_subsets(
    first_m: ArrayLike,
    second_m: ArrayLike,
    statistic: str,
    *,
    n_models: int,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """(draws,) correlations over n different models, drawn at random from the M; NaN where all n score alike."""
    one_m, other_m, correlate = _checked(first_m, second_m, statistic)
    if not FEWEST <= n_models <= len(one_m) or draws < 1:
        raise DataError(f"{draws} draws of {n_models} models: take at least 1, of {FEWEST} to {len(one_m)} models")
    found = []
    for start in range(0, draws, BLOCK):
        order_bm = rng.random((min(BLOCK, draws - start), len(one_m))).argsort(axis=1)[:, :n_models]
        found.append(correlate(one_m[order_bm], other_m[order_bm]))
    return np.concatenate(found)


def fisher_interval(correlation: float, n_models: int, statistic: str, *, level: float = 0.95) -> tuple[float, float]:
    """The interval of a correlation over n independent models by Fisher's z, for models that are a random sample.

    Pearson: z has the standard error 1 / sqrt(n - 3), right for bivariate normal scores. Spearman takes the same with
    1 + rho^2 / 2 in place of 1 (Bonett & Wright 2000), Kendall sqrt(0.437 / (n - 4)). DataError for too few models, or
    a correlation of 1.
    """
    from scipy.special import ndtri

    one_of(statistic, CORRELATIONS, "statistic", DataError)
    fewest = FEWEST + (statistic == "kendall")
    if n_models < fewest or not abs(correlation) < 1 or not 0 < level < 1:
        raise DataError(
            f"{statistic} of {correlation} over {n_models} models at level {level}: an interval takes {fewest} models "
            "or more, a correlation between -1 and 1 and a level between 0 and 1, ends left out"
        )
    error = {
        "pearson": 1 / np.sqrt(n_models - 3),
        "spearman": np.sqrt((1 + correlation**2 / 2) / (n_models - 3)),
        "kendall": KENDALL_ERROR / np.sqrt(max(n_models - 4, 1)),
    }[statistic]
    half = float(ndtri((1 + level) / 2) * error)
    low, high = np.tanh(np.arctanh(correlation) + np.array([-half, half]))
    return float(low), float(high)


def leave_one_out(both: "pd.DataFrame", statistics: Sequence[str] = ("pearson", "spearman")) -> "pd.DataFrame":
    """A row a statistic and model of two columns of scores: statistic, model (its place), value (without it), whole."""
    import pandas as pd

    rows = []
    for statistic in statistics:
        whole, without_m = without_each(both.iloc[:, 0], both.iloc[:, 1], statistic)
        rows.append(
            pd.DataFrame({"statistic": statistic, "model": range(len(both)), "value": without_m}).assign(whole=whole)
        )
    return pd.concat(rows, ignore_index=True)


def one_bad_model(
    both: "pd.DataFrame", counts: Sequence[int], statistics: Sequence[str] = ("pearson", "spearman")
) -> "pd.DataFrame":
    """What the worst model does to a correlation over the n best: statistic, n_best, value, with_worst.

    both: two columns of scores, rows from the worst to the best by the first. counts: from 5 to all but one.
    """
    import pandas as pd

    score_m2 = both.to_numpy()
    rows = []
    for statistic in statistics:
        for n_best in counts:
            if not FEWEST < n_best < len(both):
                raise DataError(f"the {n_best} best of {len(both)} models: take {FEWEST + 1} to {len(both) - 1}")
            first_m, second_m, correlate = _checked(score_m2[-n_best:, 0], score_m2[-n_best:, 1], statistic)
            worst = score_m2[0]
            with_worst = correlate(np.append(first_m, worst[0]), np.append(second_m, worst[1]))
            rows.append((statistic, n_best, float(correlate(first_m, second_m)), float(with_worst)))
    return pd.DataFrame(rows, columns=["statistic", "n_best", "value", "with_worst"])


def fisher_rows(both: "pd.DataFrame", n_models: int, statistics: Sequence[str]) -> "pd.DataFrame":
    """The correlation of all models, and Fisher's interval if only n correlated so: statistic, whole, low, high."""
    import pandas as pd

    rows = []
    for statistic in statistics:
        first_m, second_m, correlate = _checked(both.iloc[:, 0], both.iloc[:, 1], statistic)
        whole = float(correlate(first_m, second_m))
        rows.append((statistic, whole, *fisher_interval(whole, n_models, statistic)))
    return pd.DataFrame(rows, columns=["statistic", "whole", "low", "high"])


def _checked(first_m: ArrayLike, second_m: ArrayLike, statistic: str) -> tuple[np.ndarray, np.ndarray, Any]:
    """Two lists of M finite scores as float64, and the correlation's function, or DataError."""
    correlate = CORRELATIONS[one_of(statistic, CORRELATIONS, "statistic", DataError)]
    one_m, other_m = (np.asarray(value, dtype=np.float64) for value in (first_m, second_m))
    if one_m.ndim != 1 or one_m.shape != other_m.shape or len(one_m) <= FEWEST:
        raise DataError(
            f"scores {one_m.shape} and {other_m.shape}: give two of each model, of {FEWEST + 1} models or more"
        )
    if not (np.isfinite(one_m) & np.isfinite(other_m)).all():
        raise DataError("scores: some are not finite; leave out models without a score")
    return one_m, other_m, correlate
