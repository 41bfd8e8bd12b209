"""The report's table of a paper's claims: which of them this study asks, by which statements, with which verdicts.

Words from rows of 07_figures and the list of claims; judges nothing.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from rmkit.findings.claims import CONTEST, LEDGERS, LISTED, Ledger, claim_of
from rmkit.report.findings import finding_lines
from rmkit.report.parts import VERDICTS, Section, Table, TableCell
from rmkit.report.wording import NONE, join, number
from rmkit.study.monitoring.words import counted

NOT_ASKED = "not asked here"


def claim_sections(rows: pd.DataFrame) -> Iterator[Section]:
    """One section, where a study asks any of the claims; rows: as `stored_findings` gives them."""
    if rows.empty or not (tables := claim_tables(rows[rows["in_study"]])):
        return
    told = []
    for ledger, table in tables.items():
        asked = [line[0].text for line in table.rows if line[2].text != NOT_ASKED and line[0].text != CONTEST]
        which = join(asked) if asked else "none, but the contest of large gaps with information"
        n_claims = len([name for name in ledger.claims if name != CONTEST])
        told.append(f"Of the {n_claims} claims of {ledger.source} that can be checked, this study asks {which}.")
    yield Section(
        "Which of the papers' claims were asked, and what came out", answers=tuple(told), tables=tuple(tables.values())
    )


def claim_tables(rows: pd.DataFrame) -> dict[Ledger, Table]:
    """By ledger, of those that rows ask anything of, a row a claim: which statements ask it, with which verdicts.

    rows: result rows of 07_figures with metric `effect`.
    """
    tables = {ledger: claim_table(rows, ledger) for ledger in LEDGERS}
    return {ledger: table for ledger, table in tables.items() if table is not None}


def claim_table(rows: pd.DataFrame, ledger: Ledger) -> Table | None:
    """A row a claim: how many statements ask it, the verdicts, and where else it is answered; None if none is asked."""
    of_each = rows["fit"].map(claim_of) if len(rows) else rows.get("fit")
    by_claim = {name: found for name, found in rows.groupby(of_each) if name in ledger.claims} if len(rows) else {}
    if not by_claim:
        return None
    lines = []
    for name, claim in ledger.claims.items():
        of_claim = by_claim.get(name)
        said = TableCell(NOT_ASKED, wide=True) if of_claim is None else TableCell(*verdict_words(of_claim), wide=True)
        lines.append(
            [TableCell(name), TableCell(claim.text, wide=True), said, TableCell(claim.elsewhere or NONE, wide=True)]
        )
    note = (
        "In small, each statement's effect with its interval; of those that this study cannot tell, also what could "
        "have been seen. The statements themselves, with thresholds and units, are in the tables of statements."
    )
    return Table(f"The claims of {ledger.source}", note, ["claim", "in words", "asked here", "also answered in"], lines)


def verdict_words(rows: pd.DataFrame) -> tuple[str, str]:
    """How many statements came out how; and each with its effect, shortly."""
    counts = rows["verdict"].value_counts()
    told = join([f"{counts[name]} {name}" for name in VERDICTS if name in counts])
    each = []
    for row, line in zip(in_order(rows), finding_lines(rows), strict=True):
        interval = line[2].small.partition(")")[0].partition("(")[2]
        effect = f"{line[2].text} ({interval})" if interval and line[2].text != NONE else row["no_interval"]
        seen = ""
        if row["verdict"] == "cannot tell" and not np.isnan(row["detectable"]):
            seen = f", {number(row['detectable'], 3)} could have been seen"
        each.append(f"{short(row['fit'])}: {row['verdict']}, {effect}{seen}")
    return f"{counted(len(rows), 'statement')}: {told}", "; ".join(each)


def in_order(rows: pd.DataFrame) -> list[dict]:
    """The rows in the order of `finding_lines`."""
    place = rows["verdict"].map({name: position for position, name in enumerate(VERDICTS)})
    return [dict(row) for row in rows.assign(place=place).sort_values("place", kind="stable").to_dict("records")]


def short(name: str) -> str:
    """A statement's name in words, without its claim: d optimal saves labels beside random."""
    return (name if name in LISTED else name.partition("-")[2]).replace("-", " ")
