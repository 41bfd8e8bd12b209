"""What the report says of statements: by question, answers first, those without one apart, and what survives among many."""

import numpy as np
import pandas as pd

from rmkit.findings.questions import OTHER
from rmkit.findings.rules import Rule
from rmkit.findings.verdicts import among_many, no_interval, row_of
from rmkit.intervals.means import Interval
from rmkit.report.findings import answers, finding_sections, finding_tables
from rmkit.study.monitoring.words import counted


def row(name, low, high, reason=None, *, stage="04_reward_models", in_study=True, by_seed="", by_world="", **more):
    estimand = "new seeds, new prompts"
    rule = Rule(name, f"{name}.", "nobody", stage, "difference", 0.0, 0.1, "gold reward", estimand, {})
    interval = Interval((low + high) / 2, low, high, 0.95, estimand, "by hand", 5)
    interval = no_interval(estimand, reason) if reason else interval
    each = {"by_seed": by_seed, "by_world": by_world, "tau": 0.05 if by_world else np.nan, "same_sign": 2 / 3}
    each |= {"by_setting": "", "not_reached": np.nan} | more
    return row_of(rule, interval, rule.digest) | {"in_study": in_study, **each}


def rows_of(*rows):
    return among_many(pd.DataFrame(rows))


ROWS = rows_of(row("a", 0, 0, "no verdict from 2 seeds; it takes 5"), row("b", 0.1, 0.3), row("c", -0.1, 0.4))
SURVIVES = "1 of the 1 shown or contradicted survives Holm's correction over all statements of their question."


def test_what_is_not_answered_is_counted_apart():
    assert list(answers(ROWS)) == [
        "Of 2 statements that this study answers: 1 shown, 1 cannot tell.",
        SURVIVES,
        "1 statement not answered: the table gives the reasons.",
    ]
    assert list(answers(ROWS[1:2])) == ["Of 1 statement that this study answers: 1 shown.", SURVIVES]
    assert list(answers(ROWS[:1])) == ["1 statement not answered: the table gives the reasons."]


def test_the_table_has_answers_first_and_says_once_why_there_is_none():
    (table,) = finding_tables(ROWS)
    assert [[cell.text for cell in row[:3]] for row in table.rows] == [
        ["b.", "shown", "+0.200"],
        ["c.", "cannot tell", "+0.150"],
        ["a.", "not answered", "–"],
    ]
    assert [cell.small for cell in table.rows[2][1:3]] == ["no verdict from 2 seeds; it takes 5", ""]
    assert "could have been seen" in table.rows[1][1].small
    assert [row[1].verdict.sign for row in table.rows] == ["✓", "?", "–"]


def test_every_question_has_its_table_and_the_rest_one_at_the_end():
    own = row("own", 0.1, 0.3, stage="11_mine")
    tables = list(finding_tables(rows_of(own, row("b", 0.1, 0.3), row("d", 0.1, 0.3, stage="05_active_labeling"))))
    assert [table.heading for table in tables] == [
        "Which reward model should learn from which labels?",
        "Which pairs should be labelled next?",
        OTHER,
    ]


def test_what_survives_among_many_is_said_beside_the_verdict_and_counted():
    weak, checked = row("weak", 0.005, 0.3), row("more-annotations-help", 0.2, 0.3)
    rows = rows_of(weak, checked, *(row(f"no{i}", -0.1, 0.05) for i in range(3)))
    _, survival, *_ = answers(rows)
    assert survival == (
        "1 of the 2 shown or contradicted survives Holm's correction over all statements of their question; 1 of these is "
        "a sanity check. Read the others as hints."
    )
    (table,) = finding_tables(rows)
    cells = {row[0].text: row for row in table.rows}
    assert cells["weak."][1].small == "does not survive Holm's correction"
    assert cells["more-annotations-help."][1].small == "survives"
    assert cells["more-annotations-help."][0].small == "nobody; a sanity check"
    assert cells["weak."][3].small.startswith("alone 0.0")
    assert float(cells["weak."][3].text) > 0.05
    assert table.note.startswith("Holm's correction is over 5 statements.")


