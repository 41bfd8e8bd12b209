"""Curves of gold reward against n: what is drawn is what the table says."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.figures.best_of_n import best_of_n_figure, noise_panels
from tests.figures.drawn_lines import line

KIND = {"seeds": 5, "estimand": "new seeds, new prompts", "method": "two-way", "level": 0.95}


def curve(name, ns, means, **columns):
    table = pd.DataFrame({"reward_model": name, "n": ns, "mean": means} | columns)
    return table.assign(low=table["mean"] - 0.1, high=table["mean"] + 0.1, **KIND)


CURVES = pd.concat([curve("mlp_bt", [4, 1, 2], [0.9, 0.2, 0.6]), curve("random", [1, 2, 4], [0.2, 0.2, 0.2])])


def test_best_of_n_is_drawn_in_the_order_of_n_with_its_band_and_name():
    figure = best_of_n_figure(CURVES)
    (ax,) = figure.axes
    np.testing.assert_array_equal(line(ax, "BT MLP"), [[1, 2, 4], [0.2, 0.6, 0.9]])
    low_high = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert low_high.min() == pytest.approx(0.1)
    assert low_high.max() == pytest.approx(1.0)
    assert "mean of 5 seeds" in ax.get_title(loc="left")
    assert {text.get_text() for text in ax.texts} == {"BT MLP", "random"}


def test_a_figure_refuses_mixed_intervals_repeated_points_and_an_empty_table():
    with pytest.raises(ResultError, match="estimand is 'new seeds, new prompts' and 'new prompts, these fits'"):
        best_of_n_figure(pd.concat([CURVES, curve("linear_bt", [1], [0.3]).assign(estimand="new prompts, these fits")]))
    with pytest.raises(ResultError, match="is listed twice"):
        best_of_n_figure(pd.concat([CURVES, CURVES]))
    with pytest.raises(ResultError, match="the table is empty"):
        best_of_n_figure(CURVES[:0])


def test_each_level_of_noise_is_a_panel_and_baselines_stand_in_all():
    fitted = [curve("mlp_bt", None, [0.4, 0.5], beta=beta, annotations=[100, 800]) for beta in (np.inf, 0.5)]
    plain = curve("gold", None, [1.0], beta=np.nan, annotations=np.nan)
    figure = noise_panels(pd.concat([*fitted, plain]), "gold reward")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["β = 0.5", "no noise"]
    for ax in figure.axes:
        np.testing.assert_array_equal(line(ax, "BT MLP"), [[100, 800], [0.4, 0.5]])
        assert any(np.all(np.asarray(each.get_ydata()) == 1.0) for each in ax.lines)
