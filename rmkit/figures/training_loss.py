"""How a training went: the loss against the step, a line a model.

Takes training logs, gives a figure; reads and smooths nothing.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rmkit.figures.theme import text_color, themed

DASHES = ("-", "--", "-.", ":")


@themed
def loss_figure(logs: Mapping[str, pd.DataFrame], *, title: str, unit: str = "nats a token") -> Figure:
    """The loss by step, a line a model, named at its end; a log of one step is a dot.

    logs: step, loss (mean of ten steps, in `unit`).
    """
    figure, ax = plt.subplots(figsize=(6, 3.2))
    for position, (name, log) in enumerate(logs.items()):
        dash = DASHES[position % len(DASHES)]
        (line,) = ax.plot(log["step"], log["loss"], linestyle=dash, marker="o" if len(log) == 1 else None, label=name)
        if len(log):
            end = (log["step"].iloc[-1], log["loss"].iloc[-1])
            text = f"{name}: {end[1]:.2f}"
            ax.annotate(
                text,
                end,
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                color=text_color(str(line.get_color())),
            )
    ax.set(xlabel="step", ylabel=f"loss ({unit})", title=title)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylim(bottom=0)
    return figure
