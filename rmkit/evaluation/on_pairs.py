"""How good held-out margins are: result rows and per-prompt evaluations of several fits on the same pairs.

Knows margins and prompt ids; no embedding, no head. A baseline that gives an order but no probability has an accuracy,
and a reason in place of everything else.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.measures.margins import (
    expected_calibration_error,
    pair_accuracy,
    pair_brier,
    pair_log_loss,
    pair_overconfidence,
)

OF_AN_ORDER = {"accuracy": pair_accuracy}
OF_A_PROBABILITY = {
    "log_loss": pair_log_loss,
    "brier": pair_brier,
    "overconfidence": pair_overconfidence,
}
NO_PROBABILITY = "gives an order, not a probability"
SPLIT = "held-out prompts"  # what every row says of the pairs that it is a mean over


def evaluate_pairs(
    margins: Mapping[str, pd.DataFrame],
    orders: Mapping[str, np.ndarray],
    prompt_id_m: np.ndarray,
    *,
    weight_m: np.ndarray | None = None,
) -> tuple[pd.DataFrame, Evaluations]:
    """Result rows (fit, metric, value, reason, units, split, reward_model, annotations) and their evaluations.

    margins: by reward model, (A, M) chosen minus rejected, its index named annotations: one fit a row. orders: by
    baseline, (M,) margins of which only the sign means anything. prompt_id_m: (M,) the pairs' prompts. weight_m: (M,)
    float64 above 0, how much each pair counts in every mean; None: all alike. The expected calibration error (`ece`) is
    no mean over pairs and is in the rows alone.
    """
    fits, margin_fm = [], []
    for name, table in margins.items():
        for annotations, margin_m in zip(table.index, table.to_numpy(), strict=True):
            fits.append({"fit": f"{name}-{annotations}", "reward_model": name, "annotations": float(annotations)})
            margin_fm.append(margin_m)
    for name, margin_m in orders.items():
        fits.append({"fit": name, "reward_model": name, "annotations": np.nan})
        margin_fm.append(margin_m)
    table = pd.DataFrame(fits)
    ranked_only_f = table["annotations"].isna().to_numpy()
    return evaluate_fits(table, np.stack(margin_fm), prompt_id_m, ranked_only_f=ranked_only_f, weight_m=weight_m)


def evaluate_fits(
    fits: pd.DataFrame,
    margin_fm: np.ndarray,
    prompt_id_m: np.ndarray,
    *,
    ranked_only_f: np.ndarray | None = None,
    weight_m: np.ndarray | None = None,
) -> tuple[pd.DataFrame, Evaluations]:
    """Result rows (the columns of fits, metric, value, reason, units, split) and evaluations, as `evaluate_pairs`.

    fits: F rows with `fit` and whatever varied. margin_fm: (F, M) chosen minus rejected. ranked_only_f: (F,) bool, fits
    of whose margins only the sign means anything; None: none.
    """
    ranked_only_f = np.zeros(len(fits), dtype=bool) if ranked_only_f is None else ranked_only_f
    rows = [
        {"metric": "ece", "value": np.nan, "reason": NO_PROBABILITY}
        if ranked_only
        else {"metric": "ece", "value": expected_calibration_error(margin_m, weight_m=weight_m), "reason": None}
        for margin_m, ranked_only in zip(margin_fm, ranked_only_f, strict=True)
    ]
    values = {name: of(margin_fm) for name, of in (OF_AN_ORDER | OF_A_PROBABILITY).items()}
    for name in OF_A_PROBABILITY:
        values[name][ranked_only_f] = np.nan
    ece = pd.concat([fits, pd.DataFrame(rows)], axis=1)
    means = [
        fits.assign(
            metric=name,
            value=value_fm.mean(axis=1) if weight_m is None else np.average(value_fm, axis=1, weights=weight_m),
            reason=[NO_PROBABILITY if missing else None for missing in np.isnan(value_fm[:, 0])],
        )
        for name, value_fm in values.items()
    ]
    result = pd.concat([*means, ece], ignore_index=True).assign(units=len(prompt_id_m), split=SPLIT)
    return result, Evaluations.from_pairs(fits, prompt_id_m, values, weight_m=weight_m)
