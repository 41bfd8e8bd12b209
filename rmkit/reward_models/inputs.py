"""What goes into a fit: checked, one sentence for every head, and read in blocks, so that a bank on disk stays there.

Knows embeddings, positions and sets; no head.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from rmkit.errors import DataError
from rmkit.training_sets.pair_sets import PairSets, ScoreSets

BLOCK_NUMBERS = 2**22  # embeddings are read this many numbers at a time, so that a bank on disk stays there


def check_fit(
    embedding_rd: np.ndarray,
    train: PairSets,
    validation: PairSets,
    rng_s: Sequence[np.random.Generator],
    *,
    classifier: bool = False,
) -> None:
    """DataError unless embeddings are finite, there are S sets and generators, and all pairs lie within R responses.

    classifier: whether the head learns from rows of two classes, so that a training set must have rows of both.
    """
    check_embeddings(embedding_rd)
    check_counts(train.n_sets, validation.n_sets, len(rng_s))
    for pairs, name in ((train, "train"), (validation, "validation")):
        for side, position_sm in (("chosen", pairs.chosen_sm), ("rejected", pairs.rejected_sm)):
            check_positions(position_sm, pairs.weight_sm, len(embedding_rd), f"{name} set {{}}, pair {{}}: {side}")
    if classifier:
        check_classes(train, "train")


def check_scores(
    embedding_rd: np.ndarray, train: ScoreSets, validation: ScoreSets, rng_s: Sequence[np.random.Generator]
) -> None:
    """DataError unless embeddings are finite, there are S sets and generators, and scored responses are among the R."""
    check_embeddings(embedding_rd)
    check_counts(train.n_sets, validation.n_sets, len(rng_s))
    for scores, name in ((train, "train"), (validation, "validation")):
        where = f"{name} set {{}}, row {{}}: position"
        check_positions(scores.position_sn, scores.weight_sn, len(embedding_rd), where)


def check_counts(n_train: int, n_validation: int, n_generators: int) -> None:
    """DataError unless there are as many validation sets and generators as training sets, and one at least."""
    if n_train == 0:
        raise DataError("0 training sets; a fit needs one")
    if n_train != n_validation:
        raise DataError(f"{n_train} training sets but {n_validation} validation sets; every fit needs one of each")
    if n_train != n_generators:
        raise DataError(f"{n_train} training sets but {n_generators} generators; every fit needs one of each")


def check_classes(pairs: PairSets, name: str) -> None:
    """DataError that names the set if all of its rows are chosen responses, or all are rejected ones."""
    has_s2 = (pairs.rows_sm2 > 0).any(axis=1)
    if not has_s2.all():
        s, column = (int(axis) for axis in np.argwhere(~has_s2)[0])
        held, lacking = ("chosen", "rejected") if column else ("rejected", "chosen")
        raise DataError(
            f"{name} set {s}: one-class labels, every row is a {held} response; a classifier needs {lacking} ones too"
        )


def check_positions(position_sn: np.ndarray, weight_sn: np.ndarray, n_responses: int, where: str) -> None:
    """DataError if a row of weight above 0 points outside the responses; where: set and row are put into it."""
    outside_sn = ((position_sn < 0) | (position_sn >= n_responses)) & (weight_sn > 0)
    if outside_sn.any():
        s, n = (int(axis) for axis in np.argwhere(outside_sn)[0])
        raise DataError(
            f"{where.format(s, n)} is {position_sn[s, n]}, but there are {n_responses} responses, counted from 0"
        )


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
        if embedding_rd.dtype.itemsize > 4:
            finite_rd &= np.abs(embedding_rd[rows]) <= np.finfo(np.float32).max  # heads work in float32
        if not finite_rd.all():
            row, dimension = (int(axis) for axis in np.argwhere(~finite_rd)[0])
            value = embedding_rd[rows][row, dimension]
            ends = {
                np.dtype(np.float16): "float16 ends at 65504, use float32",
                np.dtype(np.float64): "and within float32",
            }
            why = "" if np.isnan(value) else ends.get(value.dtype, "")
            where = f"embedding_rd[{rows.start + row}, {dimension}]"
            raise DataError(f"{where} is {value}; embeddings must be finite{why and f': {why}'}")


def row_blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Slices that cover the rows in order, each of at most BLOCK_NUMBERS numbers (one row at least)."""
    step = max(1, BLOCK_NUMBERS // max(1, n_columns))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
