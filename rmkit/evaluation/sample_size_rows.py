"""Tables of what a budget buys and of what a pair tells, as figures/sample_size.py draws them.

Knows numbers alone; the closed forms are measures/sample_size.py's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from rmkit.measures.sample_size import (
    COSTS,
    information_at_gap,
    informative_gap,
    random_pair_information,
    variance_a_unit,
)

if TYPE_CHECKING:
    import pandas as pd

SIZES = (2, 3, 5, 8, 16, 32, 64)  # responses to a prompt
GAPS = np.linspace(0.01, 3.5, 200)  # u, from a coin's toss to a trivial pair


def variance_rows(correlation: float, sizes: Sequence[int] = SIZES) -> "pd.DataFrame":
    """A row a unit and number of responses: unit, n_responses, value (budget times variance of the accuracy)."""
    import pandas as pd

    rows = [(unit, size, variance_a_unit(correlation, size, unit)) for unit in COSTS for size in sizes]
    return pd.DataFrame(rows, columns=["unit", "n_responses", "value"])


def gap_rows(correlation: float, flips: Sequence[float] = (0.0, 0.1, 0.2)) -> "pd.DataFrame":
    """A row a share of flipped labels and gap: flip, chance (to be right), value (information), best, random.

    best: whether no gap tells more. random: the information of a random pair, at this correlation of gold and score.
    """
    import pandas as pd

    parts = []
    for flip in flips:
        best = informative_gap(flip)
        gap = np.sort([*GAPS, best])
        told = {"flip": flip, "chance": ndtr(gap), "value": information_at_gap(gap, flip), "best": gap == best}
        parts.append(pd.DataFrame(told).assign(random=random_pair_information(correlation, flip)))
    return pd.concat(parts, ignore_index=True)
