import matplotlib

matplotlib.use("Agg")

import itertools

import numpy as np
import pandas as pd

from rmkit.figures.margin_uncertainty import margin_uncertainty_figure

INTERVAL = {"low": np.nan, "high": np.nan, "seeds": 1, "estimand": "new seeds", "method": "t", "level": 0.95}


def curves(heads=("linear_bt", "mlp_bt")):
    rows = []
    for (h, head), (s, share) in itertools.product(enumerate(heads), enumerate((0.5, 0.8, 0.95))):
        shared = {"reward_model": head, "share": share, "n": np.nan} | INTERVAL
        rows.append(shared | {"metric": "accuracy_of_surest", "mean": 0.9 - 0.1 * s - 0.05 * h})
        rows.append(shared | {"metric": "gold_coverage", "mean": 0.3 + 0.2 * s - 0.05 * h})
        for n in (1.0, 8.0):
            rows.append(shared | {"metric": "gold_coverage_of_pick", "n": n, "mean": share - 0.05 * h - n / 100})
    return pd.DataFrame(rows)


def drawn(ax):
    return {tuple(line.get_xdata()): tuple(np.round(line.get_ydata(), 6)) for line in ax.lines}


def test_sureness_nominal_coverage_and_the_picks_of_the_widest_intervals_are_drawn():
    sure, nominal, picks = margin_uncertainty_figure(curves(("linear_bt",))).axes
    assert drawn(sure)[(0.5, 0.8, 0.95)] == (0.9, 0.8, 0.7)
    assert drawn(nominal) == {(0.5, 0.8, 0.95): (0.3, 0.5, 0.7), (0, 1): (0, 1)}
    assert drawn(picks)[(1.0, 8.0)] == (0.94, 0.87)
    assert [text.get_text() for text in picks.get_legend().get_texts()] == ["linear BT"]


def test_a_head_without_a_place_for_gold_is_drawn_where_it_has_one():
    table = curves()
    table.loc[(table["reward_model"] == "mlp_bt") & (table["metric"] != "accuracy_of_surest"), "mean"] = np.nan
    sure, nominal, picks = margin_uncertainty_figure(table).axes
    assert (len(sure.lines), len(nominal.lines), len(picks.lines)) == (2, 1 + 1, 1 + 1)
