"""A population of fine-tuned reward models that differ in the rate of flipped labels alone.

All start from one causal model with one draw of the reward's layer, and see the same pairs in the same order; the flips
are nested. So whatever differs between two of them is due to labels. Sources: arXiv 2410.05584, section 3 (ten reward
models by TRL-like training, labels flipped at rates that its text does not list) and its table of hyper-parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.finished_folders import FinishedFolders
from rmkit.artifacts.shards import Shards
from rmkit.errors import DataError
from rmkit.lm.loading import Origin
from rmkit.lm.training.preference_folds import SEEDS, texts_of
from rmkit.lm.training.preference_model import PairTexts, PreferenceTraining, fit_preference_model
from rmkit.lm.training.tuned_folders import load_tuned, save_tuned
from rmkit.progress import Progress
from rmkit.training_sets.validation_splits import (
    STRADDLES,
    TRAINS,
    VALIDATES,
    AnnotationOrder,
    by_prompt,
    check_both_sides,
)

READ_AT_ONCE = 64  # responses

RECIPES: Mapping[str, Mapping[str, Any]] = {
    # What a model of two million parameters needs, by its accuracy without flips on the grammar world of seed 21.
    "default": {"learning_rate": 1e-3, "epochs": 1, "batch_size": 8, "warmup": 0.1, "coefficient": 1e-2},
    # The paper's; how many epochs is not stated. Its schedule is a cosine, as it is here always.
    "published": {
        "max_length": 2048, "batch_size": 256, "learning_rate": 5e-6, "epochs": 1, "warmup": 0.1, "coefficient": 1e-2,
    },
}  # fmt: skip


def training_of(recipe: str, start: Origin, **given: Any) -> PreferenceTraining:
    """A recipe of RECIPES on this model; what is given and not None replaces the recipe's. DataError as there."""
    changed = {name: value for name, value in given.items() if value is not None}
    return PreferenceTraining(start.name if start.revision else start.path, **{**RECIPES[recipe], **changed})


@dataclass(frozen=True, eq=False)
class PairsToLearnFrom:
    """M pairs of a bank's responses: some train, some choose the epoch, and across prompts some do neither."""

    prompt_r: Sequence[str]
    response_r: Sequence[str]
    pairs_m2: np.ndarray  # (M, 2) int64 positions into R
    side_m: np.ndarray  # (M,) TRAINS, VALIDATES or STRADDLES

    @classmethod
    def of(
        cls, bank: ResponseBank, pairs_m2: np.ndarray, *, validation_share: float, rng: np.random.Generator
    ) -> "PairsToLearnFrom":
        """The pairs of a share of their prompts, drawn, validate. DataError if the bank lacks its texts, or if no pair
        is left on one side.
        """
        order = AnnotationOrder(pairs_m2[:, 0], pairs_m2[:, 1], bank.prompt_id_r[pairs_m2])
        side_m2 = by_prompt(order, validation_share, rng)(len(pairs_m2))
        check_both_sides(side_m2, f"{len(pairs_m2)} pairs")
        return cls(*texts_of(bank), pairs_m2, side_m2[:, 0])

    def __len__(self) -> int:
        """How many pairs are learned from: they train or validate."""
        return len(self.pairs_m2) - self.n_straddling

    @property
    def n_straddling(self) -> int:
        """How many pairs have a prompt that trains and one that validates."""
        return int((self.side_m == STRADDLES).sum())

    def texts(self, label_m: np.ndarray, side: int) -> PairTexts:
        """The pairs of a side with these labels: of (M,) the 1 says that the first is preferred."""
        m = np.flatnonzero(self.side_m == side)
        chosen = np.where(label_m[m] == 1, self.pairs_m2[m, 0], self.pairs_m2[m, 1])
        rejected = self.pairs_m2[m].sum(axis=1) - chosen
        prompts, others = ([self.prompt_r[at] for at in of] for of in (chosen, rejected))
        chosen_texts, rejected_texts = ([self.response_r[at] for at in of] for of in (chosen, rejected))
        return PairTexts(prompts, chosen_texts, rejected_texts, rejected_prompt_m=others)


def name_at(flip: float) -> str:
    """What the model at a flip rate is called: flip_0.05."""
    return f"flip_{flip:g}"


def fit_at_flips(
    training: PreferenceTraining,
    pairs: PairsToLearnFrom,
    label_fm: np.ndarray,
    flips: Sequence[float],
    *,
    finished: FinishedFolders,
    rng: np.random.Generator,
    progress: Callable[[str], Progress],
) -> dict[str, Path]:
    """Fit one model to each of (F, M) labels that is not finished yet, and give the folders of all by their names.

    rng draws the one seed of them all. DataError as for fit_preference_model, or unless there is a row of labels for
    each rate and a label for each pair.
    """
    if label_fm.shape != (wanted := (len(flips), len(pairs.pairs_m2))):
        raise DataError(f"labels: of shape {label_fm.shape}, and there are {wanted} rates and pairs")
    seed = int(rng.integers(SEEDS))
    folders = {}
    for flip, label_m in zip(flips, label_fm, strict=True):
        name = name_at(flip)
        if (folder := finished.get(name)) is None:
            train, validation = (pairs.texts(label_m, side) for side in (TRAINS, VALIDATES))
            told = progress(f"fine-tuning at flip rate {flip:g}")
            tuned = fit_preference_model(training, train, validation, seed=seed, progress=told)
            folder = finished.put(name, partial(save_tuned, tuned))
        folders[name] = folder
    return folders


def scores_of(
    folders: Mapping[str, Path],
    prompts: Sequence[str],
    responses: Sequence[str],
    *,
    shards: Shards,
    progress: Callable[[str], Progress],
) -> np.ndarray:
    """(F, R) float32 scores of R responses to their prompts by each of F models of `save_tuned`, read from its folder.

    What is finished in the shards is not scored again: they must be of these models and responses.
    """
    found = []
    for name, folder in folders.items():
        if shards.get(name) is None:
            score_r = load_tuned(folder).score(
                prompts, responses, batch_size=READ_AT_ONCE, progress=progress(f"scoring by {name}")
            )
            shards.put(name, pd.DataFrame({"score": score_r}))
        table = shards.get(name)
        assert table is not None
        found.append(table["score"].to_numpy())
    return np.stack(found)
