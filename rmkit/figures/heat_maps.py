"""Numbers on two axes, each written in its cell: noise against numbers of annotations, measures against policies.

Takes tidy tables, gives figures; computes nothing but positions. Cells have no intervals: the figures of lines and dots
do (best_of_n.py, population.py).
"""

import textwrap
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.axes import panel_rows, seeds_named
from rmkit.figures.looks import looks_of
from rmkit.figures.population import policy_labels
from rmkit.figures.theme import INK, SKY, themed

MISSING = "–"  # what stands in a cell without a value
A_ROW = 2  # panels side by side
CELL_INCHES = (0.62, 0.36)


@themed
def noise_maps(curves: pd.DataFrame, label: str) -> Figure:
    """A panel a reward model: a metric by noise (rows, the noisiest on top) and number of annotations (columns).

    curves: reward_model, beta (inf: no noise), annotations, mean, seeds, of one metric, which `label` names. Rows
    without beta are baselines, which the title lists; the colours reach as far as they do. ResultError if no row has a
    beta, or if a cell is there twice.
    """
    fitted, plain = curves[curves["beta"].notna()], curves[curves["beta"].isna()]
    looks, limits = looks_of(curves["reward_model"]), limits_of(curves["mean"])
    if fitted.empty:
        raise ResultError("curves: no row has a beta; a map of noise needs at least one")
    betas, counts = sorted(fitted["beta"].unique()), sorted(fitted["annotations"].unique())
    panel = (CELL_INCHES[0] * len(counts) + 0.4, CELL_INCHES[1] * len(betas) + 0.4)
    figure, axes = panel_rows(fitted["reward_model"].nunique(), A_ROW, panel, (1.9, 0.8))
    for ax, (name, here) in zip(axes, fitted.groupby("reward_model", sort=False), strict=True):
        draw_map(ax, wide(here, "beta", "annotations", "mean").reindex(index=betas, columns=counts), limits)
        ax.set_title(looks[str(name)].label)
        ax.set_xticklabels([f"{count:,.0f}" for count in counts], rotation=0)
        ax.set_yticklabels(["no noise" if np.isinf(beta) else f"{beta:g}" for beta in betas], rotation=0)
    for ax in axes[::A_ROW]:
        ax.set_ylabel("sharpness β")
    figure.supxlabel("annotated pairs", fontsize=10)
    levels = ", ".join(f"{looks[row.reward_model].label} {number(row.mean)}" for row in plain.itertuples(index=False))
    start = seeds_named(curves["seeds"].min(), curves["seeds"].max())
    figure.suptitle(start + (f"; without learning: {levels}" if levels else ""), x=0.01, ha="left")
    color_bar(figure, axes, limits, label)
    return figure


@themed
def correlation_map(table: pd.DataFrame) -> Figure:
    """How well each measure (rows) orders the reward models as each policy (columns) does.

    table: measure, policy, n, nats, statistic, value (null: the cell has a dash), units, reason
    (population.correlations), of one statistic. ResultError if it is of several, or if a cell is there twice.
    """
    if len(statistics := table["statistic"].unique()) != 1:
        raise ResultError(f"correlations: of {len(statistics)} statistics; draw one in a map")
    cells = wide(table, "measure", "policy", "value").loc[table["measure"].unique(), table["policy"].unique()]
    looks, labels, limits = looks_of(cells.index, "measure"), policy_labels(table), limits_of(table["value"])
    size = (0.86 * cells.shape[1] + 3.4, CELL_INCHES[1] * cells.shape[0] + 1.4)
    figure, ax = plt.subplots(figsize=size)
    draw_map(ax, cells, limits)
    ax.set_xticklabels([textwrap.fill(labels.get(name, name), 12) for name in cells.columns], rotation=0)
    ax.set_yticklabels([looks[name].label for name in cells.index], rotation=0)
    reasons = "; ".join(table.loc[table["value"].isna(), "reason"].dropna().unique())
    why = f"; {MISSING}: {reasons or 'undefined'}" if table["value"].isna().any() else ""
    models = " to ".join(f"{units:.0f}" for units in dict.fromkeys([table["units"].min(), table["units"].max()]))
    title = f"correlation with the policy's gold reward, over {models} reward models{why}"
    figure.suptitle(textwrap.fill(title, int(11 * size[0])), x=0.01, ha="left")
    color_bar(figure, [ax], limits, f"{statistics[0].capitalize()} correlation")
    return figure


def wide(table: pd.DataFrame, rows: str, columns: str, values: str) -> pd.DataFrame:
    """The table as a grid of float, its axes ascending. ResultError if a cell is listed twice."""
    if (again := table.duplicated([rows, columns])).any():
        raise ResultError(
            f"map: {table.loc[again, [rows, columns]].iloc[0].to_dict()} is listed twice; draw one metric"
        )
    return table.pivot(index=rows, columns=columns, values=values).astype(float)


def limits_of(values: pd.Series) -> tuple[float, float] | None:
    """The smallest and the largest value, or nothing where there is no value."""
    there = values.dropna().astype(float)
    return (there.min(), there.max()) if len(there) else None


def draw_map(ax: Axes, grid: pd.DataFrame, limits: tuple[float, float] | None) -> None:
    """The grid's cells with their values written in them; colours are so light that ink is read on all of them."""
    import seaborn

    low, high = limits or (0.0, 1.0)
    texts = grid.map(number).to_numpy()
    look: dict[str, Any] = {"cmap": seaborn.light_palette(SKY, as_cmap=True), "linewidths": 1, "linecolor": "white"}
    seaborn.heatmap(
        grid, ax=ax, vmin=low, vmax=high, annot=texts, fmt="", annot_kws={"color": INK, "size": 9}, cbar=False, **look
    )
    for row, column in np.argwhere(grid.isna().to_numpy()):  # which seaborn leaves empty
        ax.text(column + 0.5, row + 0.5, MISSING, color=INK, ha="center", va="center")
    ax.grid(visible=False)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)


def color_bar(figure: Figure, axes: list[Axes], limits: tuple[float, float] | None, label: str) -> None:
    """One scale for all panels, unless there is no value or only one."""
    if limits and limits[0] < limits[1]:
        bar = figure.colorbar(axes[0].collections[0], ax=axes, aspect=15, pad=0.02, label=label)
        bar.outline.set_visible(False)


def number(value: float) -> str:
    """A value as a cell has it, with a true minus."""
    return MISSING if np.isnan(value) else f"{value:.2f}".replace("-", "−").replace("−0.00", "0.00")
