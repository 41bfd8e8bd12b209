"""What a budget buys, by its printed numbers; sample sizes of paired accuracies."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from rmkit.errors import DataError
from rmkit.measures.sample_size import (
    detectable_difference,
    information_at_gap,
    informative_gap,
    noise_cost,
    pairs_for_difference,
    pairs_for_half_width,
    power_of_difference,
    random_pair_information,
    variance_a_unit,
)

PRINTED = {  # budget times variance at a correlation of 1/2, alike prompts
    "comparison": {2: 0.222, 3: 0.265, 5: 0.350, 16: 0.82},
    "response": {2: 0.444, 3: 0.265, 5: 0.175, 16: 0.109, 64: 0.091},
}


@pytest.mark.parametrize(("unit", "m", "printed"), [(u, m, v) for u, each in PRINTED.items() for m, v in each.items()])
def test_the_unit_of_the_budget_decides(unit, m, printed):
    assert variance_a_unit(0.5, m, unit) == pytest.approx(printed, abs=0.0051 if printed == 0.82 else 0.00051)


def test_pairs_are_best_by_comparisons_and_many_responses_by_ratings():
    sizes = range(2, 40)
    compared, rated = ([variance_a_unit(0.5, m, unit) for m in sizes] for unit in ("comparison", "response"))
    assert (np.diff(compared) > 0).all()
    assert (np.diff(rated) < 0).all()


@pytest.mark.parametrize(("difference", "pairs"), [(0.01, 15_700), (0.02, 3_900), (0.05, 630)])
def test_pairs_for_a_difference_are_those_of_the_literature(difference, pairs):
    found = pairs_for_difference(difference, 0.2)
    assert found == pytest.approx(pairs, rel=0.01)
    assert detectable_difference(found, 0.2) == pytest.approx(difference, rel=1e-3)
    assert power_of_difference(difference, 0.2, found) == pytest.approx(0.8, abs=1e-3)


def test_what_a_benchmark_of_2733_pairs_resolves():
    assert detectable_difference(2733, 0.2) == pytest.approx(0.024, abs=5e-4)
    assert pairs_for_half_width(0.75, 0.02) == pytest.approx(1800, rel=0.01)


def test_the_promised_power_is_that_of_the_exact_test():
    """McNemar's test on the number of discordant pairs, each the first's with chance (1 + difference / share) / 2."""
    discordant, difference, n = 0.2, 0.05, pairs_for_difference(0.05, 0.2)
    rng = np.random.default_rng(0)
    apart_t = rng.binomial(n, discordant, size=20_000)
    first_t = rng.binomial(apart_t, (1 + difference / discordant) / 2)
    z_t = (2 * first_t - apart_t) / np.sqrt(np.maximum(apart_t, 1))
    assert (z_t > norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.02)
    assert (2 * binom.sf(first_t - 1, apart_t, 0.5) < 0.05).mean() == pytest.approx(0.8, abs=0.05)


def test_too_few_pairs_resolve_nothing():
    assert np.isnan(detectable_difference(10, 0.1))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: variance_a_unit(0.5, 1, "response"), "1 responses to a prompt"),
        (lambda: variance_a_unit(1.5, 2, "response"), "a correlation of 1.5"),
        (lambda: variance_a_unit(0.5, 2, "token"), "'token' is not one of comparison, response"),
        (lambda: pairs_for_difference(0.3, 0.2), "a difference of 0.3"),
        (lambda: pairs_for_difference(0.0, 0.2), "a difference of 0.0"),
        (lambda: pairs_for_half_width(0.75, 0.0), "half_width: 0.0"),
        (lambda: detectable_difference(0, 0.2), "0 pairs"),
        (lambda: power_of_difference(0.3, 0.2, 100), "a difference of 0.3"),
    ],
)
def test_what_is_out_of_range_is_one_sentence(call, said):
    with pytest.raises(DataError, match=said):
        call()


@pytest.mark.parametrize("flip", [0.0, 0.1, 0.2, 0.4])
def test_flips_cost_what_simulated_labels_cost(flip):
    """Of 1,000 test sets each: the de-noised accuracy's variance beside that of clean labels, at an accuracy of 1/2."""
    rng, n = np.random.default_rng(0), 500
    right_tn = rng.random((4000, n)) < 0.5
    seen_t = (right_tn ^ (rng.random((4000, n)) < flip)).mean(axis=1)
    denoised_t = (seen_t - flip) / (1 - 2 * flip)
    assert denoised_t.var() / (0.25 / n) == pytest.approx(noise_cost(flip), rel=0.1)
    assert noise_cost(0.2) == pytest.approx(2.8, abs=0.03)


def test_the_most_informative_pair_is_right_as_often_as_is_said():
    assert informative_gap() == pytest.approx(1.58, abs=0.006)
    said = {0.0: 0.94, 0.1: 0.88, 0.2: 0.86}
    assert {flip: round(float(norm.cdf(informative_gap(flip))), 2) for flip in said} == said
    for flip in said:
        grid = information_at_gap(np.linspace(0, 6, 601), flip)
        assert grid.max() <= information_at_gap(informative_gap(flip), flip) <= grid.max() * 1.001


def test_information_is_the_curvature_of_the_mean_log_likelihood_in_the_log_of_the_noise():
    gap, flip, step = 1.2, 0.1, 1e-3

    def chance(log_noise):
        return 0.8 * norm.cdf(gap * np.exp(-log_noise)) + flip

    def likelihood(log_noise):
        return chance(0) * np.log(chance(log_noise)) + (1 - chance(0)) * np.log(1 - chance(log_noise))

    curvature = -(likelihood(step) - 2 * likelihood(0) + likelihood(-step)) / step**2
    assert information_at_gap(gap, flip) == pytest.approx(curvature, rel=1e-4)
    assert information_at_gap(0.0) == 0
    assert information_at_gap(1e9) == 0


def test_random_pairs_inform_less_and_by_their_mean():
    gap_m = np.random.default_rng(0).normal(size=400_000)  # sd(g) = sd(z)
    found = random_pair_information(np.sqrt(0.5))
    assert found == pytest.approx(information_at_gap(gap_m).mean(), rel=0.01)
    assert information_at_gap(informative_gap()) / found == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: noise_cost(0.5), "flip: 0.5; from 0 to below 0.5"),
        (lambda: information_at_gap(1.0, -0.1), "flip: -0.1"),
        (lambda: random_pair_information(1.0), "above 0 and below 1"),
    ],
)
def test_noise_and_gaps_that_cannot_be_are_one_sentence(call, said):
    with pytest.raises(DataError, match=said):
        call()
