"""Which prompts measure, and which have an order of responses at all."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.prompt_halves import measuring_half, with_an_order
from rmkit.seeding import generator


def test_the_half_is_as_many_prompts_as_the_share_and_the_same_for_the_same_stream():
    first, again, other = (
        measuring_half(51, 0.4, generator(seed, "06_accuracy_vs_policy", "prompts")) for seed in (3, 3, 4)
    )
    assert first.sum() == 20
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_it_is_the_half_that_notebook_06_has_always_drawn():
    rng = generator(3, "06_accuracy_vs_policy", "prompts")
    by_hand = rng.permutation(30) < round(0.5 * 30)
    np.testing.assert_array_equal(measuring_half(30, 0.5, generator(3, "06_accuracy_vs_policy", "prompts")), by_hand)


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_an_empty_side_is_refused(share):
    with pytest.raises(DataError, match="of 10 test prompts leaves one side empty"):
        measuring_half(10, share, np.random.default_rng(0))


def test_prompts_of_equal_gold_do_not_measure():
    gold_pk = np.array([[1.0, 2.0], [3.0, 3.0], [0.0, 1.0], [5.0, 5.0]])
    measuring_p = np.array([True, True, False, True])
    np.testing.assert_array_equal(with_an_order(gold_pk, measuring_p), [True, False, False, False])
    with pytest.raises(DataError, match="all rewards of a prompt are equal, on each of the 2 prompts that measure"):
        with_an_order(gold_pk, np.array([False, True, False, True]))
