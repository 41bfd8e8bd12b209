"""Figures of published scores: what is drawn is what the tables hold."""

import numpy as np
import pandas as pd

from rmkit.evaluation.published_scores import fisher_rows, leave_one_out, one_bad_model, random_subsets
from rmkit.figures.published_scores import one_bad_model_figure, random_tens_figure

RNG = np.random.default_rng(0)
FIRST = np.sort(RNG.uniform(size=12))
BOTH = pd.DataFrame({"v1": FIRST, "v2": FIRST + 0.2 * RNG.normal(size=12)})


def test_three_panels_hold_the_models_and_the_tables():
    without, best = leave_one_out(BOTH), one_bad_model(BOTH, [5, 8, 11])
    left, middle, right = one_bad_model_figure(BOTH, without, best, ["one", "other"]).axes
    np.testing.assert_allclose(left.collections[0].get_offsets(), BOTH.to_numpy())
    for drawn, (_, rows) in zip(middle.collections, without.groupby("statistic", sort=False), strict=True):
        np.testing.assert_allclose(drawn.get_offsets()[:, 1], rows["value"])
    named = {line.get_label(): line for line in right.lines}
    pearson = best[best["statistic"] == "pearson"]
    np.testing.assert_allclose(named["Pearson"].get_ydata(), pearson["value"])
    np.testing.assert_allclose(named["Pearson, with the worst"].get_ydata(), pearson["with_worst"])


def test_each_statistic_has_its_draws_and_its_two_intervals():
    statistics = ("pearson", "kendall")
    draws = {
        name: random_subsets(BOTH["v1"], BOTH["v2"], name, n_models=6, draws=200, rng=np.random.default_rng(0))
        for name in statistics
    }
    intervals = fisher_rows(BOTH, 6, statistics)
    for ax, name in zip(random_tens_figure(draws, intervals, 6).axes, statistics, strict=True):
        assert sum(bar.get_height() for bar in ax.patches) == 1 or np.isclose(
            sum(bar.get_height() for bar in ax.patches), (draws[name] >= ax.get_xlim()[0]).mean()
        )
        bars = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "|"]
        told = intervals.set_index("statistic").loc[name]
        np.testing.assert_allclose(bars, [np.quantile(draws[name], [0.025, 0.975]), (told["low"], told["high"])])
