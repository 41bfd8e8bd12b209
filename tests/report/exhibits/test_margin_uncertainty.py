"""What the report draws and says of uncertainty: only what rows hold, with the numbers of these rows."""

import re

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.evaluation.margin_uncertainty import evaluate_held_out_uncertainty
from rmkit.report.exhibits.margin_uncertainty import margin_uncertainty
from rmkit.report.glossary import Glossary
from rmkit.report.human_preferences import learning_sections
from rmkit.report.parts import as_svg
from tests.evaluation.test_margin_uncertainty import FITS, GOLD_PK, evaluated, prefers_first
from tests.report.test_degenerate import Stored, assert_readable, human_preferences

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


@pytest.mark.parametrize("kind", ["well told", "two seeds"])
def test_people_s_pairs_have_the_table_of_confidence_where_rows_have_it(kind, tmp_path):
    stored = human_preferences(kind)
    (without,) = learning_sections(stored, tmp_path / "page.html")
    margins = {"linear_bt": pd.DataFrame(np.random.default_rng(0).normal(0.3, 1, (1, 60)), index=[1800])}
    sds = {"linear_bt": {"joint": np.full((1, 60), 0.4), "marginal": np.full((1, 60), 0.9)}}
    sureness = evaluate_held_out_uncertainty(margins, sds)
    rows = stored.rows("09_human_preferences")
    made = [rows, *(sureness.assign(param_seed=seed) for seed in rows["param_seed"].unique())]
    jobs = stored.evaluations("09_human_preferences")
    both = Stored({"09_human_preferences": pd.concat(made, ignore_index=True)}, {"09_human_preferences": jobs})
    (section,) = learning_sections(both, tmp_path / "page.html")
    assert section.tables[:-1] == without.tables
    assert section.tables[-1].heading == "Confidence and bounds"
    assert "what people chose" in section.tables[-1].note
    right = np.mean(margins["linear_bt"].to_numpy() > 0.4)
    assert section.tables[-1].rows[0][2].text == f"{right:.3f}"
    assert_readable([text for row in section.tables[-1].rows for text in (row[0].text, row[2].text, row[2].small)])


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
