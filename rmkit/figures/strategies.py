"""Many strategies of active labelling in one picture: by family, as a ranking, as a contest, and why they differ.

Takes tables of estimates that bring their intervals, or means; gives figures. Reads, fits and resamples nothing. A
family has one colour (looks.py), so that forty lines can be told apart: a row of panels holds one or a few families.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle

from rmkit.errors import ResultError
from rmkit.figures.axes import label_lines, seeds_named
from rmkit.figures.looks import Look, called, looks_of, metric_label
from rmkit.figures.theme import AMBER, BLUE, BROWN, GREEN, GREY, MAROON, ORANGE, PLUM, PURPLE, SKY, TEAL, themed

# The rows of panels, by the colours of the families in each; a colour that is not listed comes last, as "others".
ROWS: Mapping[str, tuple[str, ...]] = {
    "D-optimal and its controls": (BLUE, BROWN),
    "differences and entropy": (ORANGE,),
    "other designs, BALD, coreset": (SKY, GREEN, AMBER),
    "gap and uncertainty, prompts ranked": (PURPLE,),
    "gap and uncertainty, prompts at random": (PLUM,),
    "gap and uncertainty, as released": (MAROON,),
    "Thompson": (TEAL,),
}
ENDINGS = {"_random_prompts": ", random prompts", "_published": ", as released"}  # of names, and of labels
OTHERS, REFERENCE = "others", "d_optimal"
MOST_TICKS = 6  # numbers of labels that are written below a panel without touching
CURVE_COLUMNS = ("pool", "strategy", "annotations", "mean", "low", "high")
RANK_COLUMNS = ("pool", "strategy", "mean", "low", "high")
CONTEST_COLUMNS = ("outcome", "beta", "mean", "low", "high")
WHY_COLUMNS = ("pool", "strategy", "mean_p_variance", "label_error", "d_efficiency")
NAME_ROOM = 0.2  # of the width of the dots: left free beside them, since most lie at the right, close to 1/4
WHY_LABELS = {"label_error": "share of labels against gold", "d_efficiency": "D-efficiency of the batch"}


@themed
def family_curves_figure(curves: pd.DataFrame, *, unit: str, against: str = "random") -> Figure:
    """A row a few families, a column a pool, a line a strategy: its difference to another, against the labels used.

    curves: pool, strategy, annotations, mean, low, high (null: none), of one metric, each point once; the title says
    seeds, level, method and estimand where the table has them. unit: what the heights are, for the axis. Bars are the
    intervals at the most labels; the thin line in each panel is D-optimal. ResultError if a column is missing, a point
    is there twice or the table is empty.
    """
    check(curves, CURVE_COLUMNS, ["pool", "strategy", "annotations"])
    looks, pools = looks_of(curves["strategy"], "strategy"), list(dict.fromkeys(curves["pool"]))
    rows = rows_of(curves["strategy"], looks)
    size = (4.6 * len(pools) + 0.4, 1.75 * len(rows) + 0.9)
    figure, axes = plt.subplots(len(rows), len(pools), figsize=size, squeeze=False, sharex=True, sharey="row")
    ends: dict[Axes, dict[str, float]] = {}
    for row_axes, (title, names) in zip(axes, rows.items(), strict=True):
        for ax, pool in zip(row_axes, pools, strict=True):
            ends[ax] = draw_family(ax, curves[curves["pool"] == pool], names, looks)
        row_axes[0].set_title(title, fontweight="bold")
    for ax, pool in zip(axes[0], pools, strict=True):
        ax.text(0, 1.3, f"Pairs {called(pool, 'pool')}", transform=ax.transAxes, va="bottom")
    counts = sorted(curves["annotations"].unique())
    for column in axes.T:
        lowest = [ax for ax in column if ends[ax]][-1]
        lowest.set_xlabel("labels used")
        lowest.tick_params(labelbottom=True)
        lowest.set_xticks(counts if len(counts) <= MOST_TICKS else [counts[0], counts[len(counts) // 2], counts[-1]])
    figure.supylabel(unit, fontsize=10)
    figure.suptitle(textwrap.fill(lead_title(curves, against), int(12 * size[0])), x=0.01, ha="left")
    figure.draw_without_rendering()  # only now are the axes as tall as they will be, and labels can be told apart
    for ax, of_ax in ends.items():
        label_lines(ax, of_ax, {name: shorter(looks[name], of_ax) for name in of_ax}, size=8, gap=9)
    return figure


def lead_title(curves: pd.DataFrame, against: str) -> str:
    """What the heights, the thin line and the bars are, and how many seeds, as far as the table says."""
    parts = [f"minus {looks_of([against], 'strategy')[against].label} (the line at 0)"]
    if "seeds" in curves:
        parts.insert(0, seeds_named(curves["seeds"].min(), curves["seeds"].max()))
    if (curves["strategy"] == REFERENCE).any():
        parts.append("thin line: D-optimal")
    banded = curves[curves["low"].notna()]
    if len(banded) and {"level", "method", "estimand"} <= set(curves):
        first = banded.iloc[0]
        parts.append(
            f"bars, at the most labels: {first['level']:.0%} intervals for {first['estimand']} ({first['method']})"
        )
    return "; ".join(parts)


def shorter(look: Look, beside: Mapping[str, float]) -> Look:
    """Without the ending that all strategies of a panel share, which its heading says."""
    for name, ending in ENDINGS.items():
        if all(other.endswith(name) for other in beside):
            return replace(look, label=look.label.removesuffix(ending))
    return look


def draw_family(ax: Axes, of_pool: pd.DataFrame, names: Sequence[str], looks: Mapping[str, Look]) -> dict[str, float]:
    """One panel's lines, and the height at which each ends; D-optimal thinly where it is not of the family."""
    shown = [name for name in names if (of_pool["strategy"] == name).any()]
    if REFERENCE not in shown and shown:
        line = of_pool[of_pool["strategy"] == REFERENCE].sort_values("annotations")
        ax.plot(line["annotations"], line["mean"], color=BLUE, linewidth=0.8, label="_D-optimal")
    if not shown:
        ax.set_axis_off()
        ax.text(0.5, 0.5, "within a prompt only", transform=ax.transAxes, ha="center", va="center", color=GREY)
        return {}
    ax.axhline(0, color=GREY, linestyle=":", linewidth=1.2)
    ends = {}
    for position, name in enumerate(shown):
        line, look = of_pool[of_pool["strategy"] == name].sort_values("annotations"), looks[name]
        ax.plot(line["annotations"], line["mean"], **look.line)
        last = line.iloc[-1]
        ends[name] = float(last["mean"])
        if np.isfinite(float(last["low"])):  # side by side, so that none hides another
            step = 0.012 * float(np.ptp(of_pool["annotations"]))
            x = float(last["annotations"]) + step * (position + 1)
            ax.plot([x, x], [last["low"], last["high"]], color=look.color, linewidth=1.3, label="_interval")
    return ends


