"""What a reward model is: fitted on pairs of responses, it gives every response a number, more is better.

`RewardModel` is all that a head must have, one that is defined in a notebook's cell too; what else it may have are
protocols of their own below. Knows embeddings and positions of responses; no text, no likelihood. S fits (seeds, folds,
annotation counts) are asked for at once and share the R embeddings; fit s learns from row s of its sets alone. Sets of
fewer pairs than the largest are filled up: **where `weight_sm` is 0 there is no pair**, whatever its positions say, so
a head takes `weight_sm[s] > 0` of row s. docs/your-own.md has a whole head in forty lines.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from rmkit.progress import Progress
from rmkit.training_sets.pair_sets import PairSets, ScoreSets


class RewardModel(Protocol):
    """S fitted reward functions on D-dimensional embeddings; before `fit`, a head and its options.

    `storage.StoredHead` has `only`, and `save` and `load` besides, for a head that says which arrays it learns.
    """

    def fit(
        self,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """Fit S reward functions; validation pairs only choose (strength of a penalty, when to stop). Returns itself.

        embedding_rd: (R, D) float of any width, may be memory-mapped. train and validation: S sets each, of which pairs
        of weight 0 are padding; another weight says how much a pair counts. rng_s: S generators; everything random in
        fit s comes from its own, so that a fit does not change with its neighbours. A classifier learns from the rows
        of `rows_sm2`, a Bradley-Terry head from pairs of weight `weight_sm`. May leave `validation_log_loss_s_`, (S,)
        nats, and all heads of the registry do. DataError names what is wrong with the embeddings or the pairs,
        ResultError says which fit did not converge.
        """

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards of R responses, known up to a constant for each fit. DataError for another D."""

    def only(self, position_g: np.ndarray) -> Self:
        """A new model with the fits at these G positions alone, in this order: `score` gives the same G rows."""


@runtime_checkable
class Storable(Protocol):
    """A reward model whose weights can be kept; of one that cannot, rewards and results are kept alone."""

    @property
    def n_dimensions(self) -> int:
        """D, the length of the embeddings that it was fitted on."""

    def save(self, folder: Path) -> None:
        """Write options and learned state into a folder, made if need be: safetensors, JSON and text, no pickle."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model that `save` wrote, ready to score; DataError if the folder holds something else."""


@runtime_checkable
class FitsBeside(Protocol):
    """A head that is trained faster as one batch with others of its kind."""

    def fits_beside(self, other: RewardModel) -> bool:
        """Whether one batch may hold both."""

    def fit_beside(
        self,
        others: Sequence[RewardModel],
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rngs: Sequence[Sequence[np.random.Generator]],
        progress: Progress | None = None,
    ) -> None:
        """Fit this head and the others, each on the same S sets as `fit` would; rngs: S generators each, its own first.

        Which heads are in the batch changes a fit by rounding alone.
        """


@runtime_checkable
class StartsWarm(Protocol):
    """A head that can begin a fit with what an earlier one has learned, as when labels are added round by round.

    A head whose loss has a single minimum, as the linear ones, needs no `fit_from`: warm or cold, it ends there.
    """

    def fit_from(
        self,
        previous: RewardModel,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `RewardModel.fit`, but fit s begins with the weights of fit s of `previous`, which is left as it is.

        Inputs are centred and scaled as for `previous`, of the same D. DataError for another D or number of fits,
        ParamsError for a predecessor whose weights mean something else.
        """


class LearnsScores(Protocol):
    """A head that learns from absolute scores as well as from pairs."""

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


class ListedHead(RewardModel, Storable, LearnsScores, Protocol):
    """What every head of the registry has: a dataclass of keyword-only options (storage.StoredHead)."""

    name: ClassVar[str]  # in the registry
    draws: ClassVar[bool]  # whether a fit changes with its generator


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


@runtime_checkable
class HasRewardCovariance(Protocol):
    """A reward model that says how well its data determine a difference of two rewards."""

    def reward_root(self, embedding_rd: np.ndarray) -> np.ndarray | None:
        """(S, R, C) float32 root: root @ root.T is the covariance of R rewards, so that the lengths of rows are
        `HasUncertainty.uncertainty`, and the length of the difference of two rows is the margin's standard deviation.

        What all rewards share cancels there, as it should. All S x R x C numbers are in memory at once: ask for the
        responses that are looked at. None where the fit kept nothing to say so. DataError for another D.
        """
