import matplotlib

matplotlib.use("Agg")

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from rmkit.errors import ResultError
from rmkit.figures.looks import LOOKS
from rmkit.figures.strategies import (
    OTHERS,
    ROWS,
    WHY_LABELS,
    contest_figure,
    family_curves_figure,
    strategy_rank_figure,
    why_figure,
)

STRATEGIES, POOLS, COUNTS = (
    [name for name in LOOKS["strategy"] if name != "random"],
    ["within_prompt", "cross_prompt"],
    [50, 100],
)


def table(strategies=STRATEGIES, pools=POOLS, counts=COUNTS):
    names = list(itertools.product(pools, strategies, counts))
    mean = np.random.default_rng(0).normal(size=len(names))
    made = pd.DataFrame(names, columns=["pool", "strategy", "annotations"])
    return made.assign(mean=mean, low=mean - 0.1, high=mean + 0.2)


def label(name):
    return LOOKS["strategy"][name].label


def test_every_listed_strategy_has_a_family_and_a_line_that_holds_its_numbers():
    made = table()
    figure = family_curves_figure(made, unit="gold")
    assert len(figure.axes) == len(ROWS) * len(POOLS)
    found = {}
    for position, ax in enumerate(figure.axes):
        for line in ax.lines:
            if not line.get_label().startswith("_"):
                found[POOLS[position % 2], line.get_label()] = line.get_xydata()
    assert len(found) == len(STRATEGIES) * len(POOLS)
    for (pool, name), rows in made.groupby(["pool", "strategy"]):
        np.testing.assert_allclose(found[pool, label(name)], rows[["annotations", "mean"]])


def test_one_that_is_listed_nowhere_stands_among_the_others_and_bars_are_the_last_intervals():
    made = table(["mine", "entropy"], ["cross_prompt"])
    figure = family_curves_figure(made, unit="gold")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["differences and entropy", OTHERS]
    (bar,) = [line for line in figure.axes[1].lines if line.get_label() == "_interval"]
    last = made[(made["strategy"] == "mine") & (made["annotations"] == 100)].iloc[0]
    np.testing.assert_allclose(bar.get_ydata(), [last["low"], last["high"]])
    without = family_curves_figure(made.assign(low=np.nan, high=np.nan), unit="gold")
    assert not [line for ax in without.axes for line in ax.lines if line.get_label() == "_interval"]


def test_the_title_says_what_the_table_says_of_seeds_and_bars():
    made = table(["d_optimal", "entropy"], counts=[50, 100, 150, 200])
    bare = family_curves_figure(made, unit="gold")
    assert bare.get_suptitle() == "minus random (the line at 0); thin line: D-optimal"
    assert bare.axes[-1].get_xticks().tolist() == [50, 100, 150, 200]
    told = made.assign(seeds=5, level=0.95, method="bootstrap", estimand="new prompts")
    title = family_curves_figure(told, unit="gold").get_suptitle().replace("\n", " ")
    assert title.startswith("mean of 5 seeds; minus random")
    assert title.endswith("bars, at the most labels: 95% intervals for new prompts (bootstrap)")
    alone = family_curves_figure(made[made["strategy"] == "entropy"], unit="gold")
    assert "thin line" not in alone.get_suptitle()


def test_a_family_that_a_pool_has_none_of_says_so():
    made = pd.concat([table(["delta_ucb", "entropy"], ["within_prompt"]), table(["entropy"], ["cross_prompt"])])
    figure = family_curves_figure(made, unit="gold")
    empty = [ax for ax in figure.axes if any(text.get_text() == "within a prompt only" for text in ax.texts)]
    assert [figure.axes.index(ax) for ax in empty] == [3]


def test_a_ranking_is_best_first_in_each_pool_and_fills_what_leaves_out_nothing():
    made = table(STRATEGIES[:6], counts=[100]).drop(columns="annotations")
    figure = strategy_rank_figure(made, unit="gold")
    for ax, pool in zip(figure.axes, POOLS, strict=True):
        ranked = made[made["pool"] == pool].sort_values("mean", ascending=False)
        assert [text.get_text() for text in ax.get_yticklabels()] == [label(name) for name in ranked["strategy"]]
        dots = [line for line in ax.lines if line.get_marker() == "o"]
        np.testing.assert_allclose([dot.get_xdata()[0] for dot in dots], ranked["mean"])
        filled = [to_hex(dot.get_markerfacecolor()) != "#ffffff" for dot in dots]
        assert filled == [(row.low > 0) or (row.high < 0) for row in ranked.itertuples()]


