"""The two strategies that the others must beat: no choice at all, and the pairs that the model is least sure of.

Knows candidates only; one ignores them, the other looks at margins. Source: arXiv 2502.04354; Settles 2009 for entropy
as the oldest rule of uncertainty.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest


@dataclass(frozen=True, kw_only=True)
class Random:
    """Any pairs, all sets of them equally likely."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        return rng.permutation(len(candidates))[: candidates.request(n_pairs)].astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Entropy:
    """The pairs whose preferred response the ensemble's mean margin is least sure of.

    The entropy of sigmoid(margin) falls with |margin|: the smallest |margin| are the same choice, without logarithms.
    """

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        return largest(-np.abs(candidates.margin_sm.mean(axis=0)), candidates.request(n_pairs), rng)
