"""Effects that notebooks recorded as rows with their interval: the row that a statement names, of one job or of seeds.

What is neither a difference nor a correlation of per-prompt evaluations, such as a correlation over pairs of reward
models or a slope over designs, has its interval from the notebook that computed it. Of one job the interval is the
row's own, and the statement must say what it is of. Of jobs that differ in their seed alone it is Student's t over the
seeds' values: for new seeds and these prompts. Where a statement claims less of something, it says `turned: true`, and
the row counts with its sign turned. Rows of a part of the reward models count only where a statement names the part
(`among: heads`). Knows rows and rules; computes no effect of its own.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rmkit.errors import ResultError, one_of
from rmkit.evaluation.parts_of_populations import AMONG
from rmkit.findings.rules import SEEDS, Rule
from rmkit.intervals.means import FEWEST_SEEDS, Interval, t_over_seeds

if TYPE_CHECKING:
    import pandas as pd

PARAMETER = "param_"  # how the columns of a job's parameters begin
SAID = ("low", "high", "level", "estimand")  # what a row needs beside its value
FREE = ("seed", "study")  # parameters in which the jobs of one statement may differ


def recorded_effect(rule: Rule, rows: "pd.DataFrame") -> Interval:
    """The interval of the row that a rule names; rows: result rows of its stage, with `job` and `param_*` columns.

    ResultError that says why there is none: no such row, several in one job, jobs that differ in more than their seed,
    or another estimand than the rule's.
    """
    found = rows_about(rule, rows)
    if found.empty:
        raise ResultError(f"this study has no row of {rule.stage} with {said(rule)}")
    if (found["job"].value_counts() > 1).any():
        raise ResultError(f"several rows of a job of {rule.stage} have {said(rule)}; the rule must say which")
    if rule.terms.get("turned"):
        found = turned(found)
    if len(found) == 1:
        return of_row(rule, found.iloc[0])
    if differ := parameters_that_differ(found):
        raise ResultError(f"jobs of {rule.stage} differ in {', '.join(differ)}; the rule must say `where`")
    if rule.estimand != SEEDS:
        raise ResultError(f"{len(found)} seeds, whose interval is for {SEEDS}; the rule speaks of {rule.estimand}")
    if len(found) < FEWEST_SEEDS:
        raise ResultError(f"no verdict from {len(found)} seeds; it takes {FEWEST_SEEDS}")
    if not np.isfinite(found["value"]).all():
        raise ResultError(f"of {len(found)} seeds, {(~np.isfinite(found['value'])).sum()} have no value")
    return t_over_seeds(found["value"].to_numpy(np.float64), estimand=SEEDS)


def rows_about(rule: Rule, rows: "pd.DataFrame") -> "pd.DataFrame":
    """The rows that have what a rule's `row` says, of the jobs with the parameters that its `where` says."""
    wanted = {PARAMETER + name: value for name, value in rule.where.items()} | dict(rule.terms["row"])
    for column in wanted:
        one_of(column, list(rows.columns), f"{rule.name}.yaml: column", ResultError)
    kept = np.ones(len(rows), dtype=bool) if AMONG in wanted else of_no_part(rows)
    for column, value in wanted.items():
        kept &= has(rows[column], value)
    return rows[kept]


def of_no_part(rows: "pd.DataFrame") -> np.ndarray:
    """(R,) whether each row is of all reward models, none of heads alone, say."""
    return ~rows[AMONG].map(told).to_numpy(bool) if AMONG in rows else np.ones(len(rows), dtype=bool)


def has(column: "pd.Series", value: Any) -> np.ndarray:
    """(R,) whether each entry is the value, or one of those listed; numbers to the last few bits."""
    if isinstance(value, list):
        return np.logical_or.reduce([has(column, one) for one in value])
    if isinstance(value, int | float) and not isinstance(value, bool):
        import pandas as pd

        return np.isclose(pd.to_numeric(column, errors="coerce").to_numpy(np.float64), value, rtol=1e-9, atol=0)
    return np.asarray(column.astype(object) == value)


def of_row(rule: Rule, row: "pd.Series") -> Interval:
    """The interval of a row; ResultError if it is of something else than the rule says, or lacks a part."""
    if lacking := [name for name in SAID if name not in row]:
        raise ResultError(f"the row of {rule.stage} with {said(rule)} says no {lacking[0]}")
    reason = next((str(row[name]) for name in ("no_interval", "reason") if name in row and told(row[name])), None)
    if reason is None and not np.isfinite([row["value"], row["low"], row["high"]]).all():
        reason = "the row has no interval, and does not say why"
    if reason is None and row["estimand"] != rule.estimand:
        raise ResultError(f"the row's interval is for {row['estimand']}; the rule speaks of {rule.estimand}")
    ends = (np.nan, np.nan) if reason else (float(row["low"]), float(row["high"]))
    units = int(row["units"]) if "units" in row and np.isfinite(row["units"]) else 0
    method = str(row["method"]) if "method" in row and told(row["method"]) else "as recorded"
    return Interval(float(row["value"]), *ends, float(row["level"]), rule.estimand, method, units, reason)


def turned(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The rows with the sign of their value and interval turned."""
    ends = {"low": -rows["high"], "high": -rows["low"]} if {"low", "high"} <= set(rows.columns) else {}
    return rows.assign(value=-rows["value"], **ends)


def told(text: Any) -> bool:
    """Whether a column of texts says anything in a row."""
    return isinstance(text, str) and bool(text)


def parameters_that_differ(rows: "pd.DataFrame") -> list[str]:
    """The parameters, but for the seed, in which jobs differ."""
    names = [column for column in rows if str(column).startswith(PARAMETER)]
    return [
        name.removeprefix(PARAMETER)
        for name in names
        if name.removeprefix(PARAMETER) not in FREE and rows[name].astype(str).nunique() > 1
    ]


def values_by_seed(rule: Rule, rows: "pd.DataFrame") -> np.ndarray:
    """(S,) the values of the rows that a rule names, in the order of the jobs, where there are several; else none."""
    found = rows_about(rule, rows)
    sign = -1 if rule.terms.get("turned") else 1
    return sign * found["value"].to_numpy(np.float64) if len(found) > 1 else np.array([])


def said(rule: Rule) -> str:
    """What a rule's row must be, in words."""
    wanted: Mapping[str, Any] = {**rule.where, **rule.terms["row"]}
    return ", ".join(f"{name} {value}" for name, value in wanted.items())
