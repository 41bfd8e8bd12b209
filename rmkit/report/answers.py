"""The top of the page: each question of the study, answered in sentences that follow from stored verdicts.

Words from rows of 07_figures; judges nothing. The figure is that of the first exhibit that the study has.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rmkit.findings.questions import QUESTIONS, SANITY_CHECKS, Leading, Question
from rmkit.report.parts import Answer, AnswerSentence, Section, Verdict
from rmkit.report.wording import number, sentence, signed
from rmkit.study.monitoring.words import counted


def answers_and_rest(rows: pd.DataFrame, sections: Sequence[Section]) -> tuple[list[Answer], list[Section]]:
    """The answer to each question that the study asks, and the sections without the figures that show the answers.

    rows: the statements that the study is about. A section of which nothing is left is left out.
    """
    answers, rest = [], list(sections)
    for question in QUESTIONS:
        if sentences := tuple(answer_sentences(question, rows)):
            found = Answer(question.heading, sentences, note(question, rows))
            if showing := next((s for name in question.exhibits for s in rest if s.exhibit == name), None):
                found = replace(found, figure=showing.figure, caption=showing.caption, figure_heading=showing.heading)
                left = replace(showing, figure="", caption="")
                keep = left.answers or left.tables
                rest = [left if section is showing else section for section in rest if section is not showing or keep]
            answers.append(found)
    return answers, rest


def answer_sentences(question: Question, rows: pd.DataFrame) -> Iterator[AnswerSentence]:
    """A sentence for each leading statement that the study is about.

    Where its interval is of something else than the first one's, the sentence says of what.
    """
    led = leading_rows(question, rows)
    for leading, row in led:
        other = not np.isnan(row["low"]) and row["estimand"] != led[0][1]["estimand"]
        # what contradicts a statement shows its opposite, which is what the sentence says
        verdict = Verdict("shown" if row["verdict"] == "contradicted" else row["verdict"])
        said, why, caution = answer_words(leading, row, f", for {row['estimand']}" if other else "")
        yield AnswerSentence(verdict, f"{sentence(said)}: {why}{caution}.", f"{sentence(said)}{caution}.")


def leading_rows(question: Question, rows: pd.DataFrame) -> list[tuple[Leading, dict[Hashable, Any]]]:
    """The leading statements of a question that there are rows of, in its order."""
    by_name = {row["fit"]: row for row in rows.to_dict("records")}
    return [
        (leading, by_name[leading.rule])
        for leading in question.leading
        if leading.rule in by_name and leading.unless not in by_name
    ]


def answer_words(leading: Leading, row: Mapping[Hashable, Any], of: str) -> tuple[str, str, str]:
    """What a verdict says; what that rests on: effect, unit, interval (`of`), or why there is none; and a caution."""
    verdict, claim = row["verdict"], leading.claim
    if verdict == "not answered":
        return f"whether {claim} is not answered", row["no_interval"], ""
    if verdict == "cannot tell":
        seen = number(row["detectable"], digits(row))
        return f"this study cannot tell whether {claim}", f"{effect(row, of)}; {seen} could have been seen", ""
    if verdict == "not shown":
        ruled_out = f"an effect of {row['threshold'] + row['matters']:g} would matter, and is ruled out"
        return f"this study does not show that {claim}", f"{effect(row, of)}; {ruled_out}", ""
    alone = "" if row["survives"] or np.isnan(row["p_holm"]) else "; this does not survive Holm's correction"
    if verdict == "shown":
        return claim, effect(row, of), alone
    turned = leading.turned and row["threshold"] == 0
    return leading.opposite, f"{effect(row, of, turned=turned)}; the claim that was tested said the reverse", alone


def effect(row: Mapping[Hashable, Any], of: str, *, turned: bool = False) -> str:
    """+0.29 gold reward (0.16 to 0.43{of}); turned: of second minus first."""
    value, low, high = (
        (row["value"], row["low"], row["high"]) if not turned else (-row["value"], -row["high"], -row["low"])
    )
    places = digits(row)
    return f"{signed(value, places)} {row['unit']} ({number(low, places)} to {number(high, places)}{of})"


def digits(row: Mapping[Hashable, Any]) -> int:
    """Two places, or three where two would hide on which side of the threshold an end lies, or what would matter."""
    ends = [row[end] - row["threshold"] for end in ("low", "high")]
    return 3 if row["matters"] < 0.05 or any(abs(end) < 0.005 for end in ends) else 2


def note(question: Question, rows: pd.DataFrame) -> str:
    """What effects and intervals are of, and how many statements on the question survive among many."""
    led = [row for _, row in leading_rows(question, rows)]
    estimands, units = ([row[key] for row in led] for key in ("estimand", "unit"))
    unless = " where nothing else is said" if len(set(estimands)) > 1 else ""
    said = [said for unit, said in question.units.items() if unit in units]
    said.append(f"Intervals are for {estimands[0]}{unless}.")
    asked = rows[rows["question"] == question.heading]
    if asked["p_holm"].notna().any():
        left = asked[asked["survives"] != ""]
        survivors = f"{len(left) or 'none'} survive{'s' * (len(left) < 2)}"
        n_checks = int(left["fit"].isin(SANITY_CHECKS).sum())
        checks = f", {n_checks} of them {'a sanity check' if n_checks == 1 else 'sanity checks'}" if n_checks else ""
        said.append(f"Of {counted(len(asked), 'statement')} on this question, {survivors} Holm's correction{checks}.")
    return " ".join(said)
