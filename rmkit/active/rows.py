"""Result rows about what strategies chose.

Knows the tables of history.History; no pair, no reward.
"""

import numpy as np
import pandas as pd

from rmkit.active.diagnostics import METRICS

NO_GOLD = "people judged, and no gold is known"
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
            reason=[None if known else NO_GOLD for known in batches[metric].notna()],
            units=batches["pairs"],
            split=SPLIT,
        )
        for metric in (*METRICS, "temperature")
    ]
    return pd.concat(tables, ignore_index=True)
