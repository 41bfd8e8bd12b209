"""What a budget buys, by its printed numbers; sample sizes of paired accuracies."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from rmkit.errors import DataError
from rmkit.measures.sample_size import (
    detectable_difference,
    pairs_for_difference,
    pairs_for_half_width,
    power_of_difference,
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
