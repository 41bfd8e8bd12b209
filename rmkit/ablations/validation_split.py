"""Does the validation split decide between Bradley-Terry and the classifier? Two objectives by two splits, as released.

The released code of arXiv 2411.04991 splits the rows of mirrored pairs at random. Of four validation rows in five the
mirror image, with the same loss under Bradley-Terry, is then in training, so that its early stopping cannot see
over-fitting, while the classifier's can. Here both heads are fitted by the published procedure under each split, on the
same annotated pairs from the same starts, and held beside what the study itself fits. The mirrored split also gives
Bradley-Terry more to learn from: one of a pair's two rows is in training for 96 of 100 pairs, not for 80. What a split
by pair gains is gained in spite of that. Knows pairs, heads and evaluations; no notebook.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import DataError
from rmkit.evaluation.against_gold import evaluate_against_gold
from rmkit.evaluation.on_pairs import evaluate_pairs
from rmkit.progress import Progress
from rmkit.reward_models.protocol import RewardModel
from rmkit.reward_models.registry import build
from rmkit.training_sets.by_annotations import TrainingSets
from rmkit.training_sets.cross_fitting import CrossFitting

HEADS = ("mlp_bt", "mlp_clf")  # one network, two objectives


@dataclass(frozen=True)
class Arm:
    """One head fitted by one procedure under one split: a fit for each row of `sets.fits`."""

    reward_model: str
    procedure: str
    sets: TrainingSets
    model: RewardModel

    @property
    def validation(self) -> str:
        """The split that its validation pairs come from."""
        return str(self.sets.fits["validation"].iloc[0])

    @property
    def name(self) -> str:
        return f"{self.reward_model} {self.procedure} {self.validation}"

    @property
    def fits(self) -> pd.DataFrame:
        """A row a fit: what varied, and the arm; `fit` is its name."""
        about = {"reward_model": self.reward_model, "procedure": self.procedure, "arm": self.name}
        varied = self.sets.fits.assign(**about)
        names = [f"{self.name}-{'-'.join(map(str, row))}" for row in self.sets.fits.itertuples(index=False)]
        return varied.assign(fit=names)


def as_released(
    embedding_rd: np.ndarray,
    sets_of: Mapping[str, TrainingSets],
    *,
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
    heads: Sequence[str] = HEADS,
) -> list[Arm]:
    """Each of the heads under each of the splits, by the published procedure.

    sets_of: what the fits learn from, by the split's name. rng_of: the generator of a name, always the same one: all
    arms start alike.
    """
    arms = []
    for split, sets in sets_of.items():
        for head in heads:
            rng_s = [rng_of(f"published {stream}") for stream in sets.streams]
            shown = progress(f"fitting {head} as released, validation by {split}")
            model = build(head, procedure="published").fit(
                embedding_rd, sets.train, sets.validation, rng_s=rng_s, progress=shown
            )
            arms.append(Arm(head, "published", sets, model))
    return arms


def with_own_fits(released: Evaluations, study: Evaluations, *, procedure: str, validation_split: str) -> Evaluations:
    """The arms as released, then the study's own fits of the same networks at the same numbers of annotations.

    study: the evaluations of the study's reward models on the same prompts, all of them fitted by this procedure under
    this split. Own fits that are an arm already are left out. DataError if the prompts or the metrics differ.
    """
    if not np.array_equal(released.prompt_id_p, study.prompt_id_p):
        raise DataError("evaluations: the study's own fits were evaluated on other prompts than the ablation's")
    if missing := [str(metric) for metric in released.metrics() if metric not in study.metrics()]:
        raise DataError(f"evaluations: the study's own fits have no {', '.join(missing)}")
    fits = study.fits.assign(procedure=procedure, validation=validation_split)
    arm_f = fits["reward_model"] + f" {procedure} {validation_split}"
    own_f = fits["reward_model"].isin(HEADS) & fits["annotations"].isin(released.fits["annotations"])
    at_f = np.flatnonzero(own_f & ~arm_f.isin(released.fits["arm"]))
    own = fits.assign(arm=arm_f, fit=fits["fit"] + f" {procedure} {validation_split}").iloc[at_f]
    together = pd.concat([released.fits, own[released.fits.columns]], ignore_index=True)
    values = {}
    for name, value in released.values.items():
        own_values = np.stack([study.value_fp(metric)[at_f] for metric in released.metrics(name)], axis=-1)
        values[name] = np.concatenate([value, own_values.reshape(len(at_f), *value.shape[1:])])
    return replace(released, fits=together, values=values)


def stops(arms: Sequence[Arm]) -> pd.DataFrame:
    """A row an arm: the mean step whose weights were kept, and their mean validation log-loss, in nats."""
    about = [
        {
            "reward_model": arm.reward_model,
            "procedure": arm.procedure,
            "validation": arm.validation,
            "products": getattr(arm.model, "precision_", ""),
            "step kept": float(np.mean(getattr(arm.model, "steps_s_", np.nan))),
            "validation log-loss": float(np.mean(getattr(arm.model, "validation_log_loss_s_", np.nan))),
        }
        for arm in arms
    ]
    return pd.DataFrame(about).round(3)


def against_gold(
    arms: Sequence[Arm], test_rd: np.ndarray, gold_pk: np.ndarray, prompt_id_p: np.ndarray, *, ns: Sequence[int]
) -> tuple[pd.DataFrame, Evaluations]:
    """Result rows and per-prompt evaluations of all arms, on the responses to test prompts."""
    fits = pd.concat([arm.fits for arm in arms], ignore_index=True)
    reward_fr = (reward_r for arm in arms for reward_r in arm.model.score(test_rd))
    return evaluate_against_gold(fits, reward_fr, gold_pk, prompt_id_p, ns=ns)


def on_held_out_pairs(
    arms: Sequence[Arm], embedding_rd: np.ndarray, prompt_id_r: np.ndarray
) -> tuple[pd.DataFrame, Evaluations]:
    """Result rows and per-prompt evaluations of all arms, on pairs that each was not fitted on."""
    margins, about, prompt_id_m, weight_m = {}, {}, np.array([]), None
    for arm in arms:
        assert isinstance(arm.sets, CrossFitting)
        margins[arm.name] = arm.sets.held_out_margins(arm.model.score(embedding_rd))
        about[arm.name] = {"reward_model": arm.reward_model, "procedure": arm.procedure, "validation": arm.validation}
        prompt_id_m = prompt_id_r[arm.sets.chosen_m[arm.sets.scored_m]]  # the same for all: they share their folds
        weight_m = arm.sets.scored_weight_m
    rows, evaluations = evaluate_pairs(margins, {}, prompt_id_m, weight_m=weight_m)
    return told_apart(rows, about), replace(evaluations, fits=told_apart(evaluations.fits, about))


def told_apart(table: pd.DataFrame, about: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """A table whose reward models are arms, with the columns that say what an arm is."""
    columns = {key: [about[name][key] for name in table["reward_model"]] for key in next(iter(about.values()))}
    return table.assign(arm=table["reward_model"], **columns)
