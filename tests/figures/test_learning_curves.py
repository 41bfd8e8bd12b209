import matplotlib

matplotlib.use("Agg")

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.figures.learning_curves import learning_curve_figure
from rmkit.figures.looks import look_of

COUNTS = [100, 400, 1600, 1800]
KIND = {"seeds": 10, "estimand": "new prompts, these fits", "method": "bootstrap over prompts"}


def line(reward_model, metric, mean, counts=COUNTS):
    rows = {"annotations": counts, "mean": mean, "low": np.subtract(mean, 0.01), "high": np.add(mean, 0.01)}
    return pd.DataFrame({"reward_model": reward_model, "metric": metric, **rows, **KIND})


def level(reward_model, metric, mean, low=None, high=None):
    row = {"reward_model": reward_model, "metric": metric, "annotations": None, "mean": mean, "low": low, "high": high}
    return pd.DataFrame({name: [value] for name, value in {**row, **KIND}.items()}).astype(
        {"annotations": float, "mean": float, "low": float, "high": float}
    )


def curves():
    return pd.concat(
        [
            line("mlp_bt", "log_loss", [0.69, 0.68, 0.67, 0.66]),
            line("linear_bt", "log_loss", [0.68, 0.67, 0.66, 0.66]),
            line("linear_bt", "ece", [0.1, 0.08, 0.05, 0.04]),
            line("linear_bt", "accuracy", [0.55, 0.58, 0.61, 0.62]),
            line("mlp_bt", "accuracy", [0.54, 0.57, 0.60, 0.6201]),
            level("random", "accuracy", 0.5),
            level("shorter", "accuracy", 0.56, 0.54, 0.58),
            level("shorter", "log_loss", None),
        ],
        ignore_index=True,
    )


def test_there_is_a_panel_a_metric_in_one_order_with_units():
    figure = learning_curve_figure(curves())
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels == ["accuracy (share of pairs)", "log-loss (nats)", "expected calibration error"]
    assert "10 seeds" in figure.get_suptitle()
    assert "bootstrap over prompts (new prompts, these fits)" in figure.get_suptitle()


def test_lines_hold_the_table_and_wear_their_reward_models_look():
    table = curves().sample(frac=1, random_state=0)  # whatever the order of rows
    ax = learning_curve_figure(table).axes[0]
    by_label = {drawn.get_label(): drawn for drawn in ax.lines}
    for reward_model in ("linear_bt", "mlp_bt"):
        drawn = by_label[look_of(reward_model).label]
        rows = table[(table["metric"] == "accuracy") & (table["reward_model"] == reward_model)]
        np.testing.assert_allclose(drawn.get_xdata(), COUNTS)
        np.testing.assert_allclose(drawn.get_ydata(), rows.sort_values("annotations")["mean"])
        assert (drawn.get_color(), drawn.get_marker()) == (look_of(reward_model).color, look_of(reward_model).marker)


def test_a_baseline_without_annotations_is_a_level_over_the_whole_axis():
    ax = learning_curve_figure(curves()).axes[0]
    (drawn,) = [drawn for drawn in ax.lines if drawn.get_label() == look_of("shorter").label]
    assert list(drawn.get_ydata()) == [0.56, 0.56]
    assert (drawn.get_transform().transform([(x, 0.56) for x in (0, 1)])[:, 0] == ax.bbox.intervalx).all()
    (band,) = [patch for patch in ax.patches if patch.get_y() == 0.54]
    assert band.get_height() == pytest.approx(0.04)


def test_a_value_that_is_missing_is_left_out():
    lines = learning_curve_figure(curves()).axes[1].lines
    labels = [drawn.get_label() for drawn in lines if drawn.get_label() != "_reference"]
    assert sorted(labels) == sorted(look_of(name).label for name in ("linear_bt", "mlp_bt"))


def test_the_names_at_the_ends_of_lines_do_not_overlap():
    figure = learning_curve_figure(curves())
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 4
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)


def test_ticks_are_the_annotation_counts_and_crowded_ones_keep_only_their_mark():
    axis = learning_curve_figure(curves()).axes[0].xaxis
    assert list(axis.get_ticklocs()) == COUNTS
    assert [text.get_text() for text in axis.get_ticklabels()] == ["100", "400", "", "1,800"]


@pytest.mark.parametrize("column", ["estimand", "method"])
def test_rows_that_differ_in_estimand_or_method_are_never_one_line(column):
    table = curves()
    table.loc[1, column] = "something else"
    said = f"curves, log_loss of mlp_bt: {column} is .* and 'something else'; one line needs one {column}"
    with pytest.raises(ResultError, match=said):
        learning_curve_figure(table)


def test_the_title_tells_which_line_has_which_kind_of_interval():
    table = curves()
    table.loc[table["reward_model"] == "mlp_bt", "method"] = "t over seeds"
    title = learning_curve_figure(table.assign(level=0.9)).get_suptitle()
    assert "BT MLP: 90% t over seeds (new prompts, these fits)" in title
    assert "linear BT, shorter answer: 90% bootstrap over prompts (new prompts, these fits)" in title


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(columns="low"), "curves: lack low; they have reward_model, metric"),
        (lambda table: table.assign(mean=np.nan), "curves: none of 23 rows has a mean"),
        (lambda table: pd.concat([table, table[:1]]), "log_loss of mlp_bt: 100.0 annotations are there twice"),
        (
            lambda table: pd.concat([table, level("mlp_bt", "ece", 0.1), line("mlp_bt", "ece", [0.1] * 4)]),
            "ece of mlp_bt: some rows lack annotations; give all, or one row without for a baseline",
        ),
    ],
)
def test_a_table_that_cannot_be_drawn_says_why(change, said):
    with pytest.raises(ResultError, match=said):
        learning_curve_figure(change(curves()))


def test_a_reward_model_that_the_theme_does_not_know_goes_by_its_own_name():
    table = curves().replace({"reward_model": {"mlp_bt": "my_model"}})
    assert "my_model" in [text.get_text() for text in learning_curve_figure(table).axes[0].texts]


def test_a_panel_shows_the_value_worth_comparing_with_where_it_reaches_it():
    table = curves()
    lines = learning_curve_figure(table).axes[1].lines
    (reference,) = [line for line in lines if line.get_label() == "_reference"]
    assert reference.get_ydata()[0] == pytest.approx(math.log(2))
    table["mean"] -= 0.3
    table[["low", "high"]] -= 0.3
    assert "_reference" not in [line.get_label() for line in learning_curve_figure(table).axes[1].lines]
