"""The measures against gold by name, with the fewest responses to a prompt that each takes.

Plain data, so that a study can be checked before anything heavy is imported; `registry.py` has the functions, and a
test holds the two against each other.
"""

from collections.abc import Mapping

FEWEST_RESPONSES: Mapping[str, int] = {
    "one_pair": 2,
    "accuracy": 2,
    "kendall": 2,
    "spearman": 2,
    "pearson": 2,
    "best_of_all": 2,
    "chatterjee_xi": 3,
    "mrr": 2,
    "ndcg": 2,
    "ndcg_min_max": 2,
    "normalised_best_of_all": 2,
    "top_win_rate": 2,
    "top_quarter": 2,
    "best_of_four": 4,
    "strict_accuracy": 4,
    "matrix_accuracy": 4,
    "covariance": 2,
    "covariance_whitened": 2,
    "reward_variance": 2,
    "reward_variance_whitened": 2,
    "log_loss": 2,
    "brier": 2,
    "ece": 2,
    "ece_at_temperature": 2,
    "lowest_quarter_accuracy": 2,
}
