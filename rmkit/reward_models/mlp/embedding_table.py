"""The embeddings that networks are fitted on, as one tensor: each row read once, centred, in the products' format.

Knows embeddings, and pairs by their positions; no network.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from rmkit.machine.number_formats import multiplies_bfloat16_fast
from rmkit.measures.embedding_health import ROUNDING, mean_and_spread_of, spread_units
from rmkit.reward_models.inputs import row_blocks
from rmkit.training_sets.pair_sets import PairSets

MOST_OFFSET = 1.0  # of inputs that are not centred, in spreads, of which bfloat16's eight bits lose less than one
FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class EmbeddingTable:
    """The U responses that any fit looks at, as the networks take them: each embedding row is read once."""

    row_ud: torch.Tensor
    used_u: np.ndarray  # (U,) int64 ascending, where they come from
    center_d: np.ndarray
    scale: float | np.ndarray  # one number, or (D,) float32 where one would let a few dimensions drown the others
    precision: str

    @property
    def device(self) -> str:
        return self.row_ud.device.type

    @classmethod
    def of(
        cls, embedding_rd: np.ndarray, used_u: np.ndarray, *, device: str, precision: str, standardises: bool
    ) -> Self:
        """The responses used_u. precision: of FORMATS or auto. standardises: whether inputs are centred and scaled."""
        center_d, scale, unit_d = center_and_scale(embedding_rd)
        fits_well = standardises or np.sqrt(np.mean(center_d**2)) <= MOST_OFFSET * scale
        taken: float | np.ndarray = scale if unit_d is None else unit_d
        if not standardises:
            center_d, taken = np.zeros_like(center_d), 1.0
        if precision == "auto":
            precision = "bfloat16" if fits_well and multiplies_bfloat16_fast(device) else "float32"
        return cls.with_units(embedding_rd, used_u, center_d, taken, device=device, precision=precision)

    @classmethod
    def with_units(
        cls,
        embedding_rd: np.ndarray,
        used_u: np.ndarray,
        center_d: np.ndarray,
        scale: float | np.ndarray,
        *,
        device: str,
        precision: str,
    ) -> Self:
        """The responses used_u less this centre, divided by this scale. precision: of FORMATS."""
        row_ud = torch.empty((len(used_u), embedding_rd.shape[1]), dtype=FORMATS[precision])
        for rows in row_blocks(*row_ud.shape):
            row_ud[rows] = torch.from_numpy((embedding_rd[used_u[rows]].astype(np.float32) - center_d) / scale)
        return cls(row_ud.to(device), used_u, center_d, scale, precision)

    def position(self, position_sm: np.ndarray, weight_sm: np.ndarray) -> np.ndarray:
        """The same positions counting within the table; padding, wherever it pointed, points at row 0."""
        return np.where(weight_sm > 0, np.searchsorted(self.used_u, position_sm), 0)

    def among(self, pairs: PairSets) -> PairSets:
        """The same pairs, positions counting within the table."""
        chosen_sm, rejected_sm = (self.position(each, pairs.weight_sm) for each in (pairs.chosen_sm, pairs.rejected_sm))
        return PairSets(chosen_sm, rejected_sm, pairs.weight_sm, pairs.row_weight_sm2)


def center_and_scale(embedding_rd: np.ndarray) -> tuple[np.ndarray, float, np.ndarray | None]:
    """(D,) float32 mean of all responses, and the root mean square of what is left, 1 where nothing is but rounding.

    Then (D,) float32, what `spread_units` divides each dimension by instead, or None.
    """
    (sum_d, square_d), squares = np.zeros((2, embedding_rd.shape[1])), 0.0
    for rows in row_blocks(*embedding_rd.shape):
        block_rd = embedding_rd[rows].astype(np.float64)
        sum_d += block_rd.sum(axis=0)
        square_d += np.einsum("rd,rd->d", block_rd, block_rd)
        squares += float(np.einsum("rd,rd->", block_rd, block_rd))
    center_d = sum_d / len(embedding_rd)
    variance = squares / embedding_rd.size - float((center_d**2).mean())
    scale = float(np.float32(np.sqrt(variance))) if variance > ROUNDING * squares / embedding_rd.size else 1.0
    unit_d = spread_units(mean_and_spread_of(sum_d, square_d, len(embedding_rd))[1])
    return center_d.astype(np.float32), scale, None if unit_d is None else unit_d.astype(np.float32)
