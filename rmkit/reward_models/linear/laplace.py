"""How well data determine the weights of a last layer: the Laplace approximation, and what it says of rewards.

Around the weights w that a fit found, the posterior is taken as Gaussian, with the curvature of the penalised loss as
its precision (MacKay 1992; of a last layer alone: Daxberger et al., NeurIPS 2021, arXiv 2106.14806):

    precision = l2 I + sum_n c_n x_n x_n^T,    c_n = weight_n p_n (1 - p_n)                                         (1)

For Bradley-Terry x_n is the difference of a pair's features and p_n the probability of its choice; for a classifier x_n
are the features of a row less their mean, which stands for an intercept, and p_n the probability of its label. The loss
is the weighted sum over data, not their mean. Knows features, weights and probabilities: no embedding, no head.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import expit


@dataclass(frozen=True, eq=False)
class LastLayerLaplace:
    """What S fits keep of their data to say how uncertain a reward is."""

    mean_sh: np.ndarray  # (S, H) float32, mean features of the responses that each fit was trained on
    root_shh: np.ndarray  # (S, H, H) float32, root @ root.T is the covariance of the weights: the inverse of (1)

    @classmethod
    def of_fits(cls, known: Sequence[tuple[np.ndarray, np.ndarray]]) -> Self:
        """S fits' (mean_h, root_hh) together."""
        mean_sh, root_shh = (np.stack(each).astype(np.float32) for each in zip(*known, strict=True))
        return cls(mean_sh, root_shh)

    def sd(self, feature_srh: np.ndarray) -> np.ndarray:
        """(S, R) float32: standard deviation of w . (features less the mean of the training responses')."""
        away_srh = feature_srh - self.mean_sh[:, None, :]
        return np.linalg.norm(away_srh @ self.root_shh, axis=-1).astype(np.float32)

    def only(self, position_g: np.ndarray) -> Self:
        """The fits at these positions alone."""
        return type(self)(self.mean_sh[position_g], self.root_shh[position_g])

    def arrays(self) -> dict[str, np.ndarray]:
        """What `of_arrays` makes it from again, to be saved."""
        return {"laplace_mean_sh": self.mean_sh, "laplace_root_shh": self.root_shh}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        return cls(arrays["laplace_mean_sh"], arrays["laplace_root_shh"])


def logistic_curvature(logit_n: np.ndarray, weight_n: np.ndarray) -> np.ndarray:
    """(N,) the c_n of (1) for log-odds of what was observed: second derivatives of weight_n * -log sigmoid(logit_n)."""
    return weight_n * expit(logit_n) * expit(-logit_n)


def covariance_root(feature_nh: np.ndarray, curvature_n: np.ndarray, l2: float) -> np.ndarray:
    """(H, H) float64 upper triangle: root @ root.T is the inverse of (1). l2 must be above 0."""
    precision_hh = (feature_nh * curvature_n[:, None]).T @ feature_nh
    precision_hh[np.diag_indices_from(precision_hh)] += l2
    factor_hh = cholesky(precision_hh, lower=True, overwrite_a=True)  # precision = L L^T, so covariance = L^-T L^-1
    inverse_hh: np.ndarray = solve_triangular(factor_hh, np.eye(len(factor_hh)), lower=True)
    return inverse_hh.T
