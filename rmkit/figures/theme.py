"""How every figure of rmkit looks: one set of defaults and of colours.

Knows matplotlib's parameters only; looks.py says which colour is whose.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

# Okabe & Ito 2008: told apart by colour-blind readers. Their yellow is left out, which is hardly seen on white.
BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
GREY, INK = "#6E6E6E", "#222222"
BROWN, TEAL = "#8C510A", "#01665E"  # for ensembles
PALE = "#A8A8A8"
FOREST, PLUM, MAROON = "#117733", "#AA4499", "#661100"  # Tol 2021: for rules that are no reward model
SPARE_COLORS = (  # for names that looks.py does not list: Tol 2021, then what palette.distinct_colors finds beside all
    *("#882255", "#999933", "#332288", "#EE6677"),
    *("#8b74ff", "#00005d", "#5dd174", "#4646b9", "#5d005d", "#5d8bd1", "#00d1d1"),
)

READABLE = 4.5  # contrast of small text with its background, WCAG 2.2, success criterion 1.4.3

DEFAULTS: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "figure.titlesize": 10,
    "font.size": 10,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "savefig.dpi": 160,
    "svg.hashsalt": "rmkit",  # the ids in an SVG are then the same in every run
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


Arguments = ParamSpec("Arguments")


def contrast(color: str) -> float:
    """How far a colour stands out on white, from 1 to 21: WCAG 2.2, "contrast ratio"."""
    red, green, blue = _light(color)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


@functools.cache
def text_color(color: str) -> str:
    """The colour for words: itself where it can be read on white, else as much darker in the same hue as it takes."""
    share, darker = 1.0, color
    while contrast(darker) < READABLE:
        share -= 0.01
        red, green, blue = (_signal(share * light) for light in _light(color))
        darker = to_hex((red, green, blue))
    return darker


def _light(color: str) -> list[float]:
    """A colour's red, green and blue in linear light."""
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in to_rgb(color)]


def _signal(light: float) -> float:
    """Linear light as sRGB writes it."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def themed(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """A figure function that draws in the theme, whatever the process's defaults, and leaves them as they were.

    The figure is taken off pyplot's list, so that a notebook shows it once, as the cell's value, and a long run does
    not gather open figures. It can still be shown, changed and saved. One that a function leaves unfinished is closed.
    """

    @functools.wraps(draw)
    def in_theme(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        before = plt.get_fignums()
        try:
            with plt.rc_context(DEFAULTS):
                return draw(*args, **kwargs)
        finally:
            for number in set(plt.get_fignums()) - set(before):
                plt.close(number)

    return in_theme
