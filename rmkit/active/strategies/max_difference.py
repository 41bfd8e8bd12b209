"""The pairs whose responses the model tells apart most clearly.

Looks at margins only. A label of such a pair is rarely wrong, and tells a model little that it does not expect.
Source: arXiv 2502.04354, a baseline there.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest


@dataclass(frozen=True, kw_only=True)
class MaxDifference:
    """The pairs of the largest |margin|."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        return largest(np.abs(candidates.margin_sm.mean(axis=0)), candidates.request(n_pairs), rng)
