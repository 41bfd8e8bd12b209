"""Figures of test-set designs: what is drawn, and what is refused."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.evaluation.design_contrasts import rows_of
from rmkit.figures.test_sets import (
    category_map,
    curve_figure,
    dots_figure,
    measure_table,
    rank_bin_map,
    rewording_figure,
)
from tests.evaluation.judged_population import Population
from tests.figures.readable import alike_but_for_hue, pale_words

POLICIES = ["best_of_2", "kl_0.5"]


@pytest.fixture(scope="module")
def rows():
    return rows_of(Population().found(), "kendall")


def changes():
    fits = pd.DataFrame({"fit": ["a", "b"], "reward_model": ["linear_bt", "mlp_bt"], "units": 30})
    return pd.concat([fits.assign(metric=m, value=[0.1, 0.2]) for m in ("score_change", "rank_flips")])


FIGURES = {
    "bins": lambda rows: rank_bin_map(rows, POLICIES),
    "categories": lambda rows: category_map(rows, POLICIES),
    "shares": lambda rows: curve_figure(rows, "D", "share", POLICIES),
    "pairs": lambda rows: curve_figure(rows, "E", "n_pairs", POLICIES),
    "responses": lambda rows: curve_figure(rows, "F", "n_responses", POLICIES),
    "budgets": lambda rows: curve_figure(
        rows[rows["measure"] == "accuracy"], "G", "n_responses", POLICIES[:1], lines="budget", panels="unit"
    ),
    "sources": lambda rows: dots_figure(rows, "A", "source", POLICIES),
    "rewordings": lambda rows: rewording_figure(changes()),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_read(name, rows):
    figure = FIGURES[name](rows)
    assert pale_words(figure) == []
    assert all(alike_but_for_hue(ax) == [] for ax in figure.axes)


def test_a_map_has_a_panel_for_each_policy_and_writer_with_its_values(rows):
    figure = FIGURES["bins"](rows)
    panels = [ax for ax in figure.axes if ax.get_title(loc="left")]
    assert [ax.get_title(loc="left").replace("\n", " ") for ax in panels] == [
        f"{policy}, {writer}"
        for policy in ("Best-of-2", "KL optimum at 0.5 nats")
        for writer in ("fine-tuned", "base model")
    ]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["1", "0"]
    cell = rows[(rows["design"] == "B") & (rows["policy"] == "best_of_2") & (rows["source"] == "sft")]
    cell = cell[(cell["metric"] == "correlation") & (cell["measure"] == "accuracy")]
    texts = {text.get_text() for text in panels[0].texts}
    assert {f"{value:.2f}".replace("-", "−") for value in cell["value"]} <= texts


def test_a_curve_goes_through_its_rows_and_names_its_policies(rows):
    figure = FIGURES["responses"](rows)
    ax = figure.axes[0]
    assert [line.get_label() for line in ax.lines][:2] == ["Best-of-2", "KL optimum at 0.5 nats"]
    here = rows[(rows["metric"] == "correlation") & (rows["design"] == "F") & (rows["measure"] == "accuracy")]
    wanted = here[here["policy"] == "best_of_2"].sort_values("n_responses")["value"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), wanted)


def test_several_reasons_for_no_interval_are_one_clause(rows):
    title = " ".join(FIGURES["budgets"](rows)._suptitle.get_text().split())
    assert title.endswith("dots without a line have none: too few prompts or reward models")


def test_the_table_of_measures_is_in_the_order_of_the_first_policy(rows):
    table = measure_table(rows, POLICIES)
    values = table["Best-of-2"].str.split().str[0].astype(float)
    assert values.is_monotonic_decreasing
    assert table.iloc[0, 0].count(" to ") == 1


@pytest.mark.parametrize("draw", [rank_bin_map, category_map])
def test_a_design_that_is_not_there_is_refused(draw, rows):
    with pytest.raises(ResultError, match="have no correlations of design"):
        draw(rows[rows["design"] == "F"], POLICIES)


def test_points_that_are_there_twice_are_refused(rows):
    with pytest.raises(ResultError, match="twice; draw them apart"):
        curve_figure(pd.concat([rows, rows]), "F", "n_responses", POLICIES)
    with pytest.raises(ResultError, match="no rows; draw them apart"):
        curve_figure(rows, "F", "share", POLICIES)
