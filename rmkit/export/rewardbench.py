"""What RewardBench writes of one reward model: its accuracy on each subset, and the scores of each pair.

Knows a table of scored pairs; no text, so that the columns of texts are left out. Source of the files' form:
scripts/run_rm.py of github.com/allenai/reward-bench, where an equal score is no success.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import DataError

ACCURACIES, SCORES = "eval-set", "eval-set-scores"
SUBSET, ID = "subset", "id"
OWN = ("model", "model_type", "chat_template")  # entries that are no subset
MODEL_TYPE = "Seq. Classifier"  # its name for what gives each response one number


def check_row(row: Mapping[str, Any], where: str) -> None:
    """DataError with where it stands for a row that RewardBench's files have no place for: before any is scored."""
    if row.get("chosen") is None:
        raise DataError(
            f"{where}: has no 'chosen', and RewardBench's files are of pairs; give each chosen and rejected"
        )
    subset = row.get(SUBSET)
    if subset is None or subset != subset:  # NaN alone differs from itself
        raise DataError(f"{where}: has no '{SUBSET}', by which RewardBench's files are made; name one in each row")
    if str(subset) in OWN:
        raise DataError(f"{where}: its '{SUBSET}' is called {subset}, as the file's own entry; rename it")


def write_rewardbench(table: pd.DataFrame, folder: str | Path, *, model: str, chat_template: str) -> list[Path]:
    """Write both files of a model by its name; returns their paths.

    table: as scored_rows.scored gives it, of pairs with a subset each. DataError if it has no pairs, or a pair none.
    """
    missing = [name for name in ("chosen_score", SUBSET) if name not in table]
    if missing or table[SUBSET].isna().any():
        lacks = "has responses, not pairs" if "chosen_score" in missing else "lacks a `subset` in some row"
        raise DataError(f"rewardbench: the file {lacks}; give pairs of chosen and rejected, each with its subset")
    results = (table["chosen_score"] > table["rejected_score"]).astype(int)
    about: dict[str, Any] = dict(zip(OWN, (model, MODEL_TYPE, chat_template), strict=True))
    means = {str(name): float(share) for name, share in results.groupby(table[SUBSET].astype(str)).mean().items()}
    if taken := sorted(means.keys() & about.keys()):
        raise DataError(f"rewardbench: a subset is called {taken[0]}, as the file's own entry; rename it")
    columns = {
        "results": results.tolist(),
        SUBSET: table[SUBSET].astype(str).tolist(),
        ID: [None if pd.isna(name) else name for name in table[ID if ID in table else "row"].tolist()],
        "scores_chosen": _or_null(table["chosen_score"]),
        "scores_rejected": _or_null(table["rejected_score"]),
    }
    written = []
    for place, content in ((ACCURACIES, about | means), (SCORES, columns | about)):
        path = Path(folder) / place / f"{model}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=4, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _or_null(score_m: pd.Series) -> list[float | None]:
    """The scores, null where an empty response has none, or a model gave no finite one."""
    return [float(score) if np.isfinite(score) else None for score in score_m]
