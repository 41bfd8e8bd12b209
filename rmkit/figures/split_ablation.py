"""Two objectives under two validation splits, as released and soundly, against noise or against annotations.

Takes a table with its intervals (paired_differences.split_curves), gives a figure; computes nothing but positions.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rmkit.figures.axes import band_title, count_axis, draw_line, one_kind
from rmkit.figures.looks import Look, arm_look, looks_of, way_look
from rmkit.figures.theme import themed

ARM = ["reward_model", "procedure", "validation"]


@themed
def split_ablation_figure(curves: pd.DataFrame, metric_label: str) -> Figure:
    """A panel a number of annotations, a line an arm with its band, from the noisiest labels to those without noise.

    curves: reward_model, procedure, validation, beta (inf: no noise), annotations, mean, low, high (null: no band),
    seeds, estimand, method, of one metric. Without beta: one panel, against the number of annotations (log axis).
    """
    by_noise, looks = "beta" in curves, looks_of(curves["reward_model"])
    one_kind(curves, [*ARM, *(["beta"] if by_noise else []), "annotations"])
    counts = sorted(curves["annotations"].unique()) if by_noise else [None]
    wide = max(6.5, 3.3 * len(counts) + 0.9)  # so much holds the key
    figure, axes = plt.subplots(1, len(counts), figsize=(wide, 4.2), squeeze=False, sharey=True)
    for ax, count in zip(axes[0], counts, strict=True):
        if count is None:
            draw_against_annotations(ax, curves, looks)
        else:
            draw_against_noise(ax, curves[curves["annotations"] == count], looks)
            ax.set_title(f"{count:,.0f} annotated pairs")
    axes[0][0].set(ylabel=metric_label)
    figure.suptitle(band_title(curves), x=0.01, ha="left")
    figure.legend(handles=keys(curves), loc="outside lower left", ncols=3)
    return figure


def draw_against_noise(ax: Axes, panel: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """The arms at one number of annotations; levels of noise stand side by side, the noisiest first."""
    betas = sorted(panel["beta"].unique())
    for (head, *way), line in panel.groupby(ARM, sort=False):
        line = line.assign(place=np.searchsorted(betas, line["beta"])).sort_values("place")
        draw_line(ax, line, "place", arm_look(looks[head], *way), markersize=4)
    ax.set_xticks(range(len(betas)), ["no\nnoise" if np.isinf(beta) else f"{beta:g}" for beta in betas])
    ax.set(xlabel="β of the annotators, noisiest first")


def draw_against_annotations(ax: Axes, curves: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """The arms where there is one level of noise, which nobody set."""
    for (head, *way), line in curves.groupby(ARM, sort=False):
        look = arm_look(looks[head], *way)
        draw_line(ax, line.sort_values("annotations"), "annotations", look, markersize=4)
    count_axis(ax, np.unique(curves["annotations"]))
    ax.set(xlabel="annotated pairs (log scale)")


def keys(curves: pd.DataFrame) -> list[Line2D]:
    """What colours and markers mean, then what the dashes mean."""
    heads = looks_of(curves["reward_model"]).values()
    ways = [way_look(*way) for way in dict.fromkeys(zip(curves["procedure"], curves["validation"], strict=True))]
    whose = [Line2D([], [], **{**look.line, "linestyle": "", "markersize": 7}) for look in heads]
    return whose + [Line2D([], [], **look.line) for look in ways]
