"""The designer's table as result rows: what choosing a reward model by each design of one budget loses.

Test sets are drawn from the prompts that measure, policies answer the others. Knows scores, gold and a question; no
text. Source: evaluation/designer.py.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from rmkit.errors import DataError
from rmkit.evaluation.design_question import Question, Resampling
from rmkit.evaluation.designer import SIZES, USUAL, Advice, advise
from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.evaluation.test_sets.category import InCategory
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.intervals.means import FEWEST_PROMPTS

METRICS = ("selection_regret", "right_choice", "correlation")
MEASURING, ANSWERING = "measuring", "answering"


class Advised(NamedTuple):
    """The designer's advice with its result rows, or the sentence that says why there is none."""

    advice: Advice | None
    rows: pd.DataFrame
    sentence: str


def advised(
    gold_pk: np.ndarray,
    score_fpk: np.ndarray,
    measuring_p: np.ndarray,
    question: Question,
    *,
    unit: str,
    rng: np.random.Generator,
    resampling: Resampling,
) -> Advised:
    """Plain designs of 2, 3, 5, ... responses to a prompt compared at one budget, for one outcome.

    Designs that the budget pays too few prompts of for an interval are left out, unless it is so of all. unit: of
    annotation, in which the budget is paid. question.policy_p is set to the prompts that do not measure. Rows:
    metric designed_selection_regret, designed_right_choice and designed_correlation, with n_responses,
    n_prompts, unit, cost, budget, measure, policy, low and high.
    Where the bank is too small to advise: no row, and the reason as the sentence.
    """
    annotation = Annotation(unit=unit)
    judged = JudgedResponses(gold_pk, None, np.where(measuring_p, MEASURING, ANSWERING))
    designs = {
        f"{m} responses": InCategory(MEASURING, m, annotation=annotation) for m in SIZES if m <= gold_pk.shape[1]
    }
    asked = Question(question.budget, question.outcome, question.criterion, question.models, ~measuring_p)
    n_prompts = {name: asked.budget // annotation.cost(one.n_responses) for name, one in designs.items()}
    fewest = FEWEST_PROMPTS if max(n_prompts.values()) >= FEWEST_PROMPTS else 1  # with fewer there is no interval
    affordable = {name: one for name, one in designs.items() if n_prompts[name] >= fewest}
    try:
        advice = advise(judged, score_fpk, affordable, asked, rng=rng, measures=USUAL, resampling=resampling)
    except DataError as fault:
        return Advised(None, pd.DataFrame(), f"No advice: {fault}.")
    return Advised(advice, _rows(advice, asked, resampling.level, len(score_fpk)), advice.sentence)


def _rows(advice: Advice, question: Question, level: float, n_models: int) -> pd.DataFrame:
    table = advice.table
    shared = table[["n_responses", "n_prompts", "unit", "cost", "measure"]]
    tables = []
    for metric in METRICS:
        value, absent = table[metric].astype(float), table[metric].isna()
        why = table["reason"].fillna("it is not defined for these reward models")
        tables.append(
            shared.assign(
                fit=table["design"] + " by " + table["measure"] + f" for {question.outcome}",
                metric=f"designed_{metric}",
                design="designer",
                design_name="designer",
                policy=str(question.outcome),
                budget=float(question.budget),
                value=value,
                reason=why.where(absent, None),
                low=table[f"{metric}_low"].astype(float),
                high=table[f"{metric}_high"].astype(float),
                level=level,
                estimand="new prompts, these reward models",
                method="prompts drawn again",
                no_interval=table["reason"].fillna(""),
                units=n_models,
            )
        )
    return pd.concat(tables, ignore_index=True)
