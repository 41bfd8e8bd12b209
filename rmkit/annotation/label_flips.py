"""Labels turned round at random, at several rates, and what that does to the margins of a reward model.

In the limit of many labels a Bradley-Terry model learns the log-odds of what it is told. A true margin D, of which a
share e of the labels is turned round, becomes logit((1 - 2 e) sigmoid(D) + e): of the same order, smaller by about
(1 - 2 e), and never above log((1 - e) / e). So flips alone make no mistakes of order, those come from finite data; they
shrink the scale. Knows labels and numbers: no text, no model. Sources: arXiv 2410.05584, section 3, for a population of
reward models by flip rates (its text does not list the rates, nor say whether the flips are nested).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, logit

from rmkit.errors import DataError


def flipped_labels(label_m: np.ndarray, flips: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """(F, M) int8: the (M,) labels, each turned round with the probability of each of F rates.

    Common random numbers: a label that is turned round at one rate is so at every higher one. DataError for labels
    other than 0 and 1, or a rate outside 0 to 1.
    """
    label_m = np.asarray(label_m, dtype=np.int8)
    if not np.isin(label_m, (0, 1)).all():
        raise DataError("labels: each must be 1 (first preferred) or 0 (second preferred)")
    for position, flip in enumerate(flips):
        check_flip(flip, f"flips[{position}]")
    turned_fm = rng.random(len(label_m)) < np.asarray(flips, dtype=np.float64)[:, None]
    return np.where(turned_fm, 1 - label_m, label_m).astype(np.int8)


def flipped_margin(margin: ArrayLike, flip: float) -> np.ndarray:
    """What margins become where a share `flip` of the labels is turned round, in the limit of many labels."""
    check_flip(flip, "flip")
    return np.asarray(logit((1 - 2 * flip) * expit(np.asarray(margin, dtype=np.float64)) + flip))


def settled_margin(flip: float, coefficient: float = 0.0) -> float:
    """The margin at which a pair settles that everyone would label alike, but for a share `flip` of turned labels.

    coefficient: c of the penalty c (r_chosen^2 + r_rejected^2), the mean over pairs, beside the loss. With scores of
    opposite sign, the margin m minimises the expected loss where 1 - flip - sigmoid(m) = c m. Without a penalty that is
    log((1 - flip) / flip), the most that any margin can become; infinite without flips too. flip: 0 to 0.5.
    """
    check_flip(flip, "flip")
    if flip > 0.5 or coefficient < 0:
        raise DataError(f"flip: {flip}, coefficient: {coefficient}; the one is 0 to 0.5, the other 0 or more")
    if coefficient == 0:
        return float(-logit(flip))
    return float(brentq(lambda margin: 1 - flip - expit(margin) - coefficient * margin, 0.0, 1 / coefficient))


def check_flip(flip: float, where: str) -> None:
    """DataError, beginning with `where`, unless a rate is a probability."""
    if not 0 <= flip <= 1:
        raise DataError(f"{where}: {flip}; a flip rate lies between 0 and 1")