@themed
def strategy_rank_figure(table: pd.DataFrame, *, unit: str, against: str = "random", ratio: bool = False) -> Figure:
    """A column a pool, a line a strategy, best first: its difference to another with its interval.

    table: pool, strategy, mean, low, high (null: none), of one metric, each strategy once in a pool. Filled where the
    interval leaves out 0. ratio: means are ratios instead, 1 where nothing differs, on a logarithmic axis; unit says of
    what. ResultError as in `family_curves_figure`.
    """
    check(table, RANK_COLUMNS, ["pool", "strategy"])
    looks, pools = looks_of(table["strategy"], "strategy"), list(dict.fromkeys(table["pool"]))
    most = int(table.groupby("pool").size().max())
    size = (4.7 * len(pools) + 0.3, 0.2 * most + 1.1)
    figure, axes = plt.subplots(1, len(pools), figsize=size, squeeze=False, sharex=True)
    nothing, name = 1.0 if ratio else 0.0, looks_of([against], "strategy")[against].label
    for ax, pool in zip(axes[0], pools, strict=True):
        ranked = table[table["pool"] == pool].sort_values("mean", ascending=False).reset_index(drop=True)
        for place, row in enumerate(ranked.itertuples()):
            look, known = looks[str(row.strategy)], bool(np.isfinite(row.low))
            if known:
                ax.plot([row.low, row.high], [place, place], color=look.color, linewidth=1.4)
            clear = known and (row.low > nothing or row.high < nothing)
            face = look.text if clear else "white"
            ax.plot([row.mean], [place], "o", color=look.text, markerfacecolor=face, markersize=4.5)
        ax.axvline(nothing, color=GREY, linestyle=":", linewidth=1.2)
        if ratio:
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter("{x:g}")
        ax.set_yticks(range(len(ranked)), [looks[name].label for name in ranked["strategy"]], fontsize=8.5)
        for tick, strategy in zip(ax.get_yticklabels(), ranked["strategy"], strict=True):
            tick.set_color(looks[strategy].text)
        ax.set_ylim(most - 0.4, -0.6)
        ax.grid(visible=False)
        ax.grid(axis="x", visible=True)
        ax.set_xlabel(unit if ratio else f"{unit}\nminus {name}")
        ax.set_title(f"pairs {called(pool, 'pool')}")
    return figure


