"""D-optimal choice of d_optimal.py on a torch device: the same rule, float64 too, for pools that a GPU holds.

The pool is copied there once, and a pick costs one product of it with a vector there. Knows arrays only; imports torch.
Sums are taken in another order than numpy's, so that pairs whose gains agree to TIE may change places.
"""

from typing import Literal

import numpy as np
import torch

from rmkit.errors import DataError, ParamsError
from rmkit.measures.designs.d_optimal import BLOCK_BYTES, REFRESH, TIE, check_design, require_finite

Device = Literal["auto", "cpu", "cuda"]


def device_of(device: Device) -> str:
    """The device that is meant: of auto, CUDA where there is one; ParamsError for CUDA where there is none."""
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise ParamsError("device: is cuda, and torch sees none here; use auto or cpu")
    return "cuda" if has_cuda and device == "auto" else "cpu" if device == "auto" else device


def one_shot(scaled_md: np.ndarray, known_dd: np.ndarray, device: str) -> np.ndarray:
    """(M,) float64 scores as `d_optimal.one_shot`."""
    check_design(scaled_md, known_dd, 0)
    pool_md, total_dd = _on(scaled_md, device), _on(known_dd, device).clone()
    for block_bd in pool_md.split(_rows(pool_md)):
        total_dd += block_bd.T @ block_bd
    return _quadratic(pool_md, _inverse(total_dd)).cpu().numpy()


def greedy(scaled_md: np.ndarray, known_dd: np.ndarray, n_pairs: int, device: str) -> np.ndarray:
    """(n_pairs,) positions in M as `d_optimal.greedy`."""
    check_design(scaled_md, known_dd, n_pairs)
    pool_md, total_dd = _on(scaled_md, device), _on(known_dd, device).clone()
    told_td = torch.empty((REFRESH, len(total_dd)), dtype=torch.float64, device=device)
    free_m = torch.ones(len(pool_md), dtype=torch.bool, device=device)
    picked = np.empty(n_pairs, dtype=np.int64)
    for i in range(n_pairs):
        t = i % REFRESH
        if t == 0:
            fresh_td = pool_md[torch.from_numpy(picked[max(i - REFRESH, 0) : i]).to(device)]
            total_dd += fresh_td.T @ fresh_td
            inverse_dd = _inverse(total_dd)
            gain_m = _quadratic(pool_md, inverse_dd)
        free_gain_m = torch.where(free_m, gain_m, -torch.inf)
        most = max(float(free_gain_m.max()), 0.0)
        among_m = free_m & (free_gain_m >= min(most * (1 - TIE), float(free_gain_m.max())))
        pick = int(among_m.nonzero()[0, 0])
        picked[i], free_m[pick] = pick, False
        pair_d = pool_md[pick]
        told_d = inverse_dd @ pair_d - (told_td[:t] @ pair_d) @ told_td[:t]
        told_td[t] = told_d / torch.sqrt(1 + pair_d @ told_d)
        gain_m -= (pool_md @ told_td[t]) ** 2
    return picked


def _on(array: np.ndarray, device: str) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device).to(torch.float64)


def _rows(pool_md: torch.Tensor) -> int:
    return max(1, BLOCK_BYTES // (8 * max(pool_md.shape[1], 1)))


def _inverse(total_dd: torch.Tensor) -> torch.Tensor:
    try:
        return torch.cholesky_inverse(torch.linalg.cholesky(total_dd))
    except torch.linalg.LinAlgError:
        raise DataError("information: is not positive definite; give a prior above 0") from None


def _quadratic(pool_md: torch.Tensor, matrix_dd: torch.Tensor) -> torch.Tensor:
    found_m = torch.cat([((block_bd @ matrix_dd) * block_bd).sum(dim=1) for block_bd in pool_md.split(_rows(pool_md))])
    require_finite(found_m.cpu().numpy())
    return found_m
