"""What the fits of one job say of single responses: beside gold, or of pairs that people judged.

Loads a finished job's reward models and the responses that it was tested on, and scores them: nothing is fitted,
nothing stored. Where people judged, a pair's margin is of the fit that was not trained on its prompt, as in the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
from rmkit.training_sets.cross_fitting import fold_of_pairs, held_out_margins
from rmkit.worlds.human_preferences.texts import texts_of

GOLD = "gold"
TEST_BANK, BANK, COMPARISONS, REWARD_MODELS, FOLDS = "test_bank", "bank", "comparisons", "reward_models", "folds"


@dataclass(frozen=True, eq=False)
class GoldReading:
    """P prompts, the responses to each, and what gold and F fits give them. Best-of-n is of the stored order."""

    fits: pd.DataFrame  # F rows: reward_model and whatever varied
    prompt_p: list[str]
    text_r: list[str]
    bounds_p: np.ndarray  # (P + 1,) int64: the responses to prompt p are rows bounds[p] to bounds[p + 1]
    gold_r: np.ndarray  # (R,) float64
    reward_fr: np.ndarray  # (F, R) float64
    not_saved: tuple[str, ...] = ()  # reward models of the job that have no weights to read

    def answers(self, prompt: int, fit: int) -> pd.DataFrame:
        """The responses to a prompt in stored order: text, gold, proxy, and their ranks, 1 the best."""
        rows = slice(*self.bounds_p[prompt : prompt + 2])
        table = pd.DataFrame({"gold": self.gold_r[rows], "proxy": self.reward_fr[fit, rows]})
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

    def worst_first(self, fit: int) -> np.ndarray:
        """(P,) prompts, first those where keeping the fit's favourite loses most gold against keeping gold's."""
        starts_p = self.bounds_p[:-1]
        kept_p = [
            int(np.argmax(self.reward_fr[fit, low:high])) for low, high in zip(starts_p, self.bounds_p[1:], strict=True)
        ]
        lost_p = np.maximum.reduceat(self.gold_r, starts_p) - self.gold_r[starts_p + np.array(kept_p)]
        return np.argsort(-lost_p, kind="stable")


@dataclass(frozen=True, eq=False)
class HumanReading:
    """M pairs that people judged, and what F fits say of them: margins, chosen minus rejected. There is no gold."""

    fits: pd.DataFrame  # F rows: reward_model, annotations
    prompt_p: list[str]  # one a pair
    chosen_p: list[str]
    rejected_p: list[str]
    missing: str  # how to get the texts, where their lengths stand for them; else empty
    margin_fp: np.ndarray  # (F, M) float64
    not_saved: tuple[str, ...] = ()  # reward models of the job that have no weights to read

    def worst_first(self, fit: int) -> np.ndarray:
        """(M,) pairs, first those where the fit is most sure of the response that people rejected."""
        return np.argsort(self.margin_fp[fit], kind="stable")


def read_job(store: Store, job: PlannedJob, key: str, downloaded: Path) -> GoldReading | HumanReading:
    """What can be read of a finished job with reward models.

    downloaded: the file of people's dialogues, looked into if it is there and the job's bank has no texts. StoreError
    if what it was made from is gone, or none of its reward models has weights.
    """
    models = RewardModels.load(store.artifact(key, REWARD_MODELS))
    if not models.models:
        raise StoreError(f"{job}: {without_weights(models.not_saved)}")
    if TEST_BANK in job.inputs:
        return against_gold(ResponseBank.load(_input(store, job, TEST_BANK)), models, downloaded)
    bank, comparisons = ResponseBank.load(_input(store, job, BANK)), Comparisons.load(_input(store, job, COMPARISONS))
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
        reward_fr=models.score(bank.embedding_rd).astype(np.float64),
        not_saved=models.not_saved,
    )


def of_people(
    bank: ResponseBank, comparisons: Comparisons, models: RewardModels, folds: pd.DataFrame, downloaded: Path
) -> HumanReading:
    """The held-out margins of judged pairs. folds: which prompt lies in which fold, as the job saved it."""
    fold_m = fold_of_pairs(folds, comparisons.prompts(bank.prompt_id_r))
    scored = np.flatnonzero(fold_m >= 0)
    chosen_m, rejected_m = comparisons.chosen_m[scored], comparisons.rejected_m[scored]
    reward_fr, tables, fits = models.score(bank.embedding_rd), [], []
    for name, own in models.fits.groupby("reward_model", sort=False):
        kept = own.sort_values("position")  # of all fits, those that the job saved
        margins = held_out_margins(kept, reward_fr[kept.index], fold_m[scored], chosen_m, rejected_m)
        tables.append(margins.to_numpy())
        fits += [{"reward_model": name, "annotations": float(count)} for count in margins.index]
    texts = texts_of(bank, downloaded)
    return HumanReading(
        fits=pd.DataFrame(fits),
        prompt_p=[texts.prompt_r[r] for r in chosen_m],
        chosen_p=[texts.response_r[r] for r in chosen_m],
        rejected_p=[texts.response_r[r] for r in rejected_m],
        missing=texts.missing,
        margin_fp=np.concatenate(tables),
        not_saved=models.not_saved,
    )


def without_weights(names: Sequence[str]) -> str:
    """Why a job has no weights of these reward models, in a sentence."""
    were, their = ("were", "their") if len(names) > 1 else ("was", "its")
    kept = "rows and evaluations are there"
    return f"{', '.join(names)} {were} defined in a notebook's cell, so {their} weights were not saved; {their} {kept}"


def _input(store: Store, job: PlannedJob, name: str) -> Path:
    """The folder of an input artifact of a finished job."""
    key = store.key_of(job.inputs[name])
    if key is None or not store.finished(key):
        raise StoreError(f"{job}: its {name} is no longer in {store.root}; `rmkit run` makes it again")
    return store.artifact(key, name)
