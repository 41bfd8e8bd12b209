"""The pairs that the model is least sure of: entropy of the predicted preference.

Looks at margins only. Sources: Settles 2009, as the oldest rule of uncertainty; arXiv 2502.04354.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest


@dataclass(frozen=True, kw_only=True)
class Entropy:
    """The pairs whose preferred response the ensemble's mean margin is least sure of.

    The entropy of sigmoid(margin) falls with |margin|: the smallest |margin| are the same choice, without logarithms.
    """

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        return largest(-np.abs(candidates.margin_sm.mean(axis=0)), candidates.request(n_pairs), rng)
