"""Result rows on trained policies: what was tracked, what gold gained with its interval, over-optimisation and alarms.

Every row says which run (columns of the fits) and which policy: at the end and at each tracked step (`steps`), at equal
KL (`nats`), at the step with the highest gold, which nobody knows without gold (`oracle_selected`), or the whole run.
Knows tables of runs (trained_policies.py); no language model. Sources: arXiv 2410.05584, section 2, for the drop ratio
whose complement is the recovered gain; policies/overoptimisation.py and alarms.py have theirs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError
from rmkit.evaluation.interval_columns import interval_columns
from rmkit.evaluation.population import BASE, GOLD, policies, policy_columns
from rmkit.evaluation.trained_policies import Runs, ended, means_pt, tracked_curve, why_missing
from rmkit.intervals.means import NEW_PROMPTS_THESE_FITS, Interval
from rmkit.policies.alarms import held_out_reward, late_by, ring
from rmkit.policies.outcomes import recovered_gain
from rmkit.policies.overoptimisation import PLAIN, Resampling, fit_form, gamma, measured_peak
from rmkit.policies.pressure import Curve

Row = dict[str, Any]
SPLIT = "policy prompts"
TRACKED = {  # metric of a row: column of the tracked responses
    "proxy_reward": "proxy_reward",
    "kl": "kl",
    "kl_by_token": "kl_by_token",
    "length": "n_tokens",
    "stopped": "stopped",
}


def tracked_rows(evaluations: Evaluations, runs: Runs, optimiser: str) -> pd.DataFrame:
    """Means over the tracked responses of each run at each of its steps, 0 included: the metrics of TRACKED.

    At step 0 gold_reward as well; `population_rows` has it at the others. A run without an end has a row for each
    metric, without a number and without a step.
    """
    rows: list[Row] = []
    for fit in _run_fits(evaluations):
        run = runs[fit["fit"]]
        if not ended(run):
            why = run["reason"].iloc[0]
            rows += [fit | _whole(optimiser) | _number(metric, np.nan, _n_prompts(run), why) for metric in TRACKED]
            continue
        for metric, column in (*TRACKED.items(), ("gold_reward", "gold_reward")):
            value_pt = means_pt(run, column)
            for step, value in zip(np.unique(run["step"]), value_pt.mean(axis=0), strict=True):
                if metric != "gold_reward" or step == 0:
                    where = policy_columns(Metric(optimiser, float(step)))
                    rows.append(fit | where | _number(metric, float(value), len(value_pt)))
    return pd.DataFrame(rows).assign(split=SPLIT)


def gain_rows(evaluations: Evaluations, runs: Runs, optimiser: str, resampling: Resampling = PLAIN) -> pd.DataFrame:
    """`gain`, gold over the base, of every run, and `recovered_gain`, its share of gold's own gain, with intervals.

    At the end, at each KL that runs are compared at, and at each run's best tracked step, gold's own as well: there
    also gold_reward, ndr and best_step. Intervals are for new prompts and these runs, prompts paired.
    """
    tracked_p = np.isfinite(evaluations.value_fp(Metric(optimiser, _ends_at(evaluations, optimiser)))[-1])
    value = {metric: evaluations.value_fp(metric)[:, tracked_p].astype(np.float64) for metric in policies(evaluations)}
    places = [Metric(optimiser, _ends_at(evaluations, optimiser)), *(at for at in value if at.name != optimiser)]
    names, why = evaluations.fits["fit"].to_list(), why_missing(runs)
    gold, base = names.index(GOLD), names.index(BASE)
    rows: list[Row] = []
    for row, fit in enumerate(_run_fits(evaluations)):
        for place in places:
            where = policy_columns(place) | {"oracle_selected": False}
            three = value[place][row], value[place][gold], value[place][base]
            rows += [fit | where | found for found in _gains(*three, why(fit["fit"], place), resampling)]
        rows += [fit | _best(optimiser) | found for found in _best_gains(fit["fit"], runs, resampling)]
    return pd.DataFrame(rows).assign(split=SPLIT)


def overoptimisation_rows(
    evaluations: Evaluations, runs: Runs, optimiser: str, resampling: Resampling = PLAIN
) -> pd.DataFrame:
    """Of each run's gold along sqrt(KL): Gao's form `kl` (gao_alpha, gao_beta, gao_peak in nats, gao_misfit), the peak
    of the tracked steps where gold falls afterwards (peak in nats, peak_step), and Kim's gamma against gold's run.

    In gold's own unit. Without a number, with the reason, where a run did not end or has too few places for a fit.
    """
    rows: list[Row] = []
    for fit in _run_fits(evaluations):
        run = runs[fit["fit"]]
        names = [
            "gao_alpha",
            "gao_beta",
            "gao_peak",
            "gao_misfit",
            "peak",
            "peak_step",
            *(["gamma"] * (fit["fit"] != GOLD)),
        ]
        if why := run["reason"].iloc[0]:
            found = dict.fromkeys(names, _undefined(why, _n_prompts(run)))
        else:
            found = _overoptimisation(tracked_curve(run), names, runs[GOLD], resampling)
        rows += [fit | _whole(optimiser) | interval_row(name, interval) for name, interval in found.items()]
    return pd.DataFrame(rows).assign(form="kl", split=SPLIT)


def alarm_rows(
    evaluations: Evaluations, runs: Runs, scores: Mapping[str, np.ndarray], optimiser: str,
    resampling: Resampling = PLAIN,
) -> pd.DataFrame:  # fmt: skip
    """When the other reward models say that a run began to fool its own: alarm, in nats, and alarm_step.

    And alarm_fall, of their mean since its highest; alarm_late_by, nats after gold's peak; and alarm_lost, gold at its
    highest less gold there. scores: for each run but gold's, (H, R) rewards of its R tracked responses by H other
    reward models, in the order of the run's rows. The rule is in policies/alarms.py.
    """
    rows: list[Row] = []
    for fit in _run_fits(evaluations):
        if fit["fit"] == GOLD:
            continue
        run, score_hr = runs[fit["fit"]], scores[fit["fit"]]
        found = _alarm(run, score_hr, resampling)
        rows += [fit | _whole(optimiser) | interval_row(name, interval) for name, interval in found.items()]
    return pd.DataFrame(rows).assign(alarm="held_out", split=SPLIT)


def held_out_curve(run: pd.DataFrame, score_hr: np.ndarray) -> Curve:
    """What the mean of H other reward models gains along a run; each in units of its own spread within prompts."""
    ordered = run.reset_index(drop=True).sort_values(["prompt_id", "step", "sample"], kind="stable")
    n_prompts, n_steps = run["prompt_id"].nunique(), run["step"].nunique()
    score_hpk = np.asarray(score_hr, np.float64)[:, ordered.index].reshape(len(score_hr), n_prompts, -1)
    value_pt = held_out_reward(score_hpk).reshape(n_prompts, n_steps, -1).mean(axis=2)
    gold = tracked_curve(run)
    return Curve(gold.at_n, gold.kl_n, value_pt - value_pt[:, :1])


def interval_row(metric: str, interval: Interval) -> Row:
    """The columns of a result row that an interval fills, missing values with their reason."""
    row = {"metric": metric, **interval_columns(interval)}
    if not np.isfinite(interval.estimate):
        row |= {"value": np.nan, "reason": interval.reason or "has no finite value"}
    return row


def _gains(
    policy_p: np.ndarray, gold_p: np.ndarray, base_p: np.ndarray, why: str, resampling: Resampling
) -> Iterator[Row]:
    """gain and recovered_gain of one policy; `why` where it has no value."""
    if not np.isfinite(policy_p).all():
        for metric in ("gain", "recovered_gain"):
            yield interval_row(metric, _undefined(why, len(policy_p)))
        return
    mean_b3 = resampling.means(np.stack([policy_p - base_p, gold_p - base_p], axis=1))
    gain = float((policy_p - base_p).mean())
    yield interval_row("gain", resampling.interval(gain, mean_b3[:, 0], len(policy_p)))
    share = recovered_gain(policy_p, gold_p, base_p)
    with np.errstate(divide="ignore", invalid="ignore"):
        share_b = mean_b3[:, 0] / mean_b3[:, 1]
    yield interval_row("recovered_gain", resampling.interval(share.value, share_b, len(policy_p), share.reason))


def _best_gains(name: str, runs: Runs, resampling: Resampling) -> Iterator[Row]:
    """As `_gains`, at the best tracked step after 0 of a run and of gold's; with gold_reward, ndr and best_step."""
    n_prompts = _n_prompts(runs[name])
    if not ended(runs[name]):
        reason = str(runs[name]["reason"].iloc[0])
        for metric in ("gold_reward", "ndr", "best_step"):
            yield _number(metric, np.nan, n_prompts, reason)
        yield from _gains(np.full(n_prompts, np.nan), *(np.zeros(n_prompts),) * 2, reason, resampling)
        return
    value_pt = means_pt(runs[name], "gold_reward")
    best = 1 + int(value_pt[:, 1:].mean(axis=0).argmax())
    base_p = value_pt[:, 0]
    gold_p = np.full(n_prompts, np.nan)
    if ended(runs[GOLD]):
        gold_pt = means_pt(runs[GOLD], "gold_reward")
        gold_p = gold_pt[:, 1 + int(gold_pt[:, 1:].mean(axis=0).argmax())]
    share = recovered_gain(value_pt[:, best], gold_p, base_p)
    yield _number("gold_reward", float(value_pt[:, best].mean()), n_prompts)
    yield _number("ndr", 1 - share.value, n_prompts, share.reason)
    yield _number("best_step", float(np.unique(runs[name]["step"])[best]), n_prompts)
    yield from _gains(value_pt[:, best], gold_p, base_p, "", resampling)


