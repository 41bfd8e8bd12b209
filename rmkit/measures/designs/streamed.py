"""Greedy D-optimal choice from a stream of pairs that does not fit in memory: one pass, and whether it was exact.

The pairs with the largest gains before any pick are kept; a gain bounds every later one (d_optimal.py). Greedy choice
among those is the greedy choice of the whole stream as long as each pick gains at least as much as the largest gain
that was let go. Knows arrays only. Source: Minoux 1978 for the bound.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.designs.d_optimal import TIE, check_design, greedy, inverse, quadratic, tell


@dataclass(frozen=True)
class Streamed:
    """What one pass found."""

    position_k: np.ndarray  # (k,) int64 in the stream, in the order of picking
    exact: int  # how many of them, from the first on, are surely those of the whole stream; k: all
    seen: int  # pairs of the stream


def streamed_greedy(blocks: Iterable[np.ndarray], known_dd: np.ndarray, n_pairs: int, *, n_kept: int) -> Streamed:
    """Pick n_pairs of a stream of (B, D) blocks of sqrt(v) x, keeping n_kept of them; the memory is that of two blocks.

    DataError for fewer pairs in the stream than asked for, or kept.
    """
    if n_kept < n_pairs:
        raise DataError(f"n_kept: {n_kept}; to choose {n_pairs} pairs as many must be kept at least")
    inverse_dd = inverse(known_dd)
    kept_md, gain_m, position_m = np.empty((0, len(known_dd))), np.empty(0), np.empty(0, dtype=np.int64)
    seen, let_go = 0, 0.0
    for block_bd in blocks:
        check_design(block_bd, known_dd, 0)
        gain_b = quadratic(block_bd, inverse_dd)
        gain_m = np.concatenate([gain_m, gain_b])
        kept_md = np.concatenate([kept_md, block_bd.astype(np.float64, copy=False)])
        position_m = np.concatenate([position_m, seen + np.arange(len(block_bd))])
        seen += len(block_bd)
        if len(gain_m) > n_kept:
            order_m = np.argsort(-gain_m, kind="stable")
            let_go = max(let_go, float(gain_m[order_m[n_kept]]))
            stay = np.sort(order_m[:n_kept])  # in the order of the stream, so that of equals the first is picked
            kept_md, gain_m, position_m = kept_md[stay], gain_m[stay], position_m[stay]
    if n_pairs > seen:
        raise DataError(f"{n_pairs} pairs are to be chosen, and there are {seen}; ask for fewer")
    picked_k = greedy(kept_md, known_dd, n_pairs)
    total_dd, exact = known_dd.astype(np.float64), 0
    for pick in picked_k:
        _, one_plus_gain = tell(total_dd, inverse_dd, kept_md[pick])
        if one_plus_gain - 1 < let_go * (1 - TIE):
            break
        exact += 1
    return Streamed(position_m[picked_k], exact, seen)
