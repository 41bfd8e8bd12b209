"""Histograms: every pair and every prompt is in a bar or counted, right and wrong where they belong."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from rmkit.errors import ResultError
from rmkit.figures.distributions import FACES, HATCH, RIGHT, WRONG, best_mean_worst_figure, margin_figure
from rmkit.figures.looks import LOOKS


def pairs(margin, name="linear_bt"):
    return pd.DataFrame({"reward_model": name, "margin": margin})


def bars(ax, order):
    return [bar for bar in ax.patches if to_hex(bar.get_facecolor()).upper() == FACES[order]]


def in_bars(ax, order):
    return sum(bar.get_height() for bar in bars(ax, order))


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]


def test_every_pair_is_in_a_bar_tied_or_off_the_axis():
    rng = np.random.default_rng(0)
    margin = np.append(rng.normal(0.3, 1, 1000), [0.0, 0.0, 50.0, -60.0])
    figure = margin_figure(pairs(margin))
    (ax,) = figure.axes
    off = np.abs(margin) > ax.get_xlim()[1]
    assert 2 <= off.sum() <= 11
    assert in_bars(ax, RIGHT) == ((margin > 0) & ~off).sum()
    assert in_bars(ax, WRONG) == ((margin < 0) & ~off).sum()
    right, wrong = (np.sum(side) for side in (margin > 0, off & (margin < 0)))
    assert titles(figure) == [
        f"linear BT: {(right + 1) / 1004:.1%} right\n2 tied; {off.sum()} off the axis ({wrong} wrong)"
    ]


def test_wrong_pairs_stand_below_right_ones_and_are_hatched():
    (ax,) = margin_figure(pairs(np.tile([0.2, 0.8, -0.2], 40))).axes
    assert {bar.get_hatch() for bar in bars(ax, WRONG)} == {HATCH}
    assert not any(bar.get_hatch() for bar in bars(ax, RIGHT))
    foot = {bar.get_x(): bar.get_height() for bar in bars(ax, WRONG)}
    assert max(foot.values()) == 40
    for bar in bars(ax, RIGHT):
        assert bar.get_y() == foot[bar.get_x()]


@pytest.mark.parametrize(("margin", "right"), [([0.5, 1.0], "100.0%"), ([-0.5, -1.0], "0.0%")])
def test_one_order_alone_gives_a_figure(margin, right):
    figure = margin_figure(pairs(margin))
    (ax,) = figure.axes
    assert in_bars(ax, RIGHT) + in_bars(ax, WRONG) == 2
    assert titles(figure) == [f"linear BT: {right} right"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [RIGHT, WRONG]


def test_margins_that_are_all_equal_or_all_ties_give_a_figure():
    (ax,) = margin_figure(pairs([2.0] * 5)).axes
    assert in_bars(ax, RIGHT) == 5
    figure = margin_figure(pairs([0.0] * 5))
    figure.draw_without_rendering()
    assert titles(figure) == ["linear BT: 50.0% right\n5 tied"]


def test_rare_margins_that_are_no_ties_are_on_the_axis():
    """Where 99% of the margins are ties, the axis reaches as far as the largest."""
    (ax,) = margin_figure(pairs([0.0] * 500 + [3.0])).axes
    assert in_bars(ax, RIGHT) == 1


def test_reward_models_have_a_panel_each_on_one_axis():
    names = [*LOOKS["reward_model"]][:5]
    figure = margin_figure(pd.concat([pairs([1.0, -0.5 * i], name) for i, name in enumerate(names, 1)]))
    assert [title.split(":")[0] for title in titles(figure)] == [LOOKS["reward_model"][name].label for name in names]
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert len({ax.get_xlim() for ax in shown}) == len({ax.get_ylim() for ax in shown}) == 1
    assert [ax.xaxis.get_tick_params()["labelbottom"] for ax in shown] == [False, True, True, True, True]


@pytest.mark.parametrize(("margin", "said"), [([], "pairs: none"), ([1.0, np.nan], "1 of 2 margins are not finite")])
def test_margins_that_cannot_be_drawn_are_named(margin, said):
    with pytest.raises(ResultError, match=said):
        margin_figure(pairs(margin))


def test_every_prompt_is_in_a_bar_of_each_panel():
    rng = np.random.default_rng(0)
    gold_pk = rng.normal(size=(200, 8))
    columns = {"best": gold_pk.max(axis=1), "mean": gold_pk.mean(axis=1), "worst": gold_pk.min(axis=1)}
    figure = best_mean_worst_figure(pd.DataFrame(columns))
    for ax, (name, value) in zip(figure.axes, columns.items(), strict=True):
        assert sum(bar.get_height() for bar in ax.patches) == 200
        edges = [bar.get_x() for bar in ax.patches] + [ax.patches[-1].get_x() + ax.patches[-1].get_width()]
        np.testing.assert_array_equal([bar.get_height() for bar in ax.patches], np.histogram(value, edges)[0])
        (median,) = ax.lines
        assert set(median.get_xdata()) == {np.median(value)}
        assert ax.get_title(loc="left") == f"{name}: median {np.median(value):.2f}".replace("-", "−")


def test_prompts_without_a_number_are_counted_and_never_printed_as_one():
    figure = best_mean_worst_figure(pd.DataFrame({"best": [1.0, np.nan, 2.0], "mean": [np.nan] * 3}))
    figure.draw_without_rendering()
    assert titles(figure) == ["best: median 1.50, 1 missing", "mean: no value, 3 missing"]
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == 2


def test_one_prompt_gives_a_figure_and_none_a_sentence():
    figure = best_mean_worst_figure(pd.DataFrame({"best": [1.0], "worst": [1.0]}))
    assert [sum(bar.get_height() for bar in ax.patches) for ax in figure.axes] == [1, 1]
    for values in ([], [np.nan], [np.inf]):
        with pytest.raises(ResultError, match="needs finite rewards"):
            best_mean_worst_figure(pd.DataFrame({"best": values}, dtype=float))
