"""The report's section on statements: what the study was asked, by question, and the verdicts of 07_figures.

Words and tables from stored rows; judges nothing.
"""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd

from rmkit.findings.questions import OTHER, QUESTIONS, SANITY_CHECKS
from rmkit.intervals.means import NEW_SEEDS_NEW_PROMPTS
from rmkit.report.exhibits.settings import Results
from rmkit.report.parts import VERDICTS, Section, Table, TableCell, Verdict
from rmkit.report.wording import NONE, number, signed
from rmkit.study.monitoring.words import counted

NOT_ANSWERED = "not answered"
MANY = 10  # seeds, of which each effect is no longer listed
# Columns that rows of an earlier version lack, with what says nothing.
LATER = {"question": OTHER, "p_value": np.nan, "p_holm": np.nan, "survives": "", "in_study": True}
LATER |= {"by_seed": "", "by_world": "", "by_setting": "", "tau": np.nan, "same_sign": np.nan, "not_reached": np.nan}


def stored_findings(results: Results) -> pd.DataFrame:
    """The rows of all statements, none where 07_figures is not finished; those of an earlier version completed."""
    if "07_figures" not in results.gathered:
        return pd.DataFrame()
    rows = results.rows("07_figures")
    rows = rows[rows["metric"] == "effect"]
    return rows.assign(**{name: value for name, value in LATER.items() if name not in rows})


def finding_sections(rows: pd.DataFrame) -> Iterator[Section]:
    """One section with a table for each question; none without rows. rows: as `stored_findings` gives them."""
    if rows.empty:
        return
    asked = rows[rows["in_study"]]
    yield Section(
        heading="Every statement, by question",
        scope=f"{written(asked)} ({folder(asked)}); a verdict follows from its interval alone.{outliers(asked)}",
        answers=(*answers(asked), *elsewhere(len(rows) - len(asked))),
        tables=tuple(finding_tables(asked)),
        verdicts=True,
    )


def folder(rows: pd.DataFrame) -> str:
    """Where the statements lie."""
    return str(rows["param_findings_folder"].iloc[0]) if "param_findings_folder" in rows else "docs/findings"


def written(rows: pd.DataFrame) -> str:
    """Which rules these are, as far as the study says."""
    if (rows["rule"] == "as registered").all():
        return "Statements, thresholds and what would matter are word for word as the study's file registers them"
    return "Statements, thresholds and what would matter are those of now, not all of them registered"


def outliers(rows: pd.DataFrame) -> str:
    """What intervals over few seeds miss, where the seeds stand beside one."""
    if not (rows["estimand"].eq(NEW_SEEDS_NEW_PROMPTS) & rows["by_seed"].ne("")).any():
        return ""
    of_correlations = rows["unit"].str.startswith("difference of").any()
    more = ", and those of a difference of correlations in 92% to 96%" if of_correlations else ""
    return (
        " Where one seed lies far from the others, an interval holds the truth less often than it says: look at the "
        "effects seed by seed. Simulated with such seeds, intervals over 5 of them hold it in 80% to 91% of studies, "
        f"over 7 in 86% to 92%, over 20 in 92% to 96%{more} (docs/log/interval-coverage.md)."
    )


def answers(rows: pd.DataFrame) -> Iterator[str]:
    """How many statements came out how, survive among many, or have no answer, and whether rules are as registered."""
    counts = rows["verdict"].value_counts()
    n_answered = len(rows) - counts.get(NOT_ANSWERED, 0)
    if parts := [f"{counts[name]} {name}" for name in VERDICTS if name in counts and name != NOT_ANSWERED]:
        yield f"Of {counted(n_answered, 'statement')} that this study answers: {', '.join(parts)}."
    yield from survival(rows)
    if n_answered < len(rows):
        yield f"{counted(len(rows) - n_answered, 'statement')} not answered: the table gives the reasons."
    for state, of_state in rows[rows["rule"] != "as registered"].groupby("rule"):
        yield f"{counted(len(of_state), 'rule')} {state}: {', '.join(of_state['fit'])}. Read such verdicts with care."


def survival(rows: pd.DataFrame) -> Iterator[str]:
    """How many of the verdicts that say something survive Holm's correction, and how many of these were doubted."""
    decided = rows[rows["verdict"].isin(["shown", "contradicted"])]
    if decided["p_holm"].isna().any():
        yield "These verdicts are of an earlier version, without correction for many statements: run 07_figures again."
    elif len(decided):
        survivors = decided[decided["survives"] != ""]
        n_checks = int(survivors["fit"].isin(SANITY_CHECKS).sum())
        checks = (
            f"; {n_checks} of these {'is a sanity check' if n_checks == 1 else 'are sanity checks'}" if n_checks else ""
        )
        hints = "" if len(survivors) == len(decided) else " Read the others as hints."
        yield (
            f"{len(survivors)} of the {len(decided)} shown or contradicted survive{'s' * (len(survivors) == 1)} Holm's "
            f"correction over all statements of their question{checks}.{hints}"
        )
        if decided["estimand"].nunique() > 1:
            yield "A p-value is about what its interval is for: one for these fits says nothing of other fits."


def elsewhere(count: int) -> Iterator[str]:
    """That there are statements on what the study does not run."""
    if count:
        yield f"{counted(count, 'statement')} on what this study does not run {'is' if count == 1 else 'are'} left out."


