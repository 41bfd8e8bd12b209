"""Findings: what a study was asked beforehand, and what its stored evaluations answer, each with interval and verdict.

A rule (rules.py) is registered by name and digest; one that was changed, or added, afterwards gives a verdict that says
so. Knows per-prompt evaluations and rules; fits nothing. The verdict follows from the interval:

    shown          the interval lies above the threshold
    contradicted   it lies below: the opposite is shown
    not shown      it holds the threshold, and no effect that would matter
    cannot tell    it holds both; the smallest difference that could have been seen is given
    not answered   there is no interval: this study lacks the stage, the fits or the seeds, and the row says which

Beside each verdict is the p-value of its interval, and Holm's over the answered statements of one question.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import DataError, ResultError, not_one_of
from rmkit.findings.compared_jobs import Job, about
from rmkit.findings.effects import as_json, effect, parts
from rmkit.findings.evaluated import EVALUATED, Evaluated
from rmkit.findings.questions import question_of
from rmkit.findings.recorded import recorded_effect, rows_about, values_by_seed
from rmkit.findings.registered import names_and_digests
from rmkit.findings.rules import SEEDS_AND_PROMPTS, Rule
from rmkit.intervals.many import holm, p_value
from rmkit.intervals.means import Interval, smallest_detectable

Jobs = Sequence[Job]


def judged(
    rules: Sequence[Rule],
    registered: Sequence[str],
    evaluations: Mapping[str, Jobs],
    rows: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """A result row for each rule: fit (its name), metric `effect`, value, low, high, verdict and all that explains it.

    registered: "name@digest" of each rule as it was before the rows were made. evaluations, rows: by stage, those that
    the study has; `recorded` statements are of rows. A rule about another stage, or about fits that the study does not
    have, keeps its row with a reason; `in_study` is False where the study has no job that the rule is about;
    `effects.parts` has the other columns.
    """
    before = names_and_digests(registered)
    found = []
    for rule in rules:
        if rule.statistic == "recorded":
            interval, beside = answer_recorded(rule, (rows or {}).get(rule.stage))
        else:
            jobs = evaluations.get(rule.stage, [])
            interval, beside = answer(rule, evaluations), {"in_study": bool(about(rule, jobs))} | parts(rule, jobs)
        found.append(row_of(rule, interval, before.get(rule.name)) | beside)
    gone = [name for name in before if name not in {rule.name for rule in rules}]
    missing = [row_of_missing(name, before[name]) for name in gone]
    return among_many(pd.DataFrame(found + missing))


def answer_recorded(rule: Rule, rows: pd.DataFrame | None) -> tuple[Interval, dict[str, Any]]:
    """As `answer`, of a rule that names a recorded row; and the columns beside it."""
    nothing: dict[str, Any] = {"in_study": False} | parts(rule, [])
    if rows is None:
        return no_interval(rule.estimand, f"this study has no finished job of {rule.stage}"), nothing
    try:
        nothing["in_study"] = bool(len(rows_about(rule, rows)))
        interval = recorded_effect(rule, rows)
    except ResultError as fault:
        return no_interval(rule.estimand, str(fault)), nothing
    return interval, nothing | {"by_seed": as_json(values_by_seed(rule, rows))}


def among_many(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with p_holm, Holm's p-value over the answered statements of one question, and `survives`.

    survives: the verdict, shown or contradicted, where p_holm is below 1 - level; else nothing.
    """
    rows = rows.assign(p_holm=rows.groupby("question")["p_value"].transform(lambda found: holm(found.to_numpy())))
    survives = rows["verdict"].isin(["shown", "contradicted"]) & (rows["p_holm"] < 1 - rows["level"])
    return rows.assign(survives=rows["verdict"].where(survives, ""))


def answer(rule: Rule, evaluations: Mapping[str, Jobs]) -> Interval:
    """The rule's effect with its interval, or none and the reason why this study cannot answer it.

    DataError if the rule names a parameter, metric or column that no job of its stage has.
    """
    jobs = evaluations.get(rule.stage, [])
    for parameters, evaluated in jobs[:1]:
        require_known(rule, parameters, evaluated)
    try:
        return effect(rule, jobs)
    except (ResultError, DataError) as fault:
        return no_interval(rule.estimand, str(fault))


def require_known(rule: Rule, parameters: Mapping[str, Any], evaluated: Evaluations) -> None:
    """DataError unless what a rule names is among what a job of its stage has, or is known of the stage."""
    known = EVALUATED.get(rule.stage, Evaluated({}, (), {}))
    has: list[tuple[str, str, Collection[str]]] = [("where", name, parameters) for name in rule.where]
    has += [(key, metric.name, {**evaluated.values, **known.metrics}) for key, metric in rule.metrics().items()]
    columns = (*evaluated.fits, *known.numbers, *known.names, *parameters)
    has += [(key, column, columns) for key, group in rule.groups().items() for column in group]
    has += [("among", column, (*evaluated.fits, *known.numbers, *known.names)) for column in rule.among]
    for key, name, there in has:
        if name not in there:
            raise DataError(f"{rule.name}.yaml: {key}: {not_one_of(name, there)}")


def no_interval(estimand: str, reason: str) -> Interval:
    """No effect and no interval, and why."""
    nan = float("nan")
    return Interval(nan, nan, nan, 0.95, estimand, "none", 0, reason)


def row_of_missing(name: str, digest: str) -> dict[str, Any]:
    """A row for a statement that was registered and is there no more: it does not vanish with its file."""
    gone = Rule(name, f"{name} (its file is gone)", "", "", "difference", 0.0, 1.0, "", SEEDS_AND_PROMPTS, {})
    reason = "this statement was registered, and docs/findings holds it no more"
    row = row_of(gone, no_interval(gone.estimand, reason), None) | parts(gone, [])
    return row | {"digest": digest, "rule": "missing", "in_study": True}


def row_of(rule: Rule, interval: Interval, registered: str | None) -> dict[str, Any]:
    """A result row: the effect, its interval, the verdict, and whether the rule is the one that was registered."""
    state = "as registered" if registered == rule.digest else "changed afterwards" if registered else "not registered"
    return {
        "fit": rule.name,
        "metric": "effect",
        "value": interval.estimate,
        "reason": interval.reason if np.isnan(interval.estimate) else None,
        "units": interval.units,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "verdict": verdict(interval, rule),
        "detectable": float("nan") if interval.reason else smallest_detectable(interval),
        "no_interval": interval.reason or "",
        "statement": rule.statement,
        "unit": rule.unit,
        "threshold": float(rule.threshold),
        "matters": float(rule.matters),
        "estimand": interval.estimand,
        "method": interval.method,
        "source": rule.source,
        "digest": rule.digest,
        "rule": state,
        "question": question_of(rule.stage),
        "p_value": p_value(interval, rule.threshold),
    }


def verdict(interval: Interval, rule: Rule) -> str:
    """shown, contradicted, not shown, cannot tell or not answered, from the interval alone."""
    if interval.reason or np.isnan(interval.low):
        return "not answered"
    if interval.low > rule.threshold:
        return "shown"
    if interval.high < rule.threshold:
        return "contradicted"
    return "not shown" if interval.high < rule.threshold + rule.matters else "cannot tell"
