"""What a reward model is: fitted on pairs of responses or on scores, it gives every response a number, more is better.

Knows embeddings and positions of responses; no text, no likelihood. S fits (seeds, folds, annotation counts) are asked
for at once and share the R embeddings; fit s learns from row s of its sets alone.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np

from rmkit.training_sets.pair_sets import PairSets, ScoreSets

Progress = Callable[[int, int], None]  # called with (done, total), done ends at total


class RewardModel(Protocol):
    """S fitted reward functions on D-dimensional embeddings. A head is a dataclass of keyword-only options."""

    @property
    def n_dimensions(self) -> int:
        """D, the length of the embeddings that it was fitted on."""

    def fit(
        self,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """Fit S reward functions; validation pairs only choose (strength of a penalty, when to stop).

        embedding_rd: (R, D) float of any width, may be memory-mapped. train and validation: S sets each. rng_s: S
        generators; everything random in fit s comes from its own, so that a fit does not change with its neighbours.
        A classifier learns from the rows of `rows_sm2`, a Bradley-Terry head from pairs of weight `weight_sm`. Leaves
        `validation_log_loss_s_`, (S,) nats. DataError names what is wrong with the embeddings or the pairs, ResultError
        says which fit did not converge.
        """

    def fit_scores(
        self,
        embedding_rd: np.ndarray,
        train: ScoreSets,
        validation: ScoreSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """Fit S functions of the same class by weighted squared error on absolute scores, otherwise as `fit`.

        Leaves `validation_squared_error_s_`, (S,) the weighted mean on the validation responses, in place of
        `validation_log_loss_s_`. An intercept may be kept or dropped: rewards are known up to a constant for each fit.
        """

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards of R responses, known up to a constant for each fit. DataError for another D."""

    def only(self, position_g: np.ndarray) -> Self:
        """A new model with the fits at these G positions alone, in this order: `score` gives the same G rows."""

    def save(self, folder: Path) -> None:
        """Write options and learned state into a folder, made if need be: safetensors, JSON and text, no pickle."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model that `save` wrote, ready to score; DataError if the folder holds something else."""


@runtime_checkable
class HasLastLayer(Protocol):
    """A reward model whose reward is linear in features of its own, for strategies that look at these features."""

    def last_layer(self, embedding_rd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """feature_srh (S, R, H) and weight_sh (S, H), float32: score gives feature_srh @ weight_sh, up to rounding and,
        after `fit_scores`, up to a constant for each fit.

        All S x R x H numbers are in memory at once: ask for the responses that are looked at. DataError for another D.
        """


@runtime_checkable
class HasUncertainty(Protocol):
    """A reward model that says how well its data determine the reward of a response."""

    def uncertainty(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32: the standard deviation of each response's reward less the training responses' mean reward.

        A reward is known up to a constant, so that a reward alone has no spread. A head that is linear in a last layer
        takes the Laplace approximation of that layer (linear/laplace.py), an ensemble the spread of its members; in the
        rewards' own unit, log-odds after `fit`, that of the scores after `fit_scores`. DataError for another D.
        """
