"""What a sampled world looks like, as result rows: gold by category, how the two golds agree, the acceptance figures.

Knows banks of one task and one generator; fits nothing but the acceptance probe. Rows have the columns fit, metric,
value, reason, units, part, category and scorer.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.bank import ResponseBank
from rmkit.measures.ranking import within_prompt_spearman
from rmkit.worlds.grammar.acceptance import acceptance_figures
from rmkit.worlds.grammar.phrases import TERMS

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
ALL = "all"


def summary_rows(banks: Mapping[str, ResponseBank]) -> pd.DataFrame:
    """The rows of the banks `train` and `test`; the policy is the one fit."""
    rows = [row for part, bank in banks.items() for row in part_rows(bank, part)]
    figures, feature = acceptance_figures(banks["train"], banks["test"])
    n_test = banks["test"].n_prompts
    rows += [{"metric": name, "value": value, "units": n_test, "part": "test"} for name, value in figures.items()]
    complete = pd.DataFrame(rows).assign(fit="policy", reason=None)
    complete["reason"] = complete["reason"].where(complete["value"].notna(), "the scores do not differ within prompts")
    complete["detail"] = np.where(complete["metric"] == "surface", feature, "")
    return complete.fillna({"category": ALL, "scorer": "rule"})


def part_rows(bank: ResponseBank, part: str) -> Iterator[dict[str, Any]]:
    """Rows of one bank: gold's distribution by scorer and category, its terms, and how responses end."""
    category_r = bank.prompts.set_index("prompt_id")["category"].reindex(bank.prompt_id_r).to_numpy()
    for category in [ALL, *dict.fromkeys(category_r)]:
        here_r = np.full(len(category_r), True) if category == ALL else category_r == category
        shared = {"part": part, "category": category, "units": int(here_r.sum())}
        for scorer in ("rule", "model"):
            gold = bank.scores[scorer][here_r].astype(np.float64)
            values = {"gold_mean": gold.mean(), "gold_sd": gold.std()}
            values |= {name: np.quantile(gold, level) for name, level in QUANTILES.items()}
            for metric, value in values.items():
                yield {**shared, "metric": metric, "value": float(value), "scorer": scorer}
        agreement = within_prompt_spearman(
            bank.prompt_id_r[here_r], bank.scores["model"][here_r], bank.scores["rule"][here_r]
        )
        mean = float(np.nanmean(agreement)) if np.isfinite(agreement).any() else None
        yield {**shared, "metric": "model_spearman", "value": mean, "scorer": "model"}
        for term in TERMS:
            yield {**shared, "metric": f"term_{term}", "value": float(bank.responses[term].to_numpy()[here_r].mean())}
    responses = bank.responses
    shared = {"part": part, "units": len(responses)}
    yield {**shared, "metric": "tokens_mean", "value": float(responses["n_tokens"].mean())}
    yield {**shared, "metric": "stopped", "value": float((responses["finish_reason"] == "stop").mean())}
