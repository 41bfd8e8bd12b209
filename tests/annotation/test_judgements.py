"""Judgements: counts of answers, and one sentence for arrays that are not what they should be."""

import numpy as np
import pytest

from rmkit.annotation.judgements import Judgements
from rmkit.errors import DataError

SOME = Judgements(np.array([2, 0, 2, 2, 0]), np.array([1, 0, 0, 1, 3]), np.array([1, 0, 0.5, 1, 1]))


def test_answers_are_counted_by_pair_and_by_annotator_of_a_pair():
    assert (SOME.n_pairs, SOME.n_annotators) == (3, 4)
    assert SOME.counts_mc.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 2]]
    assert SOME.cell_counts_xc[SOME.cell_j].tolist() == [[0, 0, 2], [1, 0, 0], [0, 1, 0], [0, 0, 2], [0, 0, 1]]


def test_a_selection_keeps_positions():
    assert SOME.decided().label_j.tolist() == [1, 0, 1, 1]
    assert SOME.of([0, 3]).pair_j.tolist() == [0, 2, 0]
    assert SOME.of([3]).n_annotators == 4
    with pytest.raises(DataError, match=r"no judgement is of the annotators 2"):
        SOME.of([2])
    with pytest.raises(DataError, match="every judgement is a tie"):
        Judgements(np.zeros(2, int), np.arange(2), np.full(2, 0.5)).decided()


def test_prompts_are_numbered_and_a_pair_without_one_is_told():
    assert SOME.prompt_of_pair(None).tolist() == [0, 1, 2]
    assert SOME.prompt_of_pair(np.array([7, 3, 7, 9])).tolist() == [1, 0, 1]
    with pytest.raises(DataError, match="prompt_m has 2 prompts, and pair_j names pair 2"):
        SOME.prompt_of_pair(np.zeros(2, int))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"label_j": np.array([1, 0, 0.3, 1, 1])}, r"label_j\[2\] is 0\.3; it must be 1, 0, or 0\.5 for a tie"),
        ({"label_j": np.array([1, np.nan, 0, 1, 1])}, r"label_j\[1\] is nan"),
        ({"pair_j": np.array([0, -1, 0, 0, 0])}, r"pair_j\[1\] is -1; positions count from 0"),
        ({"annotator_j": np.array([0, 1, 10**12, 0, 0])}, r"annotator_j\[2\] is 1000000000000; positions count"),
        ({"pair_j": np.zeros(5)}, "pair_j: float64 of shape"),
        ({"pair_j": np.zeros(0, int)}, "at least one integer"),
        ({"label_j": np.ones(4)}, "give one of each a judgement"),
    ],
)
def test_what_is_wrong_is_one_sentence(change, sentence):
    arrays = {"pair_j": SOME.pair_j, "annotator_j": SOME.annotator_j, "label_j": SOME.label_j} | change
    with pytest.raises(DataError, match=sentence):
        Judgements(**arrays)
