"""Greedy c-optimal choice: the pairs that lower the variance of one margin most, that of the pair one knows least of.

Knows candidates only. The one difference c is the candidates' longest in the metric of what is known, x^T M^-1 x: the
margin whose variance is largest. Source: measures/designs/other_criteria.py.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest
from rmkit.measures.designs.d_optimal import leverages
from rmkit.measures.designs.other_criteria import greedy_linear


@dataclass(frozen=True, kw_only=True)
class COptimal:
    """The pairs that lower c^T M^-1 c most, one by one."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        if not n_pairs:
            return np.empty(0, dtype=np.int64)
        order_m = rng.permutation(len(candidates))
        feature_md = candidates.feature_md.astype(np.float64)
        (least_known,) = largest(leverages(feature_md, candidates.known_dd), 1, rng)
        target_dd = np.outer(feature_md[least_known], feature_md[least_known])
        return order_m[greedy_linear(candidates.scaled_md[order_m], candidates.known_dd, n_pairs, target_dd)]
