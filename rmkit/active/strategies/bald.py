"""The pairs whose labels, one by one, tell most about the weights: exact BALD.

Knows candidates only. To first order in the margin's variance this is the gain of D-optimal choice, log(1 + v s^2) / 2;
for uncertain margins that overstates undecided pairs, and can exceed the log 2 that a label has. No pick knows of the
others. Sources: Houlsby et al. 2011; measures/designs/bald.py.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest
from rmkit.measures.designs.bald import bald
from rmkit.measures.designs.d_optimal import leverages


@dataclass(frozen=True, kw_only=True)
class Bald:
    """The pairs of the largest information between label and weights, under a Laplace approximation."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        variance_m = leverages(candidates.feature_md.astype(np.float64), candidates.known_dd)
        nats_m = bald(np.abs(candidates.margin_sm.mean(axis=0)), variance_m)
        return largest(nats_m.round(12), n_pairs, rng)  # of rounding, no choice
