"""Chances of single answers against a sampled latent utility and the published formula of ties."""

import numpy as np
import pytest
from scipy.special import expit

from rmkit.annotation.choice_probabilities import Pile, chances
from rmkit.annotation.habits import Habits

GAP = np.array([-2.0, -0.3, 0.0, 0.4, 1.5])
LONGER = np.array([0.5, -1.0, 2.0, 0.0, -0.5])
PILE = Pile(GAP, LONGER, elapsed_m=np.linspace(0, 1, 5))


def test_without_habits_the_chance_is_the_sigmoid_and_nobody_says_equal():
    first_m, second_m = chances(PILE, beta=2.0, scale=0.5, habits=Habits())
    np.testing.assert_allclose(first_m, expit(2.0 * GAP / 0.5))
    np.testing.assert_array_equal(first_m + second_m, 1.0)


@pytest.mark.parametrize("dissents", [False, True])
def test_the_chances_are_those_of_a_felt_difference_with_logistic_noise(dissents):
    """Every step acted out: feel, add noise, call it equal within the width; a lapse tosses a coin, a flip turns round."""
    rng, n_draws, beta, scale = np.random.default_rng(0), 200_000, 1.7, 2.0
    habits = Habits(flip=0.15, lapse=0.2, tie_width=0.3, ties="drop", length_bias=0.6, position_bias=-0.2, drift=3.0)
    found = chances(PILE, beta=beta, scale=scale, habits=habits, dissents=dissents)
    for m in range(5):
        felt = (-1 if dissents else 1) * GAP[m] / scale + 0.6 * LONGER[m] - 0.2
        latent = felt + rng.logistic(size=n_draws) / (beta * 3.0 ** (m / 4))
        says = np.where(latent > 0.3, 1, np.where(latent < -0.3, -1, 0))
        says = np.where(rng.random(n_draws) < 0.2, rng.choice([-1, 1], n_draws), says)
        says = np.where(rng.random(n_draws) < 0.15, -says, says)
        for side, one_m in zip((1, -1), found, strict=True):
            assert abs((says == side).mean() - one_m[m]) < 4 * np.sqrt(0.25 / n_draws)


def test_ties_are_rao_and_kuppers():
    """With theta = exp(beta width): P(first) = a / (a + theta b) for strengths a, b; the formula of 1967."""
    first_m, second_m = chances(PILE, beta=1.3, scale=1.0, habits=Habits(tie_width=0.4))
    strength_m, theta = np.exp(1.3 * GAP), np.exp(1.3 * 0.4)
    np.testing.assert_allclose(first_m, strength_m / (strength_m + theta))
    np.testing.assert_allclose(second_m, 1 / (1 + theta * strength_m))
    assert ((1 - first_m - second_m) > 0).all()


def test_without_noise_differences_within_the_width_are_equal():
    first_m, second_m = chances(PILE, beta=np.inf, scale=0.5, habits=Habits(tie_width=1.0))
    np.testing.assert_array_equal(first_m, [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(second_m, [1, 0, 0, 0, 0])


def test_a_coin_in_every_answer_and_a_flip_of_all():
    for beta in (1.0, np.inf):
        plain_m, _ = chances(PILE, beta=beta, scale=1.0, habits=Habits())
        np.testing.assert_array_equal(
            chances(PILE, beta=beta, scale=1.0, habits=Habits(lapse=1.0)), np.full((2, 5), 0.5)
        )
        np.testing.assert_allclose(chances(PILE, beta=beta, scale=1.0, habits=Habits(flip=1.0))[0], 1 - plain_m)
