"""What a world of preferences looks like before anything is learnt: how long its texts are, and what length decides.

Takes tables of lengths in characters, gives figures. Knows no file and no model; reads, fits and resamples nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.figures.theme import BLUE, GREEN, GREY, INK, ORANGE, SKY, text_color, themed

KINDS = {"prompt": (SKY, "--"), "response": (BLUE, "-")}  # colour and dash


@themed
def length_figure(lengths: pd.DataFrame) -> Figure:
    """How long prompts and responses are, on a log axis. lengths: text ('prompt' or 'response'), length (characters).

    A text of length 0 has no place on a log axis; the legend counts it.
    """
    import seaborn

    figure, ax = plt.subplots(figsize=(6, 3.2))
    longest = max(10, int(lengths["length"].max()))
    ends = (0, float(np.log10(longest * 1.0001)))
    for kind, (color, dash) in KINDS.items():
        length = lengths.loc[lengths["text"] == kind, "length"]
        if length.empty:
            continue
        empty = f", {(length == 0).sum():,} empty" if (length == 0).any() else ""
        label = f"{len(length):,} {kind}s: median {length.median():,.0f} characters{empty}"
        seaborn.histplot(
            x=length[length > 0], bins=44, binrange=ends, log_scale=True, element="step", facecolor=(color, 0.35),
            edgecolor=text_color(color), linestyle=dash, linewidth=1.4, label=label, ax=ax,
        )  # fmt: skip
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set(xlabel="length (characters, log scale)", ylabel="texts in a bin", title="How long the texts are")
    ax.legend(loc="upper left")
    ax.set_ylim(top=ax.get_ylim()[1] * 1.25)  # room for the legend
    return figure


@themed
def length_difference_figure(lengths: pd.DataFrame, *, n_bins: int = 10) -> Figure:
    """Is the longer answer preferred? lengths: chosen_length, rejected_length (characters), a row a pair.

    Left, the difference chosen minus rejected. Right, how often the longer answer was chosen, in n_bins groups of pairs
    of about equal size, from the smallest difference to the largest; the band is where 95% of such groups would lie if
    length decided nothing.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.9))
    difference = (lengths["chosen_length"] - lengths["rejected_length"]).to_numpy()
    draw_differences(left, difference)
    draw_longer_chosen(right, difference[difference != 0], n_bins)
    return figure


def draw_differences(ax: Axes, difference_m: np.ndarray) -> None:
    """A histogram of all but the 1% largest differences, which are counted in the label, and the share of each sign."""
    limit = max(1.0, float(np.ceil(np.quantile(np.abs(difference_m), 0.99))))
    width = 2 * limit / 61
    edges = (np.arange(62) - 30.5) * width  # the middle bin holds "about equal" and belongs to neither side
    inside = difference_m[np.abs(difference_m) <= limit]
    counts, _ = np.histogram(inside, bins=edges)
    centers = (edges[:-1] + edges[1:]) / 2
    colors = np.where(np.abs(centers) < width / 2, GREY, np.where(centers < 0, GREEN, ORANGE))
    ax.bar(centers, counts, width=width, color=colors, linewidth=0)
    shorter, equal, longer = (np.mean(np.sign(difference_m) == sign) for sign in (-1, 0, 1))
    for place, side, share, color in ((0.02, "left", shorter, GREEN), (0.98, "right", longer, ORANGE)):
        name = "shorter" if color == GREEN else "longer"
        words = f"chosen is {name}\n{share:.1%}"
        ax.text(place, 0.97, words, color=text_color(color), ha=side, va="top", weight="bold", transform=ax.transAxes)
    outside = len(difference_m) - len(inside)
    note = f"equal length: {equal:.1%}; grey: within ±{width / 2:.0f} characters; {outside} pairs lie outside the axis"
    ax.set(xlabel="chosen minus rejected length (characters)", ylabel="pairs in a bin")
    ax.annotate(note, (0.0, -0.21), xycoords="axes fraction", fontsize="small", color=GREY)
    ax.set_title(f"Chosen and rejected length, {len(difference_m):,} pairs")


def draw_longer_chosen(ax: Axes, difference_m: np.ndarray, n_bins: int) -> None:
    """The share of pairs of unequal length in which the longer was chosen, by groups of about equal size."""
    ax.set_title("How often the longer answer was chosen")
    if not len(difference_m):
        ax.set_axis_off()
        ax.text(0.5, 0.5, "all pairs are of equal length", ha="center", transform=ax.transAxes)
        return
    groups = np.array_split(difference_m[np.argsort(np.abs(difference_m), kind="stable")], n_bins)
    groups = [group for group in groups if len(group)]  # fewer pairs than groups leave some empty
    gap = [float(np.median(np.abs(group))) for group in groups]
    share = [float(np.mean(group > 0)) for group in groups]
    half_width = [1.96 * 0.5 / np.sqrt(len(group)) for group in groups]  # binomial at 1/2, normal approximation
    ax.fill_between(gap, 0.5 - np.array(half_width), 0.5 + np.array(half_width), color=GREY, alpha=0.18, linewidth=0)
    ax.axhline(0.5, color=GREY, linewidth=1)
    ax.plot(gap, share, color=INK, marker="o")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_major_formatter("{x:.0%}")
    reach = max([0.15] + [abs(value - 0.5) + 0.03 for value in share])
    ax.set_ylim(0.5 - reach, 0.5 + reach)
    size = f"{len(difference_m) / len(groups):,.0f}"
    note = f"{len(groups)} groups of about {size} pairs; band: 95% of groups, if length decided nothing"
    ax.annotate(note, (0.0, -0.21), xycoords="axes fraction", fontsize="small", color=GREY)
    ax.set(xlabel="difference in length (characters, log scale)", ylabel="pairs in which the longer was chosen")
