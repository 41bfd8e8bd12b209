"""Over-optimisation: how gold turns back while a proxy rises, and how much of gold's gain that costs at each accuracy.

Takes tables (evaluation/pressure_curves.py), gives figures; computes nothing but positions.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.looks import look_of, looks_of
from rmkit.figures.theme import AMBER, BLUE, GREY, INK, ORANGE, text_color, themed

REWARDS = {"proxy": (ORANGE, "--", "o"), "gold": (BLUE, "-", "s")}
MARKS = {"peak": (INK, ":", "gold's highest"), "alarm": (AMBER, "-.", "the alarm rings")}


def good_middling_bad(rows: pd.DataFrame, form: str) -> list[str]:
    """The fits with the least, the middle and the most gamma along this form, each once, of those that have one."""
    found = rows[(rows["metric"] == "gamma") & (rows["form"] == form)].dropna(subset="value")
    ordered = found.sort_values("value", kind="stable")["fit"].tolist()
    return list(dict.fromkeys(ordered[place] for place in (0, len(ordered) // 2, -1))) if ordered else []


@themed
def overoptimisation_figure(curves: pd.DataFrame, rows: pd.DataFrame, *, alarm: str = "held_out") -> Figure:
    """A panel a reward model: what the proxy and gold gain, against the distance from the base, with their intervals.

    curves: fit, form, reward (proxy or gold), nats, mean, low, high, level, prompts, of one form (curves_of). rows:
    fit, form, alarm, metric, value (overoptimisation_rows): gold's peak and the alarm are marked where there are such.
    """
    if len(forms := curves["form"].unique()) != 1:
        raise ResultError(f"curves: of {len(forms)} ways to optimise; draw them apart")
    here = rows[(rows["form"] == forms[0]) & rows["alarm"].isin(["", alarm])]
    names = list(dict.fromkeys(curves["fit"]))
    figure, axes = plt.subplots(1, len(names), figsize=(3.5 * len(names) + 1.4, 3.7), squeeze=False, sharey=True)
    for ax, name in zip(axes[0], names, strict=True):
        for reward, (color, dash, marker) in REWARDS.items():
            line = curves[(curves["fit"] == name) & (curves["reward"] == reward)]
            x = np.sqrt(line["nats"])
            ax.plot(x, line["mean"], color=color, linestyle=dash, marker=marker, markeredgecolor=text_color(color),
                    label=reward)  # fmt: skip
            ax.fill_between(x, line["low"].astype(float), line["high"].astype(float), color=color, alpha=0.15, lw=0)
        _mark(ax, here[here["fit"] == name])
        ax.axhline(0, color=GREY, linewidth=0.8)
        (gamma,) = here[(here["fit"] == name) & (here["metric"] == "gamma")]["value"]
        ax.set(xlabel="distance from the base, root of KL in nats", title=f"{name}\ngamma {gamma:.2f}")
        ax.title.set_fontsize("small")
    axes[0][0].set(ylabel="gain over the base\n(units of each reward's spread)")
    drawn = {label: line for ax in axes[0] for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    axes[0][-1].legend(drawn.values(), drawn.keys(), loc="upper left", bbox_to_anchor=(1.0, 1.0))
    way = {"best_of_n": "Best-of-n", "kl": "KL optimum"}[forms[0]]
    figure.suptitle(f"{way}; {_bands(curves)}", x=0.01, ha="left")
    return figure


@themed
def gamma_figure(rows: pd.DataFrame, accuracy: pd.DataFrame, forms: Sequence[str]) -> Figure:
    """A panel a way to optimise: each reward model's gamma against its accuracy; colour and marker its kind.

    rows: fit, reward_model, form, metric, value, low, high (overoptimisation_rows). accuracy: fit, value, one row a
    model. Models without a gamma are left out, and counted in the panel.
    """
    of_fit = accuracy.set_index("fit")["value"]
    gammas = rows[rows["metric"] == "gamma"]
    looks = looks_of(gammas["reward_model"])
    figure, axes = plt.subplots(1, len(forms), figsize=(3.8 * len(forms) + 1.6, 3.9), squeeze=False, sharey=True)
    for ax, form in zip(axes[0], forms, strict=True):
        here = gammas[gammas["form"] == form]
        defined = here.dropna(subset="value")
        for name, kind in defined.groupby("reward_model", sort=False):
            x, look = of_fit[kind["fit"]].to_numpy(), looks[str(name)]
            ax.vlines(x, kind["low"].astype(float), kind["high"].astype(float), color=look.color, linewidth=0.7)
            ax.scatter(x, kind["value"], s=22, linewidth=0.7, zorder=3, **look.dots)
        ax.axhline(0, color=INK, linewidth=0.8)
        left_out = f" ({len(here) - len(defined)} undefined)" if len(defined) < len(here) else ""
        title = {"best_of_n": "along Best-of-n", "kl": "along KL"}[form] + left_out
        ax.set(xlabel=look_of("accuracy", "measure").label, title=title)
    axes[0][0].set(ylabel="gamma, the share of gold's gain that is lost")
    axes[0][-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.suptitle(f"{gammas['fit'].nunique()} reward models; {_bands(gammas)}", x=0.01, ha="left")
    return figure


def _mark(ax: Axes, rows: pd.DataFrame) -> None:
    """Upright lines where gold is highest and where the alarm rings, if they are anywhere."""
    for metric, (color, dash, label) in MARKS.items():
        for nats in rows[rows["metric"] == metric]["value"].dropna():
            ax.axvline(np.sqrt(nats), color=color, linestyle=dash, linewidth=1.1, label=label)


def _bands(table: pd.DataFrame) -> str:
    """What the intervals of a table are, or that there are none."""
    if table["low"].isna().all():
        return "no intervals: too few prompts"
    level = table["level"].iloc[0]
    return f"{level:.0%} intervals for new prompts, these reward models"
