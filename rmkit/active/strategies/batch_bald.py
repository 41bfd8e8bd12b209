"""The pairs whose labels together tell most about the weights, by draws of the weights: BatchBALD.

Knows candidates only. K draws can tell no more than log K nats (6.9 for 1,000), so in a batch of hundreds the later
picks have little to go by; d_optimal is the same rule by a Laplace approximation of the batch's labels too, without
that ceiling. Sources: Kirsch et al. 2019; arXiv 2502.04354, whose code carries an implementation that no experiment
calls; measures/designs/bald.py.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from rmkit.active.candidates import Candidates
from rmkit.errors import ParamsError
from rmkit.measures.designs.bald import greedy_batch_bald
from rmkit.measures.information import lower_root


@dataclass(frozen=True, kw_only=True)
class BatchBald:
    """The pairs of the largest joint information, one by one, given the labels of those before."""

    n_draws: int = 1000  # of the weights, from their Laplace approximation

    def __post_init__(self) -> None:
        if self.n_draws < 2:
            raise ParamsError(f"n_draws: is {self.n_draws}; it must be 2 or more")

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))
        feature_md = candidates.feature_md[order_m].astype(np.float64)
        normal_dk = rng.normal(size=(feature_md.shape[1], self.n_draws))
        moved_dk = solve_triangular(lower_root(candidates.known_dd), normal_dk, lower=True, trans="T")
        margin_km = candidates.margin_sm.mean(axis=0)[order_m] + (feature_md @ moved_dk).T
        return order_m[greedy_batch_bald(margin_km, n_pairs, rng=rng).picked_k]
