"""What the fits of one job say of single responses: beside gold, or of pairs that people judged.

Loads a finished job's reward models and the responses that it was tested on, and scores them for a fit when it is first
asked for: nothing is fitted, nothing stored. Where people judged, a pair's margin is of the fit that was not trained on
its prompt, as in the rows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.artifacts.table import Table
from rmkit.errors import StoreError
from rmkit.measures.best_of_n import best_of_n
from rmkit.reward_models.collection import RewardModels
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store
from rmkit.training_sets.cross_fitting import fold_of_pairs
from rmkit.widgets.responses.saved import REWARD_MODELS, without_weights
from rmkit.widgets.responses.wanted import (
    AGREES,
    BEST,
    CONTRADICTS,
    GOLD,
    LABEL,
    LOST,
    MARGIN,
    NOT_BEST,
    UNDECIDED,
)
from rmkit.widgets.stored import input_folder
from rmkit.worlds.human_preferences.texts import texts_of

TEST_BANK, BANK, COMPARISONS, FOLDS = "test_bank", "bank", "comparisons", "folds"
KEPT_FITS = 32  # of one job, whose rewards are kept in memory


@dataclass(frozen=True, eq=False)
class GoldReading:
    """P prompts, the responses to each, and what gold and F fits give them. Best-of-n is of the stored order."""

    fits: pd.DataFrame  # F rows: reward_model and whatever varied
    prompt_p: list[str]
    text_r: list[str]
    bounds_p: np.ndarray  # (P + 1,) int64: the responses to prompt p are rows bounds[p] to bounds[p + 1]
    gold_r: np.ndarray  # (R,) float64
    rewards: Callable[[int], np.ndarray]  # of a fit: (R,) float64
    missing: str  # how to get the texts, where their lengths stand for them; else empty
    not_saved: tuple[str, ...] = ()  # reward models of the job that have no weights to read

    def answers(self, prompt: int, fit: int) -> pd.DataFrame:
        """The responses to a prompt in stored order: text, gold, proxy, and their ranks, 1 the best."""
        rows = slice(*self.bounds_p[prompt : prompt + 2])
        table = pd.DataFrame({"gold": self.gold_r[rows], "proxy": self.rewards(fit)[rows]})
        ranks = table.rank(ascending=False, method="min").astype(int).add_suffix("_rank")
        return pd.concat([table, ranks], axis=1).assign(text=self.text_r[rows])

    def picks(self, prompt: int, fit: int) -> pd.DataFrame:
        """For each n: which of the first n responses the fit picks, its rewards, the exact means over subsets of n."""
        answers = self.answers(prompt, fit)
        proxy_k, gold_k = answers["proxy"].to_numpy(), answers["gold"].to_numpy()
        ns = np.arange(1, len(answers) + 1)
        pick_n = np.array([int(np.argmax(proxy_k[:n])) for n in ns])
        expected = {
            f"expected_{name}": best_of_n(proxy_k[None], reward_k[None], list(ns))[0]
            for name, reward_k in (("gold", gold_k), ("proxy", proxy_k))
        }
        return pd.DataFrame({"n": ns, "pick": pick_n, "gold": gold_k[pick_n], "proxy": proxy_k[pick_n], **expected})

    def by_prompt(self, fit: int) -> pd.DataFrame:
        """P rows: what a fit makes of each prompt, in the columns of wanted.py."""
        spans = list(zip(self.bounds_p[:-1], self.bounds_p[1:], strict=True))
        reward_r = self.rewards(fit)
        kept_p = np.array([low + int(np.argmax(reward_r[low:high])) for low, high in spans], dtype=int)
        gold_p = self.gold_r[kept_p]
        lost_p = np.maximum.reduceat(self.gold_r, self.bounds_p[:-1]) - gold_p
        margin_p = [_lead(reward_r[low:high]) for low, high in spans]
        return pd.DataFrame({MARGIN: margin_p, GOLD: gold_p, LOST: lost_p, LABEL: np.where(lost_p > 0, NOT_BEST, BEST)})

    def places(self, prompt: int, pattern: re.Pattern[str]) -> list[str]:
        """Where a pattern is found: "prompt", and "response 3" for the third."""
        low, high = self.bounds_p[prompt : prompt + 2]
        found = [f"response {at}" for at, text in enumerate(self.text_r[low:high], 1) if pattern.search(text)]
        return [*(["prompt"] if pattern.search(self.prompt_p[prompt]) else []), *found]


@dataclass(frozen=True, eq=False)
class HumanReading:
    """M pairs that people judged, and what F fits say of them: margins, chosen minus rejected. There is no gold."""

    fits: pd.DataFrame  # F rows: reward_model, annotations
    prompt_p: list[str]  # one a pair
    chosen_p: list[str]
    rejected_p: list[str]
    missing: str  # how to get the texts, where their lengths stand for them; else empty
    margins: Callable[[int], np.ndarray]  # of a fit: (M,) float64
    not_saved: tuple[str, ...] = ()  # reward models of the job that have no weights to read

    def by_prompt(self, fit: int) -> pd.DataFrame:
        """M rows: what a fit makes of each pair, in the columns of wanted.py; there is no gold."""
        margin_p = self.margins(fit)
        label_p = np.select([margin_p > 0, margin_p < 0], [AGREES, CONTRADICTS], UNDECIDED)
        return pd.DataFrame({MARGIN: margin_p, LOST: -margin_p, LABEL: label_p})

    def places(self, prompt: int, pattern: re.Pattern[str]) -> list[str]:
        """Where a pattern is found: "prompt", "chosen", "rejected"."""
        texts = {"prompt": self.prompt_p, "chosen": self.chosen_p, "rejected": self.rejected_p}
        return [name for name, text_p in texts.items() if pattern.search(text_p[prompt])]


def read_job(store: Store, job: PlannedJob, key: str, downloaded: Path) -> GoldReading | HumanReading:
    """What can be read of a finished job with reward models.

    downloaded: the file of people's dialogues, looked into if it is there and the job's bank has no texts. StoreError
    if what it was made from is gone, or none of its reward models has weights.
    """
    models = RewardModels.load(store.artifact(key, REWARD_MODELS))
    if not models.models:
        raise StoreError(f"{job}: {without_weights(models.not_saved)}")
    if TEST_BANK in job.inputs:
        return against_gold(ResponseBank.load(input_folder(store, job, TEST_BANK)), models, downloaded)
    bank, comparisons = (
        ResponseBank.load(input_folder(store, job, BANK)),
        Comparisons.load(input_folder(store, job, COMPARISONS)),
    )
    return of_people(bank, comparisons, models, Table.load(store.artifact(key, FOLDS)).rows, downloaded)


def against_gold(bank: ResponseBank, models: RewardModels, downloaded: Path) -> GoldReading:
    """The fits' rewards of a bank that has gold, prompt by prompt."""
    texts = texts_of(bank, downloaded)
    ids_p = bank.prompts["prompt_id"].to_numpy()
    has_p = np.isin(ids_p, bank.prompt_id_r)
    bounds_p = np.append(np.searchsorted(bank.prompt_id_r, ids_p[has_p]), bank.n_responses)
    return GoldReading(
        fits=models.fits,
        prompt_p=[texts.prompt_r[first] for first in bounds_p[:-1]],
        text_r=texts.response_r,
        bounds_p=bounds_p,
        gold_r=bank.scores[GOLD].astype(np.float64),
        rewards=lru_cache(KEPT_FITS)(lambda fit: _scored(models, [fit], bank.embedding_rd)[0].astype(np.float64)),
        missing=texts.missing,
        not_saved=models.not_saved,
    )


