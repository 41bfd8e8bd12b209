"""Cross-fitting on labelled pairs: every pair is scored once, by a reward model that never saw its prompt.

Prompts are grouped into folds at random. For each fold and each annotation count, a reward model learns from that many
pairs outside the fold; it scores the pairs inside. Knows pairs and prompt ids only: no embedding, no head. Source of
the scheme: Chernozhukov et al. 2018, section 3; prompts stay together because their pairs are not independent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.training_sets.by_annotations import LabelledOrder, TrainingSets, sets_of_orders
from rmkit.training_sets.prompt_folds import prompt_folds, split_by_prompts
from rmkit.training_sets.validation_splits import AnnotationOrder, ValidationSplit, by_prompt, divide


@dataclass(frozen=True, eq=False)
class CrossFitting(TrainingSets):
    """What each of S fits learns from (S = annotation counts x folds), and which fit scores which of M pairs.

    `fits` has the columns annotations, fold, validation.
    """

    fold_m: np.ndarray  # (M,) int64: the fold whose models score a pair; -1 where its prompts lie in two folds
    chosen_m: np.ndarray  # (M,) int64 positions of the preferred responses
    rejected_m: np.ndarray  # (M,) int64 positions of the others
    folds: pd.DataFrame  # P rows: prompt_id, fold
    weight_m: np.ndarray | None = None  # (M,) float64 above 0, how much each pair counts; None: all alike

    @property
    def scored_m(self) -> np.ndarray:
        """Positions of the pairs that some fold scores."""
        return np.flatnonzero(self.fold_m >= 0)

    @property
    def scored_weight_m(self) -> np.ndarray | None:
        """The weights of the pairs that some fold scores; None: all count alike."""
        return None if self.weight_m is None else self.weight_m[self.scored_m]

    def held_out_margins(self, reward_sr: np.ndarray) -> pd.DataFrame:
        """As `held_out_margins` has it, for all S fits and the scored pairs."""
        scored = self.scored_m
        return held_out_margins(
            self.fits, reward_sr, self.fold_m[scored], self.chosen_m[scored], self.rejected_m[scored]
        ).set_axis(scored, axis="columns")


def held_out_margins(
    fits: pd.DataFrame, reward_sr: np.ndarray, fold_m: np.ndarray, chosen_m: np.ndarray, rejected_m: np.ndarray
) -> pd.DataFrame:
    """Margins of M pairs, chosen minus rejected, by annotation count: a row a count, a column a pair.

    fits: S rows with annotations and fold. reward_sr: (S, R), each fit's rewards. fold_m: (M,) the fold of each pair. A
    pair's margin at a count comes from the fit that held its prompt out.
    """
    counts = list(dict.fromkeys(fits["annotations"]))
    margin_am = np.empty((len(counts), len(fold_m)))
    for s, (annotations, fold) in enumerate(zip(fits["annotations"], fits["fold"], strict=True)):
        inside = fold_m == fold
        margin_s = reward_sr[s, chosen_m[inside]].astype(np.float64) - reward_sr[s, rejected_m[inside]]
        margin_am[counts.index(annotations), inside] = margin_s
    return pd.DataFrame(margin_am, index=pd.Index(counts, name="annotations"))


def growing(most: int, validation_share: float, judgements: int = 1) -> list[int]:
    """A sixth, a third, two thirds and all of `most`: those that leave a pair to validate on and one to train on.

    judgements: the most that a pair has; they validate together. `most` alone, where even that leaves none. Two thirds
    are there so that a learning curve can be asked to foretell its last third (evaluation/extrapolated.py).
    """
    counts = list(dict.fromkeys([most // 6, most // 3, 2 * most // 3, most]))
    return [count for count in counts if judgements <= int(validation_share * count + 1e-9) < count] or [most]


def fold_of_pairs(folds: pd.DataFrame, prompt_m2: np.ndarray) -> np.ndarray:
    """(M,) int64: the fold that both prompts of a pair lie in, or -1 where they lie in two.

    folds: P rows with prompt_id and fold, every prompt once; DataError if a pair's prompt is not among them.
    """
    by_prompt_id = folds.set_index("prompt_id")["fold"]
    if len(absent := np.setdiff1d(prompt_m2, by_prompt_id.index)):
        raise DataError(f"folds: prompt {absent[0]} is in none; there are folds of {len(folds)} prompts")
    fold_m2 = by_prompt_id.to_numpy()[by_prompt_id.index.get_indexer(prompt_m2.ravel())].reshape(prompt_m2.shape)
    return np.where(fold_m2[:, 0] == fold_m2[:, 1], fold_m2[:, 0], -1)


def cross_fitting(
    comparisons: Comparisons,
    prompt_id_r: np.ndarray,
    *,
    annotations: Sequence[int] | None,
    n_folds: int,
    validation_share: float,
    rng_of: Callable[[str], np.random.Generator],
    validation_split: ValidationSplit = "pair",
    folds: pd.DataFrame | None = None,
) -> CrossFitting:
    """Draw folds of prompts, and within each fold's training pairs one order in which they are annotated.

    folds: those of another cross-fitting of the same pairs, P rows with prompt_id and fold; None draws them.
    annotations: numbers of annotated pairs; None: as many as every fold leaves, and two thirds, a third, a sixth of it.
    prompt_id_r: (R,) the bank's. Smaller counts are beginnings of larger ones, so that a learning curve follows one
    annotator's order. validation_share: of what `validation_split` divides (validation_splits.py); folds and orders are
    the same for every split, drawn from rng_of("folds"). DataError if a count is more than a fold's training pairs, or
    leaves no pair to train or to validate on. ResultError, never seen, if a prompt were inside a fold and outside.
    """
    rng, prompt_m2 = rng_of("folds"), comparisons.prompts(prompt_id_r)
    prompt_ids = np.unique(prompt_m2)
    drawn_p = prompt_folds(prompt_ids, n_folds, rng)  # drawn in any case, so that what is drawn after them is the same
    if folds is None:
        folds = pd.DataFrame({"prompt_id": prompt_ids, "fold": drawn_p})
    if sorted(folds["fold"].unique()) != list(range(n_folds)):
        raise DataError(f"folds: there are {folds['fold'].nunique()} of them, and n_folds is {n_folds}")
    fold_m, prompts_of = fold_of_pairs(folds, prompt_m2), folds.groupby("fold")["prompt_id"]
    if annotations is None:
        outside = [len(split_by_prompts(prompt_m2, held_out.to_numpy()).train_m) for _, held_out in prompts_of]
        pair_m2 = np.sort(np.stack([comparisons.first_m, comparisons.second_m], axis=1), axis=1)
        judgements = int(np.unique(pair_m2, axis=0, return_counts=True)[1].max())
        annotations = growing(min(outside), validation_share, judgements)
    own_rng_f = rng.spawn(n_folds)

    def orders() -> Iterator[LabelledOrder]:
        for fold in range(n_folds):
            order_m = rng.permutation(split_by_prompts(prompt_m2, prompts_of.get_group(fold).to_numpy()).train_m)
            order = AnnotationOrder(comparisons.first_m[order_m], comparisons.second_m[order_m], prompt_m2[order_m])
            sides = by_prompt(
                order, validation_share, rng
            )  # drawn for every split, so that orders are the same for all
            if validation_split != "prompt":
                sides = divide(validation_split, order, share=validation_share, rng=own_rng_f[fold])
            weight_m = None if comparisons.weight_m is None else comparisons.weight_m[order_m]
            where = f"outside fold {fold}"
            yield LabelledOrder({"fold": fold}, where, order, comparisons.label_m[order_m], sides, weight_m)

    sets = sets_of_orders(orders(), annotations, validation_split)
    return CrossFitting(
        fits=sets.fits[["annotations", "fold", "validation"]],
        train=sets.train,
        validation=sets.validation,
        straddling=sets.straddling,
        fold_m=fold_m,
        chosen_m=comparisons.chosen_m,
        rejected_m=comparisons.rejected_m,
        folds=folds,
        weight_m=comparisons.weight_m,
    )