@themed
def contest_figure(
    table: pd.DataFrame, *, families: tuple[str, str] = ("ActiveUltraFeedback", "information")
) -> Figure:
    """A panel an outcome, a point a noise level: the first family's lead over the second with its interval.

    table: outcome (for people), beta, mean, low, high (null: none), and world if parts of the effect are rows of their
    own: those have a world, and are small dots. ResultError as in `family_curves_figure`.
    """
    check(table, CONTEST_COLUMNS, ["outcome", "beta"] + ["world"] * ("world" in table))
    outcomes = list(dict.fromkeys(table["outcome"]))
    figure, axes = plt.subplots(1, len(outcomes), figsize=(3.2 * len(outcomes) + 0.4, 3.3), squeeze=False)
    places = {beta: place for place, beta in enumerate(sorted(table["beta"].unique()))}
    first, second = families
    whole = table[table["world"].isna()] if "world" in table else table
    for ax, outcome in zip(axes[0], outcomes, strict=True):
        ax.axhline(0, color=GREY, linestyle=":", linewidth=1.2)
        here = whole[whole["outcome"] == outcome].sort_values("beta")
        x = here["beta"].map(places).to_numpy(dtype=float)
        color = [PURPLE if mean > 0 else BLUE for mean in here["mean"]]
        for at, row, shade in zip(x, here.itertuples(), color, strict=True):
            ax.plot([at, at], [row.low, row.high], color=shade, linewidth=2.2, solid_capstyle="butt")
            clear = row.low > 0 or row.high < 0
            ax.plot([at], [row.mean], "o", color=shade, markerfacecolor=shade if clear else "white", markersize=7)
        if "world" in table:
            parts = table[table["world"].notna() & (table["outcome"] == outcome)]
            ax.plot(parts["beta"].map(places) + 0.16, parts["mean"], "o", color=GREY, markersize=2.6, label="_worlds")
        ax.set_xticks(list(places.values()), [f"β = {beta:g}" for beta in places])
        ax.set_xlim(-0.5, len(places) - 0.5)
        low, high = ax.get_ylim()
        reach = 1.25 * max(abs(low), abs(high))
        ax.set_ylim(-reach, reach)
        ax.set_title(textwrap.fill(outcome, 28))
        ax.text(0.02, 0.98, f"{first} better", transform=ax.transAxes, va="top", color=looks_text(PURPLE))
        ax.text(0.02, 0.02, f"{second} better", transform=ax.transAxes, va="bottom", color=looks_text(BLUE))
        ax.set_xlabel("noisy    to    clean labels")
    axes[0][0].set_ylabel(f"{first} minus {second}")
    return figure


def looks_text(color: str) -> str:
    """The colour for words in a line's hue."""
    return Look("", color).text


@themed
def why_figure(table: pd.DataFrame) -> Figure:
    """A row a pool, a number a strategy: how open its pairs are, against label error and how much they inform.

    Colours say the family; the legend has every number, and where there is room the name stands beside it. A column of
    panels is left out if no strategy has its number, as label error where people judged.

    table: pool, strategy, mean_p_variance, label_error, d_efficiency: means over batches and seeds, null where there is
    none. ResultError as in `family_curves_figure`.
    """
    check(table, WHY_COLUMNS, ["pool", "strategy"])
    looks, pools = looks_of(table["strategy"], "strategy"), list(dict.fromkeys(table["pool"]))
    number = {name: position for position, name in enumerate(looks, start=1)}  # colours alone do not tell forty apart
    metrics = [metric for metric in WHY_LABELS if table[metric].notna().any()] or list(WHY_LABELS)
    size = (9.8, 3.5 * len(pools) + 1.8)
    figure, axes = plt.subplots(len(pools), len(metrics), figsize=size, squeeze=False, sharex=True)
    for row_axes, pool in zip(axes, pools, strict=True):
        of_pool = table[table["pool"] == pool]
        for ax, metric in zip(row_axes, metrics, strict=True):
            dots = of_pool[of_pool[metric].notna() & of_pool["mean_p_variance"].notna()]
            for dot in dots.itertuples():
                look, marker = looks[str(dot.strategy)], digits(number[str(dot.strategy)])
                ax.plot(
                    [dot.mean_p_variance], [getattr(dot, metric)], linestyle="", marker=marker,
                    color=look.text, markeredgewidth=0.3, markersize=9, label=look.label,
                )  # fmt: skip
            ax.set_ylabel(WHY_LABELS[metric])
            ax.axvline(0.25, color=GREY, linewidth=0.8, zorder=1, label="_as open as a coin")
        row_axes[0].set_title(f"pairs {called(pool, 'pool')}")
    for ax in axes[-1]:
        ax.set_xlabel(metric_label("mean_p_variance"))
    left, right = axes[0][0].get_xlim()
    ticks = [tick for tick in axes[0][0].get_xticks() if left <= tick <= right]  # none beyond the dots
    axes[0][0].set_xticks(ticks)
    axes[0][0].set_xlim(left, right + NAME_ROOM * (right - left))
    handles = {line.get_label(): line for ax in axes.flat for line in ax.lines if line.get_label()[0] != "_"}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=4, fontsize=7.5, handletextpad=0.1)
    figure.draw_without_rendering()
    for row_axes, pool in zip(axes, pools, strict=True):
        of_pool = table[table["pool"] == pool]
        for ax, metric in zip(row_axes, metrics, strict=True):
            name_dots(ax, of_pool.dropna(subset=[metric, "mean_p_variance"]), metric, looks)
    return figure


