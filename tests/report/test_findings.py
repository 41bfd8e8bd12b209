"""What the report says of statements: those with an answer by verdict, those without one apart, with the reason."""

import pandas as pd

from rmkit.findings.rules import Rule
from rmkit.findings.verdicts import no_interval, row_of
from rmkit.intervals.means import Interval
from rmkit.report.findings import answers, finding_table


def row(name, low, high, reason=None):
    estimand = "new seeds, new prompts"
    rule = Rule(name, f"{name}.", "nobody", "04_reward_models", "difference", 0.0, 0.1, "gold reward", estimand, {})
    interval = Interval((low + high) / 2, low, high, 0.95, estimand, "by hand", 5)
    return row_of(rule, no_interval(estimand, reason) if reason else interval, rule.digest)


ROWS = pd.DataFrame([row("a", 0, 0, "no verdict from 2 seeds; it takes 5"), row("b", 0.1, 0.3), row("c", -0.1, 0.4)])


def test_what_is_not_answered_is_counted_apart():
    assert list(answers(ROWS)) == [
        "Of 2 statements that this study answers: 1 shown, 1 cannot tell.",
        "1 statement not answered: the table gives the reasons.",
    ]
    assert list(answers(ROWS[1:2])) == ["Of 1 statement that this study answers: 1 shown."]
    assert list(answers(ROWS[:1])) == ["1 statement not answered: the table gives the reasons."]


def test_the_table_has_answers_first_and_says_once_why_there_is_none():
    rows = finding_table(ROWS).rows
    assert [[cell.text for cell in row[:3]] for row in rows] == [
        ["b.", "+0.200", "shown"],
        ["c.", "+0.150", "cannot tell"],
        ["a.", "–", "not answered"],
    ]
    assert [cell.small for cell in rows[2][1:3]] == ["", "no verdict from 2 seeds; it takes 5"]
    assert "could have been seen" in rows[1][2].small