def test_what_the_study_does_not_run_is_counted_and_not_told():
    rows = rows_of(row("b", 0.1, 0.3), row("elsewhere", 0, 0, "this study has no job of 09", in_study=False))
    (section,) = finding_sections(rows)
    assert section.answers[-1] == "1 statement on what this study does not run is left out."
    assert len(section.tables[0].rows) == 1
    assert counted(1, "statement") in section.answers[0]


def test_a_seed_without_a_number_is_left_out_of_what_is_said_of_seeds():
    (section,) = finding_sections(rows_of(row("b", 0.1, 0.3, by_seed="[null]")))
    assert "; seed by seed" not in str(section)
    (section,) = finding_sections(rows_of(row("b", 0.1, 0.3, by_seed="[0.1, null, 0.5]")))
    assert "; seed by seed +0.100, +0.500" in str(section)
    (section,) = finding_sections(rows_of(row("b", 0.1, 0.3, by_world='{"1": null}')))
    assert "in world" not in str(section)


def test_effects_stand_seed_by_seed_where_there_are_few_seeds():
    (section,) = finding_sections(rows_of(row("b", 0.1, 0.3, by_seed="[0.1, -0.004, 0.5]")))
    assert section.tables[0].rows[0][2].small.endswith("; seed by seed +0.100, −0.004, +0.500")
    assert "look at the effects seed by seed" in section.scope
    (section,) = finding_sections(ROWS)
    assert "seed by seed" not in section.scope + section.tables[0].rows[0][2].small


def test_effects_stand_world_by_world_where_there_are_several():
    (section,) = finding_sections(rows_of(row("b", 0.1, 0.3, by_world='{"3": 0.2, "4": -0.1, "5": 0.5}')))
    assert (
        section.tables[0]
        .rows[0][2]
        .small.endswith(
            "; +0.200 in world 3, −0.100 in world 4, +0.500 in world 5; 2 of 3 worlds have the mean's sign, standard "
            "deviation between worlds 0.050"
        )
    )


def test_settings_labels_and_ratios_are_told_in_their_own_words():
    settings = '{"3 helpful": 0.2, "3 harmless": -0.1, "4 helpful": 0.5}'
    (section,) = finding_sections(rows_of(row("b", 0.1, 0.3, by_setting=settings, not_reached=2.0)))
    said = section.tables[0].rows[0][2].small
    assert "in 3 settings from −0.100 (3 harmless) to +0.500 (4 helpful), 2 of them above 0" in said
    assert "in 2 seeds more than all labels would be needed" in said
    settings = '{"helpful": 1.2, "harmless": 0.8}'
    ratio = row("b", 1.1, 1.3, by_setting=settings, by_world='{"3": 1.2, "4": 0.9}', unit="ratio of spreads")
    (section,) = finding_sections(rows_of(ratio))
    effect = section.tables[0].rows[0][2]
    assert (effect.text, "(1.100 to 1.300)" in effect.small) == ("1.200", True)
    assert "1.200 in world 3, 0.900 in world 4" in effect.small
    assert "from 0.800 (harmless) to 1.200 (helpful), 1 of them above 1" in effect.small


def test_of_many_seeds_the_ends_are_told():
    effects = [0.1] * 9 + [-0.2, 0.3]
    (section,) = finding_sections(rows_of(row("b", 0.1, 0.3, by_seed=str(effects))))
    assert section.tables[0].rows[0][2].small.endswith("; 11 seeds from −0.200 to +0.300, 1 of them below 0")
    (section,) = finding_sections(rows_of(row("b", 0.1, 0.3, by_seed="[0.2]")))
    assert "seed by seed" not in section.tables[0].rows[0][2].small
