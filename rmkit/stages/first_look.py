"""What is looked at first of each stage's rows: the picture that 08 opens with, and the table of `rmkit results`.

Plain data. Names that a stage's rows do not have are passed over.
"""

from collections.abc import Mapping
from typing import Any

REPLICATES = ("seed", "draw", "fold")  # columns that only repeat a fit: averaged unless they are asked for

# Of the picture: metric, x, lines, facets, and the value that is kept of another column. Of the table: `headlines`, the
# metrics; `columns`, where it is not to have a row for each setting that there is, the columns that it goes by.
FIRST_LOOK: Mapping[str, Mapping[str, Any]] = {
    "01_sft": {"metric": "train_loss", "x": "step", "headlines": ("train_loss", "train_token_accuracy")},
    "02_sampling": {
        "metric": "gold_mean",
        "x": "category",
        "lines": "generator",
        "facets": "scorer",
        "part": "test",
        "headlines": ("gold_mean", "gold_sd"),
    },
    "03_annotation_noise": {
        "metric": "realised_error",
        "x": "beta",
        "lines": "choice",
        "facets": "pool",
        "headlines": ("realised_error", "expected_error", "realised_agreement", "accuracy_ceiling"),
    },
    "04_reward_models": {
        "metric": "best_of_n",
        "x": "annotations",
        "lines": "reward_model",
        "facets": "beta",
        "headlines": ("best_of_n", "spearman", "accuracy", "label_accuracy"),
    },
    "09_human_preferences": {
        "metric": "accuracy",
        "x": "annotations",
        "lines": "reward_model",
        "headlines": ("accuracy", "log_loss", "ece"),
    },
    "10_validation_split": {
        "metric": "best_of_n",
        "x": "annotations",
        "lines": "reward_model",
        "facets": "beta",
        "headlines": ("best_of_n", "spearman", "accuracy", "log_loss"),
    },
    "05_active_labeling": {
        "metric": "best_of_n",
        "x": "annotations",
        "lines": "strategy",
        "facets": "pool",
        "headlines": ("best_of_n", "spearman", "accuracy"),
    },
    "06_accuracy_vs_policy": {
        "metric": "gold_reward",
        "x": "policy",
        "lines": "reward_model",
        "headlines": ("correlation", "gold_reward", "regret"),
    },
    "12_language_model_rewards": {
        "metric": "gold_reward",
        "x": "policy",
        "lines": "flip",
        "headlines": ("correlation", "gold_reward", "regret"),
    },
    "13_policy_training": {
        "metric": "gain",
        "x": "policy",
        "lines": "reward_model",
        "headlines": ("gain", "recovered_gain", "correlation"),
    },
    "14_test_sets": {
        "metric": "correlation",
        "x": "policy",
        "lines": "measure",
        "design": "I",
        "headlines": ("correlation", "slope", "contrast"),
    },
    "07_figures": {
        "metric": "effect",
        "x": "fit",
        "lines": "verdict",
        "unit": "gold reward",
        "headlines": ("effect",),
        "columns": ("fit", "unit", "verdict"),
    },
}
