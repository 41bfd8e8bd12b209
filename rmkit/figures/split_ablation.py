"""Two objectives under two validation splits, as released and soundly, against noise or against annotations.

Takes a table with its intervals (paired_differences.split_curves), gives a figure; computes nothing but positions.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rmkit.figures.axes import band_title, count_axis, draw_line, one_kind
from rmkit.figures.looks import look_of
from rmkit.figures.theme import INK, themed

ARM = ["reward_model", "procedure", "validation"]
PROCEDURES = {"published": "as released", "sound": "sound"}
SPLITS = {"mirrored_row": "split by mirrored row", "pair": "split by pair", "prompt": "split by prompt"}
# Colour says which objective, dash and marker how it was fitted; what is sound is solid, whatever its split.
AS_RELEASED: dict[str, dict[str, Any]] = {
    "mirrored_row": {"linestyle": ":", "marker": "o"},
    "pair": {"linestyle": "--", "marker": "s"},
    "prompt": {"linestyle": "-.", "marker": "^"},
}
SOUND: dict[str, Any] = {"linestyle": "-", "marker": "D"}


@themed
def split_ablation_figure(curves: pd.DataFrame, metric_label: str) -> Figure:
    """A panel a number of annotations, a line an arm with its band, from the noisiest labels to those without noise.

    curves: reward_model, procedure, validation, beta (inf: no noise), annotations, mean, low, high (null: no band),
    seeds, estimand, method, of one metric. Without beta: one panel, against the number of annotations (log axis).
    """
    by_noise = "beta" in curves
    one_kind(curves, [*ARM, *(["beta"] if by_noise else []), "annotations"])
    counts = sorted(curves["annotations"].unique()) if by_noise else [None]
    wide = max(6.5, 3.3 * len(counts) + 0.9)  # so much holds the key
    figure, axes = plt.subplots(1, len(counts), figsize=(wide, 4.2), squeeze=False, sharey=True)
    for ax, count in zip(axes[0], counts, strict=True):
        if count is None:
            draw_against_annotations(ax, curves)
        else:
            draw_against_noise(ax, curves[curves["annotations"] == count])
            ax.set_title(f"{count:,.0f} annotated pairs")
    axes[0][0].set(ylabel=metric_label)
    figure.suptitle(band_title(curves), x=0.01, ha="left")
    figure.legend(handles=keys(curves), loc="outside lower left", ncols=3)
    return figure


def draw_against_noise(ax: Axes, panel: pd.DataFrame) -> None:
    """The arms at one number of annotations; levels of noise stand side by side, the noisiest first."""
    betas = sorted(panel["beta"].unique())
    for _, line in panel.groupby(ARM, sort=False):
        line = line.assign(place=np.searchsorted(betas, line["beta"])).sort_values("place")
        draw_line(ax, line, "place", arm_look(line.iloc[0]))
    ax.set_xticks(range(len(betas)), ["no\nnoise" if np.isinf(beta) else f"{beta:g}" for beta in betas])
    ax.set(xlabel="β of the annotators, noisiest first")


def draw_against_annotations(ax: Axes, curves: pd.DataFrame) -> None:
    """The arms where there is one level of noise, which nobody set."""
    for _, line in curves.groupby(ARM, sort=False):
        draw_line(ax, line.sort_values("annotations"), "annotations", arm_look(line.iloc[0]))
    count_axis(ax, np.unique(curves["annotations"]))
    ax.set(xlabel="annotated pairs (log scale)")


def arm_look(row: "pd.Series[Any]") -> dict[str, Any]:
    """Colour, dash, marker and name of the arm that a row is of."""
    head = look_of(row["reward_model"])
    how = how_look(row["procedure"], row["validation"])
    return how | {"color": head["color"], "label": f"{head['label']}, {how['label']}", "markersize": 3.5}


def how_look(procedure: str, validation: str) -> dict[str, Any]:
    """Dash, marker and name of a way of fitting."""
    look = SOUND if procedure == "sound" else AS_RELEASED[validation]
    return look | {"label": f"{PROCEDURES[procedure]}, {SPLITS[validation]}"}


def keys(curves: pd.DataFrame) -> list[Line2D]:
    """What the colours mean, then what the dashes mean."""
    heads = [look_of(head) for head in dict.fromkeys(curves["reward_model"])]
    ways = [how_look(*way) for way in dict.fromkeys(zip(curves["procedure"], curves["validation"], strict=True))]
    colours = [Line2D([], [], color=look["color"], linewidth=3, label=look["label"]) for look in heads]
    return colours + [Line2D([], [], color=INK, **look) for look in ways]
