"""How well each design of a test set predicts which reward model leads to the better policy.

A test set of a design is drawn several times; each time every measure is taken of F models, and correlated over the
models with what their policies earn on other prompts. What is kept is the mean over the draws, replicated together
(intervals/joint_replicates.py), so that designs are compared on the same models and prompts. Knows settings, judged
responses, scores and outcomes; no text, no head. Source: arXiv 2410.05584, section 4.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rmkit.errors import DataError
from rmkit.evaluation.choice_quality import more_is_better
from rmkit.evaluation.design_outcomes import FEWEST_IN_ORDER, Earned
from rmkit.evaluation.design_settings import Responses, Setting
from rmkit.evaluation.test_sets.design import draw_test_set
from rmkit.evaluation.test_sets.measured import measured_on
from rmkit.intervals.correlations import CORRELATIONS, Statistic
from rmkit.intervals.joint_replicates import (
    Forms,
    PromptDraws,
    Replicated,
    correlated,
    forms,
    means,
)
from rmkit.measures.over_models import OVER_MODELS
from rmkit.measures.registry import AGAINST_GOLD

Progress = Callable[[int, int], object]


@dataclass(frozen=True, eq=False)
class Found:
    """One setting and measure against one outcome, the mean over the draws of the test set."""

    setting: Setting
    measure: str
    outcome: Earned
    correlation: Replicated
    spread: float  # standard deviation of the correlation over draws; NaN of one draw
    choices: Mapping[str, float]  # of OVER_MODELS
    n_draws: int
    n_models: int
    left_out: int  # models without this outcome
    n_prompts: int  # measuring prompts that a draw has a value of, the fewest over draws
    reason: str = ""  # why there is no correlation

    @property
    def fewest_prompts(self) -> int:
        """The fewer of the two halves."""
        return min(self.n_prompts, len(self.outcome.prompt_q))


@dataclass(frozen=True, eq=False)
class OutcomeGroup:
    """Outcomes of the same models on the same prompts, replicated once for all test sets."""

    outcomes: list[Earned]
    kept_f: np.ndarray  # (F,) bool
    mean_om: np.ndarray  # (O, M)
    forms: Forms | None  # of O outcomes; None of too few models


@dataclass(frozen=True)
class Replication:
    """How often test sets and prompts are drawn again, and by which correlation. DataError for less than once."""

    n_draws: int = 4
    n_resamples: int = 200
    statistic: Statistic = "kendall"

    def __post_init__(self) -> None:
        if self.n_draws < 1 or self.n_resamples < 2:
            raise DataError(
                f"{self.n_draws} draws of a test set and {self.n_resamples} resamples of prompts: give at least 1 and 2"
            )


def design_correlations(
    settings: Sequence[Setting],
    of: Mapping[str, Responses],
    outcomes: Sequence[Earned],
    *,
    policy_categories: Sequence[Earned] = (),
    replication: Replication,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> list[Found]:
    """Every setting, each of its measures against every outcome; those of design C also against policy_categories.

    of: by their names, as settings ask for them, with the same F models and P measuring prompts. outcomes: tables of
    the same F models on policy prompts. All settings of one draw share its random numbers. A setting that cannot be
    drawn from these responses has no value and the reason. DataError for fewer than 3 models.
    """
    n_models, n_prompts = _models_and_prompts(of)
    draws = PromptDraws.of(n_models, n_prompts, replication.n_resamples, rng)
    groups = outcome_groups(outcomes, replication, rng)
    by_category = outcome_groups(policy_categories, replication, rng)
    seeds = [int(seed) for seed in rng.integers(2**63, size=replication.n_draws)]
    found: list[Found] = []
    for done, setting in enumerate(settings):
        against = groups + by_category if setting.letter == "C" else groups
        try:
            tables = measured_tables(setting, of[setting.responses], seeds)
        except DataError as fault:  # these responses have no such test set
            found += [one for group in against for one in _undrawn(setting, group, replication, str(fault))]
            continue
        for group in against:
            found += _found(setting, tables, group, draws, replication.statistic)
        if progress:
            progress(done + 1, len(settings))
    return found


def outcome_groups(
    outcomes: Sequence[Earned], replication: Replication, rng: np.random.Generator
) -> list[OutcomeGroup]:
    """Outcomes by the models that have them and the prompts that they are on."""
    groups: dict[tuple[bytes, bytes], list[Earned]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.kept_f.tobytes(), outcome.prompt_q.tobytes()), []).append(outcome)
    found = []
    for together in groups.values():
        kept_f = together[0].kept_f
        value_omq = np.stack([outcome.value_fq[kept_f] for outcome in together])
        again = PromptDraws.of(int(kept_f.sum()), value_omq.shape[2], replication.n_resamples, rng)
        of_outcomes = means(value_omq, again)
        made = forms(replication.statistic, of_outcomes) if kept_f.sum() >= FEWEST_IN_ORDER else None
        found.append(OutcomeGroup(together, kept_f, of_outcomes.full_tm, made))
    return found


def measured_tables(setting: Setting, of: Responses, seeds: Sequence[int]) -> dict[str, list[np.ndarray]]:
    """By measure, for each draw of the test set, (F, P): more is better, NaN where a model has no value on a prompt.

    Where a prompt has several rows, their mean.
    """
    tables: dict[str, list[np.ndarray]] = {measure: [] for measure in setting.measures}
    chosen = {measure: AGAINST_GOLD[measure] for measure in setting.measures}
    for seed in seeds:
        test_set = draw_test_set(setting.design, of.judged, np.random.default_rng(seed))
        found = measured_on(test_set, of.score_fvpk, measures=chosen, by_labels=setting.by_labels)
        for measure, value_fq in found.items():
            better_fq = more_is_better(chosen[measure], value_fq)
            tables[measure].append(_by_prompt(better_fq, test_set.rows.prompt_q, of.judged.n_prompts))
    return tables


def _by_prompt(value_fq: np.ndarray, prompt_q: np.ndarray, n_prompts: int) -> np.ndarray:
    """(F, P) the mean of each prompt's rows, NaN without one."""
    has_fq = np.isfinite(value_fq)
    total_pf, count_pf = np.zeros((n_prompts, len(value_fq))), np.zeros((n_prompts, len(value_fq)))
    np.add.at(total_pf, prompt_q, np.where(has_fq, value_fq, 0.0).T)
    np.add.at(count_pf, prompt_q, has_fq.T)
    return np.divide(total_pf, count_pf, out=np.full_like(total_pf, np.nan), where=count_pf > 0).T


