"""One prompt's Best-of-n: gold and proxy reward of the response that is kept, against n.

Takes a table, gives a figure; computes nothing.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from rmkit.figures.theme import BLUE, GREY, INK, ORANGE, themed

PANELS = {"gold": ("gold reward", INK), "proxy": ("proxy reward", BLUE)}


@themed
def picks_figure(picks: pd.DataFrame, n: int) -> Figure:
    """Gold above, proxy below: a step for the pick of the first n responses, a dashed line for the mean over subsets.

    picks: n, gold, proxy (of the response that is kept of the first n), expected_gold, expected_proxy. n is marked.
    """
    figure, axes = plt.subplots(2, 1, figsize=(3.5, 3.9), sharex=True)
    now = picks[picks["n"] == n]
    for ax, (name, (label, color)) in zip(axes, PANELS.items(), strict=True):
        ax.plot(picks["n"], picks[f"expected_{name}"], color=GREY, linestyle="--", label="mean over all subsets of n")
        ax.step(picks["n"], picks[name], where="post", color=color, label="pick of the first n")
        ax.axvline(n, color=ORANGE, linewidth=0.8)
        ax.plot(now["n"], now[name], "o", color=ORANGE, zorder=4)
        ax.set_ylabel(label)
    axes[-1].set(xlabel="n, responses to choose from", xlim=(min(0.5, picks["n"].max() - 0.5), picks["n"].max() + 0.5))
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    axes[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=8, borderaxespad=0.2)
    return figure
