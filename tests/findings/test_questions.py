"""The questions name statements that there are, of their own stages, and exhibits that the report draws."""

from pathlib import Path

import pytest

from rmkit.findings.evaluated import EVALUATED
from rmkit.findings.questions import OTHER, QUESTIONS, SANITY_CHECKS, question_of
from rmkit.findings.rules import read_rules
from rmkit.report.exhibits.chain import FIGURES

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDERS = ("findings", "findings-active", "findings-policies")
SHIPPED = {rule.name: rule for folder in FOLDERS for rule in read_rules(DOCS / folder)}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.heading)
def test_leading_statements_are_shipped_and_of_the_questions_own_stages(question):
    assert 2 <= len([leading for leading in question.leading if not leading.unless]) <= 5
    for leading in question.leading:
        rule = SHIPPED[leading.rule]
        assert not leading.unless or leading.unless in {other.rule for other in question.leading}
        assert rule.stage in question.stages
        assert leading.claim != leading.opposite
        assert leading.turned == (rule.statistic != "correlation")


def test_every_stage_that_is_asked_belongs_to_one_question_and_any_other_to_none():
    stages = [stage for question in QUESTIONS for stage in question.stages]
    assert sorted(stages) == sorted(EVALUATED)
    assert question_of("05_active_labeling") == "Which pairs should be labelled next?"
    assert question_of("11_my_own") == OTHER


def test_sanity_checks_are_shipped():
    assert set(SANITY_CHECKS) <= set(SHIPPED)


def test_every_statement_is_read_by_itself():
    assert not [rule.name for rule in SHIPPED.values() if rule.statement.startswith("The same")]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.heading)
def test_units_are_those_of_the_leading_statements(question):
    assert set(question.units) <= {SHIPPED[leading.rule].unit for leading in question.leading}


def test_exhibits_are_drawn_by_the_report():
    drawn = {*FIGURES, "09_learning_curves"}
    assert {name for question in QUESTIONS for name in question.exhibits} <= drawn
