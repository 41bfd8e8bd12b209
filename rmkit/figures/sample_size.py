"""What a budget of annotations buys by the responses to a prompt, and which pairs tell reward models apart.

Takes tables (measures/sample_size.py), gives figures; computes nothing but positions.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from rmkit.figures.theme import BLUE, GREEN, GREY, ORANGE, text_color, themed

UNITS = {"comparison": ("paid per comparison", BLUE, "-", "o"), "response": ("paid per response", ORANGE, "--", "s")}
FLIPS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."))


@themed
def budget_and_gap_figure(variances: pd.DataFrame, gaps: pd.DataFrame) -> Figure:
    """Left, the variance of an accuracy by design and unit; right, the information of a pair by how hard it is.

    variances: unit, n_responses, value (budget times variance). gaps: flip, chance (to be right), value (information),
    best (whether it is the largest), random (of a random pair), one flip at least.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.8, 3.7))
    for unit, rows in variances.groupby("unit", sort=False):
        label, color, dash, marker = UNITS[str(unit)]
        left.plot(rows["n_responses"], rows["value"], color=color, linestyle=dash, marker=marker, label=label)
    sizes = sorted(variances["n_responses"].unique())
    left.set_xscale("log", base=2)
    left.xaxis.set_major_locator(FixedLocator([float(size) for size in sizes]))
    left.xaxis.set_minor_locator(NullLocator())
    left.xaxis.set_major_formatter("{x:.0f}")
    left.set(xlabel="responses to a prompt", ylabel="budget × variance of the accuracy", ylim=(0, None),
             title="Less is better: the unit of the budget decides")  # fmt: skip
    left.legend(loc="upper left")
    for (flip, rows), (color, dash) in zip(gaps.groupby("flip", sort=True), FLIPS, strict=False):
        right.plot(
            rows["chance"],
            rows["value"],
            color=color,
            linestyle=dash,
            label=f"{flip:.0%} of labels flipped" if flip else "no label flipped",
        )
        best = rows[rows["best"]].iloc[0]
        right.plot(best["chance"], best["value"], color=text_color(color), marker="o", linestyle="none")
        right.annotate(f"{best['chance']:.0%}", (best["chance"], best["value"]), xytext=(-4, 5), ha="right",
                       textcoords="offset points", color=text_color(color))  # fmt: skip
        right.axhline(rows["random"].iloc[0], color=color, linestyle=dash, linewidth=0.8, alpha=0.6)
    right.set(xlabel="chance that a typical model has the pair right", ylabel="information of a pair",
              title="Neither a coin's toss nor a trivial pair", ylim=(0, None))  # fmt: skip
    right.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    handles, _ = right.get_legend_handles_labels()
    thin = Line2D([], [], color=GREY, linewidth=0.8, label="a random pair, each")
    right.legend(handles=[*handles, thin], loc="upper left")
    return figure
