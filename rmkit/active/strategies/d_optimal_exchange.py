"""D-optimal choice, greedily and then by exchange: picks make way for others as long as that tells more.

Knows candidates only. Source: Fedorov 1972, as measures/designs/d_optimal.py has it.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.measures.designs.d_optimal import exchange, greedy


@dataclass(frozen=True, kw_only=True)
class DOptimalExchange:
    """The greedy D-optimal pairs after exchanges, labelled pairs counted as known."""

    most_passes: int = 20  # over all picks

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`; the order is that of the greedy picks whose place each has."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))
        scaled_md, known_dd = candidates.scaled_md[order_m], candidates.known_dd.astype(np.float64)
        first_k = greedy(scaled_md, known_dd, n_pairs)
        return order_m[exchange(scaled_md, known_dd, first_k, most_passes=self.most_passes)].astype(np.int64)
