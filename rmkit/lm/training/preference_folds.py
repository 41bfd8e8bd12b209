"""A language model as one more head on people's preferences: cross-fitted by the folds of the others, or on all pairs.

Each fit learns from the annotations that the other heads learn from, at the most there are; the pairs of a share of
their prompts choose its epoch. Knows a bank with its texts, comparisons and a cross-fitting; no embedding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.lm.training.preference_model import PairTexts, PreferenceTraining, TunedModel, fit_preference_model
from rmkit.progress import Progress
from rmkit.training_sets.cross_fitting import CrossFitting
from rmkit.training_sets.validation_splits import TRAINS, VALIDATES, AnnotationOrder, by_prompt, check_both_sides

LANGUAGE_MODEL, ALL_PAIRS = "language_model", "all pairs"  # its name among the heads, and of the fit on all
SEEDS = 2**31


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """The held-out margins of a language model's fits, one a fold."""

    margins: pd.DataFrame  # one row, the most annotations; a column for each scored pair
    epochs: list[int]  # that were kept, fold by fold
    n_cut: int  # texts of which only the end was read, over all fits
    n_texts: int

    def __str__(self) -> str:
        epochs = ", ".join(map(str, self.epochs))
        cut = f"of {self.n_cut:,} of {self.n_texts:,} texts, too long, the end was read" if self.n_cut else ""
        return "; ".join(filter(None, [f"epochs kept, fold by fold: {epochs}", cut or "no text was too long"]))


def cross_fitted(
    training: PreferenceTraining,
    bank: ResponseBank,
    sets: CrossFitting,
    *,
    validation_share: float,
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
) -> CrossFitted:
    """Margins of every pair by the fit that saw none of its prompts.

    Draws come from rng_of("language_model fold …"). DataError if the bank lacks its texts, if sets divide the rows of a
    pair, or if a fold leaves no prompt to train or to validate on.
    """
    prompt_r, response_r = texts_of(bank)
    if sets.train.row_weight_sm2 is not None:
        raise DataError("validation_split: mirrored_row divides pairs; for a language model use pair or prompt")
    most, scored = int(sets.fits["annotations"].max()), sets.scored_m
    margin_m = pd.Series(np.nan, index=scored)
    epochs: list[int] = []
    n_cut = n_texts = 0
    for fold, chosen_m, rejected_m, weight_m in _annotated(sets):
        tuned = _fit(
            training, bank, chosen_m, rejected_m, weight_m if (weight_m != 1).any() else None,
            name=f"fold {fold}", validation_share=validation_share, rng_of=rng_of, progress=progress,
        )  # fmt: skip
        inside = scored[sets.fold_m[scored] == fold]
        pairs = np.stack([sets.chosen_m[inside], sets.rejected_m[inside]])
        read, place = np.unique(pairs, return_inverse=True)
        score_r = tuned.score([prompt_r[at] for at in read], [response_r[at] for at in read])
        reward_2m = score_r.astype(np.float64)[place.reshape(pairs.shape)]
        margin_m[inside] = reward_2m[0] - reward_2m[1]
        epochs.append(tuned.epoch)
        n_cut, n_texts = n_cut + tuned.n_cut, n_texts + 2 * len(chosen_m)
    margins = pd.DataFrame([margin_m.to_numpy()], index=pd.Index([most], name="annotations"), columns=scored)
    return CrossFitted(margins, epochs, n_cut, n_texts)


def require_both_sides(
    comparisons: Comparisons,
    prompt_id_r: np.ndarray,
    sets: CrossFitting,
    *,
    validation_share: float,
    rng_of: Callable[[str], np.random.Generator],
) -> None:
    """DataError, as `cross_fitted` and `on_all_pairs` raise it, where a fit would have no prompt on one side.

    prompt_id_r: (R,) of the bank. No text is read and nothing is fitted.
    """
    fits = [(f"fold {fold}", chosen_m, rejected_m) for fold, chosen_m, rejected_m, _ in _annotated(sets)]
    for name, chosen_m, rejected_m in [*fits, (ALL_PAIRS, comparisons.chosen_m, comparisons.rejected_m)]:
        _sides(prompt_id_r, chosen_m, rejected_m, name, validation_share, rng_of(f"{LANGUAGE_MODEL} {name}"))