def _found(
    setting: Setting,
    of: Mapping[str, Sequence[np.ndarray]],
    group: OutcomeGroup,
    draws: PromptDraws,
    statistic: Statistic,
) -> list[Found]:
    """Measures on every draw of a setting against each outcome of a group. of: tables (F, P) by measure."""
    kept_f, n_models, again = group.kept_f, int(group.kept_f.sum()), draws.only(group.kept_f)
    found = []
    for measure, tables in of.items():
        n_prompts = min(int(np.isfinite(table).any(axis=0).sum()) for table in tables)
        counts: dict[str, Any] = {"n_draws": len(tables), "n_models": n_models, "left_out": len(kept_f) - n_models}
        counts["n_prompts"] = n_prompts
        if group.forms is None:
            n_resamples = len(draws.share_bp)
            found += [_without(setting, measure, outcome, counts, n_resamples) for outcome in group.outcomes]
            continue
        of_tables = means(np.stack([table_fp[kept_f] for table_fp in tables]), again)
        replicates = [part_otr.mean(axis=1) for part_otr in correlated(forms(statistic, of_tables), group.forms)]
        exact_to = np.stack([CORRELATIONS[statistic](mean_m[None], group.mean_om) for mean_m in of_tables.full_tm])
        chosen = [_choices(mean_m, group.mean_om) for mean_m in of_tables.full_tm]
        for o, outcome in enumerate(group.outcomes):
            spread = float(exact_to[:, o].std(ddof=1)) if len(tables) > 1 else np.nan
            correlation = Replicated(exact_to[:, o].mean(), *(part_or[o] for part_or in replicates))
            choices = {name: float(np.mean([choice[name][o] for choice in chosen])) for name in OVER_MODELS}
            found.append(Found(setting, measure, outcome, correlation, spread, choices, **counts))
    return found


def _undrawn(setting: Setting, group: OutcomeGroup, replication: Replication, reason: str) -> list[Found]:
    """No correlation of any measure: the test set cannot be drawn."""
    n_models = int(group.kept_f.sum())
    counts: dict[str, Any] = {
        "n_draws": replication.n_draws,
        "n_models": n_models,
        "left_out": len(group.kept_f) - n_models,
    }
    counts["n_prompts"] = 0
    return [
        _without(setting, measure, outcome, counts, replication.n_resamples, reason)
        for measure in setting.measures
        for outcome in group.outcomes
    ]


def _without(
    setting: Setting, measure: str, outcome: Earned, counts: Mapping[str, Any], n_resamples: int, reason: str = ""
) -> Found:
    """No correlation, for this reason; without one, because too few models have the outcome."""
    n_models = counts["n_models"]
    sizes = n_models, n_resamples, n_resamples
    nothing = Replicated(np.array(np.nan), *(np.full(size, np.nan) for size in sizes))
    few = f"{n_models} reward models have this outcome; an order takes {FEWEST_IN_ORDER}"
    reason = reason or (f"{few}: {outcome.reason}" if outcome.reason else few)
    return Found(setting, measure, outcome, nothing, np.nan, {}, **counts, reason=reason)


def _choices(metric_m: np.ndarray, mean_om: np.ndarray) -> dict[str, np.ndarray]:
    """(O,) of each measure over models; NaN where a model has no value."""
    if not np.isfinite(metric_m).all():
        return {name: np.full(len(mean_om), np.nan) for name in OVER_MODELS}
    return {name: value(metric_m[None], mean_om) for name, value in OVER_MODELS.items()}


def _models_and_prompts(of: Mapping[str, Responses]) -> tuple[int, int]:
    """How many models and prompts all of these have, or DataError."""
    shapes = {(len(one.score_fvpk), one.judged.n_prompts) for one in of.values()}
    if len(shapes) != 1:
        raise DataError(f"responses: of {sorted(shapes)} (models, prompts); all must be of the same")
    (n_models, n_prompts) = shapes.pop()
    if n_models < FEWEST_IN_ORDER:
        raise DataError(f"{n_models} reward models: a test set orders {FEWEST_IN_ORDER} or more")
    return n_models, n_prompts
