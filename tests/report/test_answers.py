"""The top of the page says what the verdicts say: with effect, unit and interval, and no more."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rmkit.findings.questions import PAIRS, QUESTIONS, REWARD_MODEL
from rmkit.findings.rules import Rule
from rmkit.findings.verdicts import among_many, no_interval, row_of
from rmkit.intervals.means import Interval
from rmkit.report.answers import answers_and_rest
from rmkit.report.findings import stored_findings
from rmkit.report.parts import Section, Table
from rmkit.report.wording import sentence
from tests.report.test_degenerate import Stored

ESTIMAND = "new seeds, new prompts"


def stored(*intervals, stage="05_active_labeling", leading=PAIRS.leading, **changed):
    """Rows of a question's leading statements, one for each interval."""
    rows = []
    for one, interval in zip(leading, intervals, strict=False):
        rule = Rule(one.rule, "a.", "b", stage, "difference", 0.0, 0.01, "Spearman correlation", ESTIMAND, {})
        rows.append(row_of(replace(rule, **changed), interval, rule.digest) | {"in_study": True})
    return stored_findings(Stored({"07_figures": among_many(pd.DataFrame(rows))}))


def interval(value, low, high, estimand=ESTIMAND):
    return Interval(value, low, high, 0.95, estimand, "by hand", 5)


def first_sentence(*intervals, **changed):
    (answer,), _ = answers_and_rest(stored(*intervals, **changed), [])
    return answer.sentences[0]


@pytest.mark.parametrize(
    ("effect", "sign", "said"),
    [
        (
            interval(0.2, 0.1, 0.3),
            "✓",
            "D-optimal choice orders responses better than labelling at random: +0.200 Spearman correlation (0.100 to 0.300).",
        ),
        (
            interval(-0.2, -0.3, -0.1),
            "✓",
            "Labelling at random orders responses better than D-optimal choice: +0.200 Spearman correlation (0.100 to 0.300); the claim that "
            "was tested said the reverse.",
        ),
        (
            interval(0.0, -0.005, 0.005),
            "○",
            "This study does not show that D-optimal choice orders responses better than labelling at random: 0.000 Spearman correlation "
            "(−0.005 to 0.005); an effect of 0.01 would matter, and is ruled out.",
        ),
        (
            interval(0.043, -0.009, 0.095),
            "?",
            "This study cannot tell whether D-optimal choice orders responses better than labelling at random: +0.043 Spearman correlation "
            "(−0.009 to 0.095); 0.074 could have been seen.",
        ),
        (
            no_interval(ESTIMAND, "no verdict from 2 seeds; it takes 5"),
            "–",
            "Whether D-optimal choice orders responses better than labelling at random is not answered: no verdict from 2 seeds; it takes 5.",
        ),
    ],
)
def test_a_sentence_follows_from_the_verdict(effect, sign, said):
    sentence = first_sentence(effect)
    assert (sentence.verdict.sign, sentence.text) == (sign, said)
    assert said.startswith(sentence.short.removesuffix("."))  # the same, without what it rests on
    assert not any(letter.isdigit() for letter in sentence.short)


def test_what_does_not_survive_among_many_says_so():
    alone, among = interval(0.2, 0.01, 0.39), interval(0.0, -1.0, 1.0)
    assert "Holm" not in first_sentence(alone).text
    weak = first_sentence(alone, among, among)
    assert weak.text.endswith("; this does not survive Holm's correction.")
    assert (
        weak.short
        == "D-optimal choice orders responses better than labelling at random; this does not survive Holm's correction."
    )


@pytest.mark.parametrize(
    ("effect", "matters", "said"),
    [
        (interval(0.2, 0.1, 0.3), 0.1, "+0.20 Spearman correlation (0.10 to 0.30)"),
        (interval(0.2, 0.002, 0.4), 0.1, "+0.200 Spearman correlation (0.002 to 0.400)"),
    ],
)
def test_numbers_are_as_fine_as_the_verdict_needs(effect, matters, said):
    assert said in first_sentence(effect, matters=matters).text