def _overoptimisation(
    curve: Curve, names: list[str], gold: pd.DataFrame, resampling: Resampling
) -> dict[str, Interval]:
    n_prompts = len(curve.gain_pn)
    try:
        form = fit_form(curve, "kl", resampling)
        misfit = Interval(form.misfit, np.nan, np.nan, np.nan, "", "", n_prompts, "a distance, not an estimate")
        fitted = {"gao_alpha": form.alpha, "gao_beta": form.beta, "gao_peak": form.peak, "gao_misfit": misfit}
        peak = measured_peak(curve, resampling)
        ends = {name: np.interp(getattr(peak, name), curve.at_n, curve.kl_n) for name in ("estimate", "low", "high")}
        found = fitted | {"peak": replace(peak, **ends), "peak_step": peak}
    except DataError as fault:
        return dict.fromkeys(names, _undefined(str(fault), n_prompts))
    if "gamma" not in names:
        return found
    if not ended(gold):
        return found | {"gamma": _undefined("the run of gold itself did not come to its end", n_prompts)}
    try:
        return found | {"gamma": gamma(tracked_curve(gold), curve, resampling)}
    except DataError as fault:
        return found | {"gamma": _undefined(str(fault), n_prompts)}


def _alarm(run: pd.DataFrame, score_hr: np.ndarray, resampling: Resampling) -> dict[str, Interval]:
    """The five numbers of `alarm_rows`."""
    names, n_prompts = ("alarm", "alarm_step", "alarm_fall", "alarm_late_by", "alarm_lost"), _n_prompts(run)
    try:
        if why := run["reason"].iloc[0] or ("" if len(score_hr) else "there is no other reward model to watch by"):
            raise DataError(why)
        rang = ring(tracked_curve(run, "proxy_reward"), held_out_curve(run, score_hr), resampling)
        late = late_by(tracked_curve(run), rang, resampling)
    except DataError as fault:
        return dict.fromkeys(names, _undefined(str(fault), n_prompts))
    why_late = rang.reason or late.peak.reason or "a difference of two places, without an interval"
    return {
        "alarm": _place(rang.nats, rang.reason, n_prompts),
        "alarm_step": _place(rang.at, rang.reason, n_prompts),
        "alarm_fall": rang.fall,
        "alarm_late_by": _place(late.late_by, why_late, n_prompts),
        "alarm_lost": late.lost,
    }


