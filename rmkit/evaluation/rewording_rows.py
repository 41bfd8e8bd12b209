"""How much each reward model minds other words for the same prompt, as result rows: gold is equal in both wordings.

Knows scores in several wordings; no text. Source: arXiv 2410.05584, section 4; measures/rewording.py.
"""

import numpy as np
import pandas as pd

from rmkit.errors import DataError
from rmkit.evaluation.design_settings import DESIGN_NAMES
from rmkit.intervals.means import bootstrap_over_prompts
from rmkit.measures.rewording import rank_flips, score_change

METRICS = {"score_change": score_change, "rank_flips": rank_flips}


def rewording_rows(
    fits: pd.DataFrame, score_fvpk: np.ndarray, *, rng: np.random.Generator, n_resamples: int = 1000
) -> pd.DataFrame:
    """Metrics score_change and rank_flips of each fit: means over prompts, and over the wordings beside the original.

    fits: F rows with fit and reward_model. score_fvpk: (F, V, P, K), V at least 2 or DataError, wording 0 the original.
    Prompts on which a fit gives all responses one score have no value and are left out of all fits' means. Intervals
    are for new prompts and these fits.
    """
    if score_fvpk.ndim != 4 or score_fvpk.shape[1] < 2 or len(fits) != len(score_fvpk):
        raise DataError(f"scores {score_fvpk.shape} of {len(fits)} fits: they must be (fits, wordings, prompts, K)")
    tables = []
    for name, measure in METRICS.items():
        by_wording = [measure(score_fvpk[:, 0], score_fvpk[:, v]) for v in range(1, score_fvpk.shape[1])]
        value_fp = np.mean(by_wording, axis=0)
        value_fp = value_fp[:, np.isfinite(value_fp).all(axis=0)]
        tables.append(_rows(name, fits, value_fp, rng, n_resamples))
    said = {"design": "D", "design_name": DESIGN_NAMES["D"], "share": 1.0, "split": "measuring prompts"}
    return pd.concat(tables, ignore_index=True).assign(**said)


def _rows(
    name: str, fits: pd.DataFrame, value_fp: np.ndarray, rng: np.random.Generator, n_resamples: int
) -> pd.DataFrame:
    who = fits[["fit", "reward_model"]].assign(metric=name, units=value_fp.shape[1])
    if not value_fp.shape[1]:
        why = "no prompt has different scores by every reward model"
        return who.assign(value=np.nan, reason=why, no_interval=why)
    found = bootstrap_over_prompts(value_fp, np.ones(value_fp.shape[1]), rng=rng, n_resamples=n_resamples)
    columns = {
        "value": [one.estimate for one in found],
        "low": [one.low for one in found],
        "high": [one.high for one in found],
        "level": [one.level for one in found],
        "estimand": [one.estimand for one in found],
        "method": [one.method for one in found],
        "no_interval": [one.reason or "" for one in found],
    }
    return who.assign(reason=None, **columns)
