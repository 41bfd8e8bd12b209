"""Pools against pairs listed by brute force."""

import itertools
import tracemalloc

import numpy as np
import pytest

from rmkit.active.pools import draw_pool, not_among
from rmkit.annotation.pools import POOLS
from rmkit.errors import DataError

every_pool = pytest.mark.parametrize("pool", POOLS)


def drawn(pool, shape=(12, 5), n_prompts=6, n_candidates=40, seed=0):
    return draw_pool(pool, shape, n_prompts, n_candidates, np.random.default_rng(seed))


def listed(pool, n_prompts, n_responses):
    """All pairs, first < second, the long way."""
    same_prompt = pool == "within_prompt"
    pairs = itertools.combinations(range(n_prompts * n_responses), 2)
    return [(a, b) for a, b in pairs if (a // n_responses == b // n_responses) == same_prompt]


@every_pool
@pytest.mark.parametrize(("n_prompts", "n_responses"), [(2, 2), (4, 3), (6, 5), (3, 8)])
def test_all_pairs_come_once_when_all_are_asked_for(pool, n_prompts, n_responses):
    found = drawn(pool, (n_prompts, n_responses), n_prompts, 10**6)
    assert found.dtype == np.int64
    assert sorted(map(tuple, found.tolist())) == listed(pool, n_prompts, n_responses)


@every_pool
def test_pairs_are_of_the_prompts_that_were_drawn_and_each_is_there_once(pool):
    found = drawn(pool)
    assert found.shape == (40, 2)
    assert (found[:, 0] < found[:, 1]).all()
    assert found.max() < 60
    assert len(set(map(tuple, found.tolist()))) == 40
    prompt_m2 = found // 5
    assert len(np.unique(prompt_m2)) <= 6
    assert (prompt_m2[:, 0] == prompt_m2[:, 1]).all() == (pool == "within_prompt")
    assert (prompt_m2[:, 0] != prompt_m2[:, 1]).all() == (pool == "cross_prompt")


@every_pool
def test_every_pair_of_the_bank_is_equally_likely_in_any_place(pool):
    every = {pair: position for position, pair in enumerate(listed(pool, 4, 3))}
    count_c = np.zeros(len(every))
    for seed in range(6000):
        count_c[every[tuple(drawn(pool, (4, 3), 2, 3, seed)[-1])]] += 1
    assert np.abs(count_c - 6000 / len(every)).max() < 4.5 * np.sqrt(6000 / len(every))


@every_pool
def test_the_same_generator_gives_the_same_pool(pool):
    np.testing.assert_array_equal(drawn(pool, seed=3), drawn(pool, seed=3))
    assert (drawn(pool, seed=3) != drawn(pool, seed=4)).any()


@every_pool
def test_millions_of_pairs_are_never_listed(pool):
    tracemalloc.start()
    found = drawn(pool, (40_000, 10), 40_000, 2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 2000
    assert peak < 8 * 40_000 * 10 * 2  # some copies of the 40,000 prompts; the pairs are 1.8 million and 80 billion


def test_what_was_labelled_can_be_left_out():
    pair_m2, other_m2 = drawn("cross_prompt"), drawn("cross_prompt", seed=1, n_prompts=12)[:30]
    other_m2 = np.concatenate([other_m2, pair_m2[5:9]])
    others = set(map(tuple, other_m2.tolist()))
    assert list(not_among(pair_m2, other_m2)) == [tuple(pair) not in others for pair in pair_m2.tolist()]
    assert not_among(pair_m2, np.empty((0, 2), np.int64)).all()


def test_wrong_requests_are_one_line():
    with pytest.raises(DataError, match=r"^n_prompts: 13 prompts for within_prompt pairs; give 1 to 12$"):
        drawn("within_prompt", n_prompts=13)
    with pytest.raises(DataError, match=r"^n_candidates: 0 of 375 cross_prompt pairs; there must be one at least$"):
        drawn("cross_prompt", n_candidates=0)
    with pytest.raises(DataError, match=r"^n_prompts: 1 prompts for cross_prompt pairs; give 2 to 12$"):
        drawn("cross_prompt", n_prompts=1)
    with pytest.raises(DataError, match=r"^n_candidates: 40 of 0 within_prompt pairs; there must be one at least$"):
        drawn("within_prompt", (12, 1))
    with pytest.raises(DataError, match=r"^pool: 'cross' is not one of within_prompt, cross_prompt"):
        drawn("cross")


@pytest.mark.parametrize(("share", "n_cross"), [(0.5, 20), (0.25, 10), (0.0, 0), (1.0, 40)])
def test_a_mixed_pool_has_the_share_that_is_asked_for_in_random_order(share, n_cross):
    pools = [
        draw_pool("mixed", (12, 5), 6, 40, np.random.default_rng(seed), cross_share=share) // 5 for seed in range(200)
    ]
    crosses = np.array([prompt_m2[:, 0] != prompt_m2[:, 1] for prompt_m2 in pools])
    assert set(crosses.sum(axis=1)) == {n_cross}
    assert np.abs(crosses.mean(axis=0) - share).max() <= 4.5 * np.sqrt(share * (1 - share) / 200)


def test_a_mixed_pool_that_lacks_one_kind_of_pairs_has_all_of_these():
    found = draw_pool("mixed", (4, 2), 4, 20, np.random.default_rng(0), cross_share=0.5) // 2
    assert (found[:, 0] == found[:, 1]).sum() == 4
    assert len(found) == 14
