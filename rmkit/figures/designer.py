"""Designs of a test set compared: how much gold is lost by the model that each would choose, and how often it is right.

Takes the designer's table (evaluation/designer.py), gives a figure; computes nothing but positions.
"""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rmkit.errors import ResultError
from rmkit.figures.looks import LOOKS, Look, looks_of
from rmkit.figures.theme import themed
from rmkit.measures.registry import AGAINST_GOLD

PANELS = {
    "selection_regret": "selection regret (units of gold)",
    "right_choice": "right choice between two models",
}


@themed
def designs_figure(table: pd.DataFrame, *, title: str = "", width: float = 9.0) -> Figure:
    """Two panels, a row of dots a design, a dot a measure; a hollow dot has no interval.

    table: design, measure, n_prompts, n_responses, unit, reason, and selection_regret and right_choice, each with _low
    and _high. width: inches.
    """
    if table.empty:
        raise ResultError("table: has no designs; a figure needs at least one row")
    designs, measures = list(dict.fromkeys(_by_size(table))), _in_order(table["measure"])
    looks = looks_of(measures, "measure")
    height = max(2.4, 0.26 * len(designs) * (0.6 + 0.4 * len(measures)) + 1.5)
    figure, axes = plt.subplots(1, 2, figsize=(width, height), sharey=True)
    for ax, (criterion, name) in zip(axes, PANELS.items(), strict=True):
        for position, measure in enumerate(measures):
            rows = table[table["measure"] == measure].set_index("design").reindex(designs)
            place = np.arange(len(designs)) + 0.6 * (position / max(1, len(measures) - 1) - 0.5) * (len(measures) > 1)
            _dots(ax, rows, place, criterion, looks[measure])
        ax.set_xlabel(name)
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
    axes[0].set_yticks(range(len(designs)), [_named(table, design) for design in designs])
    axes[0].set_ylim(len(designs) - 0.5, -0.5)
    axes[0].set_xlim(left=0)
    axes[1].xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    if title:
        figure.suptitle(textwrap.fill(title, int(width * 12)), x=0.01, ha="left")
    return figure


def _dots(ax: Axes, rows: pd.DataFrame, place: np.ndarray, criterion: str, look: Look) -> None:
    low, high = (rows[f"{criterion}_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
    ax.hlines(place, low, high, color=look.color, linewidth=1.3)
    face = [look.color if np.isfinite(end) or look.marker == "x" else "white" for end in low]
    edge = None if look.marker == "x" else look.text
    ax.scatter(rows[criterion].to_numpy(dtype=float), place, c=face, edgecolors=edge, marker=look.marker, s=24,
               zorder=3, clip_on=False, label=look.label)  # fmt: skip


def _by_size(table: pd.DataFrame) -> list[str]:
    """The designs, those with the fewest responses to a prompt first."""
    return list(table.sort_values("n_responses", kind="stable")["design"])


def _in_order(measures: pd.Series) -> list[str]:
    """The measures in an order that does not change with what is best: listed ones first."""
    listed = [*LOOKS["measure"], *AGAINST_GOLD]
    return sorted(dict.fromkeys(measures), key=lambda name: listed.index(name) if name in listed else len(listed))


def _named(table: pd.DataFrame, design: str) -> str:
    row = table[table["design"] == design].iloc[0]
    return f"{design}\n{row['n_prompts']:,.0f} prompts"
