"""The chance of a wrong order, and what labels are expected to make of it: against draws, and at both ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.errors import DataError
from rmkit.measures.wrong_order import chance_of_wrong_order, expected_chance_after

MEANS, SPREADS = st.floats(-4, 4), st.floats(0.05, 3)


@pytest.mark.parametrize(("mean", "sd", "later"), [(0.7, 1.0, 0.6), (-0.3, 2.0, 1.9), (0.0, 1.5, 0.2), (2.0, 1.0, 0.5)])
def test_the_expectation_is_that_of_draws(mean, sd, later):
    """Truth and the later mean are drawn as the model believes; the later sign is wrong that often."""
    rng = np.random.default_rng(0)
    told = np.sqrt(sd**2 - later**2)
    later_mean = mean + told * rng.normal(size=400_000)
    truth = later_mean + later * rng.normal(size=400_000)
    wrong = (np.sign(truth) != np.sign(later_mean)).mean()
    (found,) = expected_chance_after(np.array([mean]), np.array([sd**2]), np.array([later**2]))
    assert found == pytest.approx(wrong, abs=0.004)
    now = (np.sign(truth) != np.sign(mean or 1.0)).mean()
    assert chance_of_wrong_order(np.array([mean]), np.array([sd**2]))[0] == pytest.approx(now, abs=0.004)


@given(MEANS, SPREADS, st.floats(0, 1), st.floats(0, 1))
def test_more_labels_never_make_it_worse_and_both_ends_are_exact(mean, sd, one, other):
    less, more = sorted((one, other))
    mean_m, variance_m = np.full(4, mean), np.full(4, sd**2)
    later_m = variance_m * np.array([0.0, less**2, more**2, 1.0])
    none, first, second, everything = expected_chance_after(mean_m, variance_m, later_m)
    assert none == pytest.approx(0, abs=1e-12)
    assert none - 1e-9 <= first <= second + 1e-9 <= everything + 2e-9
    assert everything == chance_of_wrong_order(mean_m, variance_m)[0]


def test_a_sure_margin_is_right_and_an_even_one_is_a_coin():
    assert chance_of_wrong_order(np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 2.0])).tolist() == [0.0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("mean", "variance", "later"), [(np.nan, 1, 1), (0, -1, -1), (0, 1, 1.1), (0, np.inf, 1), (0, 1, -0.1)]
)
def test_what_no_margin_has_is_refused_with_its_row(mean, variance, later):
    with pytest.raises(DataError, match="margins, row 1: "):
        expected_chance_after(np.array([0.0, mean]), np.array([1.0, variance]), np.array([1.0, later]))


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="give one of each"):
        chance_of_wrong_order(np.zeros(2), np.ones(3))
