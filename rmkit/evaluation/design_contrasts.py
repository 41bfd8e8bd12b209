"""Slopes and contrasts of correlations over the settings of a test-set design, as result rows with intervals.

What is asked of a design as a whole: does the correlation fall as more prompts are paraphrased, does it rise with more
responses to a prompt, is a test set of the policy's own category better, do rank bins matter more than who wrote the
responses? Knows what design_correlations.py found. Source: arXiv 2410.05584, section 4.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.evaluation.design_correlations import Found
from rmkit.evaluation.design_rows import (
    Row,
    choice_rows,
    correlation_rows,
    difference_rows,
    policy_of,
    simultaneous_columns,
    value_interval_of,
    who,
)
from rmkit.evaluation.design_settings import NUMBERS, TEXTS
from rmkit.intervals.correlations import Statistic
from rmkit.intervals.joint_replicates import Replicated, combined
from rmkit.intervals.means import FEWEST_PROMPTS

FEWEST_ON_A_LINE = 3  # settings


def slope_rows(found: Sequence[Found], statistic: Statistic, level: float = 0.95) -> pd.DataFrame:
    """metric `slope`: least squares of the correlation on what a design varies, for each measure and policy.

    Column along: share (D), log_pairs (E), log_responses (F, and G for each budget and unit), flip and temperature (H,
    one vote). Natural logarithms. At least three settings make a line.
    """
    rows = []
    for along, line in _lines(found):
        x_k = np.array([x for x, _ in line])
        centred_k = x_k - x_k.mean()
        value = weighted(centred_k / (centred_k**2).sum(), [one for _, one in line])
        rows.append(_row([one for _, one in line], statistic, {"metric": "slope", "along": along}, value, level))
    return pd.DataFrame(rows)


def contrast_rows(found: Sequence[Found], statistic: Statistic, level: float = 0.95) -> pd.DataFrame:
    """metric `contrast`, for each measure and policy. Column along:

    category                    C: the mean over test sets of the policy's own category, less that of the others
    bins, source                B: the share of the correlation's variance over cells that bins, or writers, explain
    bins_less_source            the difference of the two. Only where there are two writers
    bins_less_source_adjusted   the same of `adjusted` shares: 0 on average where neither matters, as the other is not
    """
    rows = []
    for cells in _grouped(found, "C"):
        answered = [one for one in cells if one.outcome.columns["policy_category"]]
        same_k = np.array([_answers_its_own(one) for one in answered], dtype=bool)
        if same_k.any() and not same_k.all():
            value = weighted(same_k / same_k.sum() - ~same_k / (~same_k).sum(), answered)
            names, n_prompts = {"metric": "contrast", "along": "category"}, _prompts_of_all(answered)
            rows.append(_row(answered, statistic, names, value, level, n_prompts))
    for cells in _grouped(found, "B"):
        if len({one.setting.values.get("source") for one in cells}) < 2:
            continue
        for along, function in _shares(cells).items():
            value = combined(function, [one.correlation for one in cells])
            rows.append(_row(cells, statistic, {"metric": "contrast", "along": along}, value, level))
    return pd.DataFrame(rows)


def rows_of(found: Sequence[Found], statistic: Statistic, *, n_draws: int = 0, level: float = 0.95) -> pd.DataFrame:
    """All result rows of these: correlations, differences, slopes, contrasts and choices.

    n_draws: how many draws of pairs the reward models share, if any do. Models of one draw are not independent, and the
    jackknife keeps these draws, as the method then says.
    """
    made = [table(found, statistic, level) for table in (correlation_rows, difference_rows, slope_rows, contrast_rows)]
    rows = pd.concat([table for table in (*made, choice_rows(found)) if len(table)], ignore_index=True)
    empty = {name: rows[name].fillna("") for name in ("first", "second", "along", "estimand", "method") if name in rows}
    rows = rows.assign(**empty, split="measuring and policy prompts")
    if n_draws:
        has = rows["estimand"] != ""
        kept = f"jackknife over models, whose {n_draws} draws stay as they are,"
        rows.loc[has, "method"] = rows.loc[has, "method"].str.replace("jackknife over models,", kept, regex=False)
    return rows


def explained(label: Sequence[object], value_kb: np.ndarray) -> np.ndarray:
    """(R,) the share of the variance of k numbers that a label explains: between its groups, of the whole."""
    mean_b = value_kb.mean(axis=0)
    between_b = np.zeros(value_kb.shape[1])
    for one in dict.fromkeys(label):
        here_k = np.array([other == one for other in label])
        between_b += here_k.sum() * (value_kb[here_k].mean(axis=0) - mean_b) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return between_b / ((value_kb - mean_b) ** 2).sum(axis=0)


def adjusted(label: Sequence[object], value_kb: np.ndarray) -> np.ndarray:
    """(R,) as `explained`, less what as many groups explain of numbers that do not depend on the label.

    Ezekiel's adjusted R^2, which is Kelley's epsilon^2 (1935): 1 - (1 - R^2) (k - 1) / (k - p) for p groups of k
    numbers. Its mean over all orders of the numbers is 0; it may be below 0. NaN where each number is its own group.
    """
    n_numbers, n_groups = len(label), len(set(label))
    if n_groups == n_numbers:
        return np.full(value_kb.shape[1], np.nan)
    return 1 - (1 - explained(label, value_kb)) * (n_numbers - 1) / (n_numbers - n_groups)


def weighted(weight_k: np.ndarray, of: Sequence[Found]) -> Replicated:
    """The weighted sum of k correlations, replicated."""
    return combined(lambda value_kb: weight_k @ value_kb, [one.correlation for one in of])


def _shares(cells: Sequence[Found]) -> Mapping[str, Callable[[np.ndarray], np.ndarray]]:
    bins = [(one.setting.values["chosen_bin"], one.setting.values["rejected_bin"]) for one in cells]
    sources = [one.setting.values["source"] for one in cells]
    return {
        "bins": lambda value_kb: explained(bins, value_kb),
        "source": lambda value_kb: explained(sources, value_kb),
        "bins_less_source": lambda value_kb: explained(bins, value_kb) - explained(sources, value_kb),
        "bins_less_source_adjusted": lambda value_kb: adjusted(bins, value_kb) - adjusted(sources, value_kb),
    }


def _answers_its_own(one: Found) -> bool:
    """Whether policies answer the category that the test set is of."""
    return one.setting.values["category"] == one.outcome.columns["policy_category"]


def _prompts_of_all(of: Sequence[Found]) -> int:
    """The prompts of all categories together, those that measure or those that policies answer, the fewer."""
    measuring = {one.setting.values["category"]: one.n_prompts for one in of}
    answered = {one.outcome.columns["policy_category"]: len(one.outcome.prompt_q) for one in of}
    return min(sum(measuring.values()), sum(answered.values()))


def _row(
    of: Sequence[Found], statistic: str, names: Row, value: Replicated, level: float, n_prompts: int | None = None
) -> Row:
    """The row of what several settings of one design give together; setting columns in which they differ are empty.

    n_prompts: the prompts that it rests on; None: the fewest of its settings.
    """
    each, first = pd.DataFrame([who(one, statistic) for one in of]), of[0]
    row = {name: column.iloc[0] for name, column in each.items() if column.nunique(dropna=False) == 1}
    empty = dict.fromkeys(NUMBERS, np.nan) | dict.fromkeys((*TEXTS, "policy_category"), "")
    row = {name: row.get(name, empty.get(name, np.nan)) for name in each}
    n_prompts = min(one.fewest_prompts for one in of) if n_prompts is None else n_prompts
    row["n_prompts"] = n_prompts
    told = [f"{name}={row[name]:g}" for name in ("n_responses", "budget") if row[name] == row[name]]
    of_policy = f"{first.measure} and {policy_of(first)}"
    row["fit"] = " ".join(filter(None, [first.setting.letter, *names.values(), *told, row["unit"], of_policy]))
    interval = value_interval_of(value, n_prompts, level)
    return row | names | simultaneous_columns(interval, 1, next((one.reason for one in of if one.reason), ""))


def _lines(found: Sequence[Found]) -> Iterator[tuple[str, list[tuple[float, Found]]]]:
    """Settings of one design, measure and policy along a number; those with enough prompts, where they are enough."""
    lines: dict[tuple[Any, ...], list[tuple[float, Found]]] = {}
    for one in found:
        if one.outcome.columns["policy_category"]:
            continue
        for along, x, *place in _places(one):
            key = along, one.setting.letter, one.measure, policy_of(one), *place
            lines.setdefault(key, []).append((float(x), one))
    for (along, *_), line in lines.items():
        broad = [(x, one) for x, one in line if one.n_prompts >= FEWEST_PROMPTS]
        for part in (broad, line):
            if len({x for x, _ in part}) >= FEWEST_ON_A_LINE:
                yield along, part
                break


def _places(one: Found) -> Iterator[tuple[Any, ...]]:
    """Along what a setting lies and where, and what else says which line it is on."""
    values = one.setting.values
    match one.setting.letter:
        case "D":
            yield "share", values["share"]
        case "E":
            yield "log_pairs", np.log(float(values["n_pairs"]))
        case "F":
            yield "log_responses", np.log(float(values["n_responses"]))
        case "G":
            yield "log_responses", np.log(float(values["n_responses"])), values["budget"], values["unit"]
        case "H" if values["votes"] == 1:
            for name, other in (("flip", "temperature"), ("temperature", "flip")):
                if not values[other]:
                    yield name, values[name]


def _grouped(found: Sequence[Found], letter: str) -> list[list[Found]]:
    """The settings of a design for each measure and policy, whatever the category that policies answer."""
    groups: dict[tuple[str, str], list[Found]] = {}
    for one in found:
        if one.setting.letter == letter:
            groups.setdefault((one.measure, policy_of(one)), []).append(one)
    return list(groups.values())
