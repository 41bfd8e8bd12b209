import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_expit, logit
from scipy.stats import gamma

from rmkit.errors import DataError
from rmkit.measures.temperature import temperatures

FLAT = 1e-9  # strength of a prior that says nothing
margins = arrays(np.float64, st.integers(1, 30), elements=st.floats(-30, 30).filter(lambda m: m == 0 or abs(m) > 1e-3))


def temperature(margin_m, **options):
    return float(temperatures(np.asarray(margin_m, float)[None], **options)[0])


def minus_log_posterior(log_t, margin_m, strength):
    """By the densities themselves: Bradley-Terry labels, and 1 / T gamma of shape and rate k, on the scale of log T."""
    slope = np.exp(-log_t)
    prior = gamma.logpdf(slope, strength, scale=1 / strength) + np.log(slope)
    return -log_expit(slope[:, None] * margin_m).sum(axis=1) - prior


@pytest.mark.parametrize("strength", [0.3, 1.0, 5.0])
@given(margin_m=margins)
def test_it_is_the_mode_of_the_posterior(strength, margin_m):
    log_t = np.linspace(-5, 10, 3_001)
    best = log_t[np.argmin(minus_log_posterior(log_t, margin_m, strength))]
    assert np.log(temperature(margin_m, strength=strength)) == pytest.approx(best, abs=0.0026)


@given(in_order=st.integers(6, 9), size=st.floats(0.1, 50))
def test_with_one_size_of_margin_the_share_in_order_has_its_log_odds(in_order, size):
    """A closed form: n of 10 pairs in order, all by a margin m, and no prior: sigmoid(m / T) = n / 10."""
    margin_m = size * np.where(np.arange(10) < in_order, 1, -1)
    assert temperature(margin_m, strength=FLAT) == pytest.approx(size / logit(in_order / 10), rel=1e-6)


@given(margin_m=margins, unit=st.floats(0.01, 100))
def test_without_a_prior_the_unit_of_margins_is_the_temperatures_unit(margin_m, unit):
    assume((margin_m < 0).any() and margin_m.sum() > 1e-2 * np.abs(margin_m).sum())  # else none is likeliest
    expected = unit * temperature(margin_m, strength=FLAT)
    assert temperature(unit * margin_m, strength=FLAT) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("true", [0.5, 1.0, 4.0])
def test_with_many_pairs_the_true_temperature_is_found_within_its_standard_error(true):
    """300 fits of 2,000 pairs each: errors over their standard error, from the information, have mean 0 and s.d. 1."""
    rng = np.random.default_rng(0)
    first_sm = rng.normal(scale=2 * true, size=(300, 2000))
    chance_sm = expit(first_sm / true)
    margin_sm = np.where(rng.random(first_sm.shape) < chance_sm, first_sm, -first_sm)
    error_s = 1 / temperatures(margin_sm) - 1 / true
    z_s = error_s * np.sqrt((first_sm**2 * chance_sm * (1 - chance_sm)).sum(axis=1))
    assert abs(z_s.mean()) < 4 / np.sqrt(300)
    assert z_s.std() == pytest.approx(1, abs=4 / np.sqrt(600))


@given(margin_m=margins, data=st.data())
def test_a_pair_that_turns_out_of_order_raises_it(margin_m, data):
    assume((margin_m > 0).any())
    turned_m = margin_m.copy()
    turned_m[data.draw(st.sampled_from(np.flatnonzero(margin_m > 0).tolist()))] *= -1
    assert temperature(turned_m) > temperature(margin_m)


@given(margin_m=margins, strength=st.floats(0.01, 100))
def test_it_lies_between_the_bounds_that_the_prior_sets(margin_m, strength):
    found = temperature(margin_m, strength=strength)
    assert 1 / (1 + 0.2785 * len(margin_m) / strength) < found * (1 + 1e-12)
    assert found <= (1 + np.maximum(-margin_m, 0).sum() / strength) * (1 + 1e-12)
    if (margin_m >= 0).all():
        assert found <= 1 + 1e-12


@given(margin_m=margins)
def test_a_stronger_prior_holds_it_nearer_to_1(margin_m):
    away = [abs(np.log(temperature(margin_m, strength=strength))) for strength in (0.1, 1.0, 10.0)]
    assert away[0] >= away[1] - 1e-12 >= away[2] - 2e-12


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e30])
def test_pairs_that_say_nothing_leave_it_at_1(size):
    assert temperature(np.full(10, size)) == pytest.approx(1)  # of 1e30, all in order, as well
    assert temperatures(np.zeros((2, 0))).tolist() == pytest.approx([1, 1])


@given(margin_m=margins)
def test_a_fit_has_its_own_pairs_and_padding_is_none_of_them(margin_m):
    other_m = np.array([3.0, -8.0, 1.0])
    width = max(len(margin_m), 3) + 2
    margin_sm, weight_sm = np.full((2, width), np.nan), np.zeros((2, width), np.float32)
    for s, own_m in enumerate((margin_m, other_m)):
        margin_sm[s, : len(own_m)], weight_sm[s, : len(own_m)] = own_m, 1
    np.testing.assert_allclose(
        temperatures(margin_sm, weight_sm), [temperature(margin_m), temperature(other_m)], rtol=1e-12
    )


def test_a_pair_of_weight_2_is_two_pairs():
    twice = temperatures(np.array([[2.0, -3.0]]), np.array([[2.0, 1.0]]))
    assert twice[0] == pytest.approx(temperature([2.0, 2.0, -3.0]), rel=1e-12)


@pytest.mark.parametrize(
    ("margin_sm", "options", "said"),
    [
        (np.zeros(3), {}, r"margin_sm has shape \(3,\) and weight_sm \(3,\); both must be \(S, M\)"),
        (np.zeros((2, 3)), {"weight_sm": np.ones((2, 2))}, r"shape \(2, 3\) and weight_sm \(2, 2\)"),
        (np.array([[1.0, np.nan]]), {}, r"margin_sm\[0, 1\] is nan; a margin must be a number, at most 1e\+40"),
        (np.array([[1.0, -np.inf]]), {}, r"margin_sm\[0, 1\] is -inf"),
        (np.ones((1, 2)), {"weight_sm": np.array([[1.0, -1.0]])}, "weight_sm: holds a negative weight"),
        (np.ones((1, 2)), {"strength": 0.0}, "strength is 0.0; it must be a number from 1e-09 to 1e"),
        (np.ones((1, 2)), {"strength": np.nan}, "strength is nan"),
    ],
)
def test_what_is_no_margin_is_named(margin_sm, options, said):
    with pytest.raises(DataError, match=said):
        temperatures(margin_sm, **options)


def test_the_largest_margins_and_weights_overflow_nothing():
    extreme = temperatures(np.array([[1e40, -1e40], [1e40, 1e40]]), np.full((2, 2), 1e40), strength=1e-9)
    assert np.isfinite(extreme).all()
    assert (extreme > 0).all()
