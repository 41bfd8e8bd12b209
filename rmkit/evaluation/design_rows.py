"""Result rows of test-set designs: each correlation with its interval, differences of two, and choices by a measure.

Every row says the setting (columns of design_settings.py), the measure and the policy. Intervals are for new reward
models and new prompts: one at a time (low, high), and all of a design's for a policy at once (simultaneous_low and
simultaneous_high, by Bonferroni over `family` intervals). The models count as independent draws, although those of one
draw share their pairs. Knows what design_correlations.py found. Source: arXiv 2410.05584, section 4.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.evaluation.design_correlations import Found
from rmkit.evaluation.interval_columns import interval_columns
from rmkit.intervals.correlations import Statistic
from rmkit.intervals.joint_replicates import Replicated, combined, correlation_interval, value_interval
from rmkit.intervals.means import Interval

Row = dict[str, Any]
COMPARED = "ADFHI"  # the designs whose settings are compared with one of them
NOT_SMOOTH = "the choice of one reward model is not smooth in the means; the designer's table has intervals for choices"
UNDEFINED = "not defined for these means: one is missing, or all policies earn the same"


def correlation_rows(found: Sequence[Found], statistic: Statistic, level: float = 0.95) -> pd.DataFrame:
    """metric `correlation`: a row for each setting, measure and policy, of the mean over the draws of the test set.

    Columns beside the setting's, the measure and the policy's: statistic, spread (over n_draws test sets), n_draws,
    n_prompts (measuring), left_out (models without this policy), and those of `simultaneous_columns`.
    """
    sizes = Counter(map(_family, found))
    rows = []
    for one in found:
        interval = _correlation_interval_of(one, statistic, level)
        what = {"metric": "correlation", "spread": one.spread}
        rows.append(who(one, statistic) | what | simultaneous_columns(interval, sizes[_family(one)], one.reason))
    return pd.DataFrame(rows)


def difference_rows(found: Sequence[Found], statistic: Statistic, level: float = 0.95) -> pd.DataFrame:
    """metric `correlation_difference`: first minus second of one policy, on the same models and prompts.

    A: each other source less the policy's own writer's. D: each share less none. F: each number of responses less the
    fewest. H: each noise less none. I: each measure less accuracy. Columns first and second say which; those of the
    setting are the first's.
    """
    compared = list(_compared(found))
    sizes = Counter(_family(first) for first, _ in compared)
    rows = []
    for first, second in compared:
        apart = combined(lambda pair: pair[0] - pair[1], [first.correlation, second.correlation])
        names = [one.measure if one.setting.letter == "I" else str(one.setting) for one in (first, second)]
        interval = value_interval_of(apart, min(first.fewest_prompts, second.fewest_prompts), level)
        what = {"metric": "correlation_difference", "first": names[0], "second": names[1]}
        reason = first.reason or second.reason
        rows.append(who(first, statistic) | what | simultaneous_columns(interval, sizes[_family(first)], reason))
    return pd.DataFrame(rows)


def choice_rows(found: Sequence[Found]) -> pd.DataFrame:
    """Metrics selection_regret (in gold), decision_accuracy and mrr_of_best of each setting, measure and policy.

    Of policies on all their prompts; without intervals, as `no_interval` says.
    """
    rows = []
    for one in (one for one in found if not one.outcome.columns["policy_category"]):
        for name, value in one.choices.items():
            what = {"metric": name, "value": value, "reason": None if np.isfinite(value) else UNDEFINED}
            rows.append(who(one, "") | what | {"units": one.n_models, "no_interval": NOT_SMOOTH})
    return pd.DataFrame(rows)


def simultaneous_columns(interval_at: Callable[[int], Interval], family: int, reason: str = "") -> Row:
    """value, reason, low, high, level, units, estimand, method, no_interval, family and the two simultaneous ends.

    interval_at: the interval when so many are to hold at once. reason: why there is no value, if it is known.
    """
    single, at_once = interval_at(1), interval_at(family)
    why = (reason or single.reason) if not np.isfinite(single.estimate) else None
    return interval_columns(single) | {
        "reason": why,
        "no_interval": why or single.reason or "",
        "family": family,
        "simultaneous_low": at_once.low,
        "simultaneous_high": at_once.high,
    }


def who(one: Found, statistic: str) -> Row:
    """Which setting, measure and policy, and how it was measured."""
    category = one.outcome.columns["policy_category"]
    return {
        "fit": f"{one.setting} {one.measure} and {policy_of(one)}{f' on {category}' if category else ''}",
        **one.setting.columns,
        "measure": one.measure,
        **one.outcome.columns,
        "statistic": statistic,
        "n_draws": one.n_draws,
        "n_prompts": one.n_prompts,
        "left_out": one.left_out,
    }


def policy_of(one: Found) -> str:
    """The policy's name, whatever prompts it answers, with how a trained one's reward was scaled."""
    return f"{one.outcome.columns['policy']} {one.outcome.columns['reward_scale']}".strip()


def value_interval_of(value: Replicated, n_prompts: int, level: float) -> Callable[[int], Interval]:
    """The interval of a value, by how many are to hold at once."""
    return lambda intervals: value_interval(value, n_prompts=n_prompts, level=level, intervals=intervals)


def _correlation_interval_of(one: Found, statistic: Statistic, level: float) -> Callable[[int], Interval]:
    return lambda intervals: correlation_interval(
        one.correlation, statistic, n_prompts=one.fewest_prompts, level=level, intervals=intervals
    )


def _family(one: Found) -> tuple[str, str]:
    return one.setting.letter, policy_of(one)


def _compared(found: Sequence[Found]) -> Iterator[tuple[Found, Found]]:
    """Each setting (or measure) with the one that its design compares it with."""
    groups: dict[tuple[str, ...], list[Found]] = {}
    for one in found:
        if one.setting.letter in COMPARED and not one.outcome.columns["policy_category"]:
            by_measure = () if one.setting.letter == "I" else (one.measure,)
            groups.setdefault((*_family(one), *by_measure), []).append(one)
    for members in groups.values():
        second = next(filter(_is_reference, members), None)
        if members[0].setting.letter == "F":
            second = min(members, key=lambda one: float(one.setting.values["n_responses"]))
        if second is not None:
            yield from ((first, second) for first in members if first is not second)


def _is_reference(one: Found) -> bool:
    values = one.setting.values
    match one.setting.letter:
        case "A":
            return values["source"] == values["own"]
        case "D":
            return not values["share"]
        case "H":
            return not values["flip"] and not values["temperature"]
        case _:
            return one.measure == "accuracy"
