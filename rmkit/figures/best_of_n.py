"""Reward models held against gold: Best-of-n against n, and what noise and numbers of annotations do to it.

Takes tables with their intervals (evaluation/curves.py), gives figures; computes nothing but positions.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.figures.axes import band_title, count_axis, draw_line, label_lines, one_kind
from rmkit.figures.looks import looks_of
from rmkit.figures.theme import themed


@themed
def best_of_n_figure(curves: pd.DataFrame) -> Figure:
    """Gold reward of the best of n, a line a reward model with its band, against n (log axis).

    curves: reward_model, n, mean, low, high (null: no band), seeds, estimand, method; one line a reward model.
    """
    one_kind(curves, ["reward_model", "n"])
    figure, ax = plt.subplots(figsize=(6.4, 4.2))
    ends, looks = {}, looks_of(curves["reward_model"])
    for name, line in curves.groupby("reward_model", sort=False):
        ends[str(name)] = draw_line(ax, line.sort_values("n"), "n", looks[str(name)])
    ax.set_xscale("log", base=2)
    ns = sorted(curves["n"].unique())
    ax.set_xticks(ns, [f"{n:.0f}" for n in ns])
    ax.minorticks_off()
    ax.set(xlabel="n, responses to choose from (log scale)", ylabel="gold reward of the one that is kept")
    ax.set_title(band_title(curves))
    figure.draw_without_rendering()
    label_lines(ax, ends, looks)
    return figure


@themed
def noise_panels(curves: pd.DataFrame, ylabel: str) -> Figure:
    """A panel a level of noise, a line a reward model with its band, against the number of annotations (log axis).

    curves: reward_model, beta, annotations, mean, low, high, seeds, estimand, method, of one metric. Rows without beta
    are baselines, drawn as levels in every panel.
    """
    one_kind(curves, ["reward_model", "beta", "annotations"])
    fitted, plain = curves[curves["beta"].notna()], curves[curves["beta"].isna()]
    betas, looks = sorted(fitted["beta"].unique()), looks_of(curves["reward_model"])
    figure, axes = plt.subplots(1, len(betas), figsize=(3.1 * len(betas) + 1.2, 3.9), squeeze=False, sharey=True)
    for ax, beta in zip(axes[0], betas, strict=True):
        for row in plain.to_dict("records"):
            look = looks[str(row["reward_model"])]
            ax.axhline(row["mean"], color=look.color, linestyle=look.linestyle, linewidth=1)
        panel = fitted[fitted["beta"] == beta]
        ends = {str(row["reward_model"]): row["mean"] for row in plain.to_dict("records")}
        for name, line in panel.groupby("reward_model", sort=False):
            ends[str(name)] = draw_line(ax, line.sort_values("annotations"), "annotations", looks[str(name)])
        count_axis(ax, np.unique(panel["annotations"]))
        ax.set_title("no noise" if np.isinf(beta) else f"β = {beta:g}")
        ax.set(xlabel="annotated pairs")
    axes[0][0].set(ylabel=ylabel)
    figure.suptitle(band_title(fitted), x=0.01, ha="left")
    figure.draw_without_rendering()
    label_lines(axes[0][-1], ends, looks)
    return figure
