"""Over-optimisation of every reward model of a population, and the alarms that might have told of it without gold.

Each model is optimised along Best-of-n and along KL, exactly, over the stored responses of the prompts that policies
answer. Gold, and each model too, is taken less its prompt's mean in units of its own spread within prompts, as Gao et
al. do: so coefficients of models and worlds can be compared. An alarm watches other draws of the same model: reward
models of the same kind and settings. Knows fits as rows and rewards as arrays; no head, no label. Sources: Gao et al.
2023 (arXiv 2210.10760) for the forms; Kim et al. 2025 (arXiv 2505.12763) for gamma; policies/alarms.py for the alarms.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import DataError
from rmkit.evaluation.interval_columns import interval_columns
from rmkit.evaluation.population import EQUAL_SCORES
from rmkit.intervals.means import Interval
from rmkit.policies.alarms import held_out_reward, in_one_unit, late_by, ring, sure_reward
from rmkit.policies.overoptimisation import (
    FEWEST_PLACES,
    Resampling,
    curve_table,
    fit_form,
    gamma,
    gold_curve,
    measured_peak,
)
from rmkit.policies.pressure import Curve, Pressure, best_of_n_pressure
from rmkit.policies.stored_responses import kl_optima

FEW = Resampling(n_resamples=300)  # of prompts, for one population: there are hundreds of curves
SPLIT = "policy prompts"
FITTED = ("gamma", "gao_alpha", "gao_beta", "gao_peak")  # metrics that rest on a fitted form
ALARMS = ("held_out", "ensemble")


def pressures_of(score_pk: np.ndarray, ns: Sequence[int], kls: Sequence[float]) -> dict[str, Pressure]:
    """Best-of-n at the ns and the KL optimum at the kls, both rising, of all the (P, K) responses that there are.

    A KL that ties keep these scores from is left out, and so is a way to optimise of which nothing is left.
    """
    found: dict[str, Pressure] = {}
    if not (np.ptp(score_pk, axis=-1) > 0).any():
        return found
    if ns:
        found["best_of_n"] = best_of_n_pressure(score_pk, sorted(set(ns)), whole=True)
    if kls:
        rising = sorted(set(kls))
        reached_n, policy_npk = kl_optima(score_pk, rising)
        if len(reached_n):
            at_n = np.array(rising, dtype=np.float64)[reached_n]
            found["kl"] = Pressure("nats", at_n, at_n, score_pk, policy_npk)
    return found


def gold_in_its_unit(gold_pk: np.ndarray) -> np.ndarray:
    """(P, K) gold less its prompt's mean, over its spread within prompts; DataError where it has none."""
    if not (np.ptp(gold_pk, axis=-1) > 0).any():
        raise DataError("gold rewards: all responses to a prompt have equal gold, in every prompt; no policy can gain")
    return in_one_unit(gold_pk[None])[0]


def other_draws(fits: pd.DataFrame) -> list[list[int]]:
    """For each of F fits the places of those that differ from it in their draw alone; fits: F rows with fit, draw.

    Without a column draw, nothing tells draws apart, and no fit has another.
    """
    if "draw" not in fits:
        return [[] for _ in range(len(fits))]
    settings = fits.drop(columns=["fit", "draw"])
    group_f = settings.astype(object).where(settings.notna(), None).groupby(list(settings), dropna=False).ngroup()
    return [[int(g) for g in np.flatnonzero(group_f == group) if g != f] for f, group in enumerate(group_f)]


def overoptimisation_rows(
    fits: pd.DataFrame,
    score_fpk: np.ndarray,
    gold_pk: np.ndarray,
    *,
    ns: Sequence[int],
    kls: Sequence[float],
    resampling: Resampling = FEW,
) -> pd.DataFrame:
    """Result rows of every reward model: how gold turns back along each way to optimise it, and when alarms ring.

    fits: F rows with fit and draw, whose other columns say what a model is; score_fpk: (F, P, K) on the prompts that
    policies answer, gold_pk: (P, K). Rows have the columns of fits, form (best_of_n or kl), alarm (one of ALARMS, else
    empty), metric, value, reason, units (prompts), low, high, level, estimand, method, no_interval and split. Metrics:

        gamma               Kim's degree of over-optimisation
        gao_alpha, gao_beta Gao's coefficients, in units of gold's spread; gao_peak: where the form peaks, in nats
        peak                nats at the place with the highest gold, no form assumed
        alarm               nats at which it rings; alarm_late_by: nats from gold's peak to it; alarm_lost: gold at its
                            highest less gold where one stops
    """
    gold_unit_pk = gold_in_its_unit(gold_pk)
    of_gold = {form: gold_curve(one, gold_unit_pk) for form, one in pressures_of(gold_unit_pk, ns, kls).items()}
    others, rows = other_draws(fits), []
    flat_f = ~(np.ptp(score_fpk, axis=-1) > 0).any(axis=-1)
    for f, fit in enumerate(fits.to_dict("records")):
        drawn = [] if flat_f[f] else [g for g in others[f] if not flat_f[g]]
        found = pressures_of(score_fpk[f], ns, kls)
        for form in (form for form, asked in (("best_of_n", ns), ("kl", kls)) if asked):
            if form not in found:
                rows += [{**fit, "form": form, **row} for row in _none(EQUAL_SCORES, len(gold_pk), resampling.level)]
                continue
            curve = found[form].curve(gold_unit_pk)
            told = [*_of_curve(of_gold.get(form), curve, form, resampling)]
            told += _of_alarms(found[form], curve, score_fpk, f, drawn, resampling)
            rows += [{**fit, "form": form, **row} for row in told]
    return pd.DataFrame(rows).assign(split=SPLIT)


