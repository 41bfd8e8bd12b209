"""How much too sure margins are: one number that divides them, so that they are Bradley-Terry log-odds again.

Networks that are trained until they order all their labels state margins far beyond what held-out labels bear out, and
p (1 - p), which a design weights pairs by, all but vanishes. With margin m of a pair that a fit did not learn from,
chosen minus rejected, the temperature T maximises

    - sum_m w_m log(1 + exp(-m / T)) + k (log(1 / T) - 1 / T)    (1)

The second term is the prior: 1 / T has the gamma distribution of shape k and rate k, whose mean is 1, and (1) is its
posterior density on the scale of log T, so that T and 1 / T are estimated alike. With k = 1, 1 / T is exponential:
nine in ten of its T lie between 1/3 and 20. It is so wide, and wider upwards, because networks claim too much far more
often and by far more than too little; what it rules out is that a few labels, all in order, make margins arbitrarily
sure. In 1 / T, (1) is strictly concave: there is one T, and it is always finite, above 0, and between the bounds (2).
Knows margins and weights; no model. Source of temperature scaling: Guo et al., ICML 2017 (arXiv 1706.04599); the prior
is ours.
"""

import numpy as np
from scipy.special import expit

from rmkit.errors import DataError

MOST_OF_TERM = 0.2784645427610738  # the maximum of x sigmoid(-x), at x = 1 + exp(-x)
HALVINGS = 80  # of an interval of log T that is a few hundred long at most
LARGEST = 1e40  # margins are differences of two float32 numbers
STRENGTHS = (1e-9, 1e9)


def temperatures(margin_sm: np.ndarray, weight_sm: np.ndarray | None = None, *, strength: float = 1.0) -> np.ndarray:
    """(S,) float64 temperatures of S fits, each by its own M pairs: divide margins by it before sigmoid or p (1 - p).

    By default T is what the held-out labels say, drawn towards 1 by a prior that counts about as much as a few pairs: 1
    without pairs, and with ten pairs never below 1/4. Pairs out of order by large margins take T up almost freely.

    margin_sm: (S, M) log-odds, chosen minus rejected, of pairs that the fits did not learn from. weight_sm: (S, M), how
    much a pair counts, 0 for padding, whose margin may be anything; by default 1. strength: k of the prior. DataError
    for other shapes or numbers.
    """
    margin_sm, weight_sm = _checked(margin_sm, weight_sm)
    if not STRENGTHS[0] <= strength <= STRENGTHS[1]:
        raise DataError(f"strength is {strength}; it must be a number from {STRENGTHS[0]:g} to {STRENGTHS[1]:g}")
    against_s = (weight_sm * np.maximum(-margin_sm, 0)).sum(axis=1)
    # (2) where the slope of (1) in 1 / T is 0: k (T - 1) <= sum of w |m| out of order, k (1 / T - 1) <= 0.28 sum of w
    low_s = -np.log1p(MOST_OF_TERM * weight_sm.sum(axis=1) / strength)
    high_s = np.log1p(against_s / strength)
    for _ in range(HALVINGS):
        middle_s = (low_s + high_s) / 2
        temperature_s = np.exp(middle_s)
        pull_s = (weight_sm * margin_sm * expit(-margin_sm / temperature_s[:, None])).sum(axis=1)
        too_low_s = pull_s < strength * (1 - temperature_s)  # the slope of (1) in 1 / T is below 0
        low_s, high_s = np.where(too_low_s, middle_s, low_s), np.where(too_low_s, high_s, middle_s)
    found_s: np.ndarray = np.exp((low_s + high_s) / 2)
    return found_s


def _checked(margin_sm: np.ndarray, weight_sm: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 of one shape (S, M), margins 0 where the weight is 0; or DataError."""
    margin_sm = np.asarray(margin_sm, dtype=np.float64)
    weight_sm = np.ones(margin_sm.shape) if weight_sm is None else np.asarray(weight_sm, dtype=np.float64)
    if margin_sm.ndim != 2 or weight_sm.shape != margin_sm.shape:
        raise DataError(f"margin_sm has shape {margin_sm.shape} and weight_sm {weight_sm.shape}; both must be (S, M)")
    if not ((weight_sm >= 0) & (weight_sm <= LARGEST)).all():
        raise DataError(f"weight_sm: holds a negative weight, NaN, or one above {LARGEST:g}; a weight is 0 or more")
    if len(bad := np.argwhere(~(np.abs(margin_sm) <= LARGEST) & (weight_sm > 0))):
        s, m = (int(axis) for axis in bad[0])
        raise DataError(f"margin_sm[{s}, {m}] is {margin_sm[s, m]}; a margin must be a number, at most {LARGEST:g}")
    return np.where(weight_sm > 0, margin_sm, 0.0), weight_sm
