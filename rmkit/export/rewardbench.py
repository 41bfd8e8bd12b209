"""What RewardBench writes of one reward model: its accuracy on each subset, and the scores of each pair.

Knows a table of scored pairs; no text, so that the columns of texts are left out. Source of the files' form:
scripts/run_rm.py of github.com/allenai/reward-bench, where an equal score is no success.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from rmkit.errors import DataError

ACCURACIES, SCORES = "eval-set", "eval-set-scores"
SUBSET, ID = "subset", "id"
MODEL_TYPE = "Seq. Classifier"  # its name for what gives each response one number


def write_rewardbench(table: pd.DataFrame, folder: str | Path, *, model: str, chat_template: str) -> list[Path]:
    """Write both files of a model by its name; returns their paths.

    table: as scored_rows.scored gives it, of pairs with a subset each. DataError if it has no pairs, or a pair none.
    """
    missing = [name for name in ("chosen_score", SUBSET) if name not in table]
    if missing or table[SUBSET].isna().any():
        lacks = "has responses, not pairs" if "chosen_score" in missing else "lacks a `subset` in some row"
        raise DataError(f"rewardbench: the file {lacks}; give pairs of chosen and rejected, each with its subset")
    results = (table["chosen_score"] > table["rejected_score"]).astype(int)
    about: dict[str, Any] = {"model": model, "model_type": MODEL_TYPE, "chat_template": chat_template}
    means = {str(name): float(share) for name, share in results.groupby(table[SUBSET].astype(str)).mean().items()}
    if taken := sorted(means.keys() & about.keys()):
        raise DataError(f"rewardbench: a subset is called {taken[0]}, as the file's own entry; rename it")
    columns = {
        "results": results.tolist(),
        SUBSET: table[SUBSET].astype(str).tolist(),
        ID: table[ID].tolist() if ID in table else table["row"].tolist(),
        "scores_chosen": _or_null(table["chosen_score"]),
        "scores_rejected": _or_null(table["rejected_score"]),
    }
    written = []
    for place, content in ((ACCURACIES, about | means), (SCORES, columns | about)):
        path = Path(folder) / place / f"{model}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _or_null(score_m: pd.Series) -> list[float | None]:
    """The scores, null where an empty response has none."""
    return [None if pd.isna(score) else float(score) for score in score_m]
