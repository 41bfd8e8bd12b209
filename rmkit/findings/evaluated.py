"""What the evaluations of each stage can be asked about: metrics with their axes, and columns of fits with their names.

Plain data, so that a statement can be checked before any row exists; tests hold it against what is evaluated. A stage
that is not listed is asked nothing beforehand: its statements are checked when they are judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

from rmkit.measures.names import FEWEST_RESPONSES

ENDS = ("most", "fewest", "beyond_fewest")  # words for the numbers of a column: evaluation/contrasts.py has the rest
Names = tuple[str, ...]
# Column -> the parameters that list its names, or that are one of them.
LISTED_BY = {
    "reward_model": ("reward_models", "reward_model"),
    "strategy": ("strategies",),
    "pool": ("pools", "pool"),
    "error_shape": ("error_shapes",),
}
NO_ERROR = "none"  # the error_shape of a reward model that learned from labels


ROWS_ALONE = ("03_annotation_noise", "14_test_sets")  # gathered stages that record rows and evaluate no fits


@dataclass(frozen=True)
class Evaluated:
    """The metrics of a stage's evaluations and the columns of their fits."""

    metrics: Mapping[str, str]  # and the axis of each, or nothing
    numbers: Names  # columns that hold numbers
    names: Mapping[str, Names]  # columns that hold names, and those names that no parameter of the notebook lists
    policies: Names = ()  # the metrics that are policies; a correlation is of one of these with one of the others
    recorded: Mapping[str, Names] = field(default_factory=dict)  # metrics of rows with an interval, and their columns


BASELINES = ("gold", "random", "shorter")
ALL_HEADS = (  # for a stage that takes models of whatever kind a population has
    *("linear_bt", "mlp_bt", "mlp_clf", "lightgbm_clf", "lightgbm_bt"),
    *("mlp_bt_ensemble", "lightgbm_bt_ensemble"),
)
HEADS, PROCEDURES, SPLITS = ("mlp_bt", "mlp_clf"), ("published", "sound"), ("mirrored_row", "pair", "prompt")
GOLD = {"accuracy": "", "spearman": "", "best_of_n": "n", "proxy_of_pick": "n", "quantile_of_pick": "n"}
ANNOTATED = dict.fromkeys(("label_accuracy", "log_loss", "overconfidence"), "")
PAIRS = dict.fromkeys(("accuracy", "log_loss", "brier", "overconfidence"), "")
MEASURES = dict.fromkeys(FEWEST_RESPONSES, "")
AXES = ("draw", "beta", "annotations", "flip", "length_bias", "kept_dimensions", "error_accuracy")
STORED = {"best_of_n": "n", "kl": "nats"}
OPTIMISERS = ("ppo", "rloo", "grpo")
TRAINED = dict.fromkeys(OPTIMISERS, "steps") | {f"{name}_at_kl": "nats" for name in OPTIMISERS}
POLICIES = STORED | TRAINED
PLACE = ("policy", "n", "nats")
GOLDEN = {"golden_correlation": ("measure", *PLACE, "statistic", "over")}
PART = ("among",)  # heads, or an error shape; a column that is there where a population has proxies
SPREADS = dict.fromkeys(("departure", "ndr_spread", "ndr_spread_beyond_noise"), (*PLACE, *PART)) | {
    "gamma_spread": ("form", *PART)
}
CHOOSING = dict.fromkeys(("selection_regret", "decision_accuracy", "mrr_of_best"), ("measure", *PLACE))
SETTING = (
    *("design", "n_responses", "n_pairs", "share", "flip", "temperature", "votes", "budget"),
    *("chosen_bin", "rejected_bin", "unit", "source", "own", "category"),
    *("measure", *PLACE, "steps", "reward_scale", "policy_category", "statistic"),
)
OF_DESIGNS = {
    "correlation": SETTING,
    "correlation_difference": (*SETTING, "first", "second"),
    **dict.fromkeys(("slope", "contrast"), (*SETTING, "along")),
}
OF_OUTCOMES = (*PLACE, "steps", "reward_scale", "statistic")
SECOND = ("second_policy", "second_n", "second_nats", "second_steps", "second_reward_scale")
OF_OPTIMISERS = {
    "reliability": OF_OUTCOMES,
    **dict.fromkeys(("agreement", "agreement_corrected", "agreement_ceiling"), (*OF_OUTCOMES, *SECOND)),
    **dict.fromkeys(
        ("measured_correlation", "measured_correlation_corrected", "measured_ceiling", "lead_over_another_seed"),
        ("measure", *OF_OUTCOMES),
    ),
}

EVALUATED = {
    "04_reward_models": Evaluated(
        GOLD | ANNOTATED,
        ("beta", "annotations"),
        {"reward_model": BASELINES, "validation": SPLITS},
    ),
    "05_active_labeling": Evaluated(
        GOLD | ANNOTATED | PAIRS | {"kl": "nats"},
        ("annotations",),
        {"reward_model": (), "pool": ("judged",), "strategy": ()},
    ),
    "06_accuracy_vs_policy": Evaluated(
        MEASURES | STORED,
        AXES,
        {"reward_model": ("gold", "base", "analytic"), "validation": SPLITS, "error_shape": (NO_ERROR,)},
        tuple(STORED),
        {**GOLDEN, **SPREADS, **CHOOSING},
    ),
    "12_language_model_rewards": Evaluated(
        MEASURES | STORED,
        ("flip", "beta", "annotations"),
        {"reward_model": ("gold", "base", "language_model")},
        tuple(STORED),
        GOLDEN,
    ),
    "09_human_preferences": Evaluated(PAIRS, ("annotations",), {"reward_model": BASELINES}),
    "10_validation_split": Evaluated(
        GOLD | PAIRS,
        ("beta", "annotations"),
        {
            "reward_model": HEADS,
            "procedure": PROCEDURES,
            "validation": SPLITS,
            "arm": tuple(map(" ".join, product(HEADS, PROCEDURES, SPLITS))),
        },
    ),
    "13_policy_training": Evaluated(
        MEASURES | POLICIES,
        AXES,
        {"reward_model": (*ALL_HEADS, "gold", "base"), "validation": SPLITS, "error_shape": (NO_ERROR,)},
        tuple(POLICIES),
    ),
    "14_test_sets": Evaluated({}, (), {}, recorded=OF_DESIGNS | OF_OPTIMISERS),
}
