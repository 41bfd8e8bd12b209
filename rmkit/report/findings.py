"""The report's first section: what the study was asked beforehand, and the verdicts of 07_figures.

Words and tables from stored rows; judges nothing.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from rmkit.report.exhibits.settings import Results
from rmkit.report.parts import Section, Table, TableCell
from rmkit.report.wording import NONE, counted, number, signed

WORDS = {
    "Shown": "the 95% interval of the effect lies above the threshold that was set beforehand.",
    "Contradicted": "it lies below: the opposite is shown.",
    "Not shown": "it holds the threshold and no effect of the size that was said to matter.",
    "Not answered": "there is no interval: this study lacks the stage, the fits or the seeds, and the reason is given.",
    "Cannot tell": "it holds both; in small, the smallest true effect that four of five such studies would have seen.",
    "Best-of-n": "the gold reward of the response with the highest reward out of n, exactly, over all subsets.",
    "New seeds, new prompts": "the interval is about another draw of pairs, labels and initial weights, and other "
    "prompts, in this one world.",
    "New reward models, new prompts": "the interval is about other reward models of the same population, measured and "
    "optimised on other prompts.",
}
NOT_ANSWERED = "not answered"
ORDER = ("shown", "contradicted", "not shown", "cannot tell", NOT_ANSWERED)


def finding_sections(results: Results) -> Iterator[Section]:
    """One section if 07_figures is finished."""
    if "07_figures" not in results.gathered:
        return
    rows = results.rows("07_figures")
    rows = rows[rows["metric"] == "effect"]
    yield Section(
        heading="What was asked, and what the rows answer",
        scope=f"{written(rows)} (docs/findings); a verdict follows from its interval alone. Of intervals at 95% one in "
        "twenty misses what it is of, and none here is corrected for the others.",
        answers=list(answers(rows)),
        figure="",
        caption="",
        tables=[finding_table(rows)],
        words=WORDS,
    )


def written(rows: pd.DataFrame) -> str:
    """When the rules were written down, as far as the study says."""
    if (rows["rule"] == "as registered").all():
        return "Statements, thresholds and what would matter were written down before the rows were made"
    return "Statements, thresholds and what would matter are those of now, not all of them registered beforehand"


def answers(rows: pd.DataFrame) -> Iterator[str]:
    """How many statements came out how, how many have no answer, and whether all rules are as they were registered."""
    counts = rows["verdict"].value_counts()
    n_answered = len(rows) - counts.get(NOT_ANSWERED, 0)
    if parts := [f"{counts[name]} {name}" for name in ORDER if name in counts and name != NOT_ANSWERED]:
        yield f"Of {counted(n_answered, 'statement')} that this study answers: {', '.join(parts)}."
    if n_answered < len(rows):
        yield f"{counted(len(rows) - n_answered, 'statement')} not answered: the table gives the reasons."
    for state, of_state in rows[rows["rule"] != "as registered"].groupby("rule"):
        yield f"{counted(len(of_state), 'rule')} {state}: {', '.join(of_state['fit'])}. Read such verdicts with care."


def finding_table(rows: pd.DataFrame) -> Table:
    """A row a statement: its effect with interval and unit, and the verdict."""
    lines = []
    place = rows["verdict"].map({name: position for position, name in enumerate(ORDER)})
    for row in rows.assign(place=place).sort_values("place", kind="stable").to_dict("records"):
        if np.isnan(row["value"]):
            effect = TableCell(NONE, wide=True)  # the reason is beside the verdict
        else:
            between = "" if np.isnan(row["low"]) else f"({signed(row['low'], 3)} to {signed(row['high'], 3)})"
            against = f"{row['unit']}; threshold {row['threshold']:g}"
            effect = TableCell(f"{signed(row['value'], 3)}", f"{between} {against}", wide=True)
        lines.append(
            [
                TableCell(row["statement"], row["source"], wide=True),
                effect,
                verdict_cell(row),
                TableCell(row["estimand"], wide=True),
            ]
        )
    note = "Where there is no interval the reason is given. The rows of 07_figures also hold methods and digests."
    return Table("Findings", note, ["statement", "effect", "verdict", "interval for"], lines)


def verdict_cell(row: dict) -> TableCell:
    """The verdict, with what could have been seen where it cannot tell, and a mark on a rule that was changed."""
    small = []
    if row["verdict"] == "cannot tell" and not np.isnan(row["detectable"]):
        small.append(f"{number(row['detectable'], 3)} could have been seen")
    elif row["no_interval"]:
        small.append(row["no_interval"])
    if row["rule"] != "as registered":
        small.append(f"rule {row['rule']}")
    return TableCell(row["verdict"], "; ".join(small), wide=True)
