"""Changes of a score under another wording, against loops written from the definition."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kendalltau

from rmkit.errors import DataError
from rmkit.measures.rewording import rank_flips, score_change

RNG = np.random.default_rng(0)
SCORE_FPK, REWORDED_FPK = RNG.integers(0, 5, size=(2, 3, 8, 6)).astype(float)
CHANGED_PK = RNG.random((8, 6)) < 0.6
CHANGED_PK[:, 0] = True


def test_against_loops():
    for changed_pk in (CHANGED_PK, np.ones((8, 6), bool)):
        change, flips = (of(SCORE_FPK, REWORDED_FPK, changed_pk) for of in (score_change, rank_flips))
        for f, p in np.ndindex(change.shape):
            before_k, after_k, turned_k = SCORE_FPK[f, p], REWORDED_FPK[f, p], changed_pk[p]
            moved = [abs(after_k[k] - before_k[k]) for k in np.flatnonzero(turned_k)]
            assert change[f, p] == pytest.approx(np.mean(moved) / before_k.std())
            now_k = [after_k[k] if turned_k[k] else before_k[k] for k in range(6)]
            pairs = [(i, j) for i, j in combinations(range(6), 2)
                     if before_k[i] != before_k[j] and (turned_k[i] or turned_k[j])]  # fmt: skip
            turned = [0.5 if now_k[i] == now_k[j] else (now_k[i] > now_k[j]) != (before_k[i] > before_k[j])
                      for i, j in pairs]  # fmt: skip
            assert flips[f, p] == pytest.approx(np.mean(turned))


def test_without_ties_flips_are_kendalls_distance():
    one, other = RNG.normal(size=(2, 1, 40))
    assert rank_flips(one, other)[0] == pytest.approx((1 - kendalltau(one[0], other[0]).statistic) / 2)


def test_the_same_scores_change_nothing_and_the_opposite_turn_everything():
    score_pk = RNG.normal(size=(4, 5))
    assert not rank_flips(score_pk, score_pk + 7).any()
    assert (rank_flips(score_pk, -score_pk) == 1).all()
    np.testing.assert_allclose(score_change(score_pk, score_pk + 2 * score_pk.std(axis=1, keepdims=True)), 2)


def test_a_prompt_without_order_or_without_another_wording_has_no_value():
    tied_pk, nowhere_pk = np.ones((1, 3)), np.zeros((1, 3), bool)
    assert np.isnan([score_change(tied_pk, tied_pk), rank_flips(tied_pk, tied_pk)]).all()
    score_pk = np.arange(3.0)[None]
    assert np.isnan([score_change(score_pk, score_pk, nowhere_pk), rank_flips(score_pk, score_pk, nowhere_pk)]).all()


@pytest.mark.parametrize(
    ("reworded", "changed", "said"),
    [
        (np.zeros((2, 4)), None, "both must be"),
        (np.full((2, 3), np.nan), None, "in other words at"),
        (np.zeros((2, 3)), np.ones((3, 2), bool), r"changed_pk \(3, 2\)"),
    ],
)
def test_other_shapes_are_refused(reworded, changed, said):
    with pytest.raises(DataError, match=said):
        rank_flips(np.zeros((2, 3)), reworded, changed)
