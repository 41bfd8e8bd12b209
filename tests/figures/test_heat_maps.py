"""Heat maps: the number in a cell is the table's, and it can be read on its colour."""

import matplotlib

matplotlib.use("Agg")

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from rmkit.errors import ResultError
from rmkit.figures.heat_maps import MISSING, correlation_map, noise_maps
from rmkit.figures.theme import INK, READABLE, contrast

HEADS, BETAS, COUNTS = ["mlp_bt", "linear_bt", "my_head"], [0.5, 1.0, np.inf], [100, 1800]


def curves(values=None):
    table = pd.DataFrame(itertools.product(HEADS, BETAS, COUNTS), columns=["reward_model", "beta", "annotations"])
    drawn = np.random.default_rng(0).normal(size=len(table)) if values is None else values
    return table.assign(mean=drawn, seeds=1).sample(frac=1, random_state=0)


def baselines(**means):
    return pd.DataFrame([{"reward_model": name, "mean": mean, "seeds": 1} for name, mean in means.items()])


def correlations(values):
    """values: by measure, a number a policy."""
    policies = [("best_of_2", 2, np.nan), ("kl_0.5", np.nan, 0.5)]
    rows = [
        {"measure": measure, "policy": policy, "n": n, "nats": nats, "value": value}
        for measure, line in values.items()
        for (policy, n, nats), value in zip(policies, line, strict=True)
    ]
    table = pd.DataFrame(rows).assign(statistic="kendall", units=72)
    return table.assign(reason=np.where(table["value"].isna(), "all measured alike", None))


def cells(ax):
    """What is written in the cells, as rows from the top."""
    at = {text.get_position(): text.get_text() for text in ax.texts}
    rows, columns = (sorted({place[axis] for place in at}) for axis in (1, 0))
    return [[at[x, y] for x in columns] for y in rows]


def names(labels):
    return [label.get_text() for label in labels]


def panels(figure):
    return {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_visible() and ax.get_title(loc="left")}


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def test_each_cell_has_its_number_whatever_the_order_of_the_rows():
    table = curves()
    figure = noise_maps(table, "gold reward")
    called = {"mlp_bt": "BT MLP", "linear_bt": "linear BT", "my_head": "my_head"}
    assert list(panels(figure)) == [called[head] for head in table["reward_model"].unique()]
    for head, label in called.items():
        mean = table[table["reward_model"] == head].set_index(["beta", "annotations"])["mean"]
        said = [[f"{mean[beta, count]:.2f}".replace("-", "−") for count in COUNTS] for beta in BETAS]
        assert cells(panels(figure)[label]) == said
    first, second, third = panels(figure).values()
    assert first.get_ylim()[0] > first.get_ylim()[1]  # the first row on top
    assert names(first.get_yticklabels()) == names(third.get_yticklabels()) == ["0.5", "1", "no noise"]
    assert names(second.get_xticklabels()) == names(third.get_xticklabels()) == ["100", "1,800"]


def test_a_darker_cell_is_a_larger_number_and_all_numbers_can_be_read():
    table = pd.concat([curves(), baselines(gold=3.0, random=-3.0)])
    figure = noise_maps(table, "gold reward")
    shade = {}
    for ax in panels(figure).values():
        (mesh,) = ax.collections
        mesh.update_scalarmappable()
        for value, color in zip(mesh.get_array().ravel(), mesh.get_facecolors(), strict=True):
            shade[float(value)] = contrast(to_hex(color))
            assert contrast(INK) / contrast(to_hex(color)) >= READABLE
    brightness = [shade[value] for value in sorted(shade)]
    assert brightness == sorted(brightness)
    assert len(shade) == len(curves())


def test_the_scale_reaches_as_far_as_what_learns_nothing_and_the_title_says_how_far():
    figure = noise_maps(pd.concat([curves(), baselines(gold=3.0, random=-3.0)]), "gold reward")
    assert figure.get_suptitle() == "one seed; without learning: gold reward 3.00, random −3.00"
    assert {ax.collections[0].get_clim() for ax in panels(figure).values()} == {(-3.0, 3.0)}
    assert figure.axes[-1].get_ylabel() == "gold reward"  # of the colour bar
    assert noise_maps(curves(), "gold reward").get_suptitle() == "one seed"


@pytest.mark.parametrize("values", [0.7, np.nan])
def test_cells_that_are_all_alike_or_all_missing_give_a_figure(values):
    figure = noise_maps(curves(values), "gold reward")
    figure.draw_without_rendering()
    for ax in panels(figure).values():
        assert {text for row in cells(ax) for text in row} == {MISSING if np.isnan(values) else "0.70"}
    assert "nan" not in words(figure)
    assert len(figure.axes) == 4  # two rows of two, one of them hidden, and no scale


def test_fits_that_are_missing_leave_a_dash_in_their_own_panel():
    lacking = curves().query("not (reward_model == 'mlp_bt' and annotations == 100)")
    drawn = {label: cells(ax) for label, ax in panels(noise_maps(lacking, "gold reward")).items()}
    assert [row[0] for row in drawn["BT MLP"]] == [MISSING] * 3
    assert drawn == {
        label: [[MISSING, row[1]] for row in cells(ax)] if label == "BT MLP" else cells(ax)
        for label, ax in panels(noise_maps(curves(), "gold reward")).items()
    }


def test_what_is_no_map_is_refused():
    with pytest.raises(ResultError, match="listed twice; draw one metric"):
        noise_maps(pd.concat([curves(), curves()]), "gold reward")
    with pytest.raises(ResultError, match="no row has a beta"):
        noise_maps(curves().assign(beta=np.nan), "gold reward")
    twice = pd.concat([correlations({"accuracy": [0.5, 0.6]})] * 2)
    with pytest.raises(ResultError, match="listed twice"):
        correlation_map(twice)
    with pytest.raises(ResultError, match="2 statistics"):
        correlation_map(pd.concat([twice, twice.assign(statistic="pearson")]))


def test_correlations_stand_in_the_order_of_the_table():
    figure = correlation_map(correlations({"spearman": [0.812, -0.304], "mine": [0.5, -0.001]}))
    ax = figure.axes[0]
    policies = ["Best-of-2", "KL optimum\nat 0.5 nats"]
    assert names(ax.get_xticklabels()) == policies
    assert names(ax.get_yticklabels()) == ["Spearman", "mine"]
    assert cells(ax) == [["0.81", "−0.30"], ["0.50", "0.00"]]
    title = "correlation with the policy's gold reward, over 72 reward models"
    assert figure.get_suptitle().replace("\n", " ") == title
    assert figure.axes[1].get_ylabel() == "Kendall correlation"


def test_an_undefined_correlation_is_a_dash_and_the_title_has_the_reason():
    figure = correlation_map(correlations({"accuracy": [0.5, np.nan], "pearson": [np.nan, np.nan]}))
    figure.draw_without_rendering()
    assert cells(figure.axes[0]) == [["0.50", MISSING], [MISSING, MISSING]]
    assert f"{MISSING}: all measured alike" in figure.get_suptitle().replace("\n", " ")
    assert "nan" not in words(figure)
    assert "nan" not in words(correlation_map(correlations({"accuracy": [np.nan, np.nan]})))
