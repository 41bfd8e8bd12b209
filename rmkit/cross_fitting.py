"""Cross-fitting on labelled pairs: every pair is scored once, by a reward model that never saw its prompt.

Prompts are grouped into folds at random. For each fold and each annotation count, a reward model learns from that many
pairs outside the fold; it scores the pairs inside. Knows pairs and prompt ids only: no embedding, no head. Source of
the scheme: Chernozhukov et al. 2018, section 3; prompts stay together because their pairs are not independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rmkit.comparisons import Comparisons, PairSets, prompt_folds, split_by_prompts
from rmkit.errors import DataError


@dataclass(frozen=True, eq=False)
class CrossFitting:
    """What each of S fits learns from (S = annotation counts x folds), and which fit scores which of M pairs."""

    fits: pd.DataFrame  # S rows: annotations, fold
    train: PairSets  # S sets of pairs
    validation: PairSets  # S sets: pairs that choose a penalty or when to stop; they count as annotations
    fold_m: np.ndarray  # (M,) int64: the fold whose models score a pair; -1 where its prompts lie in two folds
    chosen_m: np.ndarray  # (M,) int64 positions of the preferred responses
    rejected_m: np.ndarray  # (M,) int64 positions of the others
    straddling: int  # pairs of the annotations that lie half in training, half in validation: dropped, over all S fits

    @property
    def scored_m(self) -> np.ndarray:
        """Positions of the pairs that some fold scores."""
        return np.flatnonzero(self.fold_m >= 0)

    @property
    def streams(self) -> list[str]:
        """S names of random streams, one for each fit."""
        return [f"{count} {fold}" for count, fold in self.fits[["annotations", "fold"]].to_numpy()]

    def held_out_margins(self, reward_sr: np.ndarray) -> pd.DataFrame:
        """Margins of the scored pairs, chosen minus rejected, by annotation count: a row a count, a column a pair.

        reward_sr: (S, R), each fit's rewards. A pair's margin at a count comes from the fit that held its prompt out.
        """
        counts = list(dict.fromkeys(self.fits["annotations"]))
        margin_am = np.empty((len(counts), len(self.scored_m)))
        fold_m, chosen_m, rejected_m = (array[self.scored_m] for array in (self.fold_m, self.chosen_m, self.rejected_m))
        for s, (annotations, fold) in enumerate(zip(self.fits["annotations"], self.fits["fold"], strict=True)):
            inside = fold_m == fold
            margin_s = reward_sr[s, chosen_m[inside]].astype(np.float64) - reward_sr[s, rejected_m[inside]]
            margin_am[counts.index(annotations), inside] = margin_s
        return pd.DataFrame(margin_am, index=pd.Index(counts, name="annotations"), columns=self.scored_m)


def cross_fitting(
    comparisons: Comparisons,
    prompt_id_r: np.ndarray,
    *,
    annotations: Sequence[int],
    n_folds: int,
    validation_share: float,
    rng: np.random.Generator,
) -> CrossFitting:
    """Draw folds of prompts, and within each fold's training pairs one order in which they are annotated.

    prompt_id_r: (R,) the bank's. Smaller counts are beginnings of larger ones, so that a learning curve follows one
    annotator's pile. validation_share: of the training prompts, whose pairs validate. DataError if a count is more
    than a fold's training pairs, or leaves no pair to train or to validate on. ResultError, never seen, if a prompt
    were on both sides of a split.
    """
    prompt_m2 = comparisons.prompts(prompt_id_r)
    prompt_ids = np.unique(prompt_m2)
    fold_p = prompt_folds(prompt_ids, n_folds, rng)
    fold_m2 = fold_p[np.searchsorted(prompt_ids, prompt_m2)]
    fits, train, validation, straddling = [], [], [], 0
    for fold in range(n_folds):
        outer = split_by_prompts(prompt_m2, prompt_ids[fold_p == fold])
        order_m = rng.permutation(outer.train_m)
        inside = np.unique(prompt_m2[outer.train_m])
        validating = rng.permutation(inside)[: round(validation_share * len(inside))]
        for position, count in enumerate(annotations):
            where = f"annotations[{position}]: {count} annotations, and outside fold {fold}"
            if not 1 <= count <= len(order_m):
                raise DataError(f"{where} there are {len(order_m)} pairs to annotate")
            annotated_m = order_m[:count]
            inner = split_by_prompts(prompt_m2[annotated_m], validating)
            if not (len(inner.train_m) and len(inner.test_m)):
                sizes = f"{len(inner.train_m)} to train and {len(inner.test_m)} to validate"
                raise DataError(f"{where} they leave {sizes} on; annotate more, or change validation_share")
            straddling += len(inner.straddling_m)
            fits.append({"annotations": count, "fold": fold})
            train.append(annotated_m[inner.train_m])
            validation.append(annotated_m[inner.test_m])
    chosen_m, rejected_m = comparisons.chosen_m, comparisons.rejected_m
    return CrossFitting(
        fits=pd.DataFrame(fits),
        train=PairSets.padded([(chosen_m[pairs], rejected_m[pairs]) for pairs in train]),
        validation=PairSets.padded([(chosen_m[pairs], rejected_m[pairs]) for pairs in validation]),
        fold_m=np.where(fold_m2[:, 0] == fold_m2[:, 1], fold_m2[:, 0], -1),
        chosen_m=chosen_m,
        rejected_m=rejected_m,
        straddling=straddling,
    )