def of_people(
    bank: ResponseBank, comparisons: Comparisons, models: RewardModels, folds: pd.DataFrame, downloaded: Path
) -> HumanReading:
    """The held-out margins of judged pairs. folds: which prompt lies in which fold, as the job saved it."""
    fold_m = fold_of_pairs(folds, comparisons.prompts(bank.prompt_id_r))
    scored = np.flatnonzero(fold_m >= 0)
    chosen_m, rejected_m, fold_m = comparisons.chosen_m[scored], comparisons.rejected_m[scored], fold_m[scored]
    fits = models.fits[["reward_model", "annotations"]].drop_duplicates(ignore_index=True)

    @lru_cache(KEPT_FITS)
    def margins(fit: int) -> np.ndarray:
        """Every fold's pairs by the model that was not trained on them, which scores no others."""
        own = models.fits[(models.fits[list(fits)] == fits.loc[fit]).all(axis=1)]
        margin_m = np.empty(len(fold_m))
        for position, fold in own["fold"].items():
            inside = np.flatnonzero(fold_m == fold)
            used_r = np.concatenate([chosen_m[inside], rejected_m[inside]])
            chosen_i, rejected_i = np.split(_scored(models, [position], bank.embedding_rd[used_r])[0], 2)
            margin_m[inside] = chosen_i.astype(np.float64) - rejected_i
        return margin_m

    texts = texts_of(bank, downloaded)
    return HumanReading(
        fits=fits,
        prompt_p=[texts.prompt_r[r] for r in chosen_m],
        chosen_p=[texts.response_r[r] for r in chosen_m],
        rejected_p=[texts.response_r[r] for r in rejected_m],
        missing=texts.missing,
        margins=margins,
        not_saved=models.not_saved,
    )


def _scored(models: RewardModels, fits: list[Any], embedding_rd: np.ndarray) -> np.ndarray:
    """(F, R) rewards by these fits alone, given by their places in the table."""
    return models.keep(np.isin(np.arange(len(models.fits)), fits)).score(embedding_rd)


def _lead(reward_k: np.ndarray) -> float:
    """How far the best of K rewards lies above the next; 0 of a single one."""
    return float(np.diff(np.partition(reward_k, -2)[-2:])[0]) if len(reward_k) > 1 else 0.0
