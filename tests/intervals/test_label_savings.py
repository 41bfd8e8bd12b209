"""Labels saved against curves of which the answer is known, and least squares against a general solver."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from rmkit.errors import DataError
from rmkit.intervals.label_savings import (
    labels_saved,
    labels_saved_over_worlds,
    labels_to_reach,
    needed_share,
    risen,
    saved_share,
)

COUNT_C = np.array([50.0, 100.0, 200.0, 400.0])
curves = st.lists(st.integers(-3, 3).map(float), min_size=4, max_size=4).map(np.array)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_a_risen_curve_is_the_least_squares_one(curve):
    np.testing.assert_allclose(risen(np.array(curve)), isotonic_regression(curve).x, atol=1e-9)


def test_labels_to_reach_are_read_off_the_line_between_two_numbers():
    curve_c = np.array([0.0, 1.0, 1.0, 3.0])
    for target, needed in [(-1.0, 50), (0.0, 50), (0.5, 75), (1.0, 100), (2.0, 300), (3.0, 400), (3.1, np.inf)]:
        assert labels_to_reach(curve_c, COUNT_C, np.array(target)) == needed


def test_a_curve_that_needs_half_the_labels_saves_half():
    slow_c = np.log(COUNT_C)
    fast_c = np.log(2 * COUNT_C)
    assert needed_share(fast_c, slow_c, COUNT_C) == pytest.approx(0.5)
    assert saved_share(fast_c, slow_c, COUNT_C) == pytest.approx(0.5)
    assert saved_share(slow_c, fast_c, COUNT_C) == pytest.approx(-0.5)
    assert needed_share(slow_c, fast_c, COUNT_C) == np.inf  # more than all


@settings(max_examples=200, deadline=None)
@given(curves, curves)
def test_swapping_the_two_turns_the_sign_and_the_better_end_wins(first_c, second_c):
    saved = float(saved_share(first_c, second_c, COUNT_C))
    assert saved == -float(saved_share(second_c, first_c, COUNT_C))
    assert -1 <= saved <= 1
    ends = risen(first_c)[-1], risen(second_c)[-1]
    if ends[0] > ends[1]:
        assert saved >= 0
        assert needed_share(first_c, second_c, COUNT_C) == pytest.approx(1 - saved)
    assert saved_share(first_c, first_c, COUNT_C) == 0


def tables(ahead=0.0, n_seeds=8, n_prompts=40, noise=0.3, seed=0, prompt=1.0):
    """Curves that grow with the logarithm of labels; the first has so many more labels' worth (in logs)."""
    rng = np.random.default_rng(seed)
    shape = (n_seeds, len(COUNT_C), n_prompts)
    hard_p = prompt * rng.normal(size=n_prompts)
    found = [np.log(COUNT_C)[:, None] + hard_p + noise * rng.normal(size=shape) for _ in range(2)]
    return found[0] + ahead, found[1]


def test_a_planted_saving_is_found_and_none_is_not():
    found = labels_saved(*tables(np.log(2)), COUNT_C, rng=np.random.default_rng(0))
    assert found.low < 0.5 < found.high
    assert found.low > 0.3
    assert (found.estimand, found.units, found.reason) == ("new seeds, new prompts", 8, None)
    nothing = labels_saved(*tables(0.0), COUNT_C, rng=np.random.default_rng(0))
    assert nothing.low < 0 < nothing.high


def test_prompts_on_which_the_two_differ_widen_the_interval():
    first_scp, second_scp = tables(np.log(2), n_prompts=20)
    own_p = 3 * np.random.default_rng(5).normal(size=20)
    own_p -= own_p.mean()
    narrow, wide = (
        labels_saved(first_scp + shift, second_scp, COUNT_C, rng=np.random.default_rng(0)) for shift in (0, own_p)
    )
    assert wide.estimate == pytest.approx(narrow.estimate)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_several_worlds_count_alike():
    worlds = [(*tables(np.log(2), seed=seed, n_seeds=5 + seed), COUNT_C) for seed in range(3)]
    found = labels_saved_over_worlds(worlds, rng=np.random.default_rng(0))
    assert found.interval.estimate == pytest.approx(found.effect_w.mean())
    assert found.interval.estimand == "new seeds, new prompts, these worlds"
    assert found.interval.low < 0.5 < found.interval.high
    new = labels_saved_over_worlds(worlds, rng=np.random.default_rng(0), new_worlds=True).interval
    assert "3 worlds are too few" in new.reason


@pytest.mark.parametrize("n_seeds", [5, 10, 30])
def test_where_all_seeds_agree_the_interval_allows_for_seeds_that_were_not_seen(n_seeds):
    first_scp, second_scp = np.full((n_seeds, 4, 30), 2.0), np.zeros((n_seeds, 4, 30))
    found = labels_saved(first_scp, second_scp, COUNT_C, rng=np.random.default_rng(0))
    assert found.estimate == 1 - 50 / 400
    share = 1 - 0.025 ** (1 / n_seeds)  # of seeds that would be seen in one study of forty
    assert (1 - share) ** n_seeds == pytest.approx(0.025)
    assert found.low == pytest.approx((1 - share) * found.estimate - share)
    assert (found.low > 0) == (n_seeds > 5)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (tables(n_seeds=4), "4 seeds are too few"),
        (tables(n_prompts=19), "19 prompts are too few"),
        ([np.ones((6, 4, 30))] * 2, "no seed saved any label: no variation is seen"),
    ],
)
def test_curves_that_have_no_interval_say_why(made, reason):
    found = labels_saved(*made, COUNT_C, rng=np.random.default_rng(0))
    assert reason in found.reason
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize(
    ("first", "second", "counts", "said"),
    [
        (np.ones((5, 4, 30)), np.ones((5, 4, 29)), COUNT_C, "they must be"),
        (np.ones((5, 4, 30)), np.ones((5, 4, 30)), COUNT_C[:3], "they must be"),
        (np.ones((5, 4, 30)), np.full((5, 4, 30), np.nan), COUNT_C, "every seed needs a score"),
        (np.ones((5, 4, 30)), np.ones((5, 4, 30)), COUNT_C[::-1], "ascending above 0"),
    ],
)
def test_curves_that_do_not_fit_together_are_a_mistake(first, second, counts, said):
    with pytest.raises(DataError, match=said):
        labels_saved(first, second, counts, rng=np.random.default_rng(0))
