"""What things look like and are called in figures, tables and sentences: colour, dash, marker and name, in one place.

A kind is a column of result rows, `reward_model` or `strategy`. Knows names and looks only: no data, no layout of any
one figure.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from zlib import crc32

from rmkit.figures.theme import (
    AMBER,
    BLUE,
    BROWN,
    FOREST,
    GREEN,
    GREY,
    INK,
    MAROON,
    ORANGE,
    PALE,
    PLUM,
    PURPLE,
    SKY,
    SPARE_COLORS,
    TEAL,
    text_color,
)


@dataclass(frozen=True)
class Look:
    """How one thing is drawn and called."""

    label: str
    color: str
    linestyle: Any = "-"
    marker: str = "."
    said: str = ""  # in a sentence, where that is not the label

    @property
    def line(self) -> dict[str, Any]:
        """What `ax.plot` takes: `ax.plot(x, y, **look.line)`."""
        style = {"color": self.color, "linestyle": self.linestyle, "marker": self.marker, "label": self.label}
        return {**style, "markeredgecolor": self.text}

    @property
    def text(self) -> str:
        """The colour of its name: of the same hue, and dark enough to be read on white."""
        return text_color(self.color)

    @property
    def dots(self) -> dict[str, Any]:
        """What `ax.scatter` takes: filled in its colour with a darker edge, where the marker has an inside."""
        if self.marker in UNFILLED:
            return {"color": self.text, "marker": self.marker, "label": self.label}
        return {"facecolors": self.color, "edgecolors": self.text, "marker": self.marker, "label": self.label}


UNFILLED = ("x", "+")  # markers without an inside


MARKERS = "osD^Pv<>XdHh*"
GAPS = {
    "delta_ucb": "DeltaUCB",
    "info_max": "InfoMax",
    "info_gain": "InfoGain",
    "max_min_lcb": "MaxMinLCB",
    "delta_quantile": "DeltaQuantile",
}
# A colour and a dash for each family of strategies, and what each of its members is called.
FAMILIES: tuple[tuple[str, Any, dict[str, str]], ...] = (
    (
        BLUE,
        "-",
        {
            "d_optimal": "D-optimal",
            "d_optimal_exchange": "D-optimal with exchange",
            "d_optimal_one_shot": "D-optimal, one shot",
            "d_optimal_past_one_shot": "D-optimal, one shot, past-aware",
            "linear_design": "linear design",
        },
    ),
    (
        ORANGE,
        "--",
        {
            "max_difference": "maximum difference",
            "entropy": "entropy",
            "min_difference": "minimum difference",
            "noisy_level_set": "noisy level set",
        },
    ),
    (
        SKY,
        (0, (5, 1)),
        {f"{name}_optimal": f"{name.upper()}-optimal" for name in "ave"} | {"c_optimal": "c-optimal"},
    ),
    (AMBER, (0, (1, 1)), {"coreset": "coreset", "coreset_published": "coreset, as released"}),
    (GREEN, "-.", {"bald": "BALD", "batch_bald": "BatchBALD"}),
    (PURPLE, (0, (7, 2)), GAPS),
    (
        PLUM,
        (0, (3, 1, 1, 1)),
        {f"{name}_random_prompts": f"{label}, random prompts" for name, label in GAPS.items()},
    ),
    (
        MAROON,
        (0, (2, 2)),
        {f"{name}_published": f"{label}, as released" for name, label in GAPS.items()},
    ),
    (
        TEAL,
        (0, (9, 2, 2, 2)),
        {
            "thompson": "double Thompson",
            "reverse_thompson": "double reverse Thompson",
            "thompson_published": "double Thompson, as released",
            "reverse_thompson_published": "double reverse Thompson, as released",
        },
    ),
    (
        BROWN,
        (0, (3, 1, 1, 1, 1, 1)),
        {"d_optimal_shuffled": "D-optimal, weights shuffled", "distance_only": "D-optimal, equal weights"},
    ),
)


def _strategies() -> dict[str, Look]:
    """The looks of FAMILIES, a marker for each member of a family."""
    looks = {"random": Look("random", GREY, ":", "x")}
    for color, dash, labels in FAMILIES:
        for (name, label), marker in zip(labels.items(), MARKERS, strict=False):
            looks[name] = Look(label, color, dash, marker)
    return looks


LOOKS: Mapping[str, Mapping[str, Look]] = {
    "reward_model": {
        "linear_bt": Look("linear BT", BLUE, "-", "o"),
        "mlp_bt": Look("BT MLP", ORANGE, "--", "s"),
        "mlp_clf": Look("CLF MLP", PURPLE, (0, (5, 1)), "D"),
        "lightgbm_clf": Look("CLF LightGBM", SKY, (0, (3, 1, 1, 1, 1, 1)), "^"),
        "lightgbm_bt": Look("BT LightGBM", AMBER, (0, (1, 1)), "P"),
        "mlp_bt_ensemble": Look("BT MLP ensemble", BROWN, (0, (7, 2)), "X"),
        "lightgbm_bt_ensemble": Look("BT LightGBM ensemble", TEAL, (0, (3, 1, 1, 1)), "<"),
        "gold": Look("gold reward", INK, "-", "*"),
        "random": Look("random", GREY, ":", "x", said="a random reward"),
        "shorter": Look("shorter answer", GREEN, "-.", "v", said="the shorter answer"),
        "longer": Look("longer answer", FOREST, (0, (9, 2, 2, 2)), "H", said="the longer answer"),
        "more_formatted": Look("more formatted answer", PLUM, (0, (2, 2)), "d", said="the more formatted answer"),
        "nearest_to_chosen": Look(
            "nearest to what was chosen", MAROON, (0, (1, 2, 4, 2)), ">", said="the answer nearest to what was chosen"
        ),
        "base": Look("base policy", PALE, (0, (1, 3)), "+"),
    },
    "strategy": {
        **_strategies(),
    },
    "choice": {
        "similar": Look("similar", ORANGE, "--", "s"),
        "random": Look("random", BLUE, "-", "o"),
        "diversified": Look("diversified", GREEN, "-.", "^"),
    },
    "pool": {
        "within_prompt": Look("within a prompt", BLUE, "-", "o"),
        "cross_prompt": Look("across prompts", ORANGE, "--", "s"),
    },
    "measure": {
        "one_pair": Look("accuracy, one pair a prompt", GREY, ":", "x"),
        "accuracy": Look("accuracy, all pairs", BLUE, "-", "o"),
        "kendall": Look("Kendall's τ-b", SKY, (0, (3, 1, 1, 1, 1, 1)), "s"),
        "spearman": Look("Spearman", GREEN, "-.", "^"),
        "pearson": Look("Pearson", PURPLE, (0, (5, 1)), "D"),
        "best_of_all": Look("gold of its best", ORANGE, "--", "v"),
    },
    "procedure": {
        "published": Look("as released", ORANGE, "--", "s"),
        "sound": Look("sound", BLUE, "-", "D"),
    },
    "validation": {
        "mirrored_row": Look("mirrored row", ORANGE, ":", "o"),
        "pair": Look("pair", BLUE, "--", "s"),
        "prompt": Look("prompt", GREEN, "-.", "^"),
    },
    "error_shape": {
        "gaussian": Look("Gaussian", INK, "-", "o"),
        "uniform": Look("uniform", BLUE, "--", "s"),
        "student_t_2.5": Look("Student t, 2.5 d.f.", AMBER, (0, (5, 1)), "D"),
        "student_t_1.5": Look("Student t, 1.5 d.f.", ORANGE, (0, (3, 1, 1, 1, 1, 1)), "^"),
        "noisier_where_gold_is_high": Look("noisier where gold is high", GREEN, "-.", "P"),
        "cleaner_where_gold_is_high": Look("cleaner where gold is high", SKY, (0, (7, 2)), "X"),
        "saturated": Look("saturated", PURPLE, (0, (1, 1)), "v"),
        "rare_hack": Look("rare hack", BROWN, (0, (3, 1, 1, 1)), "*"),
    },
    "optimiser": {
        "ppo": Look("PPO", PURPLE, "-", "D"),
        "rloo": Look("RLOO", BLUE, "--", "s"),
        "grpo": Look("GRPO", GREEN, "-.", "^"),
    },
    "generator": {
        "base": Look("base model", BLUE, "-", "o"),
        "sft": Look("fine-tuned", ORANGE, "--", "s"),
    },
}


# How a way of fitting is dashed: the sound one by pairs is solid, those as released are dotted or dashed.
WAY_DASHES: Mapping[tuple[str, str], Any] = {
    ("sound", "pair"): "-",
    ("sound", "prompt"): (0, (8, 2)),
    ("sound", "mirrored_row"): (0, (8, 2, 2, 2)),
    ("published", "mirrored_row"): ":",
    ("published", "pair"): (0, (3.5, 2)),
    ("published", "prompt"): "-.",
}


def way_look(procedure: str, validation: str) -> Look:
    """Of a way of fitting, whatever the head: a dash without a marker."""
    trained, split = LOOKS["procedure"][procedure], LOOKS["validation"][validation]
    return Look(f"{trained.label}, split by {split.label}", INK, WAY_DASHES[procedure, validation], "")


def arm_look(head: Look, procedure: str, validation: str) -> Look:
    """Of a head and a way of fitting: colour and marker say which head, the dash how it was fitted."""
    way = way_look(procedure, validation)
    return replace(head, linestyle=way.linestyle, label=f"{head.label}, {way.label}")


# The arms of the split ablation, by the name that they have as reward models in result rows.
ARMS = {
    f"{head} {procedure} {validation}": arm_look(look, procedure, validation)
    for head, look in LOOKS["reward_model"].items()
    for procedure, validation in product(LOOKS["procedure"], LOOKS["validation"])
}

# What a metric is called on an axis and in a table.
METRIC_LABELS = {
    "accuracy": "accuracy (share of pairs)",
    "log_loss": "log-loss (nats)",
    "overconfidence": "confidence minus accuracy",
    "ece": "expected calibration error",
    "brier": "Brier score",
    "spearman": "Spearman with gold, within prompts",
    "best_of_n": "gold reward of the best of n",
    "elce": "expected lower calibration error",
    "mlce": "maximal lower calibration error",
    "lower_bound_error": "lower bound above accuracy",
    "upper_bound_error": "upper bound below accuracy",
    "risk_coverage_area": "risk–coverage area",
    "accuracy_of_surest": "accuracy of the surest share",
    "gold_coverage": "share of intervals that hold gold",
    "gold_coverage_of_pick": "share of picks whose interval holds gold",
    "interval_width": "width of intervals (reward's s.d.)",
    "error_sd_correlation": "rank correlation of |error| with s",
    "realised_error": "share of labels against gold",
    "gold_reward": "gold reward of the policy",
    "mean_p_variance": "mean p(1 − p) of the batch",
    "distinct_prompts": "distinct prompts in the batch",
    "log_det_gain": "gain in log det (nats)",
    "chatterjee_xi": "Chatterjee's ξ",
    "mrr": "MRR",
    "ndcg": "NDCG",
    "ndcg_min_max": "NDCG, gold as gains",
    "normalised_best_of_all": "share of gain of its best",
    "top_win_rate": "win rate of its best",
    "top_quarter": "share of gain of its best quarter",
    "best_of_four": "best of four (RewardBench 2)",
    "strict_accuracy": "strict accuracy, best against worst",
    "matrix_accuracy": "accuracy, best against worst",
    "covariance": "covariance with gold",
    "covariance_whitened": "covariance with gold, whitened",
    "reward_variance": "reward variance",
    "reward_variance_whitened": "reward variance, whitened",
    "ece_at_temperature": "expected calibration error, temperature fitted",
    "lowest_quarter_accuracy": "accuracy, lowest quarter of prompts",
}
PARTS = ("color", "linestyle", "marker")
SPARE_DASHES, SPARE_MARKERS = ((0, (4, 1, 1, 1)), (0, (2, 1)), "-"), ("X", "p", "d", ">", "v")
SPARES = [  # of 11 colours, 3 dashes and 5 markers, which have no divisor in common: all combinations come once
    Look("", SPARE_COLORS[i % len(SPARE_COLORS)], SPARE_DASHES[i % 3], SPARE_MARKERS[i % 5])
    for i in range(len(SPARE_COLORS) * 3 * 5)
]


def looks_of(names: Iterable[object], kind: str = "reward_model") -> dict[str, Look]:
    """The look of each name of a kind. A name that is not listed here goes by itself and gets a spare look.

    A measure goes by what METRIC_LABELS calls it, if it does. Spare looks have colours that nothing listed has, and
    differ as much as they can from each other. Which one a name gets depends on the name, and on the other unlisted
    names beside it; not on their order.
    """
    texts = list(dict.fromkeys(map(str, names)))
    listed = {**LOOKS.get(kind, {}), **(ARMS if kind == "reward_model" else {})}
    found = {name: listed[name] for name in texts if name in listed}
    spare: dict[str, Look] = {}
    for name in sorted(set(texts) - set(found)):
        label = METRIC_LABELS.get(name, name) if kind == "measure" else name
        spare[name] = replace(_least_alike(crc32(name.encode()), spare.values()), label=label)
    return {name: (found | spare)[name] for name in texts}


def look_of(name: object, kind: str = "reward_model") -> Look:
    """The look of one name of a kind, as if it stood alone."""
    return looks_of([name], kind)[str(name)]


def called(name: object, kind: str = "reward_model") -> str:
    """A name of a kind in a sentence: BT MLP, the shorter answer."""
    look = look_of(name, kind)
    return look.said or look.label


def metric_label(metric: str, n: float | None = None) -> str:
    """What a metric is called on an axis and in a table; Best-of-n by its n, where that is not missing."""
    label = METRIC_LABELS.get(metric, metric.replace("_", " "))
    has_n = metric == "best_of_n" and n is not None and n == n
    return f"{label.removesuffix(' n')} {n:g}" if has_n else label


def policy_label(n: float, nats: float, steps: float = float("nan"), policy: str = "") -> str:
    """What a policy is called: Best-of-8 by its n, else KL optimum at 0.5 nats by its distance from the base.

    A trained one, whose `policy` begins with its optimiser's name, PPO at 0.5 nats; by its steps, PPO, 30 steps.
    """
    look = LOOKS["optimiser"].get(policy.partition("_")[0])
    called = look.label if look else "KL optimum"
    if steps == steps:
        return f"{called}, {steps:g} step{'s' * (steps != 1)}"
    return f"Best-of-{n:g}" if n == n else f"{called} at {nats:g} nat{'s' * (nats != 1)}"


def _least_alike(start: int, taken: Collection[Look]) -> Look:
    """The first spare look, counted from `start`, that shares least with these.

    Counted first are those that are like it in all, then in all but the colour, then in colour, dash or marker.
    """

    def shared(look: Look) -> tuple[int, int, int, int]:
        color, dash, marker = ([getattr(other, part) == getattr(look, part) for other in taken] for part in PARTS)
        alike = sum(map(all, zip(color, dash, marker, strict=True)))
        return alike, sum(map(all, zip(dash, marker, strict=True))), sum(color), sum(dash) + sum(marker)

    return min((SPARES[(start + i) % len(SPARES)] for i in range(len(SPARES))), key=shared)
