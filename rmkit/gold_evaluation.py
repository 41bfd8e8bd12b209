"""How good reward models are where the truth is known: their order and their Best-of-n against gold, prompt by prompt.

Knows rewards of F fits on the P x K responses of a test bank; no head, no label. Sources: arXiv 2411.04991, section 6
(Best-of-n gold reward, within-prompt Spearman); best_of_n.py and ranking.py have the formulas.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rmkit import ranking
from rmkit.best_of_n import best_of_n
from rmkit.evaluations import Evaluations

ORDER = {"accuracy": ranking.order_accuracy, "spearman": ranking.spearman}
SPLIT = "test prompts"  # what every row says of the responses that it is a mean over
NOTHING_TO_ORDER = "gold rewards are equal within every prompt"


def evaluate_against_gold(
    fits: pd.DataFrame, reward_fr: np.ndarray, gold_pk: np.ndarray, prompt_id_p: np.ndarray, *, ns: Sequence[int]
) -> tuple[pd.DataFrame, Evaluations]:
    """Result rows (the columns of fits, metric, n, value, reason, units, split) and per-prompt evaluations.

    fits: F rows with `fit` and whatever varied. reward_fr: (F, R) on a bank's R = P K responses in its order; gold_pk:
    (P, K). Metrics: accuracy, spearman, and best_of_n for each n (in the evaluations best_of_1, best_of_2, ...), in
    gold's units. A prompt whose gold rewards are all equal has a Best-of-n but no order: it is NaN there, and `units`,
    the prompts behind a mean, is smaller. DataError for values that are not finite, or for n above K.
    """
    reward_fpk = np.asarray(reward_fr, dtype=np.float64).reshape(len(fits), *gold_pk.shape)
    values = {name: order(reward_fpk, gold_pk) for name, order in ORDER.items()}
    gold_fpn = best_of_n(reward_fpk, gold_pk, ns)
    values |= {f"best_of_{n}": gold_fpn[..., position] for position, n in enumerate(ns)}
    units_p = np.ones(len(gold_pk), dtype=np.float32)
    values = {name: value_fp.astype(np.float32) for name, value_fp in values.items()}
    evaluations = Evaluations(fits.reset_index(drop=True), prompt_id_p.astype(np.int64), units_p, values)
    return mean_rows(evaluations), evaluations


def mean_rows(evaluations: Evaluations) -> pd.DataFrame:
    """Result rows: the mean over prompts of every (F, P) metric of the evaluations."""
    tables = []
    for name, value_fp in evaluations.values.items():
        has_fp = np.isfinite(value_fp)
        units_f = has_fp.sum(axis=1)
        total_f = np.where(has_fp, value_fp, 0.0).sum(axis=1, dtype=np.float64)
        metric, _, n = name.partition("best_of_")
        means = {
            "metric": metric or "best_of_n",
            "n": float(n) if n else np.nan,
            "value": np.divide(total_f, units_f, out=np.full(len(units_f), np.nan), where=units_f > 0),
            "reason": [None if units else NOTHING_TO_ORDER for units in units_f],
            "units": units_f,
            "split": SPLIT,
        }
        tables.append(evaluations.fits.assign(**means))
    return pd.concat(tables, ignore_index=True)