def _place(at: float, reason: str | None, n_prompts: int) -> Interval:
    return Interval(at, np.nan, np.nan, np.nan, "", "", n_prompts, reason or "a place, without an interval")


def _undefined(reason: str, n_prompts: int) -> Interval:
    return Interval(np.nan, np.nan, np.nan, np.nan, NEW_PROMPTS_THESE_FITS, "", n_prompts, reason)


def _number(metric: str, value: float, units: int, reason: str | None = None) -> Row:
    return {"metric": metric, "value": value, "reason": reason, "units": units}


def _whole(optimiser: str) -> Row:
    """Which policy, of what is of a whole run."""
    return {"policy": optimiser, "n": np.nan, "nats": np.nan, "steps": np.nan}


def _best(optimiser: str) -> Row:
    return _whole(f"{optimiser}_best") | {"oracle_selected": True}


def _run_fits(evaluations: Evaluations) -> list[Row]:
    """The fits that have a run, as columns of rows, in their order: all but BASE, which is the last."""
    return [row for row in evaluations.fits.to_dict("records") if row["fit"] != BASE]


def _n_prompts(run: pd.DataFrame) -> int:
    return int(run["prompt_id"].nunique())


def _ends_at(evaluations: Evaluations, optimiser: str) -> float:
    return evaluations.axes[optimiser].at[-1]
