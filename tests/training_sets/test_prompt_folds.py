import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.errors import DataError, ResultError
from rmkit.training_sets.prompt_folds import Split, prompt_folds, split_by_prompts


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
