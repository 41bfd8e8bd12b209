"""What a reward model is: fitted on pairs of responses, it gives every response one number, more is better.

Knows embeddings and pair positions; no text, no likelihood. S fits (seeds, folds, annotation counts) are asked for at
once and share the R embeddings; fit s learns from row s of its pair sets alone. Here too are the checks of what goes
into a fit, one sentence for every head.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np

from rmkit.comparisons import PairSets
from rmkit.errors import DataError

Progress = Callable[[int, int], None]  # called with (done, total), done ends at total
BLOCK_NUMBERS = 2**22  # embeddings are read this many numbers at a time, so that a bank on disk stays there


class RewardModel(Protocol):
    """S fitted reward functions on D-dimensional embeddings. A head is a dataclass of keyword-only options."""

    @property
    def n_dimensions(self) -> int:
        """D, the length of the embeddings that it was fitted on."""

    def fit(
        self,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """Fit S reward functions; validation pairs only choose (strength of a penalty, when to stop).

        embedding_rd: (R, D) float of any width, may be memory-mapped. train and validation: S sets each. rng_s: S
        generators; everything random in fit s comes from its own, so that a fit does not change with its neighbours.
        DataError names what is wrong with the embeddings or the pairs, ResultError says which fit did not converge.
        """

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards of R responses, known up to a constant for each fit. DataError for another D."""

    def save(self, folder: Path) -> None:
        """Write options and learned state into a folder, made if need be: safetensors, JSON and text, no pickle."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model that `save` wrote, ready to score; DataError if the folder holds something else."""


@runtime_checkable
class HasLastLayer(Protocol):
    """A reward model whose reward is linear in features of its own, for strategies that look at these features."""

    def last_layer(self, embedding_rd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """feature_srh (S, R, H) and weight_sh (S, H), float32: up to rounding, score gives feature_srh @ weight_sh.

        All S x R x H numbers are in memory at once: ask for the responses that are looked at. DataError for another D.
        """


def check_fit(
    embedding_rd: np.ndarray, train: PairSets, validation: PairSets, rng_s: Sequence[np.random.Generator]
) -> None:
    """DataError unless embeddings are finite, there are S sets and generators, and all pairs lie within R responses."""
    check_embeddings(embedding_rd)
    if train.n_sets != validation.n_sets:
        raise DataError(
            f"{train.n_sets} training sets but {validation.n_sets} validation sets; every fit needs one of each"
        )
    if train.n_sets != len(rng_s):
        raise DataError(f"{train.n_sets} training sets but {len(rng_s)} generators; every fit needs one of each")
    check_pairs(train, len(embedding_rd), "train")
    check_pairs(validation, len(embedding_rd), "validation")


def check_embeddings(embedding_rd: np.ndarray, *, n_dimensions: int | None = None) -> None:
    """DataError unless embeddings are finite floats (R, D) with R and D above 0, and of D = n_dimensions if given."""
    if embedding_rd.ndim != 2 or embedding_rd.size == 0 or embedding_rd.dtype.kind != "f":
        raise DataError(
            f"embedding_rd is {embedding_rd.dtype} of shape {embedding_rd.shape}; "
            f"it must be floats (R, D), both above 0"
        )
    if n_dimensions is not None and embedding_rd.shape[1] != n_dimensions:
        raise DataError(f"embedding_rd has {embedding_rd.shape[1]} dimensions; the model was fitted on {n_dimensions}")
    for rows in row_blocks(*embedding_rd.shape):
        finite_rd = np.isfinite(embedding_rd[rows])
        if not finite_rd.all():
            row, dimension = (int(axis) for axis in np.argwhere(~finite_rd)[0])
            value = embedding_rd[rows][row, dimension]
            raise DataError(f"embedding_rd[{rows.start + row}, {dimension}] is {value}; embeddings must be finite")


def check_pairs(pairs: PairSets, n_responses: int, name: str) -> None:
    """DataError that names set and pair if a pair of weight above 0 points outside the responses."""
    for side, position_sm in (("chosen", pairs.chosen_sm), ("rejected", pairs.rejected_sm)):
        outside_sm = ((position_sm < 0) | (position_sm >= n_responses)) & (pairs.weight_sm > 0)
        if outside_sm.any():
            s, m = (int(axis) for axis in np.argwhere(outside_sm)[0])
            raise DataError(
                f"{name} set {s}, pair {m}: {side} is {position_sm[s, m]}, but there are {n_responses} responses, "
                f"counted from 0"
            )


def row_blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Slices that cover the rows in order, each of at most BLOCK_NUMBERS numbers (one row at least)."""
    step = max(1, BLOCK_NUMBERS // max(1, n_columns))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
