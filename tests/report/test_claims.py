"""The table of claims says what was asked where, and what came out; a study that asks none has no such section."""

from rmkit.findings.claims import LABELLING
from rmkit.report.claims import NOT_ASKED, claim_sections
from tests.report.test_findings import row, rows_of


def cells(section):
    return {line[0].text: line for line in section.tables[0].rows}


def test_each_claim_has_its_statements_with_verdicts_or_where_else_it_is_answered():
    rows = rows_of(
        row("a1-d-optimal-saves-labels", 0.1, 0.3),
        row("a1-as-released", -0.3, 0.4),
        row("d-optimal-gives-better-best-of-32", -0.3, -0.1),
        row("a7-is-no-worse", 0, 0, reason="no verdict from 4 seeds; it takes 5"),
        row("more-annotations-help", 0.1, 0.2),
        row("contest-policy", 0.1, 0.2, in_study=False),
    )
    (section,) = claim_sections(rows)
    assert section.answers == (
        "Of the 12 claims of arXiv 2502.04354 that can be checked, this study asks A1, A2 and A7.",
    )
    lines = cells(section)
    assert [*lines] == [*LABELLING]
    assert lines["A1"][2].text == "2 statements: 1 shown and 1 cannot tell"
    assert "d optimal saves labels: shown, +0.200 (+0.100 to +0.300)" in lines["A1"][2].small
    assert "as released: cannot tell, +0.050 (−0.300 to +0.400), 0." in lines["A1"][2].small
    assert "could have been seen" in lines["A1"][2].small
    assert lines["A2"][2].small.startswith("d optimal gives better best of 32: contradicted")
    assert "not answered, no verdict from 4 seeds" in lines["A7"][2].small
    assert lines["A5"][2].text == lines["contest"][2].text == NOT_ASKED
    assert "benchmarks/active.py" in lines["A5"][3].text


def test_a_study_that_asks_none_of_them_has_no_section():
    assert list(claim_sections(rows_of(row("more-annotations-help", 0.1, 0.2)))) == []
    (section,) = claim_sections(rows_of(row("contest-policy", 0.1, 0.2)))
    assert "this study asks none, but the contest" in section.answers[0]
