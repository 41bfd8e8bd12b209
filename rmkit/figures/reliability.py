"""Whether reward models are as often right as they say: accuracy against stated confidence.

Takes a table of bins, gives a figure; computes nothing but positions.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.figures.looks import looks_of
from rmkit.figures.theme import GREY, themed


@themed
def reliability_figure(bins: pd.DataFrame) -> Figure:
    """How often a reward model is right when it says it is this sure. bins: reward_model, confidence, accuracy, pairs.

    A row is one bin of pairs (margins.reliability_bins): the mean confidence in it, the share that was right, and how
    many pairs it holds. Above, accuracy against confidence, larger points for more pairs; below, the pairs in a bin.
    """
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.8, 5.2), sharex=True, height_ratios=(3.2, 1))
    lowest = min(0.5, float(np.floor(bins["confidence"].min() * 10) / 10))
    above.plot([lowest, 1], [lowest, 1], color=GREY, linewidth=1)
    above.annotate("as sure as right", (0.985, 0.985), rotation=45, rotation_mode="anchor", ha="right", va="bottom",
                   transform_rotates_text=True, color=GREY, fontsize="small")  # fmt: skip
    most = float(bins["pairs"].max())
    looks = looks_of(bins["reward_model"])
    for reward_model, line in bins.groupby("reward_model", sort=False):
        look, line = looks[str(reward_model)], line.sort_values("confidence")
        style = {"color": look.color, "linestyle": look.linestyle}
        total = f"{look.label}, {line['pairs'].sum():,.0f} pairs shown"
        above.plot(line["confidence"], line["accuracy"], linewidth=1.2, **style)
        above.scatter(line["confidence"], line["accuracy"], s=8 + 60 * line["pairs"] / most,
                      **{**look.dots, "label": total})  # fmt: skip
        below.plot(line["confidence"], line["pairs"], marker=look.marker, markersize=3, linewidth=1, **style)
    above.set(ylabel="accuracy (share of pairs)", title="Does it know when it is right?")
    above.set_xlim(lowest - 0.01, 1.01)
    above.legend(loc="upper left", markerscale=0.8)
    below.set(xlabel="stated confidence (probability)", ylabel="pairs in the bin")
    below.set_ylim(bottom=0)
    return figure
