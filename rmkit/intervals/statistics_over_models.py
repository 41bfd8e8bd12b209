"""Interval of any smooth statistic of reward models' means on several sets of prompts: for new models and new prompts.

One table may be a measure by one test-set design, another the measure by a second design on prompts of its own, a third
an outcome: then the statistic is a difference of two correlations, say. The error has two parts, as for a correlation
(`correlations`): a jackknife over models, which has each model's own noise in it, and what prompts do to many models at
once. Knows tables of numbers, models by prompts. Sources: Efron & Stein, Annals of Statistics 1981 (jackknife); Owen,
Annals of Applied Statistics 2007 (what resampling both margins of a table counts too often).
"""

from collections.abc import Callable, Sequence

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.correlations import NEW_MODELS_NEW_PROMPTS, own_noise
from rmkit.intervals.means import FEWEST_PROMPTS, Interval, check_request

FEWEST_MODELS = 20
ALIKE = 1e-12  # values that differ by less are the same, for all that rounding can tell

Function = Callable[[list[np.ndarray]], np.ndarray]


def statistic_over_models(
    function: Function,
    tables: Sequence[np.ndarray],
    *,
    rng: np.random.Generator,
    prompts: Sequence[int] | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
    estimand: str = NEW_MODELS_NEW_PROMPTS,
) -> Interval:
    """A function of the means of M reward models in several tables, with an interval for new models and new prompts.

    function: takes a list of means (..., M), one a table, models in one order, and gives (...,): leading axes are
    resamples, so `CORRELATIONS` and differences of these will do. It must be smooth: no best model, no maximum.
    tables: (M, P_i) each. prompts: a number for each table; tables of one number are on the same prompts in the same
    order, and are resampled together. Without it, each table has prompts of its own. Limits are symmetric, by Student's
    t with M - 2 degrees of freedom. Fewer than 20 models or 20 prompts, or a value that is undefined or never varies,
    have a reason and no interval; of Pearson's correlations, take 30 models: over 20 it is held 91% to 95% of the time.
    DataError for tables that do not fit together or a function of another shape.
    """
    tables = _checked(tables)
    check_request(level, n_resamples)
    groups = _by_prompts(tables, prompts)
    method = f"jackknife over models, {n_resamples} resamples of prompts"
    means = [table_mp.mean(axis=1) for table_mp in tables]
    estimate, n_models = float(_values(function, means)), len(tables[0])
    reason = _why_none(estimate, n_models, min(table_mp.shape[1] for table_mp in tables))
    if not reason:
        variance = _by_models(function, means) + _by_prompts_alike(function, tables, groups, rng, n_resamples)
        if not variance > ALIKE**2:
            reason = f"without any one of {n_models} reward models the value is the same: no variation is seen"
    if reason:
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    quantile, df = _quantile(n_models, level)
    half = float(quantile * np.sqrt(variance))
    return Interval(estimate, estimate - half, estimate + half, level, estimand, method, n_models, None, df)


def _by_models(function: Function, means: list[np.ndarray]) -> float:
    """The jackknife's variance: what leaving out each model moves."""
    n_models = len(means[0])
    others_mm = np.array([np.delete(np.arange(n_models), m) for m in range(n_models)])
    without_one_m = _values(function, [mean_m[others_mm] for mean_m in means])
    return float(np.nanvar(without_one_m) * (n_models - 1))


def _by_prompts_alike(
    function: Function,
    tables: list[np.ndarray],
    groups: list[list[int]],
    rng: np.random.Generator,
    n_resamples: int,
) -> float:
    """What new prompts do to many models at once: the variance over resampled prompts less that of models' own noise.

    Each model's own noise is in the jackknife already (Owen 2007). What is left below zero counts as none.
    """
    shape = (n_resamples, len(tables[0]))
    new_prompts, own_prompts = ([np.empty(shape) for _ in tables] for _ in range(2))
    for group in groups:
        value_cmp = np.stack([tables[i] for i in group])
        n_prompts = value_cmp.shape[2]
        share_bp = rng.multinomial(n_prompts, np.full(n_prompts, 1 / n_prompts), size=n_resamples) / n_prompts
        noise_cbm = own_noise(value_cmp, rng, n_resamples)
        for i, value_mp, noise_bm in zip(group, value_cmp, noise_cbm, strict=True):
            new_prompts[i] = share_bp @ value_mp.T
            own_prompts[i] = value_mp.mean(axis=1) + noise_bm
    new_b, own_b = (_values(function, means) for means in (new_prompts, own_prompts))
    return max(0.0, float(np.nanvar(new_b, ddof=1) - np.nanvar(own_b, ddof=1)))


def _quantile(n_models: int, level: float) -> tuple[float, float]:
    """How many standard errors a limit is away, and the degrees of freedom behind that."""
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, n_models - 2)), n_models - 2.0


def _values(function: Function, means: list[np.ndarray]) -> np.ndarray:
    """The function's values, or a DataError if it gives anything else than one for each row of means."""
    value = np.asarray(function(means), dtype=np.float64)
    if value.shape != (wanted := means[0].shape[:-1]):
        raise DataError(f"the statistic of means {means[0].shape} gives shape {value.shape}; it must give {wanted}")
    return value


def _why_none(estimate: float, n_models: int, n_prompts: int) -> str | None:
    if not np.isfinite(estimate):
        return f"the statistic is not defined for these means of {n_models} reward models"
    if n_models < FEWEST_MODELS:
        return f"{n_models} reward models are too few for a statistic over them, which takes {FEWEST_MODELS}"
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few to see how prompts vary, which takes {FEWEST_PROMPTS}"
    return None


def _by_prompts(tables: list[np.ndarray], prompts: Sequence[int] | None) -> list[list[int]]:
    """The positions of the tables that share prompts, for each set of prompts, or a DataError."""
    of_table = list(range(len(tables)) if prompts is None else prompts)
    if len(of_table) != len(tables):
        raise DataError(f"prompts: {len(of_table)} numbers for {len(tables)} tables; each table needs one")
    groups = [[i for i, one in enumerate(of_table) if one == number] for number in dict.fromkeys(of_table)]
    for group in groups:
        if len(shapes := {tables[i].shape for i in group}) > 1:
            raise DataError(f"tables {group} are on the same prompts, but have the shapes {sorted(shapes)}")
    return groups


def _checked(tables: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The tables as float64, or a DataError that names the table."""
    found = [np.asarray(table, dtype=np.float64) for table in tables]
    if not found:
        raise DataError("tables: none; a statistic over models needs one at least, (models, prompts)")
    for i, table in enumerate(found):
        if table.ndim != 2 or not table.size or len(table) != len(found[0]):
            raise DataError(
                f"tables[{i}] {table.shape}: it must be (models, prompts), models as in the first, {found[0].shape}"
            )
        if not np.isfinite(table).all():
            raise DataError(f"tables[{i}]: every model needs every prompt's value")
    return found
