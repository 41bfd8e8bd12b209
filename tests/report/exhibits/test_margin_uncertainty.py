"""What the report draws and says of uncertainty: only what rows hold, with the numbers of these rows."""

import re

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest

from rmkit.report.exhibits.margin_uncertainty import margin_uncertainty
from rmkit.report.glossary import Glossary
from rmkit.report.parts import as_svg
from tests.evaluation.test_margin_uncertainty import FITS, GOLD_PK, evaluated, prefers_first
from tests.report.test_degenerate import Stored, assert_readable

STAGE = "04_reward_models"


def results(seeds=(0,), tasks=("helpful",), **options):
    """The same two fits at beta 1 and without noise, their values moved a little by seed."""
    tables = []
    for task in tasks:
        for seed in seeds:
            rows = evaluated(FITS.assign(annotations=150.0), prefers_first=prefers_first, **options)
            rows["value"] *= 1 - 0.01 * seed
            plain = pd.DataFrame({"fit": "gold", "reward_model": "gold", "metric": "accuracy", "value": [1.0]})
            tables.append(pd.concat([plain, rows], ignore_index=True).assign(param_seed=seed, param_task=task))
    return Stored({STAGE: pd.concat(tables, ignore_index=True)})


@pytest.mark.parametrize("seeds", [(0,), (0, 1), (0, 1, 2, 3, 4)])
def test_the_sentence_has_the_means_of_the_rows_before_and_after_selection(seeds):
    stored = results(seeds)
    (drawn,) = margin_uncertainty(stored)
    rows = stored.rows(STAGE)
    rows = rows[(rows["beta"] == 1.0) & (rows["spread"] == "joint") & (rows["share"] == 0.95)]
    everywhere = rows.loc[rows["metric"] == "gold_coverage", "value"].mean()
    picks = rows[rows["metric"] == "gold_coverage_of_pick"].groupby("n")["value"].mean()
    assert (
        f"Linear BT's 95% margin intervals hold gold's difference in {everywhere:.1%} of pairs; around single "
        f"responses they hold gold in {picks[1.0]:.1%} if these are picked at random, and in {picks[5.0]:.1%} if picked "
        "as the best of 5."
    ) in drawn.caption
    assert ("new seeds, these prompts" in drawn.caption) == (len(seeds) == 5)
    tables = [f"{cell.text} {cell.small}" for table in drawn.tables for row in table.rows for cell in row]
    assert_readable([drawn.heading, drawn.caption, *tables, *re.findall("<!--(.*?)-->", as_svg(drawn.figure))])


def test_both_spreads_and_the_margin_alone_are_in_the_tables():
    (drawn,) = margin_uncertainty(results())
    sure, gold = drawn.tables
    assert [row[1].text for row in sure.rows] == ["of the margin", "of both rewards", "none, |margin|"]
    assert [row[1].text for row in gold.rows] == ["of the margin", "of both rewards"]
    assert gold.columns[2:7] == ["pairs, 50%", "pairs, 80%", "pairs, 95%", "best of 1, 95%", "best of 5, 95%"]


def test_each_setting_is_drawn_and_gold_that_has_no_place_is_told():
    found = [*margin_uncertainty(results(tasks=("helpful", "harmless")))]
    assert len({drawn.name for drawn in found}) == len(found) == 2
    (drawn,) = margin_uncertainty(results(gold_pk=-GOLD_PK))
    assert "Linear BT has none: its rewards do not follow gold" in drawn.caption
    tables = [f"{cell.text} {cell.small}" for table in drawn.tables for row in table.rows for cell in row]
    assert_readable([drawn.caption, *tables])


def test_nothing_is_said_without_rows():
    rows = results().rows(STAGE)
    assert [*margin_uncertainty(Stored({STAGE: rows[rows["spread"].isna()]}))] == []
    assert [*margin_uncertainty(Stored({STAGE: rows.drop(columns=["spread", "share"])}))] == []
    assert [*margin_uncertainty(Stored({}))] == []


@pytest.mark.parametrize("term", ["Margin interval", "Confident", "ELCE", "Risk–coverage area"])
def test_its_terms_are_explained(term):
    (drawn,) = margin_uncertainty(results())
    glossary = Glossary()
    for text in (drawn.caption, *(text for table in drawn.tables for text in (table.note, *table.columns))):
        glossary.marked(text)
    assert term in {name for _, name, _ in glossary.used()}
