"""Ridge regression on scored responses, in closed form, for as many strengths of the penalty as are asked for.

Knows embeddings and scores; no fit among others, no head. With y the scores and X the embeddings, both centred, and X
divided by one scale (or by each dimension's, where `spread_units` says so), w = (X^T W X + l2 I)^-1 X^T W y (Hoerl &
Kennard 1970): one eigendecomposition serves every l2.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from rmkit.measures.embedding_health import spread_units
from rmkit.training_sets.pair_sets import ScoreSets


@dataclass(frozen=True, eq=False)
class Ridge:
    """What a set of scored responses says of a linear function, whatever the penalty."""

    mean_d: np.ndarray  # (D,) of the embeddings, by weight
    mean_score: float
    scale: float  # of the embeddings; 0 where they are all equal, and then there is nothing to solve
    spread_d: np.ndarray  # (D,) which the scale is in units of: 1, or each dimension's where a few drown the others
    eigenvalue_h: np.ndarray  # (D,) of X^T W X
    axis_dh: np.ndarray  # (D, D) its eigenvectors, a column each
    pull_h: np.ndarray  # (D,) X^T W y along these

    @classmethod
    def of(
        cls,
        embedding_nd: np.ndarray,
        score_n: np.ndarray,
        weight_n: np.ndarray,
        *,
        scale: float | None = None,
        spread_d: np.ndarray | None = None,
    ) -> Self:
        """scale: in units of the embeddings, or of spread_d (D,) if given; None takes the root mean square length of
        the centred embeddings, in units of each dimension's spread where `spread_units` says so.
        """
        mean_d, mean_score = (np.average(array, axis=0, weights=weight_n) for array in (embedding_nd, score_n))
        x_nd = embedding_nd - mean_d
        length = float(np.sqrt(np.average((x_nd**2).sum(axis=1), weights=weight_n)))
        # equal embeddings leave a length of rounding errors
        if not length > 1e-12 * float(np.abs(mean_d).max()):
            length = 0.0
        if spread_d is None:
            spread_d, length = in_units(x_nd, weight_n, length, one_number=scale is not None)
        scale = scale or length
        x_nd /= spread_d * (scale or 1.0)
        eigenvalue_h, axis_dh = np.linalg.eigh((x_nd * weight_n[:, None]).T @ x_nd)
        pull_h = axis_dh.T @ (x_nd.T @ (weight_n * (score_n - mean_score)))
        return cls(mean_d, float(mean_score), scale, spread_d, eigenvalue_h.clip(min=0), axis_dh, pull_h)

    def weights(self, l2: float) -> tuple[np.ndarray, float]:
        """((D,), intercept) for embeddings as they come."""
        weight_d = self.axis_dh @ (self.pull_h / (self.eigenvalue_h + l2)) / (self.spread_d * self.scale)
        return weight_d, self.mean_score - float(weight_d @ self.mean_d)

    def squared_error(self, embedding_nd: np.ndarray, score_n: np.ndarray, weight_n: np.ndarray, *, l2: float) -> float:
        """Weighted mean squared error on other responses."""
        weight_d, intercept = self.weights(l2)
        return float(np.average((score_n - intercept - embedding_nd @ weight_d) ** 2, weights=weight_n))

    def covariance_root(self, l2: float) -> np.ndarray:
        """(D, D): root @ root.T is (X^T W X + l2 I)^-1 for embeddings as they come: the weights' covariance, as laplace
        has it, per unit of noise variance.
        """
        root_dh: np.ndarray = self.axis_dh / np.sqrt(self.eigenvalue_h + l2) / (self.spread_d * self.scale)[:, None]
        return root_dh


def in_units(x_nd: np.ndarray, weight_n: np.ndarray, length: float, *, one_number: bool) -> tuple[np.ndarray, float]:
    """(D,) what each dimension of centred rows, or of differences, is divided by, and the root mean square length then.

    Ones, and the length that is given, if all are to share one number, or no few of them would drown the others
    (`spread_units`).
    """
    spread_d = None if one_number else spread_units(np.sqrt(np.average(x_nd**2, axis=0, weights=weight_n)))
    if spread_d is None or not length:
        return np.ones(x_nd.shape[1]), length
    return spread_d, float(np.sqrt(np.average(((x_nd / spread_d) ** 2).sum(axis=1), weights=weight_n)))


def scored_rows(embedding_rd: np.ndarray, scores: ScoreSets, s: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Set s without its padding: (N_s, D) float64 embeddings, (N_s,) scores and (N_s,) weights."""
    real_n = scores.weight_sn[s] > 0
    row_nd = embedding_rd[scores.position_sn[s, real_n]].astype(np.float64)
    return row_nd, scores.score_sn[s, real_n], scores.weight_sn[s, real_n].astype(np.float64)
