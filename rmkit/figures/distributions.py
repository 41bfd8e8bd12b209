"""Distributions: how large margins are where the order is right or wrong, and how much a prompt gives to choose from.

Takes tidy tables, gives figures; counts what falls into a bin, and computes nothing else.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from rmkit.errors import ResultError
from rmkit.figures.axes import panel_rows
from rmkit.figures.looks import looks_of
from rmkit.figures.theme import INK, ORANGE, SKY, themed

A_ROW = 4  # panels side by side
N_BINS = 24
INSIDE = 0.99  # so many of all margins the axis shows
WRONG, RIGHT = "wrong order", "right order"
FACES = {RIGHT: SKY, WRONG: ORANGE}
HATCH = "////"  # of the wrong order, so that hue alone does not tell


@themed
def margin_figure(pairs: pd.DataFrame) -> Figure:
    """A panel a reward model: pairs by the size of their margin, those in the wrong order below those in the right one.

    pairs: reward_model, margin (preferred minus other, in log-odds), a row a pair. A margin of 0 gives no order: such
    pairs are in no bar, and the panel's title counts them. All panels have the same axes, which hold 99% of all pairs;
    the panel's title counts those that lie beyond. ResultError for no pairs or a margin that is not a finite number.
    """
    if pairs.empty or not np.isfinite(pairs["margin"]).all():
        what = (
            f"{(~np.isfinite(pairs['margin'])).sum()} of {len(pairs)} margins are not finite" if len(pairs) else "none"
        )
        raise ResultError(f"pairs: {what}; a histogram needs finite margins")
    size = pairs["margin"].abs()
    end = float(size.quantile(INSIDE, interpolation="higher")) or float(size.max()) or 1.0
    table = pairs.assign(size=size, order=np.where(pairs["margin"] > 0, RIGHT, WRONG))
    names = list(dict.fromkeys(table["reward_model"]))
    looks = looks_of(names)
    figure, axes = panel_rows(len(names), A_ROW, (2.75, 2.6), (0.6 if len(names) > 1 else 2.0, 0.6))
    for ax, name in zip(axes, names, strict=True):
        here = table[table["reward_model"] == name]
        draw_margins(ax, here[here["size"] > 0], end)
        ties, beyond = (here["size"] == 0).sum(), here[here["size"] > end]
        outside = f"{len(beyond):,} off the axis ({(beyond['order'] == WRONG).sum():,} wrong)"
        notes = [*[f"{ties:,} tied"] * bool(ties), *[outside] * bool(len(beyond))]
        right = (here["margin"] > 0).mean() + 0.5 * (here["margin"] == 0).mean()
        ax.set_title("\n".join([f"{looks[name].label}: {right:.1%} right", *["; ".join(notes)] * bool(notes)]))
    for ax in axes[::A_ROW]:
        ax.set_ylabel("pairs in a bin")
    figure.supxlabel("size of the margin (log-odds)", fontsize=10)
    figure.legend(handles=[key(order) for order in (RIGHT, WRONG)], loc="outside upper left", ncols=2)
    return figure


def draw_margins(ax: Axes, pairs: pd.DataFrame, end: float) -> None:
    """One reward model's stacked bars, the wrong order at the bottom and hatched."""
    import seaborn

    if len(pairs):
        seaborn.histplot(
            pairs, x="size", hue="order", hue_order=list(FACES), palette=FACES, multiple="stack", bins=N_BINS,
            binrange=(0, end), alpha=1, edgecolor="white", linewidth=0.5, legend=False, ax=ax,
        )  # fmt: skip
    for bar in ax.patches:
        if to_hex(bar.get_facecolor()).upper() == FACES[WRONG]:
            bar.set_hatch(HATCH)
    ax.set(xlabel="", ylabel="", xlim=(0, end))


def key(order: str) -> Patch:
    """What a bar is, for the legend."""
    return Patch(facecolor=FACES[order], edgecolor="white", hatch=HATCH if order == WRONG else "", label=order)


@themed
def best_mean_worst_figure(prompts: pd.DataFrame) -> Figure:
    """How gold is distributed over prompts: a panel a column, on one axis, each with its median.

    prompts: a row a prompt, a column a way to sum up its responses (`best`, `mean`, `worst`), in gold reward. A number
    that is missing is in no bar, and the panel counts it. ResultError if none is there.
    """
    import seaborn

    low, high = prompts.min().min(), prompts.max().max()
    if not np.isfinite([low, high]).all():
        raise ResultError(f"prompts: {prompts.size} values, none or not all finite; a histogram needs finite rewards")
    reach = (low, high) if low < high else (low - 0.5, high + 0.5)
    size = (6.4, 1.15 * prompts.shape[1] + 0.7)
    figure, axes = plt.subplots(prompts.shape[1], 1, figsize=size, squeeze=False, sharex=True, sharey=True)
    for ax, name in zip(axes[:, 0], prompts, strict=True):
        there = prompts[name].dropna()
        seaborn.histplot(x=there, bins=N_BINS, binrange=reach, color=SKY, alpha=1, edgecolor="white", ax=ax)
        missing = f", {len(prompts) - len(there)} missing" if len(there) < len(prompts) else ""
        if len(there):
            ax.axvline(there.median(), color=INK)
        median = f"median {there.median():.2f}".replace("-", "−") if len(there) else "no value"
        ax.set_title(f"{name}: {median}{missing}")
        ax.set(ylabel="prompts")
    axes[-1, 0].set_xlabel("gold reward")
    return figure
