"""How many pairs a model has in the wrong order while somebody labels: what it says, what it promised, and the truth.

Takes a table, gives a figure; fits and estimates nothing.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from rmkit.figures.theme import BLUE, GREY, ORANGE, themed

LINES = {
    "wrong_now": ("by the model's own account", BLUE, "-", "o"),
    "truth": ("in truth", ORANGE, "--", "s"),
}


@themed
def wrong_order_figure(batches: pd.DataFrame) -> Figure:
    """The share of pairs in the wrong order by the number of labels.

    batches: a row each time the model was fitted: labels (that it knew), wrong_now (by its own account), after_labels
    and wrong_after (what it promised then for so many labels); and truth, where gold is known.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.4))
    for name, (text, color, dash, marker) in LINES.items():
        if name in batches:
            ax.plot(batches["labels"], batches[name], color=color, linestyle=dash, marker=marker, label=text)
    for row in batches.to_dict("records"):
        ax.annotate("", (row["after_labels"], row["wrong_after"]), (row["labels"], row["wrong_now"]),
                    arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1, "linestyle": ":"})  # fmt: skip
    handles, _ = ax.get_legend_handles_labels()
    promise = Line2D([], [], color=GREY, linestyle=":", linewidth=1, label="promised, for the labels to come")
    ax.legend(handles=[*handles, promise], loc="lower left")
    ax.set(xlabel="labels", ylabel="pairs in the wrong order", title="What labels were worth, foretold and seen")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xticks(sorted({*batches["labels"], *batches["after_labels"]}))
    ax.set_ylim(bottom=0)
    return figure
