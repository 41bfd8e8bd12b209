import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.errors import DataError
from rmkit.measures.lowest import domain_means, domain_quantile, lowest_share, worst_domain

RNG = np.random.default_rng(0)
VALUE_SP = RNG.random(size=(3, 12))
VALUE_SP[:, 4] = np.nan
DOMAIN_P = np.array(["chat", "maths", "safety"])[RNG.integers(0, 3, 12)]


def test_domains_are_averaged_each_and_the_worst_is_the_lowest_quantile():
    mean_sd = np.array(
        [[np.nanmean(value_p[name == DOMAIN_P]) for name in np.unique(DOMAIN_P)] for value_p in VALUE_SP]
    )
    np.testing.assert_allclose(domain_means(VALUE_SP, DOMAIN_P), mean_sd)
    np.testing.assert_allclose(domain_quantile(VALUE_SP, DOMAIN_P), mean_sd.min(axis=1))
    for quantile in (0.2, 1.0):
        found = domain_quantile(VALUE_SP, DOMAIN_P, quantile=quantile)
        np.testing.assert_allclose(found, np.quantile(mean_sd, quantile, axis=1))
    assert domain_quantile(VALUE_SP[0], DOMAIN_P) == pytest.approx(mean_sd[0].min())


def test_a_domain_without_a_value_is_left_out():
    value_p, domain_p = np.array([np.nan, 0.4, 0.6]), np.array([0, 1, 2])
    assert domain_quantile(value_p, domain_p) == 0.4
    assert np.isnan(domain_quantile(value_p * np.nan, domain_p))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=9))
def test_the_parts_have_the_worst_domains_mean_as_their_mean(pairs):
    value_p, domain_p = np.array([*pairs, (np.nan, 1)]).T
    found_sp = worst_domain(np.stack([value_p, -value_p]), domain_p)
    assert np.isnan(found_sp[0]).tolist() == [False] * len(pairs) + [True]
    np.testing.assert_allclose(np.nanmean(found_sp, axis=1), domain_quantile(np.stack([value_p, -value_p]), domain_p))


def test_the_parts_have_the_error_over_prompts_that_the_worst_domain_has():
    """Of 500 prompts in two domains far apart: the error of the mean of the parts is that of the domain's mean."""
    domain_p = np.arange(500) % 2
    value_p = domain_p + RNG.normal(size=500)
    error = worst_domain(value_p, domain_p).std() / np.sqrt(500)
    redrawn = [domain_quantile((domain_p + RNG.normal(size=500)), domain_p) for _ in range(400)]
    assert error == pytest.approx(np.std(redrawn), rel=0.2)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.integers(1, 20))
def test_the_parts_have_the_mean_of_the_lowest_share_of_prompts_as_their_mean(values, twentieths):
    """By definition: every prompt in twenty pieces, the lowest of all these pieces averaged."""
    pieces = np.sort(np.repeat(values, 20))[: twentieths * len(values)]
    found_p = lowest_share(np.array([*values, np.nan]), share=twentieths / 20)
    assert np.isnan(found_p).tolist() == [False] * len(values) + [True]
    assert np.nanmean(found_p) == pytest.approx(pieces.mean())


def test_every_model_has_its_own_lowest_and_no_value_is_no_part():
    found = lowest_share(np.stack([VALUE_SP[0], VALUE_SP[1], VALUE_SP[2] * np.nan]), share=0.25)
    np.testing.assert_allclose(found[1], lowest_share(VALUE_SP[1], share=0.25))
    assert np.isnan(found[2]).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: domain_quantile(VALUE_SP, DOMAIN_P[:3]), r"values \(3, 12\) and domains \(3,\)"),
        (lambda: domain_quantile(VALUE_SP, DOMAIN_P, quantile=1.1), "quantile is 1.1; it must be from 0 to 1"),
        (lambda: worst_domain(VALUE_SP, DOMAIN_P[:3]), r"values \(3, 12\) and domains \(3,\)"),
        (lambda: lowest_share(VALUE_SP, share=0.0), "share is 0.0; it must be above 0 and at most 1"),
        (lambda: domain_quantile(np.array([0.1, -np.inf]), np.arange(2)), r"the value at \(1\) is -inf"),
        (lambda: lowest_share(np.array([np.inf]), share=0.5), r"the value at \(0\) is inf"),
        (lambda: lowest_share(np.array([]), share=0.5), "with one prompt or more"),
    ],
)
def test_wrong_requests_are_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()
