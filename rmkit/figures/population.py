"""A population of reward models: what accuracy says of the policies that they lead to.

Takes tables (evaluation/population.py), gives figures; computes nothing but positions.
"""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.looks import look_of, looks_of, policy_label
from rmkit.figures.theme import GREY, INK, themed


def mild_and_strong(rows: pd.DataFrame) -> list[str]:
    """Of the policies in rows, those that a scatter compares: mildest and strongest Best-of-n, and furthest KL optimum.

    Of trained policies the one furthest from the base, and that of the last step. rows: policy, n, nats, and steps if
    policies were trained. Best-of-1 is the base policy for every reward model, so that it is no choice unless it is the
    only one.
    """
    rows = rows if "steps" in rows else rows.assign(steps=np.nan)
    by_n, by_nats, by_steps = (
        rows[rows[axis].notna()].sort_values(axis, kind="stable") for axis in ("n", "nats", "steps")
    )
    choosing = by_n[by_n["n"] > 1] if (by_n["n"] > 1).any() else by_n
    ends = [*choosing["policy"][:1], *choosing["policy"][-1:], *by_nats["policy"][-1:], *by_steps["policy"][-1:]]
    return list(dict.fromkeys(ends))


def policy_labels(rows: pd.DataFrame) -> dict[str, str]:
    """What each policy in rows is called, by its name in the column `policy`. rows: policy, n, nats; steps if any."""
    rows = rows if "steps" in rows else rows.assign(steps=np.nan)
    each = rows[rows[["n", "nats", "steps"]].notna().any(axis=1)].drop_duplicates("policy")
    return {row.policy: policy_label(row.n, row.nats, row.steps, str(row.policy)) for row in each.itertuples()}


def interval_words(table: pd.DataFrame) -> str:
    """What the intervals of correlations are for, or why there is none. table: as `correlation_figure` takes it."""
    drawn = table[table["value"].notna()] if table["value"].notna().any() else table
    without = drawn[drawn["low"].isna()]
    why = "; ".join(dict.fromkeys(without["no_interval"]))
    if len(without) == len(drawn):
        return f"no interval: {why}"
    kind = f"{drawn['level'].iloc[0]:.0%} interval for {drawn['estimand'].iloc[0]}"
    return f"{kind}; dots without a line have none: {why}" if len(without) else kind


@themed
def scatter_figure(rows: pd.DataFrame, policies: Sequence[str], *, measure: str = "accuracy") -> Figure:
    """A panel a policy: each reward model's normalised drop ratio against what it measured; colour and marker its kind.

    rows: fit, reward_model, metric, policy, n, nats, value, units (population.population_rows). Models whose ratio is
    undefined are left out, and counted in the panel.
    """
    fits = rows[~rows["reward_model"].isin(["gold", "base"])]
    measured = fits[fits["metric"] == measure].set_index("fit")
    if measured.empty:
        raise ResultError(f"rows: have no measure {measure!r}; there are {', '.join(fits['metric'].unique())}")
    looks, labels = looks_of(measured["reward_model"]), policy_labels(rows)
    figure, axes = plt.subplots(1, len(policies), figsize=(3.6 * len(policies) + 1.3, 3.9), squeeze=False, sharey=True)
    for ax, policy in zip(axes[0], policies, strict=True):
        ratio = fits[(fits["metric"] == "ndr") & (fits["policy"] == policy)].set_index("fit")["value"].dropna()
        for name, here in measured.loc[ratio.index].groupby("reward_model", sort=False):
            look = looks[str(name)]
            ax.scatter(here["value"], ratio[here.index], s=22, linewidth=0.7, **look.dots)
        label_drop_ratios(ax, measure, labels[policy], len(measured) - len(ratio))
    axes[0][0].set(ylabel="normalised drop ratio")
    for height, text in ((1, "no better than the base"), (0, "as good as optimising gold")):
        axes[0][0].annotate(text, (0.02, height), xycoords=("axes fraction", "data"), xytext=(0, 3),
                            textcoords="offset points", color=GREY, fontsize="small")  # fmt: skip
    if any(ax.get_legend_handles_labels()[0] for ax in axes[0]):
        axes[0][-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    prompts = f"measured on {measured['units'].iloc[0]:.0f} prompts, policies on others"
    figure.suptitle(f"{len(measured)} reward models, a dot each; {prompts}", x=0.01, ha="left")
    return figure


def label_drop_ratios(ax: Axes, measure: str, policy: str, n_undefined: int) -> None:
    """Draw the levels 0 and 1 of a drop ratio, name the measure and the policy, and count what is undefined."""
    ax.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    ax.axhline(0, color=INK, linewidth=0.8)
    undefined = f" ({n_undefined} undefined)" if n_undefined else ""
    ax.set(xlabel=look_of(measure, "measure").label, title=policy + undefined)


@themed
def correlation_figure(table: pd.DataFrame) -> Figure:
    """How well each measure orders the models as each policy does: a dot with its interval, a row of dots a policy.

    table: measure, policy, n, nats, statistic, value, low, high, level, units, estimand, no_interval
    (population.correlations), of one statistic. A correlation without an interval is a hollow dot, and the title says
    why.
    """
    if len(kinds := table[["statistic", "estimand"]].drop_duplicates()) > 1:
        raise ResultError(f"correlations: of {len(kinds)} kinds of statistic and estimand; draw them apart")
    policies, measures = list(dict.fromkeys(table["policy"])), list(dict.fromkeys(table["measure"]))
    looks, labels = looks_of(measures, "measure"), policy_labels(table)
    legend = 0.075 * max(len(looks[name].label) for name in measures)  # inches
    figure, ax = plt.subplots(figsize=(5.6 + legend, max(0.62 * len(policies) + 1.3, 0.26 * len(measures) + 0.9)))
    for position, measure in enumerate(measures):
        color, marker, text = looks[measure].color, looks[measure].marker, looks[measure].text
        line = table[table["measure"] == measure].set_index("policy").loc[policies]
        height = np.arange(len(policies)) + 0.66 * (position / max(1, len(measures) - 1) - 0.5)
        ax.hlines(height, line["low"], line["high"], color=color, linewidth=1.2)
        face = [color if np.isfinite(low) or marker == "x" else "white" for low in line["low"]]
        edge = None if marker == "x" else text
        ax.scatter(line["value"], height, c=face, edgecolors=edge, marker=marker, s=20, zorder=3,
                   label=looks[measure].label)  # fmt: skip
    defined = table.groupby("policy")["value"].count()  # NaN does not count
    ax.set_yticks(
        range(len(policies)), [labels[name] + ("" if defined[name] else "\n(undefined)") for name in policies]
    )
    ax.set_ylim(len(policies) - 0.5, -0.5)  # the first on top, and room for a row without dots
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")
    statistic = table["statistic"].iloc[0].capitalize()
    ax.set(xlabel=f"{statistic} correlation with the policy's gold reward, over reward models")
    ax.set_xlim(right=1.05)
    models = " to ".join(f"{units:.0f}" for units in dict.fromkeys([table["units"].min(), table["units"].max()]))
    ax.set_title(textwrap.fill(f"{models} reward models; {interval_words(table)}", 84))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
