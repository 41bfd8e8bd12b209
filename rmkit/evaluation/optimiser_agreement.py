"""Do optimisers agree on which reward model is better, and how much of their disagreement is noise of policy seeds?

Two outcomes are correlated over the reward models that have both, on the prompts that both answer: as they are, and
corrected for what noise between policy seeds takes from the correlation. Exact policies have no seeds and no noise of
them. Intervals are for new reward models and new policy seeds, these prompts. Runs of two optimisers at one seed draw
the same prompts: what that does to all reward models alike lowers no correlation. Knows tables of outcomes; no test
set. Sources: intervals/attenuation.py; arXiv 2410.05584, section 3, for the outcomes.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import DataError
from rmkit.evaluation.design_outcomes import FEWEST_IN_ORDER, NO_POLICY, Earned, Trained
from rmkit.evaluation.interval_columns import interval_columns
from rmkit.intervals.attenuation import (
    NEW_MODELS_NEW_SEEDS,
    correlation_ceiling,
    correlation_of_seed_means,
    lead_over_another_seed,
    reliability,
)
from rmkit.intervals.correlations import Statistic
from rmkit.intervals.means import Interval

Row = dict[str, Any]
PLACES = ("n", "nats", "steps")  # how far a policy goes; of each policy one is there
ONE_SEED = "one policy seed does not show how seeds vary, which takes two"
NO_PROMPTS = "the two policies were not looked at on the same prompts"
NO_MEASURE = "a reward model has no value of this measure"


def agreement_rows(
    exact: Sequence[Earned],
    trained: Sequence[Trained],
    measured: Mapping[str, np.ndarray],
    *,
    statistic: Statistic,
    level: float = 0.95,
    n_draws: int = 0,
) -> pd.DataFrame:
    """Result rows on trained policies as outcomes; none where nothing was trained. Metrics:

    reliability                        of each trained outcome: the share of its variance that is not noise of seeds
    agreement, agreement_corrected     of two outcomes, `statistic` over reward models: of two that were trained, at the
                                       same steps or KL, and of each that was trained with each exact one
    agreement_ceiling                  how high noise of seeds lets Pearson's correlation of the two come
    measured_correlation, and _corrected, measured_ceiling
                                       the same of a measure with each trained outcome
    lead_over_another_seed             a measure's correlation with an outcome less that of one policy seed with it

    exact, trained: of the same F models. measured: (F,) by measure, more is better, NaN where a model has no value. The
    second policy of a pair has its columns with second_ before them. Columns beside these: measure, statistic, seeds
    and second_seeds (0 of an exact policy), n_prompts (that policies answered), left_out (models without a value), and
    those of `interval_columns`. n_draws: as of `rows_of`. DataError for a measure that is not one number a model.
    """
    rows: list[Row] = [_reliability_row(one, level) for one in trained]
    pairs: list[tuple[Trained, Trained | Earned]] = [
        (first, second) for first, second in combinations(trained, 2) if _at_one_place(first, second)
    ]
    pairs += [(one, other) for one in trained for other in exact]
    for first, second in pairs:
        rows += _pair_rows(first, second, statistic, level)
    for name, value_f in measured.items():
        for one in trained:
            rows += _measure_rows(name, value_f, one, statistic, level)
    table = pd.DataFrame(rows)
    if n_draws and len(table):  # as in `rows_of`: models of one draw are not independent
        has = table["method"] != ""
        table.loc[has, "method"] += f", whose {n_draws} draws stay as they are"
    return table


def _reliability_row(one: Trained, level: float) -> Row:
    value_fs = one.value_sfq.mean(axis=2).T
    kept_f = np.isfinite(value_fs).all(axis=1)
    if reason := _why_none(kept_f, one.reason) or _why_one_seed(one):
        found = _undefined(reason, level, int(kept_f.sum()))
    else:
        found = reliability(value_fs[kept_f], level=level)
    where = {"split": "policy prompts", "n_prompts": len(one.prompt_q), "left_out": int((~kept_f).sum())}
    return _who(one) | {"metric": "reliability", "statistic": ""} | where | interval_columns(found)


def _pair_rows(first: Trained, second: Trained | Earned, statistic: Statistic, level: float) -> Iterator[Row]:
    """Of two outcomes, on the prompts that both answer."""
    both_q = np.intersect1d(first.prompt_q, second.prompt_q)
    first_fs, second_fs = (_means(one, both_q) for one in (first, second))
    fewer = first if np.isfinite(first_fs).all(axis=1).sum() <= np.isfinite(second_fs).all(axis=1).sum() else second
    why = fewer.reason if len(both_q) else NO_PROMPTS
    kept_f, found = _correlated(first_fs, second_fs, why, statistic, level, _why_one_seed(first, second))
    where = {"split": "policy prompts", "n_prompts": len(both_q), "left_out": int((~kept_f).sum())}
    for metric, (of, interval) in zip(("agreement", "agreement_corrected", "agreement_ceiling"), found, strict=True):
        yield _who(first, second) | {"metric": metric, "statistic": of} | where | interval_columns(interval)


def _measure_rows(name: str, value_f: np.ndarray, one: Trained, statistic: Statistic, level: float) -> Iterator[Row]:
    """Of a measure with one trained outcome: the same three, and its lead over another seed."""
    value_fs, value_f = one.value_sfq.mean(axis=2).T, np.asarray(value_f, dtype=np.float64)
    if value_f.shape != (len(value_fs),):
        raise DataError(f"measured[{name!r}] {value_f.shape}: it must be one number for each of {len(value_fs)} models")
    why = NO_MEASURE if not np.isfinite(value_f).all() else one.reason
    kept_f, found = _correlated(value_f[:, None], value_fs, why, statistic, level, _why_one_seed(one))
    metrics = ("measured_correlation", "measured_correlation_corrected", "measured_ceiling")
    rows = [(metric, *each) for metric, each in zip(metrics, found, strict=True)]
    if reason := _why_none(kept_f, why) or _why_one_seed(one):
        lead = _undefined(reason, level, int(kept_f.sum()))
    else:
        lead = lead_over_another_seed(value_f[kept_f], value_fs[kept_f], statistic=statistic, level=level)
    where = {"split": "measuring and policy prompts", "n_prompts": len(one.prompt_q)}
    where["left_out"] = int((~kept_f).sum())
    for metric, of, interval in (*rows, ("lead_over_another_seed", statistic, lead)):
        yield _who(one, measure=name) | {"metric": metric, "statistic": of} | where | interval_columns(interval)


def _correlated(
    first_fs: np.ndarray, second_fs: np.ndarray, why: str, statistic: Statistic, level: float, one_seed: str
) -> tuple[np.ndarray, list[tuple[str, Interval]]]:
    """(F,) the models that have both, and the correlation, the corrected one and its ceiling, each with its statistic.

    why: why a model may have no value. one_seed: why noise of seeds cannot be told, if it cannot.
    """
    kept_f = np.isfinite(first_fs).all(axis=1) & np.isfinite(second_fs).all(axis=1)
    n_models, sides = int(kept_f.sum()), (first_fs[kept_f], second_fs[kept_f])
    if reason := _why_none(kept_f, why):
        nothing = _undefined(reason, level, n_models)
        return kept_f, [(statistic, nothing), (statistic, nothing), ("pearson", nothing)]
    plain = correlation_of_seed_means(*sides, statistic=statistic, corrected=False, level=level)
    if one_seed:
        unknown = _undefined(one_seed, level, n_models)
        return kept_f, [(statistic, plain), (statistic, unknown), ("pearson", unknown)]
    corrected = correlation_of_seed_means(*sides, statistic=statistic, corrected=True, level=level)
    return kept_f, [
        (statistic, plain),
        (statistic, corrected),
        ("pearson", correlation_ceiling(*sides, level=level)),
    ]


def _means(one: Trained | Earned, asked_q: np.ndarray) -> np.ndarray:
    """(F, S) the mean over these prompts by seed, NaN without one; an exact policy has one column."""
    value_sfq = one.value_sfq if isinstance(one, Trained) else one.value_fq[None]
    here_q = np.isin(one.prompt_q, asked_q)
    if not here_q.any():
        return np.full(value_sfq.shape[1::-1], np.nan)
    mean_fs: np.ndarray = value_sfq[..., here_q].mean(axis=2).T
    return mean_fs


def _who(first: Trained, second: Trained | Earned | None = None, measure: str = "") -> Row:
    """Which policies and which measure, and how many seeds each policy has."""
    none = dict.fromkeys(PLACES, np.nan)
    columns = none | dict(first.columns)
    other = none | {"policy": "", "reward_scale": ""} | ({} if second is None else dict(second.columns))
    other.pop("policy_category", None)
    names = [measure, _policy(first.columns), _policy(second.columns) if second else ""]
    return {
        "fit": " and ".join(filter(None, names)),
        **columns,
        **{f"second_{name}": value for name, value in other.items()},
        "measure": measure,
        "seeds": len(first.value_sfq),
        "second_seeds": len(second.value_sfq) if isinstance(second, Trained) else 0,
    }


def _policy(columns: Mapping[str, Any]) -> str:
    """The policy's name with how its reward was scaled, as in `design_rows.policy_of`."""
    return f"{columns['policy']} {columns['reward_scale']}".strip()


def _at_one_place(first: Trained, second: Trained) -> bool:
    """Whether both are after the same number of steps, or equally far from the base."""
    return any(first.columns.get(name) == second.columns.get(name, np.nan) for name in PLACES)  # NaN equals nothing


def _why_none(kept_f: np.ndarray, why: str) -> str:
    if (n_models := int(kept_f.sum())) >= FEWEST_IN_ORDER:
        return ""
    return (
        f"{n_models} of {len(kept_f)} reward models have a value; an order takes {FEWEST_IN_ORDER}: {why or NO_POLICY}"
    )


def _why_one_seed(*sides: Trained | Earned) -> str:
    return ONE_SEED if any(isinstance(one, Trained) and len(one.value_sfq) < 2 for one in sides) else ""


def _undefined(reason: str, level: float, n_models: int) -> Interval:
    return Interval(np.nan, np.nan, np.nan, level, NEW_MODELS_NEW_SEEDS, "", n_models, reason)
