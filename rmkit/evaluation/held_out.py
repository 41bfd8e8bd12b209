"""What is known of every held-out pair, one row each: who said what of it, the head's margin, and what can be counted.

It is what the questions about single pairs are answered from (findings/decision.py). Knows a bank, comparisons and a
cross-fitting's margins; no head.
"""

import numpy as np
import pandas as pd

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.evaluation.compared_scores import n_marks

MARGIN, STRENGTH = "margin", "strength"  # the head's; what people said of how clearly they prefer
COLUMNS = ("first", "second", "label", "line", "prompt_id", MARGIN, "characters_chosen", "characters_rejected")


def held_out_pairs(bank: ResponseBank, comparisons: Comparisons, margins: pd.Series) -> pd.DataFrame:
    """A row for each scored pair, its position in the comparisons as the index, named pair.

    margins: by that position, chosen minus rejected, of fits that saw no pair of its prompt. Columns: those of the
    comparisons (their margin is called strength), prompt_id, margin, and of each answer characters_ and, where there
    are texts, marks_ (of Markdown) _chosen and _rejected.
    """
    at = margins.index.to_numpy()
    table = comparisons.table.rename(columns={MARGIN: STRENGTH}).iloc[at].reset_index(drop=True)
    chosen_m, rejected_m = comparisons.chosen_m[at], comparisons.rejected_m[at]
    table = table.assign(prompt_id=bank.prompt_id_r[chosen_m], **{MARGIN: margins.to_numpy(dtype=np.float64)})
    counted = {"characters": np.asarray(bank.characters_r, dtype=np.int64)}
    if "response" in bank.responses:
        counted["marks"] = np.array([n_marks(text) for text in bank.responses["response"]], dtype=np.int64)
    for what, count_r in counted.items():
        table[f"{what}_chosen"], table[f"{what}_rejected"] = count_r[chosen_m], count_r[rejected_m]
    return table.set_index(pd.Index(at, name="pair"))


def stored(held_out: pd.DataFrame) -> pd.DataFrame:
    """The same as a table keeps it, the position a column."""
    return held_out.reset_index()


def of_stored(rows: pd.DataFrame) -> pd.DataFrame:
    """The pairs of a stored table, or DataError for one that lacks a column."""
    if missing := [name for name in ("pair", *COLUMNS) if name not in rows]:
        raise DataError(f"held_out: has no {', '.join(missing)}; make it again with `rmkit run`")
    return rows.set_index("pair")
