"""What a measure is worth to whoever chooses a reward model by it: the loss, the decisions, and where the best comes.

Knows, of M reward models, the measure's value and the outcome of the policy that each leads to; in both, more is better
(turn an error's sign round; take recovered gain, not the drop ratio). Functions take metric_m and outcome_m, (..., M)
with leading axes that broadcast (resamples, say), and give (...,). A tie of the measure is broken at random, and the
value is its mean; models of equal outcome are no decision. DataError for fewer than two models, other shapes, or a
value that is not finite. Sources: arXiv 2410.05584 for MRR over reward models, which it does not define.
"""

from collections.abc import Callable, Mapping

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import finite
from rmkit.measures.best_of_n import best_of_n
from rmkit.measures.ranking import order_accuracy
from rmkit.measures.top_responses import reciprocal_rank


def selection_regret(metric_m: np.ndarray, outcome_m: np.ndarray) -> np.ndarray:
    """The best model's outcome minus that of the model that the measure likes best, in the outcome's unit; 0 or more.

    Of recovered gains it is the drop ratio of the chosen model minus the lowest one.
    """
    metric_rm, outcome_rm, shape = _rows(metric_m, outcome_m)
    picked_r = best_of_n(metric_rm, outcome_rm, [metric_rm.shape[-1]])[:, 0]
    return np.maximum(outcome_rm.max(axis=-1) - picked_r, 0.0).reshape(shape)


def decision_accuracy(metric_m: np.ndarray, outcome_m: np.ndarray) -> np.ndarray:
    """The share of pairs of models, of unequal outcome, whose order the measure gets right; NaN without such a pair.

    Without ties it is (Kendall's tau + 1) / 2; a measure that is equal for both counts half.
    """
    metric_rm, outcome_rm, shape = _rows(metric_m, outcome_m)
    return order_accuracy(metric_rm, outcome_rm).reshape(shape)


def reciprocal_rank_of_best(metric_m: np.ndarray, outcome_m: np.ndarray) -> np.ndarray:
    """1 / the place that the measure gives to the model of the best outcome; NaN where all outcomes are equal.

    Of several best, the one that the measure puts first. Its mean over golds is the paper's MRR, as read here.
    """
    metric_rm, outcome_rm, shape = _rows(metric_m, outcome_m)
    return reciprocal_rank(metric_rm, outcome_rm).reshape(shape)


# For whoever resamples models or prompts: each takes (B, M) and (B, M), and gives (B,).
OVER_MODELS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "selection_regret": selection_regret,
    "decision_accuracy": decision_accuracy,
    "mrr_of_best": reciprocal_rank_of_best,
}


def _rows(metric_m: np.ndarray, outcome_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Both as (R, M) float64, and the shape of the leading axes; or DataError."""
    metric_m, outcome_m = finite(metric_m, "measure"), finite(outcome_m, "outcome")
    n_models = metric_m.shape[-1] if metric_m.ndim else 0
    try:
        if n_models < 2 or outcome_m.shape[-1:] != (n_models,):
            raise ValueError
        metric_m, outcome_m = np.broadcast_arrays(metric_m, outcome_m)
    except ValueError:
        raise DataError(
            f"measures {metric_m.shape} and outcomes {outcome_m.shape}: both must be (..., models), two or more "
            "models, the same in both"
        ) from None
    return metric_m.reshape(-1, n_models), outcome_m.reshape(-1, n_models), metric_m.shape[:-1]
