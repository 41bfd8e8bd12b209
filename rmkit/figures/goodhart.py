"""Worlds of equal accuracy and how far their policies fall short: the normalised drop ratio along n and along KL.

Takes tables with intervals, gives figures; computes nothing but positions.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from rmkit.errors import ResultError
from rmkit.figures.axes import label_lines
from rmkit.figures.looks import looks_of
from rmkit.figures.theme import GREY, INK, themed

AXES = {"n": ("n of Best-of-n", "Best-of-n"), "nats": ("mean KL from the base (nats)", "KL optimum")}


@themed
def equal_accuracy_figure(rows: pd.DataFrame, *, gaussian: float, accuracy: float) -> Figure:
    """A panel for Best-of-n and one for the KL optimum, a line with its band for each error shape.

    rows: shape, axis (n or nats), at, value, low, high, worlds (worlds/goodhart/known_answers.drop_ratio_rows).
    gaussian: the closed form of the Gaussian world, 1 - rho, the dotted line. accuracy: of all shapes, for the title.
    """
    if missing := [
        column for column in ("shape", "axis", "at", "value", "low", "high", "worlds") if column not in rows
    ]:
        raise ResultError(f"rows: lack {', '.join(missing)}; they have {', '.join(map(str, rows))}")
    looks = looks_of(rows["shape"], "error_shape")
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True)
    for ax, (axis, (name, policy)) in zip(axes, AXES.items(), strict=True):
        here = rows[rows["axis"] == axis]
        ends: dict[str, float] = {}
        for shape, line in here.groupby("shape", sort=False):
            line = line.sort_values("at")
            at, low, high = (line[column].to_numpy(dtype=float) for column in ("at", "low", "high"))
            ax.fill_between(at, low, high, color=looks[str(shape)].color, alpha=0.15, linewidth=0)
            ax.plot(at, line["value"].astype(float), **looks[str(shape)].line)
            ends[str(shape)] = float(line["value"].iloc[-1])
        _reference(ax, gaussian)
        ax.set(xlabel=name, title=policy)
        if axis == "n":
            _powers(ax, sorted(here["at"].astype(float).unique()))
        else:
            ax.set_xlim(left=0)
            if ends:
                label_lines(ax, ends, looks)
    axes[0].set(ylabel="normalised drop ratio")
    axes[0].annotate(f"dotted: 1 − ρ = {gaussian:.3f}", (0.03, gaussian), xycoords=("axes fraction", "data"),
                     xytext=(0, -34), textcoords="offset points", fontsize="small", color=INK)  # fmt: skip
    n_worlds, alike = rows["worlds"].min(), f"All proxies have an accuracy of {accuracy:g} on two responses"
    figure.suptitle(f"{alike}; mean of {n_worlds} worlds, 95% t-interval over worlds", x=0.01, ha="left")
    return figure


def _reference(ax: Axes, gaussian: float) -> None:
    ax.axhline(gaussian, color=INK, linewidth=1, linestyle=":")
    ax.axhline(0, color=GREY, linewidth=0.8)


def _powers(ax: Axes, at: list[float]) -> None:
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(list(at)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}" if np.isfinite(n) else "")
