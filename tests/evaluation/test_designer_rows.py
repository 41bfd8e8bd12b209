"""The designer's table as result rows: measured on one half, policies on the other, or the sentence why not."""

import numpy as np
import pytest

from rmkit.evaluation.design_question import Outcome, Question, Resampling
from rmkit.evaluation.designer_rows import METRICS, advised
from rmkit.study.notebook_side.result_rows import wrong_with

RNG = np.random.default_rng(0)
GOLD_PK = RNG.normal(size=(60, 8))
SCORE_FPK = GOLD_PK + np.linspace(0.5, 3, 6)[:, None, None] * RNG.normal(size=(6, 60, 8))
MEASURING_P = np.arange(60) < 30


def asked(budget=90, n=4, gold_pk=GOLD_PK, score_fpk=SCORE_FPK, measuring_p=MEASURING_P, unit="response"):
    question = Question(budget, Outcome(n=n))
    resampling = Resampling(n_draws=2, resamples=20)
    return advised(
        gold_pk, score_fpk, measuring_p, question, unit=unit, rng=np.random.default_rng(0), resampling=resampling
    )


def test_each_design_has_a_row_for_each_criterion_with_its_interval():
    found = asked()
    assert wrong_with(found.rows) is None
    assert set(found.rows["metric"]) == {f"designed_{metric}" for metric in METRICS}
    assert len(found.rows) == len(METRICS) * len(found.advice.table)
    assert set(found.rows["n_responses"]) == {2, 3}  # 45 and 30 prompts; 18 are too few for an interval
    with_interval = found.rows[found.rows["low"].notna()]
    assert (with_interval["low"] <= with_interval["value"]).all()
    assert found.sentence == found.advice.sentence


@pytest.mark.parametrize(("unit", "sizes"), [("response", {2, 3, 5, 8}), ("comparison", {2, 3, 5})])
def test_a_budget_too_small_for_any_interval_has_all_that_it_pays_for_and_says_so(unit, sizes):
    found = asked(budget=18, unit=unit)
    assert set(found.rows["n_responses"]) == sizes
    assert found.rows["low"].isna().all()
    assert found.sentence.startswith("Cannot tell")


@pytest.mark.parametrize(("unit", "sizes"), [("response", {2, 3, 5}), ("comparison", {2, 3})])
def test_the_unit_decides_what_a_budget_can_pay_for(unit, sizes):
    assert set(asked(budget=110, unit=unit).rows["n_responses"]) == sizes


def test_policies_answer_the_prompts_that_do_not_measure():
    """Gold of the measuring half turned round changes what is measured, and not what the best policy is worth."""
    turned_pk = np.where(MEASURING_P[:, None], -GOLD_PK, GOLD_PK)
    best, worst = (asked(gold_pk=gold_pk).advice.table["right_choice"].max() for gold_pk in (GOLD_PK, turned_pk))
    assert best > 0.8
    assert worst < 0.3


def test_a_bank_that_is_too_small_gives_a_sentence_and_no_rows():
    found = asked(gold_pk=GOLD_PK[:10], score_fpk=SCORE_FPK[:, :10], measuring_p=MEASURING_P[25:35])
    assert found.advice is None
    assert found.rows.empty
    assert found.sentence.startswith("No advice: a bank of 6 reward models on 10 prompts")


def test_a_budget_that_pays_for_nothing_gives_a_sentence():
    assert asked(budget=1).sentence.startswith("No advice: ")
