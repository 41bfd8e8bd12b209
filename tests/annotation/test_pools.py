"""Pools against pairs listed by brute force, and what a prompt offers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.annotation.pools import CHOICES, POOLS, check_draw, check_prompts, offered, two_of
from rmkit.errors import DataError


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("n_prompts", "n_responses"), [(1, 3), (2, 2), (4, 3), (6, 5), (3, 8)])
def test_every_number_is_a_pair_of_its_own(pool, n_prompts, n_responses):
    """All pairs, first < second, the long way."""
    pairs = itertools.combinations(range(n_prompts * n_responses), 2)
    same = pool == "within_prompt"
    listed = [(a, b) for a, b in pairs if (a // n_responses == b // n_responses) == same]
    n_pairs = POOLS[pool].n_pairs(n_prompts, n_responses)
    assert n_pairs == len(listed)
    found_m2 = POOLS[pool].pair(np.arange(n_pairs), n_responses)
    assert sorted(map(tuple, found_m2.tolist())) == listed


@given(st.integers(0, 2**49))
def test_a_number_tells_its_pair(number):
    ((first, second),) = two_of(np.array([number])).tolist()
    assert 0 <= first < second
    assert second * (second - 1) // 2 + first == number


def test_random_offers_every_two_ranks_and_diversified_the_ends():
    assert offered("random", 4) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert offered("diversified", 4) == [(0, 3)]


@pytest.mark.parametrize("n_responses", [2, 3, 7, 10])
def test_the_middle_two_are_neighbours(n_responses):
    (low, high), *rest = offered("similar", n_responses)
    assert not rest
    assert high == low + 1
    assert abs((low + high) / 2 - (n_responses - 1) / 2) <= 0.5  # paper 1, K = 10: ranks 4 and 5
    assert n_responses != 10 or (low, high) == (4, 5)


@pytest.mark.parametrize("choice", CHOICES)
def test_within_prompts_there_is_an_end_to_pairs_and_across_none(choice):
    most = 10 * len(offered(choice, 5))
    check_draw("within_prompt", most, 10, 5, choice, "here")
    check_draw("cross_prompt", 10 * most, 10, 5, choice, "here")
    with pytest.raises(DataError, match=f"^here: {most + 1}, and 10 prompts offer .* say at most {most}$"):
        check_draw("within_prompt", most + 1, 10, 5, choice, "here")


def test_wrong_requests_are_one_line():
    with pytest.raises(DataError, match=r"^here: 1 prompts for cross_prompt pairs; give at least 2$"):
        check_prompts("cross_prompt", 1, None, "here")
    with pytest.raises(DataError, match=r"^here: 9 prompts for within_prompt pairs; give 1 to 8$"):
        check_prompts("within_prompt", 9, 8, "here")
    with pytest.raises(DataError, match=r"^here: 0; give at least 1$"):
        check_draw("within_prompt", 0, 10, 5, "random", "here")
    with pytest.raises(DataError, match=r"^choice: 'close' is not one of random, similar, diversified$"):
        offered("close", 5)
