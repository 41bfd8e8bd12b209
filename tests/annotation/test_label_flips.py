"""Flips are nested and as frequent as asked; margins under flips are those of the least expected loss."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from rmkit.annotation.label_flips import flipped_labels, flipped_margin, settled_margin
from rmkit.errors import DataError

FLIPS = [0.0, 0.05, 0.2, 0.45]


@pytest.fixture(scope="module")
def label_m():
    return np.random.default_rng(0).integers(0, 2, 20_000)


def test_rates_are_as_asked_and_rate_nothing_changes_nothing(label_m):
    label_fm = flipped_labels(label_m, FLIPS, np.random.default_rng(1))
    assert label_fm.shape == (4, 20_000)
    assert label_fm.dtype == np.int8
    np.testing.assert_array_equal(label_fm[0], label_m)
    error = np.sqrt(np.array(FLIPS) * (1 - np.array(FLIPS)) / 20_000)
    assert np.all(np.abs((label_fm != label_m).mean(axis=1) - FLIPS) <= 4 * error)


def test_what_is_turned_at_one_rate_is_turned_at_every_higher_one(label_m):
    turned_fm = flipped_labels(label_m, FLIPS, np.random.default_rng(1)) != label_m
    assert np.all(turned_fm[:-1] <= turned_fm[1:])


def test_a_rate_has_the_same_flips_whatever_other_rates_there_are(label_m):
    alone, beside = (flipped_labels(label_m, flips, np.random.default_rng(2)) for flips in ([0.2], FLIPS))
    np.testing.assert_array_equal(alone[0], beside[2])


def test_other_draws_are_other_flips(label_m):
    one, other = (flipped_labels(label_m, [0.2], np.random.default_rng(seed)) for seed in (1, 2))
    assert (one != other).mean() > 0.2


@pytest.mark.parametrize("flip", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("margin", [-4.0, 0.5, 4.0])
def test_a_flipped_margin_has_the_least_expected_loss(margin, flip):
    """The first wins with probability q: minimise q softplus(-m) + (1 - q) softplus(m)."""
    right = (1 - flip) * expit(margin) + flip * expit(-margin)
    loss = minimize_scalar(
        lambda m: right * np.logaddexp(0, -m) + (1 - right) * np.logaddexp(0, m), bounds=(-9, 9), method="bounded"
    )
    assert flipped_margin(margin, flip) == pytest.approx(loss.x, abs=1e-4)


def test_the_worked_case_margin_four_at_a_rate_of_two_fifths():
    assert flipped_margin(4.0, 0.4) == pytest.approx(0.39, abs=0.005)
    assert settled_margin(0.4) == pytest.approx(np.log(0.6 / 0.4))
    assert flipped_margin(50.0, 0.4) == pytest.approx(settled_margin(0.4))


@pytest.mark.parametrize(("flip", "coefficient"), [(0.0, 0.01), (0.0, 0.2), (0.3, 0.01), (0.5, 0.01)])
def test_a_pair_settles_where_its_two_scores_have_the_least_expected_loss(flip, coefficient):
    def loss(score_2):
        margin = score_2[0] - score_2[1]
        expected = (1 - flip) * np.logaddexp(0, -margin) + flip * np.logaddexp(0, margin)
        return expected + coefficient * (score_2**2).sum()

    best = minimize(loss, np.array([0.3, 0.1]), tol=1e-12).x
    assert settled_margin(flip, coefficient) == pytest.approx(best[0] - best[1], abs=2e-3)


def test_a_pair_that_everyone_labels_alike_settles_at_the_margin_of_the_paper_s_coefficient():
    assert settled_margin(0.0, 0.01) == pytest.approx(3.36, abs=0.005)
    assert settled_margin(0.0) == np.inf


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: flipped_labels(np.array([0, 2]), [0.1], np.random.default_rng(0)), "labels: each must be 1"),
        (lambda: flipped_labels(np.array([0, 1]), [0.1, 1.1], np.random.default_rng(0)), r"flips\[1\]: 1.1; a flip"),
        (lambda: flipped_margin(1.0, -0.1), "flip: -0.1; a flip rate"),
        (lambda: settled_margin(0.6), "flip: 0.6, coefficient: 0.0; the one is 0 to 0.5"),
        (lambda: settled_margin(0.1, -1.0), "coefficient: -1.0"),
    ],
)
def test_what_cannot_be_is_one_sentence(call, said):
    with pytest.raises(DataError, match=said):
        call()
