"""How gold rewards are distributed: by policy and category, from the quantiles in result rows.

Takes a tidy table, gives a figure; computes nothing but positions.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from rmkit.figures.looks import LOOKS, looks_of
from rmkit.figures.theme import GREY, themed

SHOWN = ("q05", "q25", "q50", "q75", "q95")


@themed
def gold_figure(rows: pd.DataFrame, *, scorer: str = "rule", part: str = "test") -> Figure:
    """Gold rewards of sampled responses by category, a panel a task, a colour, dash and dot a policy.

    rows: metric, value, category, scorer, part, task, generator; where several jobs gave a quantile, their mean is
    shown. The middle half of the responses is thick, 90% thin, the median a mark.
    """
    wanted = rows[rows["metric"].isin(SHOWN) & (rows["scorer"] == scorer) & (rows["part"] == part)]
    quantiles = (
        wanted.groupby(["task", "category", "generator", "metric"], sort=False)["value"].mean().unstack("metric")
    )
    tasks = list(dict.fromkeys(wanted["task"]))
    looks = looks_of([*LOOKS["generator"], *wanted["generator"]], "generator")
    figure, axes = plt.subplots(1, len(tasks), figsize=(4.6 * len(tasks) + 1, 3.6), squeeze=False, sharex=True)
    for ax, task in zip(axes[0], tasks, strict=True):
        of_task = quantiles.loc[task]
        categories = list(dict.fromkeys(of_task.index.get_level_values("category")))[::-1]
        policies = [name for name in looks if name in of_task.index.get_level_values("generator")]
        for (category, policy), row in of_task.iterrows():
            y = categories.index(category) + 0.17 * (len(policies) - 1) * (1 if policy == "base" else -1)
            look = looks[str(policy)]
            ax.plot([row["q05"], row["q95"]], [y, y], color=look.color, linestyle=look.linestyle, linewidth=1.2)
            ax.plot([row["q25"], row["q75"]], [y, y], color=look.color, linewidth=5, solid_capstyle="butt")
            ax.plot(row["q50"], y, look.marker, color="white", markeredgecolor=look.text, markersize=6, zorder=3)
        ax.set_yticks(range(len(categories)), [name.replace("_", " ") for name in categories])
        ax.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
        ax.set(xlabel=f"gold reward ({scorer})", title=task)
        for policy in policies:
            ax.plot([], [], **{**looks[policy].line, "markerfacecolor": "white", "markersize": 6})
    axes[0][-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
