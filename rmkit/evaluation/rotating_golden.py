"""Every reward model golden once: what accuracy says of a policy where the truth itself is a reward model.

The paper has no gold. Of F reward models that differ in their share of flipped labels alone, each is the golden one in
turn and each other one its proxy: F (F - 1) pairs. A measure compares the proxy with the golden on the prompts that
measure; the proxy's policies are valued by the golden on the prompts that policies answer. Knows fits as rows and
rewards as arrays; the true gold does not come in. Source: arXiv 2410.05584, sections 2 and 3.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.metric import Metric
from rmkit.evaluation.population import measured_by, policy_columns, row_of, sign_of
from rmkit.evaluation.pressure_curves import pressures_of
from rmkit.intervals.correlations import NEW_MODELS_THESE_PROMPTS, Statistic
from rmkit.intervals.dyads import dyad_correlation
from rmkit.intervals.means import Interval
from rmkit.measures.registry import Measure
from rmkit.policies.pressure import Pressure
from rmkit.policies.stored_responses import normalised_drop_ratio

FEWEST_FLIPS = 3
STATISTICS: tuple[Statistic, ...] = ("kendall", "spearman", "pearson")
OVER = {"pooled": False, "within_golden": True}  # which pairs a correlation is over, and what dyads.py calls that
PREFIX = "golden_"  # of the metrics of these rows, so that none is taken for one that the true gold gives
NO_VALUE = "no prompt has a value of this measure"


def flip_family(fits: pd.DataFrame) -> np.ndarray:
    """(F,) places of the reward models that differ in flip alone, by rising flip; few or none if flips are few.

    Of the fits with a flip: the first reward model, beta, draw, bias and share of dimensions, at the most annotations,
    where there is such a column.
    """
    here = fits[fits["flip"].notna()]
    if here.empty:
        return np.empty(0, np.int64)
    most = here[here["annotations"] == here["annotations"].max()] if "annotations" in here else here
    first = most.iloc[0]
    same = [name for name in here if name not in ("fit", "flip")]
    told = here[same].apply(lambda row: all(_alike(row[name], first[name]) for name in same), axis=1)
    return here[told].sort_values("flip", kind="stable").index.to_numpy()


def why_empty(fits: pd.DataFrame) -> str:
    """Why there are no pairs of these reward models, a sentence; empty if there are some."""
    n_flips = len(flip_family(fits))
    if n_flips >= FEWEST_FLIPS:
        return ""
    shares = f"{n_flips} share{'' if n_flips == 1 else 's'} of flipped labels"
    return f"{shares}: it takes {FEWEST_FLIPS} for every model to be golden once"


def rotating_golden_rows(
    fits: pd.DataFrame,
    score_fpk: np.ndarray,
    measuring_p: np.ndarray,
    *,
    measures: Mapping[str, Measure],
    n_responses: int,
    ns: Sequence[int],
    kls: Sequence[float],
) -> pd.DataFrame:
    """Result rows of all pairs and the correlations over them; none, and no column, for fewer than 3 flips.

    fits: rows with fit, flip and what else a model is, in the order of score_fpk (all models, P, K). Rows of pairs:
    metric (`golden_` before a measure's name; golden_ndr, golden_recovered_gain), golden and fit (the proxy),
    golden_flip and flip, the columns of `policy_columns`, value, reason, units, split. Rows of correlations
    (metric golden_correlation): measure, the policy, statistic, over (pooled or within_golden), value, reason, units
    (reward models), low, high, level, estimand, method, no_interval. A correlation is of the measure, with the sign by
    which more is better, and the recovered gain.
    """
    family_f = flip_family(fits)
    if len(family_f) < FEWEST_FLIPS:
        return pd.DataFrame()
    models, score_fpk = fits.loc[family_f].reset_index(drop=True), score_fpk[family_f]
    measured = golden_measures(score_fpk[:, measuring_p], measures, n_responses)
    pairs = [*_measure_rows(measured, models, int(measuring_p.sum()))]
    gains, outcomes = [], golden_drops(score_fpk[:, ~measuring_p], ns, kls)
    for policy, drop_gp in outcomes.items():
        pairs += _drop_rows(policy, drop_gp, models, int((~measuring_p).sum()))
        gains.append((policy, np.array([[1 - drop.value for drop in row] for row in drop_gp])))
    between = [_correlation(name, measured[name], policy, gain_gp) for name in measured for policy, gain_gp in gains]
    return pd.DataFrame([*pairs, *(row for rows in between for row in rows)])


def golden_measures(score_fpk: np.ndarray, measures: Mapping[str, Measure], n_responses: int) -> dict[str, np.ndarray]:
    """(F, F) of every measure, golden by proxy: the mean over prompts, NaN where no prompt has a value."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in measures}
    for golden_pk in score_fpk:
        for name, value_fp in measured_by(measures, score_fpk, golden_pk, n_responses).items():
            has_fp = np.isfinite(value_fp)
            total_f, n_f = np.where(has_fp, value_fp, 0.0).sum(axis=1), has_fp.sum(axis=1)
            found[name].append(np.divide(total_f, n_f, out=np.full(len(n_f), np.nan), where=n_f > 0))
    return {name: np.stack(rows) for name, rows in found.items()}


def golden_drops(score_fpk: np.ndarray, ns: Sequence[int], kls: Sequence[float]) -> dict[Metric, Any]:
    """For every policy F rows of F `Drop`s, golden by proxy; undefined, with the reason, as `normalised_drop_ratio`."""
    pressures = [pressures_of(score_pk, ns, kls) for score_pk in score_fpk]
    found: dict[Metric, Any] = {}
    for form, places in (("best_of_n", sorted(set(ns))), ("kl", sorted(set(kls)))):
        gain_fgpn = [_gains(one.get(form), score_fpk, len(places)) for one in pressures]
        for position, place in enumerate(places):
            gain_fgp = np.stack([gain_gpn[..., position] for gain_gpn in gain_fgpn])
            base_p = np.zeros(score_fpk.shape[1])
            found[Metric(form, place)] = [
                [normalised_drop_ratio(gain_fgp[f, g], gain_fgp[g, g], base_p) for f in range(len(score_fpk))]
                for g in range(len(score_fpk))
            ]
    return found


def _gains(pressure: Pressure | None, golden_gpk: np.ndarray, n_places: int) -> np.ndarray:
    """(G, P, N) what each golden gains over the base along one proxy's pressure; NaN at places that it cannot reach."""
    gain_gpn = np.full((*golden_gpk.shape[:2], n_places), np.nan)
    if pressure is not None:
        gains = [pressure.gains(golden_pk) for golden_pk in golden_gpk]
        gain_gpn[..., : len(pressure.at_n)] = np.stack(gains)
    return gain_gpn


def _measure_rows(measured: Mapping[str, np.ndarray], models: pd.DataFrame, units: int) -> list[dict[str, Any]]:
    rows = []
    for name, value_gp in measured.items():
        for pair, value in _pairs(models, value_gp):
            reason = NO_VALUE if np.isnan(value) else None
            told = {"metric": PREFIX + name, "policy": "", "n": np.nan, "nats": np.nan, "value": value}
            rows.append({**pair, **told, "reason": reason, "units": units, "split": "measuring prompts"})
    return rows


def _drop_rows(policy: Metric, drop_gp: Any, models: pd.DataFrame, units: int) -> list[dict[str, Any]]:
    rows = []
    for pair, drop in _pairs(models, drop_gp):
        told = {**pair, **policy_columns(policy), "units": units, "split": "policy prompts"}
        reason = drop.reason if np.isnan(drop.value) else None
        for metric, value in (("ndr", drop.value), ("recovered_gain", 1 - drop.value)):
            rows.append({**told, "metric": PREFIX + metric, "value": value, "reason": reason})
    return rows


def _pairs(models: pd.DataFrame, value_gp: Any) -> list[tuple[dict[str, Any], Any]]:
    """Each pair of a golden and another model as its proxy: the columns that say which, and its value."""
    fit, flip = models["fit"].tolist(), models["flip"].tolist()
    return [
        ({"golden": fit[g], "golden_flip": flip[g], "fit": fit[f], "flip": flip[f]}, value_gp[g][f])
        for g in range(len(models))
        for f in range(len(models))
        if f != g
    ]


def _correlation(name: str, measure_gp: np.ndarray, policy: Metric, gain_gp: np.ndarray) -> list[dict[str, Any]]:
    """The rows of one measure and policy: each statistic, over all pairs and within each golden."""
    off_gp, rows = ~np.eye(len(gain_gp), dtype=bool), []
    whole_gp = np.isfinite(measure_gp) & np.isfinite(gain_gp)
    for statistic in STATISTICS:
        for over, within in OVER.items():
            if whole_gp[off_gp].all():
                rng = np.random.default_rng(0)
                interval = dyad_correlation(
                    sign_of(name) * measure_gp, gain_gp, statistic=statistic, within_golden=within, rng=rng
                )
            else:
                lacking = f"{(~whole_gp[off_gp]).sum()} of {off_gp.sum()} pairs have no value of both"
                interval = Interval(np.nan, np.nan, np.nan, 0.95, NEW_MODELS_THESE_PROMPTS, "", len(gain_gp), lacking)
            row = row_of(interval, statistic) | {"metric": PREFIX + "correlation", "over": over, "measure": name}
            fit = f"{name} and {policy}, every model golden once"
            rows.append({**row, **policy_columns(policy), "fit": fit, "split": "measuring and policy prompts"})
    return rows


def _alike(value: Any, wanted: Any) -> bool:
    """Whether two values of a column are the same, or both missing."""
    return bool(value == wanted or (pd.isna(value) and pd.isna(wanted)))