def contest():
    rows = [(outcome, beta, 0.1 * beta - 0.1) for outcome in ("order", "policy") for beta in (4.0, 0.5, 1.0)]
    made = pd.DataFrame(rows, columns=["outcome", "beta", "mean"])
    return made.assign(low=made["mean"] - 0.06, high=made["mean"] + 0.06)


def test_a_contest_has_a_panel_an_outcome_and_its_noise_in_order():
    figure = contest_figure(contest())
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["order", "policy"]
    for ax in figure.axes:
        assert [text.get_text() for text in ax.get_xticklabels()] == ["β = 0.5", "β = 1", "β = 4"]
        dots = [line for line in ax.lines if line.get_marker() == "o"]
        np.testing.assert_allclose([dot.get_ydata()[0] for dot in dots], [-0.05, 0.0, 0.3])
        assert [to_hex(dot.get_markerfacecolor()) == "#ffffff" for dot in dots] == [True, True, False]
        low, high = ax.get_ylim()
        assert low == -high


def test_worlds_of_a_contest_are_small_dots_beside_their_mean():
    whole = contest().assign(world=None)
    parts = pd.DataFrame({"outcome": "order", "beta": 4.0, "mean": [0.2, 0.4], "world": ["3", "4"]})
    figure = contest_figure(pd.concat([whole, parts.assign(low=np.nan, high=np.nan)]))
    (dots,) = [line for line in figure.axes[0].lines if line.get_label() == "_worlds"]
    np.testing.assert_allclose(dots.get_ydata(), [0.2, 0.4])


def why():
    made = table(STRATEGIES, counts=[100])
    rng = np.random.default_rng(1)
    numbers = {name: rng.uniform(0, 0.25, len(made)) for name in ("mean_p_variance", *WHY_LABELS)}
    return made[["pool", "strategy"]].assign(**numbers)


def test_why_has_a_dot_a_strategy_and_no_two_names_on_each_other():
    made = why()
    figure = why_figure(made)
    for ax, (pool, metric) in zip(figure.axes, itertools.product(POOLS, WHY_LABELS), strict=True):
        rows = made[made["pool"] == pool]
        dots = {line.get_label(): line.get_xydata()[0] for line in ax.lines if line.get_label()[0] != "_"}
        assert len(dots) == len(STRATEGIES)
        for row in rows.itertuples():
            np.testing.assert_allclose(dots[label(row.strategy)], [row.mean_p_variance, getattr(row, metric)])
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
        assert len(boxes) > 3
        for one, other in itertools.combinations(boxes, 2):
            inside = one.intersection(one, other)
            assert inside is None or min(inside.width, inside.height) < 3


def test_names_stay_within_their_panel_and_where_their_dots_are_when_it_is_drawn_again():
    figure = why_figure(why())
    placed = [ax.get_window_extent().bounds for ax in figure.axes]
    for _ in range(2):  # a saved picture is laid out anew
        figure.draw_without_rendering()
    for ax, before in zip(figure.axes, placed, strict=True):
        np.testing.assert_allclose(ax.get_window_extent().bounds, before)
        right = ax.get_window_extent().x1
        assert max(text.get_window_extent().x1 for text in ax.texts) < right + 20


def test_what_no_strategy_has_gets_no_panels():
    figure = why_figure(why().assign(label_error=np.nan))
    assert [ax.get_ylabel() for ax in figure.axes] == [WHY_LABELS["d_efficiency"]] * len(POOLS)


def test_a_strategy_without_a_number_has_no_dot():
    made = why()
    made.loc[made["strategy"] == "entropy", "d_efficiency"] = np.nan
    lines = [{line.get_label() for line in ax.lines} for ax in why_figure(made).axes]
    assert [label("entropy") in found for found in lines] == [True, False, True, False]


@pytest.mark.parametrize(
    ("draw", "made", "says"),
    [
        (lambda made: family_curves_figure(made, unit=""), table().drop(columns="low"), "lacks low; it has pool"),
        (lambda made: family_curves_figure(made, unit=""), table()[:0], "is empty"),
        (lambda made: strategy_rank_figure(made, unit=""), table(), "{'pool': 'within_prompt', .* is there twice"),
        (contest_figure, pd.concat([contest()] * 2), "{'outcome': 'order', 'beta': 4.0} is there twice"),
        (why_figure, table(), "lacks mean_p_variance, label_error, d_efficiency"),
    ],
)
def test_a_table_that_cannot_be_drawn_says_why(draw, made, says):
    with pytest.raises(ResultError, match=f"^table: {says}"):
        draw(made)
