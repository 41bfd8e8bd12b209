"""Rows of embeddings as LightGBM takes them, binned once for all fits that learn from the same rows.

Fits at several levels of noise learn from the same pairs and differ in labels alone, but LightGBM sorts every dimension
into bins before it looks at a label: at 16,000 rows as long as 15 rounds take, so that fits which stop early gain most
(benchmarks/lightgbm_binning.py). So rows come in an order that no label decides,
fits with equal rows follow one another, and each sets its own labels and weights on one binned dataset. The trees are
those that each fit would have grown alone, to the last bit: bins depend on embeddings alone, a draw of rows to find
them (LightGBM's, above 200,000 rows) on no fit's generator. Knows positions, labels and weights; no head.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from rmkit.training_sets.pair_sets import PairSets, ScoreSets


@dataclass(frozen=True, eq=False)
class Rows:
    """N rows that one fit learns from or is validated on."""

    position_n: np.ndarray  # (N,) int64 into the embeddings, in an order that labels do not decide
    label_n: np.ndarray  # (N,) float32
    weight_n: np.ndarray  # (N,) float32, above 0


def class_rows(pairs: PairSets, s: int) -> Rows:
    """The rows of set s for a classifier, 1 for a chosen response and 0 for a rejected one.

    First the response of each pair that lies first among the responses, then the other: whichever was chosen.
    """
    chosen_m, rejected_m, weight_m2 = pairs.chosen_sm[s], pairs.rejected_sm[s], pairs.rows_sm2[s]
    chosen_first_m = chosen_m <= rejected_m
    label_n = np.concatenate([chosen_first_m, ~chosen_first_m])
    position_n = np.concatenate([np.minimum(chosen_m, rejected_m), np.maximum(chosen_m, rejected_m)])
    weight_n = np.where(label_n, np.tile(weight_m2[:, 0], 2), np.tile(weight_m2[:, 1], 2))
    real_n = weight_n > 0
    return Rows(position_n[real_n], label_n[real_n].astype(np.float32), weight_n[real_n])


def score_rows(scores: ScoreSets, s: int) -> Rows:
    """The scored responses of set s, their scores as labels."""
    real_n = scores.weight_sn[s] > 0
    score_n = scores.score_sn[s, real_n].astype(np.float32)
    return Rows(scores.position_sn[s, real_n], score_n, scores.weight_sn[s, real_n])


class BinnedRows:
    """The binned dataset of the rows asked for last, training and validation; fits with equal rows share it."""

    def __init__(self, embedding_rd: np.ndarray, params: dict[str, Any]) -> None:
        self.embedding_rd, self.params = embedding_rd, params  # no seed among them, which would move the bins
        self._key: tuple[str, str] | None = None

    def datasets(self, train: Rows, validation: Rows) -> tuple[lightgbm.Dataset, lightgbm.Dataset]:
        """Training and validation rows with these labels and weights; validation takes the bins of training.

        What was handed out before is not to be used any more.
        """
        if (key := (_digest(train), _digest(validation))) != self._key:
            self._train = self._binned(train, None)
            self._validation = self._binned(validation, self._train)
            self._key = key
        for dataset, rows in ((self._train, train), (self._validation, validation)):
            dataset.set_label(rows.label_n)
            # set_weight takes weights of 1 for none, and then leaves those of the fit before where they are
            dataset.set_field("weight", rows.weight_n)
        return self._train, self._validation

    def _binned(self, rows: Rows, reference: lightgbm.Dataset | None) -> lightgbm.Dataset:
        row_nd = self.embedding_rd[rows.position_n].astype(np.float32)
        dataset = lightgbm.Dataset(row_nd, rows.label_n, params=self.params, reference=reference)
        return dataset.construct()  # lets go of row_nd


def equal_rows_together(train_s: Sequence[Rows], validation_s: Sequence[Rows]) -> Iterator[int]:
    """The S fits in an order in which those with equal rows follow one another, otherwise as they come."""
    first: dict[tuple[str, str], int] = {}
    keys = [(_digest(train), _digest(validation)) for train, validation in zip(train_s, validation_s, strict=True)]
    yield from sorted(range(len(keys)), key=lambda s: first.setdefault(keys[s], s))


def _digest(rows: Rows) -> str:
    return hashlib.sha256(rows.position_n.tobytes()).hexdigest()
