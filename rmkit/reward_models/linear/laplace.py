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
from scipy.optimize import brentq

from rmkit.errors import DataError
from rmkit.measures.information import information, lower_root

LOG_PRECISIONS = (-60.0, 60.0)  # where `evidence_precision` looks


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
        return np.linalg.norm(self.reward_root(feature_srh), axis=-1).astype(np.float32)

    def reward_root(self, feature_srh: np.ndarray) -> np.ndarray:
        """(S, R, H) root @ root.T: the covariance of these rewards, each less the training responses' mean."""
        away_srh: np.ndarray = feature_srh - self.mean_sh[:, None, :]
        return away_srh @ self.root_shh

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


def covariance_root_by_evidence(information_hh: np.ndarray, weight_h: np.ndarray) -> np.ndarray:
    """(H, H) float64: as `covariance_root`, for weights whose fit had no penalty l2; `evidence_precision` gives it.

    information_hh: (H, H) of the data alone, without a prior. The weight of a feature that is 0 in all data says
    nothing of the prior and varies as that says.
    """
    length_h, axis_hh = np.linalg.eigh(information_hh)
    length_h = np.maximum(length_h, 0.0)  # rounding leaves some below
    precision = evidence_precision(length_h, weight_h[np.diagonal(information_hh) > 0])
    root_hh: np.ndarray = axis_hh / np.sqrt(length_h + precision)
    return root_hh


def evidence_precision(length_h: np.ndarray, weight_h: np.ndarray) -> float:
    """The precision a of a prior N(0, I/a) of the weights under which data are likeliest, by Laplace (MacKay 1992):

        a |w|^2 = sum_h length_h / (length_h + a)    (2)

    length_h: (H,) eigenvalues of the information without a prior; weight_h: w. The right side, which falls with a,
    counts the weights that data determine. Infinite for weights that are all 0; DataError if only the data are.
    """
    size = float(weight_h @ weight_h)
    if size == 0:
        return float("inf")
    if not (length_h > 0).any():
        raise DataError("length_h: has no number above 0, so data tell nothing of the weights, nor of their prior")

    def excess(log_a: float) -> float:
        return float(np.exp(log_a) * size - (length_h / (length_h + np.exp(log_a))).sum())

    middle = np.log(length_h.max())
    return float(np.exp(brentq(excess, middle + LOG_PRECISIONS[0], middle + LOG_PRECISIONS[1])))
