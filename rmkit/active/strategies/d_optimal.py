"""Greedy D-optimal choice of pairs: each pick is the one that adds most to what is known, earlier picks included.

Knows candidates only. The paper's released code (arXiv 2502.04354) scores all pairs once and takes the top, and
near-copies of one good pair then come together. Here each pick counts as known before the next is made: the greedy
maximum of log det M, which gains at least 1 - 1/e of what the best batch would (Nemhauser et al. 1978; the gain is
monotone and submodular). By a Laplace approximation this is BatchBALD, too: the information that labels of a batch give
about the weights is (log det M - log det M_0) / 2.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.measures.designs.d_optimal import greedy


@dataclass(frozen=True, kw_only=True)
class DOptimal:
    """The pairs that make the determinant of the information largest, one by one, labelled pairs counted as known."""

    device: Literal["auto", "cpu", "cuda"] = "cpu"  # auto: CUDA where there is one; worth it from some 10^8 numbers on

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))  # the first of equals is then any of them
        scaled_md = candidates.scaled_md[order_m]
        known_dd = candidates.known_dd.astype(np.float64)
        if self.device == "cpu":
            return order_m[greedy(scaled_md, known_dd, n_pairs)].astype(np.int64)
        from rmkit.measures.designs import on_device

        return order_m[on_device.greedy(scaled_md, known_dd, n_pairs, on_device.device_of(self.device))]
