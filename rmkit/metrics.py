"""How good rewards are on labelled pairs: accuracy, log-loss, Brier score and calibration.

Knows margins only, a pair's chosen reward minus its rejected one, and reads them as Bradley-Terry log-odds: the
forecast that the chosen response wins is sigmoid(margin). Knows no text, no model and no interval (stats.py).
Sources: Bradley & Terry 1952; Brier 1950; Naeini, Cooper & Hauskrecht, AAAI 2015 (expected calibration error).
"""

import numpy as np
from scipy.special import expit

from rmkit.errors import DataError


def pair_accuracy(margin: np.ndarray) -> np.ndarray:
    """Whether the chosen response has the larger reward: 1, 0, or 0.5 on a tie. Any shape (..., M) in and out.

    DataError for no pairs or a margin that is not a finite number, here and in every function below.
    """
    return (np.sign(_checked(margin)) + 1.0) / 2.0


def pair_log_loss(margin: np.ndarray) -> np.ndarray:
    """-log sigmoid(margin) in nats, stable for large margins; log 2 is what not knowing costs. (..., M) in and out."""
    return np.logaddexp(0.0, -_checked(margin))


def pair_brier(margin: np.ndarray) -> np.ndarray:
    """(1 - sigmoid(margin))^2, between 0 and 1; not knowing costs 0.25. (..., M) in and out."""
    return expit(-_checked(margin)) ** 2


def pair_overconfidence(margin: np.ndarray) -> np.ndarray:
    """Stated confidence max(p, 1 - p) minus `pair_accuracy`; the mean is above 0 when rewards claim too much. (..., M).

    A mean over pairs, unlike the expected calibration error below, so that its interval is an ordinary one.
    """
    margin = _checked(margin)
    return expit(np.abs(margin)) - pair_accuracy(margin)


def reliability_bins(margin_m: np.ndarray, n_bins: int = 10) -> dict[str, np.ndarray]:
    """Stated confidence against observed accuracy, by bins of equal width on [0.5, 1]: the columns of a small table.

    Which response is called first is arbitrary, so the forecast is max(p, 1 - p), p = sigmoid(margin), and the outcome
    is whether the response with the larger reward was the chosen one (0.5 on a tie). Columns, a row for each bin that
    holds a pair, in order: low and high (the bin's edges; a bin owns its low edge, the last one both), confidence and
    accuracy (means over the bin's pairs), pairs (how many).
    """
    margin_m = _checked(margin_m)
    if margin_m.ndim != 1:
        raise DataError(f"margin_m has shape {margin_m.shape}; calibration wants one list of pairs, shape (M,)")
    if n_bins < 1:
        raise DataError(f"n_bins is {n_bins}; at least 1 is needed")
    confidence_m = expit(np.abs(margin_m))
    bin_m = np.minimum(((confidence_m - 0.5) * 2 * n_bins).astype(int), n_bins - 1)
    pairs_b = np.bincount(bin_m, minlength=n_bins)
    held_b = pairs_b > 0
    edges = np.linspace(0.5, 1.0, n_bins + 1)

    def mean_by_bin(value_m: np.ndarray) -> np.ndarray:
        return np.bincount(bin_m, weights=value_m, minlength=n_bins)[held_b] / pairs_b[held_b]

    return {
        "low": edges[:-1][held_b],
        "high": edges[1:][held_b],
        "confidence": mean_by_bin(confidence_m),
        "accuracy": mean_by_bin(pair_accuracy(margin_m)),
        "pairs": pairs_b[held_b],
    }


def expected_calibration_error(margin_m: np.ndarray, n_bins: int = 10) -> float:
    """Mean distance between confidence and accuracy over the bins of `reliability_bins`, weighted by their pairs.

    Between 0 and 1. Chance alone keeps it above 0 when pairs are few, more so with more bins: compare at equal M.
    """
    bins = reliability_bins(margin_m, n_bins)
    return float(np.average(np.abs(bins["confidence"] - bins["accuracy"]), weights=bins["pairs"]))


def _checked(margin: np.ndarray) -> np.ndarray:
    """The margins as float64, or a DataError that names the first one that is not a number."""
    margin = np.asarray(margin, dtype=np.float64)
    if margin.size == 0:
        raise DataError(f"margin has shape {margin.shape}: there are no pairs to measure")
    if not np.isfinite(margin).all():
        position = [int(axis) for axis in np.argwhere(~np.isfinite(margin))[0]]
        raise DataError(f"margin{position} is {margin[tuple(position)]}; every margin must be a finite number")
    return margin
