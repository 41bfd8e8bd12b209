"""What the policies of reward models earn, as outcomes that test sets are to predict: exact ones and trained ones.

An outcome is a table, models by policy prompts, of one policy: Best-of-n, the KL optimum, or a policy trained for some
of the models. Models without a value, as those that none was trained for, have none there and are left out of its
correlations. Knows arrays and evaluations; no test set. Sources: arXiv 2410.05584, section 3; policies/pressure.py for
what K samples can say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError
from rmkit.evaluation.design_question import Outcome
from rmkit.evaluation.population import (
    EQUAL_SCORES,
    POLICIES,
    answered_by,
    policies,
    policy_columns,
    policy_values,
)

FEWEST_IN_ORDER = 3  # reward models: two always correlate by 1 or -1
EXACT = ("best_of_n", "kl")
CATEGORY = "category"  # a column of a bank's prompts
NO_POLICY = "no policy was trained for it, or its run has no end or never got this far"


@dataclass(frozen=True, eq=False)
class Earned:
    """What the policy of each of F models earns on Q prompts."""

    columns: Mapping[str, Any]  # of result rows: policy, its place, reward_scale, policy_category
    value_fq: np.ndarray  # (F, Q) float64; a row of NaN where a model has no such policy
    prompt_q: np.ndarray  # (Q,) int64: the prompts' ids
    reason: str = ""  # why no model has a value, or why some have none

    @property
    def kept_f(self) -> np.ndarray:
        """(F,) bool: the models that have it."""
        return np.asarray(np.isfinite(self.value_fq).all(axis=1))

    def of_category(self, category: str, category_q: np.ndarray) -> "Earned":
        """On the prompts of one category alone."""
        here_q = category_q == category
        columns = {**self.columns, "policy_category": category}
        return Earned(columns, self.value_fq[:, here_q], self.prompt_q[here_q], self.reason)


@dataclass(frozen=True, eq=False)
class Trained:
    """What the policies trained for each of F models earn on Q prompts, by each of S seeds of the optimisation."""

    columns: Mapping[str, Any]  # as of Earned
    value_sfq: np.ndarray  # (S, F, Q) float64; NaN where a model has no such policy
    prompt_q: np.ndarray  # (Q,) int64: the prompts' ids
    reason: str = ""  # why no model has a value, or why some have none

    @property
    def over_seeds(self) -> Earned:
        """The mean over seeds: a model has a value where a run of every seed has one."""
        return Earned(self.columns, self.value_sfq.mean(axis=0), self.prompt_q, self.reason)


def exact_outcomes(
    score_fqk: np.ndarray,
    gold_qk: np.ndarray,
    prompt_q: np.ndarray,
    *,
    ns: Sequence[int],
    kls: Sequence[float],
    samples: bool = False,
) -> list[Earned]:
    """Best-of-n for each n and the KL optimum at each mean KL, of F models on the Q policy prompts with K responses.

    samples: whether the responses are samples of the policy, not all that it can say. Then a policy that fewer than 10
    effective samples carry has no value and the reason. DataError for n above K.
    """
    if too_many := [n for n in ns if not 1 <= n <= gold_qk.shape[1]]:
        raise DataError(f"best of {too_many[0]}: a prompt has {gold_qk.shape[1]} responses; n is from 1 to that many")
    places = [Metric("best_of_n", float(n)) for n in sorted(set(ns))] + [Metric("kl", at) for at in sorted(set(kls))]
    if not samples:
        values = policy_values(score_fqk, gold_qk, ns=sorted(set(ns)), kls=sorted(set(kls)))
        tables = [value_fqn[..., at] for value_fqn in values.values() for at in range(value_fqn.shape[-1])]
        return [_earned(place, table, prompt_q, EQUAL_SCORES) for place, table in zip(places, tables, strict=True)]
    found = []
    for place in places:
        outcome = Outcome(**_asked_at(place), samples=True)
        try:
            found.append(_earned(place, outcome.earned(score_fqk, gold_qk), prompt_q, ""))
        except DataError as fault:
            found.append(_earned(place, np.full(score_fqk.shape[:2], np.nan), prompt_q, str(fault)))
    return found


def in_categories(outcomes: Sequence[Earned], prompts: pd.DataFrame) -> list[Earned]:
    """Every outcome on the prompts of each category alone; nothing where prompts have no category.

    prompts: of a bank, with prompt_id and, where they have some, category.
    """
    if CATEGORY not in prompts:
        return []
    category_of = prompts.set_index("prompt_id")[CATEGORY]
    found = []
    for one in outcomes:
        category_q = category_of.loc[one.prompt_q].to_numpy()
        found += [one.of_category(str(name), category_q) for name in np.unique(category_q)]
    return found


def _asked_at(place: Metric) -> dict[str, Any]:
    return {"n": int(place.at or 0)} if place.name == "best_of_n" else {"kl": place.at}


def _earned(place: Metric, value_fq: np.ndarray, prompt_q: np.ndarray, why: str) -> Earned:
    value_fq = value_fq.astype(np.float64)
    return Earned(_columns(place), value_fq, prompt_q, why if not np.isfinite(value_fq).all() else "")


def _columns(place: Metric, scale: str = "") -> dict[str, Any]:
    return {**policy_columns(place), "reward_scale": scale, "policy_category": ""}


def trained_outcomes(fits: pd.DataFrame, gathered: Iterable[tuple[Mapping[str, Any], Evaluations]]) -> list[Trained]:
    """Policies that were trained for some of the models, by the seeds of the optimisation.

    fits: the F models, by their column fit. gathered: parameters and evaluations of each job that trained policies:
    `optimiser`, `policy_seed`, `reward_scale`. DataError for jobs that differ in more than their seed, or in the
    prompts that they were tracked on, and for a seed that is there twice.
    """
    groups: dict[tuple[str, str], list[tuple[Mapping[str, Any], Evaluations]]] = {}
    for parameters, evaluations in gathered:
        named = str(parameters.get("optimiser", "")), str(parameters.get("reward_scale", ""))
        groups.setdefault(named, []).append((parameters, evaluations))
    found = []
    for (optimiser, scale), jobs in groups.items():
        _require_seeds_alone([parameters for parameters, _ in jobs], optimiser)
        for place in policies(jobs[0][1]):
            if place.name in EXACT or place.name not in POLICIES:
                continue
            asked = {tuple(answered_by(evaluations, place)) for _, evaluations in jobs}
            if len(asked) > 1:
                raise DataError(f"{place}: the jobs of its seeds were not tracked on the same prompts")
            prompts = np.array(asked.pop(), dtype=np.int64)
            value_sfq = np.stack([_by_fit(evaluations, place, fits["fit"], prompts) for _, evaluations in jobs])
            why = "" if np.isfinite(value_sfq).all() else NO_POLICY
            found.append(Trained(_columns(place, scale), value_sfq, prompts, why))
    return found


def _require_seeds_alone(jobs: Sequence[Mapping[str, Any]], optimiser: str) -> None:
    first = {name: value for name, value in jobs[0].items() if name != "policy_seed"}
    for other in jobs[1:]:
        if differ := [name for name, value in first.items() if other.get(name) != value]:
            raise DataError(f"policies trained by {optimiser}: jobs differ in {', '.join(differ)}; give it one value")
    seeds = [job.get("policy_seed") for job in jobs]
    if again := [seed for seed in seeds if seeds.count(seed) > 1]:
        raise DataError(f"policies trained by {optimiser}: policy_seed {again[0]} is there twice; give each seed once")


def _by_fit(evaluations: Evaluations, place: Metric, fit_f: pd.Series, prompts: np.ndarray) -> np.ndarray:
    """(F, Q) of the models in their order, NaN for those that have none."""
    value_rp = evaluations.value_fp(place)[:, np.isin(evaluations.prompt_id_p, prompts)].astype(np.float64)
    row_of = {fit: row for row, fit in enumerate(evaluations.fits["fit"])}
    nothing = np.full(len(prompts), np.nan)
    return np.stack([value_rp[row_of[fit]] if fit in row_of else nothing for fit in fit_f])
