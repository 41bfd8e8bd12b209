"""The test by flipped signs against enumeration, the sign test and the normal curve."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from rmkit.intervals.sign_flips import MOST_FLIPPED, sign_flip_p_value


def p_of(deviation_p, seed=0):
    return sign_flip_p_value(np.array(deviation_p, float), rng=np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_share_of_all_signs_that_lead_as_far(seed):
    deviation_p = np.random.default_rng(seed).normal(0.4, 1, 11)
    sums = [abs(np.dot(signs, deviation_p)) for signs in product([-1, 1], repeat=11)]
    exact = np.mean(np.array(sums) >= abs(deviation_p.sum()) - 1e-12)
    assert p_of(deviation_p) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999) + 1e-4)


@pytest.mark.parametrize(("n", "k"), [(100, 62), (100, 50), (40, 29), (1000, 470)])
def test_of_equal_deviations_it_is_the_sign_test(n, k):
    exact = binomtest(k, n).pvalue
    found = p_of([0.5] * k + [-0.5] * (n - k))
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999) + 1e-4)


def test_zeros_say_nothing_and_the_scale_does_not_matter():
    deviation_p = np.random.default_rng(1).normal(size=60)
    assert p_of(np.concatenate([deviation_p, np.zeros(500)])) == p_of(deviation_p) == p_of(deviation_p * 2.0**-40)
    assert np.isnan(p_of([0.0, 0.0]))
    assert p_of([1.0] * 60) == 1 / 10_000


def test_with_very_many_prompts_it_is_normal():
    n = MOST_FLIPPED + 1000
    deviation_p = np.where(np.arange(n) < n / 2 + 110, 1.0, -1.0)
    assert p_of(deviation_p) == pytest.approx(2 * norm.sf(220 / np.sqrt(n)), abs=1e-9)
    fewer = deviation_p[500:-500]
    assert p_of(fewer) == pytest.approx(2 * norm.sf(abs(fewer.sum()) / np.sqrt(len(fewer))), abs=0.01)


def test_it_rejects_what_is_true_in_no_more_than_the_level():
    rng = np.random.default_rng(0)
    p = [sign_flip_p_value(rng.choice([-0.5, 0.5], 30), rng=rng, n_flips=999) for _ in range(1500)]
    for level in (0.01, 0.05, 0.2):
        assert np.mean(np.array(p) <= level) <= level + 3 * np.sqrt(level * (1 - level) / 1500)
