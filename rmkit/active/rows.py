"""Result rows about what strategies chose, and strategies held against one another prompt by prompt.

Knows the tables of labelling.History and per-prompt evaluations of its fits; no pair, no reward.
"""

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import DataError

METRICS = ("mean_p_variance", "distinct_prompts", "log_det_gain")
SPLIT = "chosen pairs"  # what every row says of the pairs that it is about


def batch_rows(batches: pd.DataFrame) -> pd.DataFrame:
    """Result rows: fit, reward_model, pool, strategy, annotations, metric, n, value, reason, units, split.

    A batch's rows bear the fit that first learned from it; `units` counts its pairs. The start has none: nobody chose.
    """
    about = batches[["fit", "reward_model", "pool", "strategy", "annotations"]]
    tables = [
        about.assign(
            metric=metric,
            n=np.nan,
            value=batches[metric].astype(float),
            reason=None,
            units=batches["pairs"],
            split=SPLIT,
        )
        for metric in METRICS
    ]
    return pd.concat(tables, ignore_index=True)


def minus_strategy(evaluations: Evaluations, strategy: str) -> Evaluations:
    """Each other fit's values minus those that `strategy` has with as many labels of the same pool, prompt by prompt.

    What they share falls out: the prompts, the start and the seed. DataError if a fit finds no counterpart.
    """
    fits = evaluations.fits.reset_index(drop=True)
    theirs = {(fit.pool, fit.annotations): fit.Index for fit in fits[fits["strategy"] == strategy].itertuples()}
    others = fits[fits["strategy"] != strategy]
    keys = list(zip(others["pool"], others["annotations"], strict=True))
    if lost := [key for key in keys if key not in theirs]:
        raise DataError(f"evaluations: {strategy} has no fit of {lost[0][0]} with {lost[0][1]} labels to hold against")
    against = [theirs[key] for key in keys]
    values = {metric: value[others.index] - value[against] for metric, value in evaluations.values.items()}
    return Evaluations(others.reset_index(drop=True), evaluations.prompt_id_p, evaluations.units_p, values)
