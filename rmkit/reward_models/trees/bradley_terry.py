"""Bradley-Terry with gradient-boosted trees (LightGBM): the pairwise loss as an objective of its own.

Knows pairs and the rewards of their responses; growing trees is boosted.py's. With the margin m = f(chosen) -
f(rejected) a pair of weight w costs w log(1 + exp(-m)), and LightGBM is told, at each response,

    gradient:  -w sigmoid(-m) if chosen, +w sigmoid(-m) if rejected;    Hessian:  w sigmoid(m) sigmoid(-m)           (1)

summed over the response's pairs. These are exact but for the Hessian's entries off the diagonal, which trees do not
use (as in LambdaMART: Burges 2010). Rows are distinct responses, not 2M sides of pairs: a response has one reward
whichever pair it is in, fewer rows are binned and looked up, and min_rows_a_leaf counts responses.
"""

from dataclasses import dataclass
from typing import ClassVar

import lightgbm
import numpy as np
from scipy.special import expit

from rmkit.reward_models.trees.binned_rows import Rows
from rmkit.reward_models.trees.boosted import Lesson, Trees
from rmkit.training_sets.pair_sets import PairSets


@dataclass(frozen=True, eq=False)
class PairwiseLoss:
    """The loss of M pairs as a function of the rewards of the U distinct responses in them."""

    position_u: np.ndarray  # (U,) int64 into the embeddings, sorted
    chosen_m: np.ndarray  # (M,) int64 into U
    rejected_m: np.ndarray  # (M,) int64 into U
    weight_m: np.ndarray  # (M,) float64

    @classmethod
    def of(cls, pairs: PairSets, s: int) -> "PairwiseLoss":
        """The loss of set s without its padding."""
        real_m = pairs.weight_sm[s] > 0
        pair_2m = np.stack([pairs.chosen_sm[s, real_m], pairs.rejected_sm[s, real_m]])
        position_u, place = np.unique(pair_2m, return_inverse=True)
        chosen_m, rejected_m = place.reshape(pair_2m.shape)
        return cls(position_u, chosen_m, rejected_m, pairs.weight_sm[s, real_m].astype(np.float64))

    @property
    def rows(self) -> Rows:
        """Each distinct response once; the loss is here, so that labels and weights say nothing."""
        n_rows = len(self.position_u)
        return Rows(self.position_u, np.zeros(n_rows, np.float32), np.ones(n_rows, np.float32))

    def mean(self, reward_u: np.ndarray) -> float:
        """Weighted mean negative log-likelihood of the choices, in nats."""
        return float(np.average(np.logaddexp(0, -self._margins(reward_u)), weights=self.weight_m))

    def derivatives(self, reward_u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(U,) gradient and (U,) diagonal of the Hessian of the weighted sum of the loss: (1)."""
        margin_m = self._margins(reward_u)
        wrong_m = self.weight_m * expit(-margin_m)
        curvature_m = wrong_m * expit(margin_m)
        return self._at_responses(-wrong_m, wrong_m), self._at_responses(curvature_m, curvature_m)

    def _margins(self, reward_u: np.ndarray) -> np.ndarray:
        margin_m: np.ndarray = reward_u[self.chosen_m] - reward_u[self.rejected_m]
        return margin_m

    def _at_responses(self, chosen_value_m: np.ndarray, rejected_value_m: np.ndarray) -> np.ndarray:
        n_rows = len(self.position_u)
        return np.bincount(self.chosen_m, chosen_value_m, n_rows) + np.bincount(
            self.rejected_m, rejected_value_m, n_rows
        )


@dataclass(kw_only=True)
class LightGBMBradleyTerry(Trees):
    """S sums of trees whose differences are log-odds. Equal rewards for all have a log-loss of log 2."""

    name: ClassVar = "lightgbm_bt"
    classifier: ClassVar = False

    @staticmethod
    def lesson(train: PairSets, validation: PairSets, s: int) -> Lesson:
        """The distinct responses of set s, under (1); the mean of the same loss on validation pairs."""
        learned, watched = PairwiseLoss.of(train, s), PairwiseLoss.of(validation, s)

        def objective(reward_u: np.ndarray, _: lightgbm.Dataset) -> tuple[np.ndarray, np.ndarray]:
            return learned.derivatives(reward_u)

        def metric(reward_u: np.ndarray, _: lightgbm.Dataset) -> tuple[str, float, bool]:
            return "log_loss", watched.mean(reward_u), False  # lower is better

        pairwise = {"objective": objective, "metric": "None"}
        return Lesson(learned.rows, watched.rows, objective=pairwise, metric=metric)
