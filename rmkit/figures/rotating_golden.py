"""Every reward model golden once: what each pair of a golden and a proxy measured, and what the proxy's policy lost.

Takes tables (evaluation/rotating_golden.py), gives figures; computes nothing but positions.
"""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.looks import MARKERS
from rmkit.figures.population import label_drop_ratios, policy_labels
from rmkit.figures.theme import text_color, themed

PALEST, DARKEST = 0.25, 0.85  # of the colour map: the golden with the cleanest labels is the darkest


@themed
def rotating_golden_figure(rows: pd.DataFrame, policies: Sequence[str], *, measure: str = "accuracy") -> Figure:
    """A panel a policy: the drop ratio of each pair against what it measured; colour and marker say whose truth it is.

    rows: metric, golden, golden_flip, fit, policy, n, nats, value, units (rotating_golden_rows). Pairs whose ratio is
    undefined are left out, and counted in the panel. ResultError for a measure that the rows do not have.
    """
    measured = rows[rows["metric"] == f"golden_{measure}"].set_index(["golden", "fit"])
    if measured.empty:
        raise ResultError(f"rows: have no measure {measure!r}; there are {', '.join(rows['metric'].unique())}")
    flips = sorted(measured["golden_flip"].unique())
    colors = plt.get_cmap("viridis")(np.linspace(PALEST, DARKEST, len(flips)))
    labels = policy_labels(rows)
    figure, axes = plt.subplots(1, len(policies), figsize=(3.6 * len(policies) + 1.3, 3.9), squeeze=False, sharey=True)
    for ax, policy in zip(axes[0], policies, strict=True):
        drops = rows[(rows["metric"] == "golden_ndr") & (rows["policy"] == policy)].set_index(["golden", "fit"])
        ratio = drops["value"].dropna()
        for position, flip in enumerate(flips):
            here = measured[measured["golden_flip"] == flip]
            here = here.loc[here.index.intersection(ratio.index)]
            color = plt.matplotlib.colors.to_hex(colors[position])
            dots = {"facecolors": color, "edgecolors": text_color(color), "marker": MARKERS[position % len(MARKERS)]}
            ax.scatter(here["value"], ratio[here.index], s=22, linewidth=0.7, label=f"{flip:.0%} flipped", **dots)
        label_drop_ratios(ax, measure, labels[policy], len(measured) - len(ratio))
    axes[0][0].set(ylabel="normalised drop ratio")
    axes[0][-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="the golden's labels")
    prompts = f"measured on {measured['units'].iloc[0]:.0f} prompts, policies on others"
    told = f"{len(measured)} pairs of {len(flips)} reward models, a dot each; {prompts}"
    figure.suptitle(textwrap.fill(told, 44 * len(policies) + 12), x=0.01, ha="left")
    return figure
