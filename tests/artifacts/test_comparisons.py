import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError, ResultError
from rmkit.training_sets.pair_sets import PairSets, ScoreSets
from rmkit.training_sets.prompt_folds import Split, prompt_folds, split_by_prompts


def table(first=(0, 2, 4), second=(1, 3, 0), label=(1, 0, 1)):
    columns = {"first": np.array(first, np.int64), "second": np.array(second, np.int64)}
    return pd.DataFrame(columns | {"label": np.array(label, np.int8), "line": range(7, 7 + len(first))})


def test_chosen_is_first_where_the_label_is_1_and_second_where_it_is_0():
    comparisons = Comparisons(table())
    assert len(comparisons) == 3
    assert list(comparisons.chosen_m) == [0, 3, 4]
    assert list(comparisons.rejected_m) == [1, 2, 0]


def test_saved_comparisons_come_back_the_same_and_two_saves_are_equal_bytes(tmp_path):
    comparisons = Comparisons(table())
    for name in ("one", "two"):
        comparisons.save(tmp_path / name)
    pd.testing.assert_frame_equal(Comparisons.load(tmp_path / "one").table, comparisons.table)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (table(label=(1, 0, 2)), r"comparisons, row 2: label 2 is neither 1 \(first preferred\) nor 0"),
        (table(second=(1, 2, 0)), "comparisons, row 1: compares response 2 with itself; a pair has two"),
        (table(first=(0, -2, 4)), "comparisons, row 1: first is -2; positions into the responses count from 0"),
        (table().drop(columns="label"), "comparisons: lack the column label; they have first, second, line"),
        (table().astype({"second": "int32"}), "comparisons: second is int32; make it int64"),
        (table().astype({"label": bool}), "comparisons: label is bool; make it int8"),
    ],
)
def test_a_wrong_row_is_named(wrong, said):
    with pytest.raises(DataError, match=f"^{said}"):
        Comparisons(wrong)


def test_prompts_of_pairs_come_from_the_bank_and_a_foreign_bank_is_noticed():
    comparisons = Comparisons(table())
    assert comparisons.prompts(np.array([5, 5, 6, 6, 8])).tolist() == [[5, 5], [6, 6], [8, 5]]
    with pytest.raises(DataError, match="comparisons, row 2: points at response 4, but the bank has 4; is it the bank"):
        comparisons.prompts(np.array([5, 5, 6, 6]))


def test_a_folder_without_comparisons_or_of_another_format_says_so(tmp_path):
    with pytest.raises(DataError, match=r"holds no comparisons.json; it must be a folder that Comparisons.save wrote"):
        Comparisons.load(tmp_path)
    (tmp_path / "comparisons.json").write_text('{"format": 3}')
    with pytest.raises(DataError, match=r"comparisons.json: is of format 3; this rmkit reads format 1"):
        Comparisons.load(tmp_path)


@given(n_prompts=st.integers(2, 60), n_folds=st.integers(2, 60), seed=st.integers(0, 10**6))
def test_folds_are_balanced_and_follow_the_generator(n_prompts, n_folds, seed):
    prompt_ids = np.arange(n_prompts) * 3
    if n_folds > n_prompts:
        with pytest.raises(DataError, match=f"n_folds: {n_folds} folds of {n_prompts} prompts; use 2 to as many"):
            prompt_folds(prompt_ids, n_folds, np.random.default_rng(seed))
        return
    folds = prompt_folds(prompt_ids, n_folds, np.random.default_rng(seed))
    assert folds.shape == (n_prompts,)
    assert folds.dtype == np.int64
    sizes = np.bincount(folds, minlength=n_folds)
    assert len(sizes) == n_folds
    assert sizes.max() - sizes.min() <= 1
    np.testing.assert_array_equal(folds, prompt_folds(prompt_ids, n_folds, np.random.default_rng(seed)))


def test_any_two_prompts_share_a_fold_as_often_as_chance_has_it():
    draws = np.array([prompt_folds(np.arange(10), 5, np.random.default_rng(seed)) for seed in range(4000)])
    together = (draws[:, :, None] == draws[:, None, :]).mean(axis=0)[~np.eye(10, dtype=bool)]
    assert abs(together - 1 / 9).max() < 5 * np.sqrt(1 / 9 * 8 / 9 / 4000)  # the other one in a fold of two


def test_folds_refuse_a_prompt_listed_twice():
    with pytest.raises(DataError, match="prompt_ids: 3 ids, 2 distinct; list each once"):
        prompt_folds(np.array([4, 4, 5]), 2, np.random.default_rng(0))


PROMPT_PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40)


@given(prompt_pairs=PROMPT_PAIRS, held_out=st.sets(st.integers(0, 9)))
def test_a_split_shares_no_prompt_and_loses_no_pair(prompt_pairs, held_out):
    prompt_m2 = np.array(prompt_pairs, np.int64)
    split = split_by_prompts(prompt_m2, held_out)
    for positions, n_held_out in ((split.train_m, 0), (split.straddling_m, 1), (split.test_m, 2)):
        assert [m for m, pair in enumerate(prompt_pairs) if sum(p in held_out for p in pair) == n_held_out] == list(
            positions
        )
    assert not set(prompt_m2[split.train_m].flat) & set(prompt_m2[split.test_m].flat)


def test_held_out_prompts_may_be_an_array():
    prompt_m2 = np.array([[1, 1], [2, 2], [1, 2]])
    by_array, by_set = (split_by_prompts(prompt_m2, held_out) for held_out in (np.array([2]), {2}))
    assert list(by_array.test_m) == list(by_set.test_m) == [1]
    assert list(by_array.straddling_m) == [2]


def test_a_split_with_a_prompt_on_both_sides_or_a_pair_lost_cannot_be_made():
    prompt_m2 = np.array([[1, 1], [2, 2], [2, 3]])
    nothing = np.array([], np.int64)
    with pytest.raises(ResultError, match="split: 1 prompts are in training and in test, the first 2"):
        Split(prompt_m2, train_m=np.array([0, 1]), test_m=np.array([2]), straddling_m=nothing)
    with pytest.raises(ResultError, match="split: 1 train, 1 test and 0 straddling are not 3 pairs once each"):
        Split(prompt_m2, train_m=np.array([0]), test_m=np.array([1]), straddling_m=nothing)


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
