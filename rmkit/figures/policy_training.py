"""Policies on the way: gold and proxy along the distance from the base, and what training made of gold.

Takes result rows (evaluation/trained_rows.py and population_rows), gives figures; computes nothing but positions.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.looks import look_of
from rmkit.figures.theme import BLUE, INK, PALE, themed

GOLD = "gold"
SHADES = ("#B9D6EA", BLUE, "#00243A")  # from low accuracy to high: of one hue, darker and darker
REWARDS = {"proxy_reward": "reward that is optimised", "gold_reward": "gold reward"}


def runs_of(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each run and tracked step: fit, reward_model, steps, root_kl, proxy_reward, gold_reward, accuracy.

    rows: fit, reward_model, metric, steps, value. Steps that lack one of them are left out. ResultError without any.
    """
    at_steps = rows[rows["steps"].notna() & (rows["reward_model"] != "base")]
    wide = at_steps[at_steps["metric"].isin([*REWARDS, "kl_by_token"])].pivot_table(
        index=["fit", "reward_model", "steps"], columns="metric", values="value", aggfunc="first"
    )
    if missing := [name for name in (*REWARDS, "kl_by_token") if name not in wide]:
        raise ResultError(f"rows: no run was tracked with its {missing[0]}")
    table = wide.dropna().reset_index()
    accuracy = rows[rows["metric"] == "accuracy"].set_index("fit")["value"]
    return table.assign(root_kl=np.sqrt(table["kl_by_token"].clip(lower=0)), accuracy=table["fit"].map(accuracy))


@themed
def training_figure(rows: pd.DataFrame) -> Figure:
    """Two panels, the reward that is optimised and gold, against the square root of KL: a line a run.

    Colour is the reward model's accuracy; the run of gold itself is the line of gold. rows: as `runs_of`, of one job.
    The dots are the tracked steps.
    """
    runs = runs_of(rows)
    members = runs[runs["fit"] != GOLD]
    shade = Normalize(members["accuracy"].min(), members["accuracy"].max())
    colors = LinearSegmentedColormap.from_list("accuracy", SHADES)
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.9), sharex=True)
    for ax, (metric, called) in zip(axes, REWARDS.items(), strict=True):
        for fit, run in runs.groupby("fit", sort=False):
            run = run.sort_values("steps")
            own = {"color": INK, "linewidth": 2.2, "zorder": 3} if fit == GOLD else {
                "color": colors(shade(run["accuracy"].iloc[0])), "linewidth": 1.1
            }  # fmt: skip
            ax.plot(run["root_kl"], run[metric], marker="o", markersize=2.5, **own)
        ax.set(xlabel="distance from the base policy, √KL (√nats)", ylabel=f"mean {called}")
    _name_gold(axes[1], runs)
    figure.colorbar(plt.cm.ScalarMappable(shade, colors), ax=axes, label=look_of("accuracy", "measure").label)
    n_prompts = int(rows.loc[rows["metric"] == "proxy_reward", "units"].max())
    figure.suptitle(
        f"{members['fit'].nunique()} reward models and gold itself, a line each; means over {n_prompts} prompts",
        x=0.01, ha="left",
    )  # fmt: skip
    return figure


def _name_gold(ax: Axes, runs: pd.DataFrame) -> None:
    """Write beside the last dot of gold's run what it is, if there is one."""
    own = runs[runs["fit"] == GOLD].sort_values("steps")
    if len(own):
        last = own.iloc[-1]
        ax.annotate("gold itself", (last["root_kl"], last["gold_reward"]), xytext=(-4, 6), ha="right",
                    textcoords="offset points", color=INK, fontsize="small")  # fmt: skip


@themed
def gain_figure(rows: pd.DataFrame) -> Figure:
    """What each reward model's policy gains in gold, with its interval, against its accuracy; gold's own as a level.

    rows: fit, reward_model, metric, value, low, high, level, units, steps (evaluation/trained_rows.gain_rows with the
    rows of accuracy), of one policy. A run without a value is left out, and counted.
    """
    accuracy = rows[rows["metric"] == "accuracy"].set_index("fit")["value"]
    gains = rows[(rows["metric"] == "gain") & rows["steps"].notna()]
    members, own = gains[gains["fit"] != GOLD], gains[gains["fit"] == GOLD]
    drawn = members[members["value"].notna()]
    figure, ax = plt.subplots(figsize=(6.4, 4.0))
    place = drawn["fit"].map(accuracy)
    ax.vlines(place, drawn["low"], drawn["high"], color=BLUE, linewidth=1.2)
    ax.plot(place, drawn["value"], "o", color=BLUE)
    ax.axhline(0, color=PALE, linewidth=0.8)
    for row in own[own["value"].notna()].to_dict("records"):
        ax.axhline(row["value"], color=INK, linewidth=1.2)
        ax.axhspan(row["low"], row["high"], color=INK, alpha=0.08, linewidth=0)
        ax.annotate("gold itself", (0.01, row["value"]), xycoords=("axes fraction", "data"), xytext=(0, 3),
                    textcoords="offset points", color=INK, fontsize="small")  # fmt: skip
    ax.set(xlabel=look_of("accuracy", "measure").label, ylabel="gold gained over the base policy")
    left_out = len(members) - len(drawn)
    kind = f"{gains['level'].max():.0%} intervals over {gains['units'].max():.0f} prompts"
    ax.set_title(
        f"{len(drawn)} runs at their last step" + f", {left_out} without an end" * (left_out > 0) + f"; {kind}"
    )
    return figure
