"""Rows of numbers, many at a time: in order, ranked, tied values averaged, checked to be finite.

Knows arrays only: what a row means is its caller's.
"""

from collections.abc import Iterator

import numpy as np

from rmkit.errors import DataError

BLOCK_NUMBERS = 2**16  # numbers handled at a time: half a megabyte in float64 stays in a core's cache


def average_ranks(value_pk: np.ndarray) -> np.ndarray:
    """(..., P, K) float64 ranks from 1 to K over the last axis; equal values share the mean of theirs."""
    n_responses = value_pk.shape[-1]
    value_rk = value_pk.reshape(-1, n_responses)
    rank_rk = np.empty(value_rk.shape)
    for rows in blocks(len(value_rk), n_responses):
        order_rk, close_r = ascending(value_rk[rows])
        ascending_rk = np.tile(np.arange(1.0, n_responses + 1.0), (len(order_rk), 1))
        if len(close_r):
            sorted_rk = np.take_along_axis(value_rk[rows][close_r], order_rk[close_r], axis=-1)
            ascending_rk[close_r] = tie_means(sorted_rk, ascending_rk[close_r])
        np.put_along_axis(rank_rk[rows], order_rk, ascending_rk, axis=-1)
    return rank_rk.reshape(value_pk.shape)


def ascending(value_rk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R, K) positions in each row's order, ties in any; and the rows that hold all ties, and few others.

    The values are sorted in their place, twice as fast as by argsort: in their lowest bits lies the position. Rows in
    which two values differ in those bits at most are done again, by argsort.
    """
    n_responses = value_rk.shape[1]
    key_rk = value_rk.astype(np.float64, copy=False) + 0.0  # a copy, and a negative zero becomes zero
    bits_rk = key_rk.view(np.int64)
    low_bits = np.int64((1 << (n_responses - 1).bit_length()) - 1)
    bits_rk &= ~low_bits
    bits_rk |= np.arange(n_responses)
    key_rk.sort(axis=-1)
    differing_rk = (bits_rk[:, 1:] ^ bits_rk[:, :-1]).view(np.uint64)
    close_r = np.flatnonzero((differing_rk <= np.uint64(low_bits)).any(axis=-1))
    bits_rk &= low_bits
    if len(close_r):
        bits_rk[close_r] = np.argsort(value_rk[close_r], axis=-1)
    return bits_rk, close_r


def blocks(n_rows: int, numbers_a_row: int) -> Iterator[slice]:
    """Slices over the rows of at most BLOCK_NUMBERS numbers each, one row at least."""
    step = max(1, BLOCK_NUMBERS // max(1, numbers_a_row))
    yield from (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def tie_means(sorted_k: np.ndarray, value_k: np.ndarray) -> np.ndarray:
    """The values, (..., K), each replaced by the mean over its block of equal sorted numbers."""
    starts = np.ones(sorted_k.shape, dtype=bool)
    starts[..., 1:] = sorted_k[..., 1:] != sorted_k[..., :-1]
    block_r = np.cumsum(starts.reshape(-1)) - 1
    mean_b = np.bincount(block_r, weights=value_k.reshape(-1)) / np.bincount(block_r)
    return mean_b[block_r].reshape(sorted_k.shape)


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """The values as float64, or DataError with the first place that holds no finite number."""
    return all_finite(np.asarray(values, dtype=np.float64), name)


def all_finite(values: np.ndarray, name: str) -> np.ndarray:
    """The values as they are (numbers of any kind), or DataError with the first place that holds no finite number."""
    values = np.asarray(values)
    if not np.isfinite(values).all():
        first = np.argwhere(~np.isfinite(values))[0]
        place = ", ".join(map(str, first))
        raise DataError(f"the {name} at ({place}) is {values[tuple(first)]}; it must be a finite number")
    return values
