"""How good rewards are on labelled pairs: accuracy, log-loss, Brier score and calibration.

Knows margins only, a pair's chosen reward minus its rejected one, and reads them as Bradley-Terry log-odds: the
forecast that the chosen response wins is sigmoid(margin). Where an annotator is known, so is the chance of each label:
the functions named `expected_` take a margin of first minus second and the chance that the first is preferred, and
give what labels would give on average. Knows no text, no model and no interval.
Sources: Bradley & Terry 1952; Brier 1950; Naeini, Cooper & Hauskrecht, AAAI 2015 (expected calibration error).
"""

import numpy as np
from scipy.special import expit

from rmkit.errors import DataError


def pair_accuracy(margin: np.ndarray) -> np.ndarray:
    """Whether the chosen response has the larger reward: 1, 0, or 0.5 on a tie, as in ranking.py. (..., M) in and out.

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


def expected_accuracy(margin: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """How often the larger reward is the preferred one: the chance, or 1 minus it, or 0.5 on a tie. (..., M).

    chance: of the margins' shape, or DataError, here and below: that the first is preferred, between 0 and 1.
    """
    margin, chance = _with_chance(margin, chance)
    return 0.5 + np.sign(margin) * (chance - 0.5)


def expected_log_loss(margin: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """-p log sigmoid(margin) - (1 - p) log sigmoid(-margin) in nats, least where sigmoid(margin) = p. (..., M)."""
    wrong = 1.0 - expected_accuracy(margin, chance)
    confidence = np.abs(_checked(margin))
    return np.log1p(np.exp(-confidence)) + confidence * wrong  # no large terms that cancel


def expected_overconfidence(margin: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Stated confidence minus `expected_accuracy`: what `pair_overconfidence` is on average over labels. (..., M)."""
    return expit(np.abs(_checked(margin))) - expected_accuracy(margin, chance)


def reliability_bins(
    margin_m: np.ndarray,
    n_bins: int = 10,
    *,
    chance_m: np.ndarray | None = None,
    weight_m: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Stated confidence against observed accuracy, by bins of equal width on [0.5, 1]: the columns of a small table.

    Which response is called first is arbitrary, so the forecast is max(p, 1 - p), p = sigmoid(margin), and the outcome
    is whether the response with the larger reward was the chosen one (0.5 on a tie). Columns, a row for each bin that
    holds a pair, in order: low and high (the bin's edges; a bin owns its low edge, the last one both), confidence and
    accuracy (means over the bin's pairs), pairs (how many). chance_m: as in `expected_accuracy`; margins are then of
    first minus second, and the outcome is the expected one. weight_m: (M,) float64 above 0, how much each pair counts;
    means are then weighted, and `pairs` is the sum of a bin's weights.
    """
    margin_m = _checked(margin_m)
    if margin_m.ndim != 1:
        raise DataError(f"margin_m has shape {margin_m.shape}; calibration wants one list of pairs, shape (M,)")
    if n_bins < 1:
        raise DataError(f"n_bins is {n_bins}; at least 1 is needed")
    right_m = pair_accuracy(margin_m) if chance_m is None else expected_accuracy(margin_m, chance_m)
    confidence_m = expit(np.abs(margin_m))
    bin_m = np.minimum(((confidence_m - 0.5) * 2 * n_bins).astype(int), n_bins - 1)
    if weight_m is not None and weight_m.shape != margin_m.shape:
        raise DataError(f"weight_m has shape {weight_m.shape} and margin_m {margin_m.shape}; give each pair one weight")
    pairs_b = np.bincount(bin_m, weights=weight_m, minlength=n_bins)
    held_b = pairs_b > 0
    edges = np.linspace(0.5, 1.0, n_bins + 1)

    def mean_by_bin(value_m: np.ndarray) -> np.ndarray:
        value_m = value_m if weight_m is None else value_m * weight_m
        return np.bincount(bin_m, weights=value_m, minlength=n_bins)[held_b] / pairs_b[held_b]

    return {
        "low": edges[:-1][held_b],
        "high": edges[1:][held_b],
        "confidence": mean_by_bin(confidence_m),
        "accuracy": mean_by_bin(right_m),
        "pairs": pairs_b[held_b],
    }


def expected_calibration_error(
    margin_m: np.ndarray,
    n_bins: int = 10,
    *,
    chance_m: np.ndarray | None = None,
    weight_m: np.ndarray | None = None,
) -> float:
    """Mean distance between confidence and accuracy over the bins of `reliability_bins`, weighted by their pairs.

    Between 0 and 1. With labels, chance alone keeps it above 0 when pairs are few, more so with more bins: compare at
    equal M. With `chance_m` it is free of that.
    """
    bins = reliability_bins(margin_m, n_bins, chance_m=chance_m, weight_m=weight_m)
    return float(np.average(np.abs(bins["confidence"] - bins["accuracy"]), weights=bins["pairs"]))


def _with_chance(margin: np.ndarray, chance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Margins and chances as float64 of one shape, or DataError."""
    margin, chance = _checked(margin), np.asarray(chance, dtype=np.float64)
    if chance.shape != margin.shape:
        raise DataError(f"chance has shape {chance.shape} and margin {margin.shape}; give one chance for each margin")
    if not ((chance >= 0) & (chance <= 1)).all():
        position = [int(axis) for axis in np.argwhere(~((chance >= 0) & (chance <= 1)))[0]]
        raise DataError(f"chance{position} is {chance[tuple(position)]}; a chance lies between 0 and 1")
    return margin, chance


def _checked(margin: np.ndarray) -> np.ndarray:
    """The margins as float64, or a DataError that names the first one that is not a number."""
    margin = np.asarray(margin, dtype=np.float64)
    if margin.size == 0:
        raise DataError(f"margin has shape {margin.shape}: there are no pairs to measure")
    if not np.isfinite(margin).all():
        position = [int(axis) for axis in np.argwhere(~np.isfinite(margin))[0]]
        raise DataError(f"margin{position} is {margin[tuple(position)]}; every margin must be a finite number")
    return margin
