"""What reward models measure on a test set, by the truth or by its labels.

Knows scores of reward models and a labelled set. `accuracy` is the share of a row's pairs in the order of the labels;
every other measure (measures/registry.py) compares a row's scores with its gold or, by labels, with its ratings: of
comparisons these are the numbers that responses win.
"""

from collections.abc import Mapping

import numpy as np

from rmkit.errors import DataError
from rmkit.evaluation.population import MEASURES, Measure
from rmkit.evaluation.test_sets.annotation import LabelledSet
from rmkit.measures.arrays import finite

ACCURACY = "accuracy"


def measured_on(
    test_set: LabelledSet,
    score_fvpk: np.ndarray,
    *,
    measures: Mapping[str, Measure] = MEASURES,
    by_labels: bool = True,
) -> dict[str, np.ndarray]:
    """(F, Q) of every measure, a number a row, NaN where it has nothing to order.

    score_fvpk: (F, V, P, K), a score for each of V wordings, or (F, P, K) where there is one; finite, or DataError.
    by_labels: by what annotators said, else by gold.
    """
    score_fqm = finite(rows_of_scores(test_set, score_fvpk), "score of the test set's responses")
    truth_qm = test_set.rating_qm if by_labels else test_set.gold_qm
    label_qc = test_set.label_qc if by_labels else test_set.true_qc
    orders_q = np.isfinite(label_qc).any(axis=1)
    found = {}
    for name, measure in measures.items():
        if name == ACCURACY:
            found[name] = label_accuracy(score_fqm, label_qc, test_set.pair_c2)
        else:
            found[name] = np.where(orders_q, np.asarray(measure(score_fqm, truth_qm)), np.nan)
    return found


def label_accuracy(score_qm: np.ndarray, label_qc: np.ndarray, pair_c2: np.ndarray) -> np.ndarray:
    """(..., Q) the share of a row's labelled pairs that the score orders as labelled; a tied score counts half.

    label_qc: (Q, C) 1 or 0, NaN for no label. Without noise this is `ranking.order_accuracy`.
    """
    sign_qc = np.sign(score_qm[..., pair_c2[:, 0]] - score_qm[..., pair_c2[:, 1]])
    has_qc = np.isfinite(label_qc)
    right_qc = np.where(has_qc, 0.5 + 0.5 * sign_qc * (2 * np.where(has_qc, label_qc, 0.5) - 1), 0.0)
    n_q = has_qc.sum(axis=-1)
    shape = right_qc.shape[:-1]
    return np.divide(right_qc.sum(axis=-1), n_q, out=np.full(shape, np.nan), where=np.broadcast_to(n_q > 0, shape))


def rows_of_scores(test_set: LabelledSet, score_fvpk: np.ndarray) -> np.ndarray:
    """(F, Q, m) scores of the rows in their wording, or DataError for other shapes."""
    score_fvpk = np.asarray(score_fvpk)
    if score_fvpk.ndim not in (3, 4) or (score_fvpk.ndim == 3 and test_set.rows.wording_q.any()):
        raise DataError(
            f"scores: shape {score_fvpk.shape}; it must be (F, P, K), or (F, V, P, K) where prompts have V wordings"
        )
    last = int(test_set.rows.prompt_q.max()), int(test_set.rows.response_qm.max())
    if any(at >= size for at, size in zip(last, score_fvpk.shape[-2:], strict=True)):
        raise DataError(
            f"scores of {score_fvpk.shape[-2:]} (P, K): the test set has prompt {last[0]}, response {last[1]}"
        )
    return test_set.rows.of(score_fvpk)