def _of_curve(gold: Curve | None, curve: Curve, form: str, resampling: Resampling) -> Iterator[dict[str, Any]]:
    """The rows of one curve of gold, without their columns of fits."""
    n_prompts = len(curve.gain_pn)
    if gold is None or len(np.unique(curve.kl_n[curve.kl_n > 0])) < FEWEST_PLACES:
        reason = f"fewer than {FEWEST_PLACES} places away from the base: too few to fit a curve to"
        yield from (_row(name, _missing(reason, n_prompts, resampling.level)) for name in FITTED)
    else:
        fitted = fit_form(curve, form, resampling)
        yield _row("gamma", gamma(gold, curve, resampling))
        yield _row("gao_alpha", fitted.alpha)
        yield _row("gao_beta", fitted.beta)
        yield _row("gao_peak", fitted.peak)
    peak = measured_peak(curve, resampling)
    at = {name: float(np.interp(getattr(peak, name), curve.at_n, curve.kl_n)) for name in ("estimate", "low", "high")}
    yield _row("peak", Interval(**{**vars(peak), **at}))


def _of_alarms(
    pressure: Pressure, gold: Curve, score_fpk: np.ndarray, f: int, others: Sequence[int], resampling: Resampling
) -> Iterator[dict[str, Any]]:
    """The rows of both alarms while one model is optimised, without their columns of fits."""
    level, n_prompts = resampling.level, len(gold.gain_pn)
    watched = watched_rewards(score_fpk, f, others)
    for alarm in ALARMS:
        if len(gold.at_n) < 2 or alarm not in watched:
            reason = "no other draw of this reward model" if alarm not in watched else "one place alone: nothing falls"
            for name in ("alarm", "alarm_late_by", "alarm_lost"):
                yield {**_row(name, _missing(reason, n_prompts, level)), "alarm": alarm}
            continue
        proxy = pressure.curve(in_one_unit(score_fpk[f][None])[0])
        rang = ring(proxy, pressure.curve(watched[alarm]), resampling)
        late = late_by(gold, rang, resampling)
        yield {**_row("alarm", _point(rang.nats, rang.reason, n_prompts, level)), "alarm": alarm}
        why = rang.reason or f"gold has {late.peak.reason}" if np.isnan(late.late_by) else None
        yield {**_row("alarm_late_by", _point(late.late_by, why, n_prompts, level)), "alarm": alarm}
        yield {**_row("alarm_lost", late.lost), "alarm": alarm}


def watched_rewards(score_fpk: np.ndarray, f: int, others: Sequence[int]) -> dict[str, np.ndarray]:
    """What each alarm watches while model f is optimised, (P, K) by the alarm's name; none without other draws.

    held_out: the mean of the other draws. ensemble: the mean of all draws, f's own too, less their standard deviation.
    """
    if not others:
        return {}
    return {"held_out": held_out_reward(score_fpk[list(others)]), "ensemble": sure_reward(score_fpk[[f, *others]])}


def curves_of(
    fits: pd.DataFrame,
    score_fpk: np.ndarray,
    gold_pk: np.ndarray,
    wanted: Sequence[str],
    *,
    form: str,
    places: Sequence[Any],
    resampling: Resampling = FEW,
) -> pd.DataFrame:
    """Rows for a figure, of the fits wanted: fit, form and the columns of `curve_table`, of the proxy and of gold.

    places: ns or kls. Rewards are in units of their own spread within prompts. DataError for a fit that is not there.
    """
    gold_unit_pk, tables = gold_in_its_unit(gold_pk), []
    for name in wanted:
        if not (places_f := np.flatnonzero(fits["fit"] == name)).size:
            raise DataError(f"curves: there is no fit {name!r}")
        score_pk = in_one_unit(score_fpk[places_f[0]][None])[0]
        asked = {"best_of_n": (places, ()), "kl": ((), places)}[form]
        pressure = pressures_of(score_pk, *asked)[form]
        curves: Mapping[str, Curve] = {"proxy": pressure.curve(score_pk), "gold": pressure.curve(gold_unit_pk)}
        tables.append(curve_table(curves, resampling).assign(fit=name, form=form))
    return pd.concat(tables, ignore_index=True)


def _none(reason: str, n_prompts: int, level: float) -> list[dict[str, Any]]:
    """All rows of one model and form, for one reason without a value."""
    missing = _missing(reason, n_prompts, level)
    of_alarms = [{**_row(name, missing), "alarm": alarm} for alarm in ALARMS for name in ALARM_METRICS]
    return [*(_row(name, missing) for name in (*FITTED, "peak")), *of_alarms]


ALARM_METRICS = ("alarm", "alarm_late_by", "alarm_lost")


def _missing(reason: str, n_prompts: int, level: float) -> Interval:
    return _point(np.nan, reason, n_prompts, level)


def _point(value: float, reason: str | None, n_prompts: int, level: float) -> Interval:
    """A number without an interval of its own."""
    return Interval(
        value, np.nan, np.nan, level, "", "", n_prompts, reason or "the place at which it rings has no interval"
    )


def _row(metric: str, interval: Interval) -> dict[str, Any]:
    """The columns of a result row that a metric and its interval fill."""
    return {"metric": metric, **interval_columns(interval), "alarm": ""}
