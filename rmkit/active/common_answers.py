"""What the simulated annotator answers when asked about a pair: one answer a pair and seed, whoever asks, and when.

All strategies then differ in what they ask and in nothing else (common random numbers): two that ask the same question
hear the same answer. Knows pairs of positions, gold rewards and an annotator; no strategy, no round.
"""

import numpy as np

from rmkit.annotation.annotators import Annotator
from rmkit.errors import DataError

GAMMA = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def answers(
    pair_m2: np.ndarray, gold_r: np.ndarray, annotator: Annotator, seed: int, *, length_r: np.ndarray | None = None
) -> np.ndarray:
    """(M,) int8: 1 where the first of the pair is preferred. pair_m2: (M, 2) positions into R, first < second.

    length_r: (R,) lengths, for an annotator with a bias for them. DataError for an annotator whose answer depends on
    when or beside which pairs a question is asked: one who tires, or to whom lengths have no unit of their own.
    """
    habits = annotator.habits
    if habits.drift != 1 or (habits.length_bias and annotator.length_unit is None):
        raise DataError("annotator: answers by when, or beside what, it is asked; give drift 1, and a length_unit")
    length_m2 = None if length_r is None else length_r[pair_m2]
    if (wrong := pair_m2[:, 0] >= pair_m2[:, 1]).any():
        row = int(np.argmax(wrong))
        raise DataError(f"pair_m2, row {row}: is {pair_m2[row].tolist()}; a question has first < second")
    return (common_uniform(pair_m2, seed) < annotator.prefers_first(gold_r[pair_m2], length_m2)).astype(np.int8)


def common_uniform(pair_m2: np.ndarray, seed: int) -> np.ndarray:
    """(M,) numbers in [0, 1), one an unordered pair and seed, as good as independent.

    A hash, not a generator: no state, no order. Seed, smaller and larger position go one after another through the
    mixing function of SplitMix64 (Steele, Lea & Flood 2014); the upper 53 bits are the number.
    """
    low_m, high_m = np.sort(np.asarray(pair_m2), axis=1).astype(np.uint64).T
    state_m = np.full(len(low_m), seed % 2**64, dtype=np.uint64)
    for word_m in (np.zeros_like(low_m), low_m, high_m):
        state_m = mixed((state_m ^ word_m) + GAMMA)
    return (state_m >> np.uint64(11)) * 2.0**-53


def mixed(word_m: np.ndarray) -> np.ndarray:
    """SplitMix64's mixing function, a bijection of 64 bits: each bit of the word moves about half of the result's."""
    for shift, factor in zip(SHIFTS, FACTORS, strict=False):
        word_m = (word_m ^ (word_m >> shift)) * factor
    return word_m ^ (word_m >> SHIFTS[2])
