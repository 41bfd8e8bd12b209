import matplotlib

matplotlib.use("Agg")

import itertools

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.figures.active import choice_figure, label_value_figure
from rmkit.figures.looks import LOOKS
from tests.active.small_settings import THREE

COUNTS, POOLS = [50, 100, 150], ["within_prompt", "cross_prompt"]
KIND = {"level": 0.95, "seeds": 10, "estimand": "new prompts, these fits", "method": "bootstrap over prompts"}


def curves(metrics=(("spearman", np.nan), ("best_of_n", 16.0)), strategies=THREE):
    names = [(*metric, *others) for metric, *others in itertools.product(metrics, POOLS, strategies, COUNTS)]
    table = pd.DataFrame(names, columns=["metric", "n", "pool", "strategy", "annotations"])
    mean = np.random.default_rng(0).normal(size=len(table))
    return table.assign(mean=mean, low=mean - 0.1, high=mean + 0.2, **KIND)


def chosen():
    return curves(
        [(name, np.nan) for name in ("mean_p_variance", "distinct_prompts", "log_det_gain", "accuracy")]
    ).rename(columns={"mean": "value"})


def drawn(ax, name):
    (line,) = [line for line in ax.lines if line.get_label() == LOOKS["strategy"][name].label]
    return line


def test_a_row_is_a_metric_and_a_column_a_pool():
    figure = label_value_figure(curves())
    assert len(figure.axes) == 4
    assert [figure.axes[i].get_ylabel() for i in (0, 2)] == [
        "Spearman with gold,\nwithin prompts",
        "gold reward of the\nbest of 16",
    ]
    assert [ax.get_title(loc="left") for ax in figure.axes[:2]] == ["pairs within a prompt", "pairs across prompts"]
    assert [ax.get_xlabel() for ax in figure.axes[2:]] == ["labels used"] * 2
    assert list(figure.axes[2].get_xticks()) == COUNTS
    assert figure.get_suptitle() == "mean of 10 seeds; band: 95% bootstrap over prompts (new prompts, these fits)"


@pytest.mark.parametrize("name", THREE)
def test_lines_hold_the_table_whatever_the_order_of_its_rows(name):
    table = curves()
    figure = label_value_figure(table.groupby(["metric", "pool"], sort=False).sample(frac=1, random_state=0))
    panels = itertools.product(("spearman", "best_of_n"), POOLS)
    for ax, (metric, pool) in zip(figure.axes, panels, strict=True):
        rows = table[(table["metric"] == metric) & (table["pool"] == pool) & (table["strategy"] == name)]
        np.testing.assert_allclose(drawn(ax, name).get_xydata(), rows[["annotations", "mean"]])
        bands = [np.unique(band.get_paths()[0].vertices[:, 1]) for band in ax.collections]
        assert any(set(np.round(rows["high"], 9)) <= set(np.round(band, 9)) for band in bands)


def test_a_difference_says_from_what_and_shows_it_as_the_line_at_0():
    figure = label_value_figure(curves(strategies=("entropy", "d_optimal")), against="random")
    assert figure.axes[0].get_ylabel() == "Spearman with gold,\nwithin prompts\nminus random"
    assert set(drawn(figure.axes[0], "random").get_ydata()) == {0}
    labels = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert sorted(labels) == ["D-optimal", "entropy", "random"]


def test_the_legend_names_what_the_first_pool_alone_has():
    within_only = curves(strategies=["random", "entropy", "d_optimal", "delta_ucb"])
    table = within_only[(within_only["pool"] == "within_prompt") | (within_only["strategy"] != "delta_ucb")]
    legend = label_value_figure(table).axes[1].get_legend()
    assert sorted(text.get_text() for text in legend.get_texts()) == ["D-optimal", "DeltaUCB", "entropy", "random"]


def test_without_intervals_there_is_no_band_and_the_title_says_so():
    figure = label_value_figure(curves().assign(low=np.nan, high=np.nan, seeds=1))
    assert figure.get_suptitle() == "one seed, no interval"


def test_a_shared_start_is_a_point_from_which_the_band_opens():
    table = curves(strategies=("d_optimal",))
    table.loc[table["annotations"] == 50, ["mean", "low", "high"]] = [0.0, np.nan, np.nan]
    for ax in label_value_figure(table, against="random").axes:
        (band,) = ax.collections
        vertices = band.get_paths()[0].vertices
        assert set(vertices[vertices[:, 0] == 50, 1]) == {0}


def test_what_was_chosen_is_averaged_over_seeds():
    one = chosen()
    figure = choice_figure(pd.concat([one, one.assign(value=one["value"] + 1)]), seeds=2)
    assert len(figure.axes) == 6
    assert "mean of 2 seeds" in figure.get_suptitle()
    rows = one[(one["metric"] == "distinct_prompts") & (one["pool"] == "cross_prompt") & (one["strategy"] == "entropy")]
    np.testing.assert_allclose(drawn(figure.axes[3], "entropy").get_ydata(), rows["value"] + 0.5)
    assert figure.axes[2].get_ylabel() == "distinct prompts in the batch"


def test_a_strategy_that_is_not_known_here_goes_by_its_own_name_and_comes_last():
    table = curves().replace({"strategy": {"random": "a_new_one"}})
    legend = label_value_figure(table).axes[1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["D-optimal", "entropy", "a_new_one"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.drop(columns="low"), "table: lacks low; it has metric, n, pool"),
        (lambda table: pd.concat([table, table[:1]]), "curves: {'pool': 'within_prompt', .* is there twice"),
        (
            lambda table: table.assign(method=["t"] + ["bootstrap"] * (len(table) - 1)),
            "curves: method is 't' and 'bootstrap'; draw them apart",
        ),
    ],
)
def test_a_table_that_cannot_be_drawn_says_why(change, says):
    with pytest.raises(ResultError, match=says):
        label_value_figure(change(curves()))
