"""What things look like and are called in every figure: colour, dash, marker and name, in one place.

Knows names and looks only: no data, no layout of any one figure.
"""

from typing import Any

from rmkit.figures.theme import BLUE, BROWN, GREEN, GREY, INK, ORANGE, PURPLE, SKY, TEAL, YELLOW

# Passed to matplotlib as they stand: `ax.plot(x, y, **LOOK["linear_bt"])`.
LOOK: dict[str, dict[str, Any]] = {
    "linear_bt": {"color": BLUE, "linestyle": "-", "marker": "o", "label": "linear BT"},
    "mlp_bt": {"color": ORANGE, "linestyle": "--", "marker": "s", "label": "BT MLP"},
    "mlp_clf": {"color": PURPLE, "linestyle": (0, (5, 1)), "marker": "D", "label": "CLF MLP"},
    "lightgbm_clf": {"color": SKY, "linestyle": (0, (3, 1, 1, 1, 1, 1)), "marker": "^", "label": "CLF LightGBM"},
    "lightgbm_bt": {"color": YELLOW, "linestyle": (0, (1, 1)), "marker": "P", "label": "BT LightGBM"},
    "mlp_bt_ensemble": {"color": BROWN, "linestyle": (0, (7, 2)), "marker": "X", "label": "BT MLP ensemble"},
    "lightgbm_bt_ensemble": {
        "color": TEAL,
        "linestyle": (0, (3, 1, 1, 1)),
        "marker": "<",
        "label": "BT LightGBM ensemble",
    },
    "gold": {"color": INK, "linestyle": "-", "marker": "*", "label": "gold reward"},
    "random": {"color": GREY, "linestyle": ":", "marker": "x", "label": "random"},
    "shorter": {"color": GREEN, "linestyle": "-.", "marker": "v", "label": "shorter answer"},
}

STRATEGY_LOOK: dict[str, dict[str, Any]] = {
    "random": {"color": GREY, "linestyle": ":", "marker": "x", "label": "random"},
    "entropy": {"color": ORANGE, "linestyle": "--", "marker": "s", "label": "entropy"},
    "d_optimal": {"color": BLUE, "linestyle": "-", "marker": "o", "label": "D-optimal"},
}

CHOICE_LOOK = {
    "similar": {"color": ORANGE, "marker": "s"},
    "random": {"color": BLUE, "marker": "o"},
    "diversified": {"color": GREEN, "marker": "^"},
}
POOL_LOOK = {"within_prompt": {"linestyle": "-"}, "cross_prompt": {"linestyle": "--"}}
POOL_NAMES = {"within_prompt": "within a prompt", "cross_prompt": "across prompts"}

MEASURE_NAMES = {
    "one_pair": "accuracy, one pair a prompt",
    "accuracy": "accuracy, all pairs",
    "kendall": "Kendall's τ-b",
    "spearman": "Spearman",
    "pearson": "Pearson",
    "best_of_all": "gold of its best",
}
MEASURE_LOOK = dict(
    zip(MEASURE_NAMES, zip((GREY, BLUE, SKY, GREEN, PURPLE, ORANGE), "xos^Dv", strict=True), strict=True)
)


def look_of(reward_model: str) -> dict[str, Any]:
    """The look of a reward model; one that the theme does not know is black and goes by its own name."""
    return LOOK.get(reward_model, {"color": INK, "linestyle": "-", "marker": ".", "label": reward_model})


def strategy_look(name: str) -> dict[str, Any]:
    """The look of a strategy; one that is not known here is black and goes by its own name."""
    return STRATEGY_LOOK.get(name, {"color": INK, "linestyle": "-.", "marker": ".", "label": name})
