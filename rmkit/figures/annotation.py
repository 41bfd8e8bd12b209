"""How noisy simulated annotators are: how sure they are of a difference, and how often wrong on which pairs.

Takes a tidy table, gives a figure; computes nothing but the curve of the annotator's own formula.
"""

from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.annotation.label_theory import quality_at_normal_gaps
from rmkit.figures.axes import seeds_named
from rmkit.figures.looks import looks_of
from rmkit.figures.theme import BLUE, GREY, INK, themed

GAPS = np.linspace(-3, 3, 121)  # in units of the annotator's scale
ERROR_LOOK: dict[str, dict[str, Any]] = {
    "expected_error": {"marker": "x", "label": "expected on these pairs"},
    "realised_error": {"marker": "o", "label": "realised"},
}
# From noisy to sure; colours belong to the choices on the right.
BETA_GREYS, BETA_DASHES = ("#8A8A8A", "#6E6E6E", "#4A4A4A", INK), (":", "-.", "--", "-")


@themed
def noise_figure(rows: pd.DataFrame, *, seeds: int) -> Figure:
    """Left, P(first preferred) against the difference; right, the expected error for each way of choosing pairs.

    rows: choice, pool, beta, metric, value; where several seeds gave a value, their mean is shown (`seeds` says of how
    many). An infinite beta is left out on the right, whose axis is logarithmic.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.9))
    betas = sorted(rows["beta"].unique())
    draw_chances(left, betas)
    error = rows[(rows["metric"] == "expected_error") & np.isfinite(rows["beta"])]
    means = error.groupby(["choice", "pool", "beta"], sort=False)["value"].mean()
    choices, pools = looks_of(error["choice"], "choice"), looks_of(error["pool"], "pool")
    for (choice, pool), line in means.groupby(["choice", "pool"], sort=False):
        line = line.droplevel(["choice", "pool"]).sort_index()
        how, whose = choices[str(choice)], pools[str(pool)]
        look = replace(how, linestyle=whose.linestyle, label=f"{how.label}, {whose.label}")
        right.plot(line.index, line.to_numpy(), **look.line)
    right.axhline(0.5, color=GREY, linewidth=0.8)
    finite = [beta for beta in betas if np.isfinite(beta)]
    right.set_xscale("log")
    right.set_xticks(finite, [f"{beta:g}" for beta in finite])
    right.minorticks_off()
    right.set(xlabel="annotation sharpness β (log scale)", ylabel="expected error (share of pairs)")
    right.set_ylim(bottom=0)
    right.yaxis.set_major_formatter("{x:.0%}")
    right.set_title(f"How often it is wrong, by which pairs are asked ({seeds_named(seeds)})")
    right.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def draw_chances(ax: Axes, betas: list[float]) -> None:
    """The annotator's formula, a line a sharpness."""
    for position, beta in enumerate(betas):
        step = round(position * 3 / max(1, len(betas) - 1))
        sharp = np.isinf(beta)
        chance = np.heaviside(GAPS, 0.5) if sharp else 1 / (1 + np.exp(-beta * GAPS))
        ax.plot(
            GAPS,
            chance,
            color=BETA_GREYS[step],
            linestyle=BETA_DASHES[step],
            label="β = ∞" if sharp else f"β = {beta:g}",
        )
    ax.axhline(0.5, color=GREY, linewidth=0.8)
    ax.set(xlabel="gold reward, first minus second (in units of the scale)", ylabel="P(first preferred)")
    ax.set_title("How sure an annotator without habits is")
    ax.legend(loc="upper left")


@themed
def error_figure(rows: pd.DataFrame, *, gap_sd: float) -> Figure:
    """Error against sharpness: what normal differences would give as a line, what these pairs gave as marks.

    rows: beta, metric, value, one a level of noise; gap_sd: the standard deviation of the differences, in units of the
    scale. An infinite beta is left out: the axis is logarithmic.
    """
    figure, ax = plt.subplots(figsize=(5.2, 3.6))
    shown = rows[rows["metric"].isin(ERROR_LOOK) & np.isfinite(rows["beta"]) & rows["value"].notna()]
    finite = sorted(shown["beta"].unique()) or [1.0]
    beta_b = np.geomspace(finite[0] / 2, finite[-1] * 2, 81)
    ax.plot(beta_b, [1 - quality_at_normal_gaps(beta, gap_sd) for beta in beta_b], color=GREY, label="normal gaps")
    for metric, look in ERROR_LOOK.items():
        marks = shown[shown["metric"] == metric]
        ax.plot(marks["beta"], marks["value"], color=BLUE, linestyle="none", **look)
    ax.set_xscale("log")
    ax.set_xticks(finite, [f"{beta:.3g}" for beta in finite])
    ax.minorticks_off()
    ax.set(xlabel="annotation sharpness β (log scale)", ylabel="error (share of pairs)")
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.set_title("How often labels are wrong")
    ax.legend(loc="upper right")
    return figure