def _annotated(sets: CrossFitting) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Of each fold: its number, and chosen, rejected and weights of the pairs that are annotated outside it."""
    fits, parts = sets.fits[sets.fits["annotations"] == sets.fits["annotations"].max()], (sets.train, sets.validation)
    for s, fold in zip(fits.index, fits["fold"], strict=True):
        chosen_m, rejected_m, weight_m = (
            np.concatenate([getattr(part, f"{side}_sm")[s][part.weight_sm[s] > 0] for part in parts])
            for side in ("chosen", "rejected", "weight")
        )
        yield fold, chosen_m, rejected_m, weight_m


def _sides(
    prompt_id_r: np.ndarray,
    chosen_m: np.ndarray,
    rejected_m: np.ndarray,
    name: str,
    validation_share: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """(M, 2) the sides of pairs by their prompts; DataError where one of them is empty."""
    prompt_m2 = np.stack([prompt_id_r[chosen_m], prompt_id_r[rejected_m]], axis=1)
    side_m2 = by_prompt(AnnotationOrder(chosen_m, rejected_m, prompt_m2), validation_share, rng)(len(chosen_m))
    check_both_sides(side_m2, f"language_model: the prompts of {name}")
    return side_m2


def on_all_pairs(
    training: PreferenceTraining,
    bank: ResponseBank,
    comparisons: Comparisons,
    *,
    validation_share: float,
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
) -> TunedModel:
    """One fit on all pairs, of which those of a share of the prompts choose the epoch; else as `cross_fitted`."""
    weight_m = comparisons.weight_m
    return _fit(
        training, bank, comparisons.chosen_m, comparisons.rejected_m, weight_m,
        name=ALL_PAIRS, validation_share=validation_share, rng_of=rng_of, progress=progress,
    )  # fmt: skip


def texts_of(bank: ResponseBank) -> tuple[list[str], list[str]]:
    """(R,) prompts and (R,) responses, those of a policy as a person sees them; DataError if the bank has none."""
    if "response" not in bank.responses or "prompt" not in bank.prompts:
        raise DataError("bank: has no texts for a language model to read; name a pairs_file")
    prompt_p = bank.prompts.set_index("prompt_id")["prompt"]
    seen = "answer" if "answer" in bank.responses else "response"
    return prompt_p.loc[bank.prompt_id_r].tolist(), bank.responses[seen].tolist()


def _fit(
    training: PreferenceTraining,
    bank: ResponseBank,
    chosen_m: np.ndarray,
    rejected_m: np.ndarray,
    weight_m: np.ndarray | None,
    *,
    name: str,
    validation_share: float,
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
) -> TunedModel:
    prompt_r, response_r = texts_of(bank)
    rng = rng_of(f"{LANGUAGE_MODEL} {name}")
    side_m2 = _sides(bank.prompt_id_r, chosen_m, rejected_m, name, validation_share, rng)

    def texts_on(side: int) -> PairTexts:
        m = np.flatnonzero(side_m2[:, 0] == side)
        chosen, rejected = chosen_m[m], rejected_m[m]
        return PairTexts(
            [prompt_r[at] for at in chosen],
            [response_r[at] for at in chosen],
            [response_r[at] for at in rejected],
            None if weight_m is None else weight_m[m].astype(np.float64),
        )

    return fit_preference_model(
        training,
        texts_on(TRAINS),
        texts_on(VALIDATES),
        seed=int(rng.integers(SEEDS)),
        progress=progress(f"fine-tuning {training.language_model.rsplit('/', 1)[-1]}, {name}"),
    )
