"""How good the uncertainty of reward models is: who is sure is right, and intervals that hold what they say.

Takes a table (evaluation/margin_uncertainty.uncertainty_curves), gives a figure; computes nothing but positions.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.figures.axes import band_title, draw_line
from rmkit.figures.looks import looks_of
from rmkit.figures.theme import GREY, themed


@themed
def margin_uncertainty_figure(curves: pd.DataFrame) -> Figure:
    """Left, accuracy among the surest pairs against their share; then how often intervals hold gold: against what they
    should, of all pairs; and, of the 95% ones, of the pick of Best-of-n against n (n = 1: before selection).

    curves: reward_model, metric (accuracy_of_surest, gold_coverage, gold_coverage_of_pick), share, n, mean, low, high
    (null: no band), seeds, level, estimand, of one spread. A reward model whose means are missing is left out there.
    """
    figure, (sure, nominal, picks) = plt.subplots(1, 3, figsize=(11.2, 3.9))
    looks, widest = looks_of(curves["reward_model"]), curves["share"][curves["metric"] == "gold_coverage_of_pick"].max()
    panels = {
        sure: (curves[curves["metric"] == "accuracy_of_surest"], "share"),
        nominal: (curves[curves["metric"] == "gold_coverage"], "share"),
        picks: (curves[(curves["metric"] == "gold_coverage_of_pick") & (curves["share"] == widest)], "n"),
    }
    for ax, (table, x) in panels.items():
        for name, line in table[table["mean"].notna()].groupby("reward_model", sort=False):
            draw_line(ax, line.sort_values(x), x, looks[str(name)])
        ax.yaxis.set_major_formatter("{x:.0%}")
    sure.set(xlabel="share of pairs, the surest first", ylabel="accuracy among them", title="Right when sure?")
    sure.xaxis.set_major_formatter("{x:.0%}")
    shares = sorted(panels[nominal][0]["share"].unique())
    nominal.plot([0, 1], [0, 1], color=GREY, linewidth=1)
    nominal.set_xticks(shares, [f"{share:.0%}" for share in shares])
    nominal.set(xlim=(0.4, 1), ylim=(0, 1), xlabel="how often intervals should hold gold", ylabel="how often they do")
    nominal.set_title("All pairs (grey: as they should)")
    ns = sorted(panels[picks][0]["n"].unique())
    picks.axhline(widest, color=GREY, linewidth=1)
    picks.set_xscale("log", base=2)
    picks.set_xticks(ns, [f"{n:.0f}" for n in ns])
    picks.minorticks_off()
    picks.set(ylim=(0, 1), xlabel="n, responses to choose from (log scale)", ylabel=f"{widest:.0%} intervals hold gold")
    picks.set_title("The picks of Best-of-n")
    handles, labels = sure.get_legend_handles_labels()
    picks.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.suptitle(band_title(curves[np.isfinite(curves["mean"])]), x=0.01, ha="left")
    return figure