def finding_tables(rows: pd.DataFrame) -> Iterator[Table]:
    """A table for each question that has statements, what is of none at the end."""
    for heading in (*(question.heading for question in QUESTIONS), OTHER):
        of_question = rows[rows["question"] == heading]
        if len(of_question):
            n_tests = int(of_question["p_holm"].notna().sum())
            corrected = f"Holm's correction is over {counted(n_tests, 'statement')}. " if n_tests else ""
            note = f"{corrected}The rows of 07_figures also hold methods and digests."
            columns = ["statement", "verdict", "effect", "p, Holm", "interval for"]
            yield Table(heading, note, columns, list(finding_lines(of_question)))


def finding_lines(rows: pd.DataFrame) -> Iterator[list[TableCell]]:
    """A row a statement, those with an answer first: its verdict, its effect with interval and unit, its p-values."""
    place = rows["verdict"].map({name: position for position, name in enumerate(VERDICTS)})
    for row in rows.assign(place=place).sort_values("place", kind="stable").to_dict("records"):
        if np.isnan(row["value"]):
            effect = TableCell(NONE, wide=True)  # the reason is beside the verdict
        else:
            shown = number if is_ratio(row) else signed
            between = "" if np.isnan(row["low"]) else f" ({shown(row['low'], 3)} to {shown(row['high'], 3)})"
            against = "" if row["threshold"] == 0 else f"; threshold {row['threshold']:g}".replace("-", "−")
            matters = f"; {row['matters']:g} would matter"
            more = f"{by_seed(row)}{by_world(row)}{by_setting(row)}{more_than_all(row)}"
            effect = TableCell(shown(row["value"], 3), f"{row['unit']}{between}{against}{matters}{more}", wide=True)
        check = "; a sanity check" if row["fit"] in SANITY_CHECKS else ""
        yield [
            TableCell(row["statement"], f"{row['source']}{check}", wide=True),
            verdict_cell(row),
            effect,
            p_cell(row),
            TableCell(row["estimand"], wide=True),
        ]


def by_seed(row: dict) -> str:
    """The effect in each seed, to as many digits as their mean, or of many seeds the ends."""
    effects = [effect for effect in json.loads(row["by_seed"] or "[]") if effect is not None]  # null: no number
    if len(effects) > MANY:
        least, most, below = min(effects), max(effects), sum(effect < 0 for effect in effects)
        return f"; {len(effects)} seeds from {signed(least, 3)} to {signed(most, 3)}, {below} of them below 0"
    return f"; seed by seed {', '.join(signed(effect, 3) for effect in effects)}" if len(effects) > 1 else ""


def by_world(row: dict) -> str:
    """The effect in each world by its seed, how many have the mean's sign, and the spread between worlds."""
    effects = {world: effect for world, effect in json.loads(row["by_world"] or "{}").items() if effect is not None}
    if not effects:
        return ""
    shown = number if is_ratio(row) else signed
    each = ", ".join(f"{shown(effect, 3)} in world {world}" for world, effect in effects.items())
    spread = "" if np.isnan(row["tau"]) else f", standard deviation between worlds {number(row['tau'], 3)}"
    return f"; {each}; {round(row['same_sign'] * len(effects))} of {len(effects)} worlds have the mean's sign{spread}"


def by_setting(row: dict) -> str:
    """The ends of what the effect is in the settings that it averages, and how many lie on either side of nothing."""
    effects = json.loads(row["by_setting"] or "{}")
    if not effects:
        return ""
    shown, nothing = (number, 1.0) if is_ratio(row) else (signed, 0.0)
    (least, low), *_, (most, high) = sorted(effects.items(), key=lambda one: one[1])
    above = sum(effect > nothing for effect in effects.values())
    ends = f"from {shown(low, 3)} ({least}) to {shown(high, 3)} ({most})"
    return f"; in {len(effects)} settings {ends}, {above} of them above {nothing:g}"


def more_than_all(row: dict) -> str:
    """In how many seeds one way needs more than all labels to reach the other's last score."""
    if np.isnan(row["not_reached"]):
        return ""
    return f"; in {counted(int(row['not_reached']), 'seed')} more than all labels would be needed"


def is_ratio(row: dict) -> bool:
    """Whether an effect is a ratio, which is 1 where nothing differs and has no sign."""
    return str(row["unit"]).startswith("ratio")


def verdict_cell(row: dict) -> TableCell:
    """The verdict, with what could have been seen, whether it survives, or why there is none; and a changed rule."""
    small = []
    if row["verdict"] == "cannot tell" and not np.isnan(row["detectable"]):
        small.append(f"{number(row['detectable'], 3)} could have been seen")
    elif row["no_interval"]:
        small.append(row["no_interval"])
    if row["verdict"] in ("shown", "contradicted") and not np.isnan(row["p_holm"]):
        small.append("survives" if row["survives"] else "does not survive Holm's correction")
    if row["rule"] != "as registered":
        small.append(f"rule {row['rule']}")
    return TableCell(row["verdict"], "; ".join(small), wide=True, verdict=Verdict(row["verdict"]))


def p_cell(row: dict) -> TableCell:
    """Holm's p-value, and in small the one of the statement alone."""
    if np.isnan(row["p_holm"]):
        return TableCell(NONE)
    return TableCell(p_words(row["p_holm"]), f"alone {p_words(row['p_value'])}")


def p_words(p: float) -> str:
    """A p-value to three places, or that it is smaller."""
    return "< 0.001" if p < 0.001 else number(p, 3)
