"""How well data determine the weights of a last layer: the Laplace approximation, and what it says of rewards.

Around the weights w that a fit found, the posterior is taken as Gaussian, with the curvature of the penalised loss as
its precision (MacKay 1992; of a last layer alone: Daxberger et al., NeurIPS 2021, arXiv 2106.14806). That is the Fisher
information, (1) of measures/information.py, with the penalty l2 as the prior's precision; the loss is the weighted sum
over data, not their mean. Knows features and the variances of labels: no embedding, no head.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import solve_triangular

from rmkit.measures.information import information, lower_root


@dataclass(frozen=True, eq=False)
class LastLayerLaplace:
    """What S fits keep of their data to say how uncertain a reward is."""

    mean_sh: np.ndarray  # (S, H) float32, mean features of the responses that each fit was trained on
    root_shh: np.ndarray  # (S, H, H) float32, root @ root.T: the covariance of the weights, the inverse of (1)

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


def covariance_root(feature_nh: np.ndarray, variance_n: np.ndarray, l2: float) -> np.ndarray:
    """(H, H) float64 upper triangle: root @ root.T is the inverse of the information. l2 must be above 0.

    feature_nh: (N, H), of what is labelled. variance_n: (N,) of the labels, times what they count. DataError from it.
    """
    factor_hh = lower_root(information(feature_nh, variance_n, l2))  # precision = L L^T, so covariance = L^-T L^-1
    inverse_hh: np.ndarray = solve_triangular(factor_hh, np.eye(len(factor_hh)), lower=True)
    return inverse_hh.T
