"""What one bad model does to a correlation over published scores, and how wide the correlation of few models is.

Takes tables and draws (evaluation/published_scores.py), gives figures; computes nothing but positions.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.figures.theme import BLUE, GREEN, GREY, INK, ORANGE, text_color, themed

LOOKS = {
    "pearson": ("Pearson", BLUE, "-", "o"),
    "spearman": ("Spearman", ORANGE, "--", "s"),
    "kendall": ("Kendall's τ", GREEN, "-.", "^"),
}
WITH_WORST = {"pearson": "P", "spearman": "X", "kendall": "*"}  # markers
N_BINS = 40


@themed
def one_bad_model_figure(both: pd.DataFrame, without: pd.DataFrame, best: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Three panels: the models on two benchmarks, each correlation without one of them, and the best with the worst.

    both: a row a model, two columns of scores, the worst of the first on top. without: statistic, model (its place in
    `both`), value, whole (of all models). best: statistic, n_best, value (of the n best alone), with_worst. names: what
    the benchmarks are called.
    """
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(12.4, 3.9), gridspec_kw={"width_ratios": [1, 1.25, 1.1]}
    )
    first, second = both.columns
    left.scatter(both[first], both[second], s=20, facecolors="white", edgecolors=BLUE, linewidth=0.9)
    left.scatter(both[first].iloc[0], both[second].iloc[0], s=34, color=text_color(ORANGE), marker="s")
    left.annotate("the worst", (both[first].iloc[0], both[second].iloc[0]), xytext=(7, -3),
                  textcoords="offset points", color=text_color(ORANGE))  # fmt: skip
    left.set(xlabel=f"score on {names[0]}", ylabel=f"score on {names[1]}", title=f"{len(both)} reward models")
    left.grid(axis="x")
    for statistic, rows in without.groupby("statistic", sort=False):
        label, color, dash, marker = LOOKS[str(statistic)]
        middle.axhline(rows["whole"].iloc[0], color=color, linestyle=dash, linewidth=1)
        middle.scatter(rows["model"] + 1, rows["value"], s=18, color=color, marker=marker, label=label)
    middle.set(xlabel=f"the model left out, by its place on {names[0]} (1: the worst)", ylabel="correlation",
               title="all models but one (lines: all of them)")  # fmt: skip
    middle.legend(loc="best")
    for statistic, rows in best.groupby("statistic", sort=False):
        label, color, dash, marker = LOOKS[str(statistic)]
        right.plot(rows["n_best"], rows["with_worst"], color=color, linestyle=dash, marker=WITH_WORST[str(statistic)],
                   label=f"{label}, with the worst")  # fmt: skip
        right.plot(rows["n_best"], rows["value"], color=color, linestyle=dash, marker=marker, markerfacecolor="white",
                   label=label)  # fmt: skip
    right.set(xlabel=f"best models on {names[0]}", ylabel="correlation", title="the best alone, and with one bad model")
    right.axhline(0, color=GREY, linewidth=0.8)
    right.legend(loc="lower right", fontsize="small")
    return figure


@themed
def random_tens_figure(draws: Mapping[str, np.ndarray], intervals: pd.DataFrame, n_models: int) -> Figure:
    """A panel a correlation: its values over random n of the models, and the interval that n models would report.

    draws: by statistic, (draws,) values. intervals: statistic, whole (of all models), low, high: Fisher's interval of n
    models that correlate as all do.
    """
    figure, axes = plt.subplots(1, len(draws), figsize=(4.1 * len(draws), 3.4), sharex=True, squeeze=False)
    by_statistic = intervals.set_index("statistic")
    lowest = min(*(float(np.nanquantile(value, 0.001)) for value in draws.values()), float(intervals["low"].min()))
    bins = np.linspace(np.floor(lowest * 10) / 10 - 0.1, 1.0, N_BINS + 1)
    for ax, (statistic, value) in zip(axes[0], draws.items(), strict=True):
        label, color, _, _ = LOOKS[statistic]
        told = by_statistic.loc[statistic]
        share, _, _ = ax.hist(value, bins=bins, weights=np.full(len(value), 1 / len(value)), color=color, alpha=0.35)
        top = float(np.max(share))
        ax.axvline(told["whole"], color=INK, linewidth=1)
        ends = np.nanquantile(value, [0.025, 0.975])
        for height, (low, high), line, text in (
            (1.12, ends, color, f"95% of draws\n{ends[0]:.2f} to {ends[1]:.2f}"),
            (1.36, (told["low"], told["high"]), INK, f"Fisher\n{told['low']:.2f} to {told['high']:.2f}"),
        ):
            ax.plot([low, high], [height * top] * 2, color=line, linewidth=2.2, marker="|", markersize=8)
            ax.annotate(text, (min(ends[0], told["low"]), height * top), xytext=(-8, 0), textcoords="offset points",
                        fontsize="small", color=text_color(line), ha="right", va="center")  # fmt: skip
        ax.set(xlabel=f"{label} over {n_models} models", title=f"{label}; all models: {told['whole']:.2f}",
               ylim=(0, 1.55 * top), xlim=(bins[0], 1.01))  # fmt: skip
        ax.tick_params(labelleft=False)
        ax.grid(visible=False)
        ax.grid(axis="x")
    axes[0][0].set(ylabel="share of draws")
    figure.suptitle(f"{len(next(iter(draws.values()))):,} draws of {n_models} of the models", x=0.01, ha="left")
    return figure
