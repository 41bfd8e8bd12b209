"""The figure of designs: a dot a row of the table, a line where there is an interval, smallest designs on top."""

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.figures.designer import designs_figure

TABLE = pd.DataFrame(
    {
        "design": ["5 responses", "2 responses", "2 responses"],
        "measure": ["accuracy", "accuracy", "spearman"],
        "n_responses": [5, 2, 2],
        "n_prompts": [60, 600, 600],
        "selection_regret": [0.1, 0.2, 0.3],
        "selection_regret_low": [0.05, 0.1, np.nan],
        "selection_regret_high": [0.15, 0.3, np.nan],
        "right_choice": [0.8, 0.7, 0.6],
        "right_choice_low": [0.7, 0.6, np.nan],
        "right_choice_high": [0.9, 0.8, np.nan],
    }
)


def dots(ax):
    """By measure: the places of its dots, without those of rows that are not there."""
    return {
        drawn.get_label(): [place for place in drawn.get_offsets().tolist() if None not in place]
        for drawn in ax.collections
        if not drawn.get_label().startswith("_")
    }


def test_every_row_is_a_dot_in_both_panels_and_the_smallest_design_is_on_top():
    for ax, column in zip(designs_figure(TABLE).axes, ("selection_regret", "right_choice"), strict=True):
        found = {name: [x for x, _ in places] for name, places in dots(ax).items()}
        assert found["accuracy, all pairs"] == TABLE[column][[1, 0]].tolist()
        assert found["Spearman"] == [TABLE[column][2]]
    labels = [label.get_text() for label in designs_figure(TABLE).axes[0].get_yticklabels()]
    assert labels == ["2 responses\n600 prompts", "5 responses\n60 prompts"]


def test_a_dot_without_an_interval_is_hollow():
    ax = designs_figure(TABLE).axes[0]
    face = {drawn.get_label(): drawn.get_facecolors() for drawn in ax.collections}
    assert (face["Spearman"][0] == 1).all()
    assert not (face["accuracy, all pairs"] == 1).all(axis=1).any()


def test_no_design_is_no_figure():
    with pytest.raises(ResultError, match="has no designs"):
        designs_figure(TABLE.iloc[:0])
