"""The figure of the split ablation: a line an arm, a panel a number of annotations, and the noise in order."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.ablations.paired_differences import split_curves
from rmkit.errors import ResultError
from rmkit.figures.looks import look_of
from rmkit.figures.split_ablation import split_ablation_figure
from tests.ablations.study import ARMS, ablation_seeds

EFFECT = {arm: float(number) for number, arm in enumerate(ARMS)}
CURVES = split_curves(ablation_seeds(EFFECT, betas=[np.inf, 0.5, 10.0], annotations=[800, 100]), "spearman")


def line(ax, label):
    (found,) = [each for each in ax.lines if each.get_label() == label]
    return found


def test_a_panel_is_a_number_of_annotations_and_noise_falls_from_left_to_right():
    figure = split_ablation_figure(CURVES, "Spearman")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["100 annotated pairs", "800 annotated pairs"]
    for ax, count in zip(figure.axes, (100, 800), strict=True):
        assert [text.get_text() for text in ax.get_xticklabels()] == ["0.5", "10", "no\nnoise"]
        assert len(ax.lines) == len(ax.collections) == 6
        rows = CURVES[(CURVES["annotations"] == count) & (CURVES["arm"] == "mlp_clf sound pair")].set_index("beta")
        drawn = line(ax, "CLF MLP, sound, split by pair")
        np.testing.assert_array_equal(drawn.get_xdata(), [0, 1, 2])
        np.testing.assert_array_equal(drawn.get_ydata(), rows.loc[[0.5, 10.0, np.inf], "mean"])
    assert figure.axes[0].get_ylabel() == "Spearman"
    assert figure.get_suptitle() == "mean of 5 seeds; band: 95% interval for new seeds, new prompts"


def test_colour_and_marker_are_the_objective_and_dash_the_way_of_fitting():
    (ax,) = split_ablation_figure(CURVES[CURVES["annotations"] == 100], "Spearman").axes
    dashes = {
        "as released, split by mirrored row": ":",
        "as released, split by pair": "--",
        "sound, split by pair": "-",
    }
    for head in ("mlp_bt", "mlp_clf"):
        for how, dash in dashes.items():
            drawn = line(ax, f"{look_of(head).label}, {how}")
            assert (drawn.get_color(), drawn.get_linestyle()) == (look_of(head).color, dash)
            assert drawn.get_marker() == look_of(head).marker
    (key,) = ax.figure.legends
    assert [handle.get_marker() for handle in key.legend_handles[:2]] == ["s", "D"]


def test_the_key_names_each_colour_and_dash_once_and_lies_inside_the_figure():
    for curves in (CURVES, CURVES[CURVES["annotations"] == 100]):
        figure = split_ablation_figure(curves, "Spearman")
        (key,) = figure.legends
        assert [text.get_text() for text in key.get_texts()] == [
            "BT MLP",
            "CLF MLP",
            "as released, split by mirrored row",
            "as released, split by pair",
            "sound, split by pair",
        ]
        figure.draw_without_rendering()
        assert key.get_window_extent().x1 <= figure.bbox.x1


def test_without_levels_of_noise_there_is_one_panel_against_annotations():
    seeds = ablation_seeds(EFFECT, betas=[None], annotations=[800, 100, 400], metrics=("accuracy",))
    (ax,) = split_ablation_figure(split_curves(seeds, "accuracy"), "accuracy").axes
    np.testing.assert_array_equal(line(ax, "BT MLP, as released, split by pair").get_xdata(), [100, 400, 800])
    assert ax.get_xscale() == "log"


def test_two_seeds_have_lines_and_say_that_there_is_no_interval():
    seeds = ablation_seeds(EFFECT, betas=[0.5, 1.0], annotations=[100], n_seeds=2)
    assert split_ablation_figure(split_curves(seeds, "spearman"), "y").get_suptitle() == "mean of 2 seeds, no interval"


def test_a_point_that_stands_twice_and_mixed_intervals_are_refused():
    with pytest.raises(ResultError, match="is listed twice; draw one metric"):
        split_ablation_figure(pd.concat([CURVES, CURVES]), "y")
    mixed = CURVES.assign(estimand=np.where(CURVES["beta"] == 0.5, "new prompts, these fits", CURVES["estimand"]))
    with pytest.raises(ResultError, match="estimand is"):
        split_ablation_figure(mixed, "y")
