import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.errors import DataError
from rmkit.training_sets.pair_sets import PairSets, ScoreSets
from tests.reward_models.worlds import PlantedWorld

WORLD = PlantedWorld.make(0)
SCORED, _ = WORLD.score_sets((300, 100))
POSITIONS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12)


@given(sets=st.lists(POSITIONS, min_size=1, max_size=6))
def test_padding_round_trips_and_never_counts(sets):
    pairs = [tuple(np.array(pairs, np.int64).T) for pairs in sets]
    padded = PairSets.padded(pairs)
    assert padded.n_sets == len(sets)
    assert list(padded.sizes_s) == [len(pairs) for pairs in sets]
    for s, (chosen_m, rejected_m) in enumerate(pairs):
        real = padded.weight_sm[s] > 0
        np.testing.assert_array_equal(padded.chosen_sm[s][real], chosen_m)
        np.testing.assert_array_equal(padded.rejected_sm[s][real], rejected_m)
    assert padded.weight_sm.sum() == sum(map(len, sets))
    assert padded.chosen_sm.shape[1] == max(map(len, sets))


def test_a_set_without_pairs_is_named():
    some, none = np.array([1, 2]), np.array([], np.int64)
    with pytest.raises(DataError, match="training set 1: has 0 chosen and 0 rejected; it needs as many of each"):
        PairSets.padded([(some, some), (none, none)])
    with pytest.raises(DataError, match="training set 0: has 2 chosen and 1 rejected"):
        PairSets.padded([(some, some[:1])])
    with pytest.raises(DataError, match="training sets: there are none; give at least one"):
        PairSets.padded([])
    position_sm = np.zeros((2, 3), np.int64)
    with pytest.raises(DataError, match="training set 1: has no pairs"):
        PairSets(position_sm, position_sm, np.array([[1, 1, 0], [0, 0, 0]], np.float32))


@pytest.mark.parametrize(
    ("weight_sm", "said"),
    [
        (np.ones((2, 2), np.float32), r"weight_sm: is float32 of shape \(2, 2\); it must be float32 of one shape"),
        (np.ones((2, 3)), r"weight_sm: is float64 of shape \(2, 3\)"),
        (-np.ones((2, 3), np.float32), "weight_sm: holds a negative or infinite weight, or NaN"),
        (np.full((2, 3), np.nan, np.float32), "weight_sm: holds a negative or infinite weight, or NaN"),
    ],
)
def test_weights_are_float32_of_the_same_shape_and_not_negative(weight_sm, said):
    position_sm = np.zeros((2, 3), np.int64)
    with pytest.raises(DataError, match=said):
        PairSets(position_sm, position_sm, weight_sm)


def test_rows_of_a_pair_may_be_divided_and_its_weight_is_their_mean():
    chosen_sm, rejected_sm = np.array([[0, 2, 4]]), np.array([[1, 3, 5]])
    row_sm2 = np.array([[[1, 1], [0, 1], [0, 0]]], np.float32)
    sets = PairSets.of_rows(chosen_sm, rejected_sm, row_sm2)
    assert sets.weight_sm.tolist() == [[1.0, 0.5, 0.0]]
    assert sets.sizes_s.tolist() == [2]
    whole = PairSets(chosen_sm, rejected_sm, np.array([[1, 2, 0]], np.float32))
    assert whole.rows_sm2.tolist() == [[[1, 1], [2, 2], [0, 0]]]
    with pytest.raises(DataError, match="row_weight_sm2: holds a negative weight"):
        PairSets.of_rows(chosen_sm, rejected_sm, np.array([[[-1, 3], [0, 1], [0, 0]]], np.float32))
    with pytest.raises(DataError, match="row_weight_sm2: its mean"):
        PairSets(chosen_sm, rejected_sm, np.ones((1, 3), np.float32), row_sm2)
    with pytest.raises(DataError, match=r"row_weight_sm2: is float32 of shape \(1, 2, 2\)"):
        PairSets(chosen_sm, rejected_sm, np.ones((1, 3), np.float32), row_sm2[:, :2])


def test_scores_must_be_finite_where_they_count():
    position_sn, weight_sn = np.array([[0, 1]]), np.array([[1, 0]], np.float32)
    assert ScoreSets(position_sn, np.array([[0.5, np.nan]]), weight_sn).n_sets == 1
    with pytest.raises(DataError, match="score_sn, set 0, row 0: is nan"):
        ScoreSets(position_sn, np.array([[np.nan, 0.5]]), weight_sn)
    with pytest.raises(DataError, match="training set 0: has no scores"):
        ScoreSets(position_sn, np.array([[0.5, 0.5]]), np.zeros((1, 2), np.float32))


def test_a_set_without_pairs_cannot_be_made():
    with pytest.raises(DataError, match="training set 1: has 0 chosen and 0 rejected"):
        PairSets.padded([WORLD.pairs(3, 0), (np.zeros(0, np.int64), np.zeros(0, np.int64))])


def test_scores_of_another_length_are_no_score_set():
    with pytest.raises(DataError, match=r"score_sn: is float64 of shape \(2, 299\)"):
        ScoreSets(SCORED.position_sn, SCORED.score_sn[:, 1:], SCORED.weight_sn)