def test_a_reversed_correlation_keeps_its_sign():
    leading = QUESTIONS[2].leading
    text = first_sentence(interval(-0.5, -0.6, -0.4), stage="06_accuracy_vs_policy", leading=leading, matters=0.2).text
    assert text.startswith("The more accurate of two reward models tends to give the worse Best-of-32 policy: −0.50 ")


def test_intervals_of_something_else_than_the_first_say_of_what():
    these = interval(0.2, 0.1, 0.3, "new prompts, these fits")
    rows = stored(interval(0.2, 0.1, 0.3), these, stage="04_reward_models", leading=REWARD_MODEL.leading)
    (answer,), _ = answers_and_rest(rows, [])
    assert "(0.100 to 0.300)" in answer.sentences[0].text
    assert "(0.100 to 0.300, for new prompts, these fits)" in answer.sentences[1].text
    assert "Intervals are for new seeds, new prompts where nothing else is said. " in answer.note
    assert "Of 2 statements on this question, 2 survive Holm's correction." in answer.note


def test_a_statement_leads_only_where_the_one_that_it_stands_for_is_not_asked():
    twins = [one for one in REWARD_MODEL.leading if one.unless]
    assert twins
    for twin in twins:
        (first,) = (one for one in REWARD_MODEL.leading if one.rule == twin.unless)
        effects = interval(0.2, 0.1, 0.3), interval(0.2, 0.1, 0.3)
        (answer,), _ = answers_and_rest(stored(*effects, stage="09_human_preferences", leading=(first, twin)), [])
        assert [one.text.startswith(sentence(first.claim)) for one in answer.sentences] == [True]
        (answer,), _ = answers_and_rest(stored(effects[0], stage="09_human_preferences", leading=(twin,)), [])
        assert answer.sentences[0].text.startswith(sentence(twin.claim))


def test_a_question_that_the_study_does_not_ask_has_no_answer():
    (answer,), _ = answers_and_rest(stored(interval(0.2, 0.1, 0.3)), [])
    assert answer.heading == "Which pairs should be labelled next?"
    assert answers_and_rest(stored(interval(0.2, 0.1, 0.3)).assign(fit="my-own"), []) == ([], [])


def test_an_answer_says_what_its_units_are_of():
    (answer,), _ = answers_and_rest(stored(interval(0.2, 0.1, 0.3)), [])
    assert answer.note.startswith("The correlation is of reward with gold reward within prompts")
    (answer,), _ = answers_and_rest(stored(interval(0.2, 0.1, 0.3), unit="nats"), [])
    assert answer.note.startswith("Intervals are for")


def test_a_figure_moves_to_the_answer_that_it_shows_and_its_tables_stay():
    table = Table("t", "n", ["c"], [])
    curves = Section("Curves", figure="<svg>1</svg>", caption="one", exhibit="05_active_curves")
    differences = Section("Differences", figure="<svg>2</svg>", caption="two", exhibit="05_active_differences")
    other = Section("Other", figure="<svg>3</svg>", caption="three", exhibit="03_annotation_noise")
    rows = stored(interval(0.2, 0.1, 0.3))
    (answer,), rest = answers_and_rest(rows, [other, curves, differences])
    assert (answer.figure, answer.caption, answer.figure_heading) == ("<svg>2</svg>", "two", "Differences")
    assert rest == [other, curves]
    (answer,), rest = answers_and_rest(rows, [other, replace(curves, tables=(table,))])
    assert answer.figure == "<svg>1</svg>"
    assert rest == [other, Section("Curves", tables=(table,), exhibit="05_active_curves")]


def test_a_question_without_its_figure_is_answered_in_words():
    (answer,), rest = answers_and_rest(stored(interval(np.nan, np.nan, np.nan)), [])
    assert (answer.figure, rest) == ("", [])