@cache
def digits(number: int) -> MarkerStyle:
    """A number as a marker; its shape is made once, which takes as long as many a dot."""
    return MarkerStyle(f"${number:02d}$")


def name_dots(ax: Axes, dots: pd.DataFrame, metric: str, looks: Mapping[str, Look]) -> None:
    """Names beside the dots that have room for one, the loneliest first; the legend of a family is its colour.

    The figure must have its layout. Names stay inside their panel and out of the layout, so that dots stay where room
    was found.
    """
    points = 72 / ax.figure.dpi
    place_m2 = ax.transData.transform(dots[["mean_p_variance", metric]].to_numpy(dtype=float)) * points
    (left, _), (right, _) = ax.transAxes.transform([(0, 0), (1, 1)]) * points
    if not len(place_m2):
        return
    apart_mm = np.abs(place_m2[:, None] - place_m2[None]).max(axis=-1) + 1e9 * np.eye(len(place_m2))
    taken = [(x - 6, y - 5, x + 6, y + 5) for x, y in place_m2]
    for m in np.argsort(-apart_mm.min(axis=1), kind="stable"):
        look = looks[str(dots["strategy"].iloc[m])]
        x, y = place_m2[m]
        width, height = 4.6 * len(look.label) + 6, 9.0
        for side in (1, -1):
            start = x + 8 if side > 0 else x - 8 - width
            box = (start, y - height / 2, start + width, y + height / 2)
            others = [other for i, other in enumerate(taken) if i != m]
            if left <= box[0] and box[2] <= right + 4 and not any(overlap(box, other) for other in others):
                name = ax.annotate(
                    look.label, (dots["mean_p_variance"].iloc[m], dots[metric].iloc[m]), xytext=(8 * side, 0),
                    textcoords="offset points", va="center", ha="left" if side > 0 else "right", fontsize=8,
                    color=look.text, annotation_clip=False,
                )  # fmt: skip
                name.set_in_layout(False)
                taken.append(box)
                break


def overlap(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Whether two boxes (left, low, right, high) share a point."""
    apart = first[2] < second[0] or second[2] < first[0] or first[3] < second[1] or second[3] < first[1]
    return not apart


def rows_of(strategies: pd.Series, looks: Mapping[str, Look]) -> dict[str, list[str]]:
    """The strategies of each row of panels, in the order of their looks; rows without any are left out."""
    names = list(dict.fromkeys(strategies))
    rows = {title: [name for name in looks if looks[name].color in colors] for title, colors in ROWS.items()}
    listed = {name for of_row in rows.values() for name in of_row}
    rows[OTHERS] = [name for name in names if name not in listed]
    return {title: of_row for title, of_row in rows.items() if of_row}


def check(table: pd.DataFrame, columns: Sequence[str], identity: list[str]) -> None:
    """ResultError unless a table has the columns, some rows, and each of them once."""
    if missing := [column for column in columns if column not in table]:
        raise ResultError(f"table: lacks {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    if table.empty:
        raise ResultError("table: is empty; a figure needs at least one row")
    if (again := table.duplicated(identity)).any():
        raise ResultError(f"table: {table.loc[again, identity].iloc[0].to_dict()} is there twice; draw one metric")
