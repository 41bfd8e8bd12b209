"""What active labelling leaves behind: its fits, what each batch was like, and every pair that was asked about.

Knows the settings and batches of one pool; draws and fits nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rmkit.active.setting import Batch, Labelled, Setting


@dataclass(frozen=True, eq=False)
class History:
    """F fits of one pool: each strategy after the start and after every round."""

    fits: pd.DataFrame  # F rows: fit, reward_model, pool, strategy, annotations (labels used)
    reward_fr: np.ndarray  # (F, R) float32 on the test responses
    batches: pd.DataFrame  # a row for each fit but those of the start: its columns, and what it had newly learned from
    asked: pd.DataFrame  # a row a label: strategy, annotations (of the first fit that used it), first, second, label

    @classmethod
    def of(
        cls,
        setting: Setting,
        rewards: Sequence[np.ndarray],
        batches: Sequence[Batch],
        labelled: Mapping[str, Labelled],
    ) -> "History":
        """What the rounds of a setting left.

        rewards: after the start and after each round, (S, R) of the fits of S strategies. batches: each round's, one a
        strategy, in the setting's order. labelled: all that each strategy has labelled, by its name.
        """
        fits = fits_table(setting)
        return cls(fits, np.concatenate(rewards), batch_table(fits, batches), asked_table(setting, labelled))


def fits_table(setting: Setting) -> pd.DataFrame:
    """F rows: the strategies after the start, then after each round."""
    rows = [(name, count) for count in setting.budget.annotations for name in setting.strategies]
    fits = pd.DataFrame(rows, columns=["strategy", "annotations"])
    fits.insert(0, "fit", [f"{setting.pool}-{name}-{count}" for name, count in rows])
    fits.insert(1, "reward_model", setting.reward_model)
    fits.insert(2, "pool", setting.pool)
    return fits


def batch_table(fits: pd.DataFrame, batches: Sequence[Batch]) -> pd.DataFrame:
    """The columns of fits, and each batch's numbers: its pairs, what it was chosen from, what it is like."""
    numbers = [
        {"pairs": len(batch.labelled), "offered": batch.offered, "repeated": batch.repeated, **batch.about}
        | {"temperature": batch.temperature}
        for batch in batches
    ]
    learned = fits.tail(len(batches)).reset_index(drop=True)
    return pd.concat([learned, pd.DataFrame(numbers)], axis=1)


def asked_table(setting: Setting, labelled: Mapping[str, Labelled]) -> pd.DataFrame:
    """A row for each label of each strategy, in the order of labelling."""
    counts = setting.budget.annotations
    annotations_m = np.repeat(counts, np.diff(counts, prepend=0))
    tables = [
        pd.DataFrame(
            {
                "strategy": name,
                "annotations": annotations_m,
                "first": one.pair_m2[:, 0],
                "second": one.pair_m2[:, 1],
                "label": one.label_m,
            }
        )
        for name, one in labelled.items()
    ]
    return pd.concat(tables, ignore_index=True)
