"""Which annotation sharpness gives so much agreement on given pairs: found as a root.

Knows annotators and gold rewards of pairs.
"""

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
    that can be reached, between pure noise and next to none.
    """
    who = who or Annotator(1.0)
    typical = np.sqrt(np.mean(gaps(gold_m2) ** 2)) / who.scale or 1.0
    low, high = (exponent - np.log(typical) for exponent in (-12.0, 12.0))

    def miss(log_beta: float) -> float:
        return replace(who, beta=float(np.exp(log_beta))).expected_agreement(gold_m2, length_m2) - agreement

    noisy, sharp = miss(low) + agreement, miss(high) + agreement
    if not min(noisy, sharp) < agreement < max(noisy, sharp):
        reach = f"between {noisy:.3f} (pure noise) and {sharp:.3f} (next to none)"
        raise DataError(f"agreement: {agreement} cannot be had of such annotators on these pairs; it lies {reach}")
    return float(np.exp(brentq(miss, low, high, xtol=1e-10)))
