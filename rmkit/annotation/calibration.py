"""Which annotation sharpness gives so much agreement, or so many errors, on given pairs: found as a root.

Knows annotators and gold rewards of pairs.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.label_quality import gaps
from rmkit.errors import DataError


def beta_for_agreement(
    agreement: float, gold_m2: np.ndarray, who: Annotator | None = None, length_m2: np.ndarray | None = None
) -> float:
    """The sharpness at which two annotators agree so often on these pairs, all else as in `who`.

    By root finding: agreement rises with beta, unless dissenters nearly balance the others. DataError with the range
    that can be reached.
    """
    return beta_for(lambda one: one.expected_agreement(gold_m2, length_m2), agreement, "agreement", gold_m2, who)


def beta_for_error(
    error: float, gold_m2: np.ndarray, who: Annotator | None = None, length_m2: np.ndarray | None = None
) -> float:
    """The sharpness at which so many labels are against the gold order, all else as in `who`; as beta_for_agreement."""
    return beta_for(lambda one: one.expected_error(gold_m2, length_m2), error, "error", gold_m2, who)


def beta_for(
    measure: Callable[[Annotator], float], target: float, name: str, gold_m2: np.ndarray, who: Annotator | None
) -> float:
    """The beta whose measure is the target, between one of pure noise and one nearly free of it, or DataError."""
    who = who or Annotator(1.0)
    typical = np.sqrt(np.mean(gaps(gold_m2) ** 2)) / who.scale or 1.0
    low, high = (exponent - np.log(typical) for exponent in (-12.0, 12.0))

    def miss(log_beta: float) -> float:
        return measure(replace(who, beta=float(np.exp(log_beta)))) - target

    noisy, sharp = miss(low) + target, miss(high) + target
    if not min(noisy, sharp) < target < max(noisy, sharp):
        reach = f"between {noisy:.3f} (pure noise) and {sharp:.3f} (next to none)"
        raise DataError(f"{name}: {target} cannot be had of such annotators on these pairs; it lies {reach}")
    return float(np.exp(brentq(miss, low, high, xtol=1e-10)))
