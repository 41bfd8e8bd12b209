import numpy as np
import pytest
from scipy import stats as scipy_stats

from rmkit.errors import DataError
from rmkit.intervals.residual_spreads import DEGREES, residual_spread, variances_about_fit

RNG = np.random.default_rng(0)
ACCURACY = RNG.uniform(0.6, 0.9, size=40)
OUTCOME = 2 - 2 * ACCURACY + 0.1 * RNG.normal(size=40)


def test_about_a_line_it_is_the_residual_standard_error_of_regression():
    fitted = scipy_stats.linregress(ACCURACY, OUTCOME)
    expected = fitted.stderr * np.sqrt(((ACCURACY - ACCURACY.mean()) ** 2).sum())
    interval = residual_spread(ACCURACY, OUTCOME)
    assert interval.estimate == pytest.approx(expected)
    assert interval.low < 0.1 < interval.high


def test_the_limits_are_about_those_of_a_normal_variance():
    """(M - 2) s^2 / sigma^2 has a chi-squared law where residuals are normal."""
    rng = np.random.default_rng(3)
    accuracy_m = rng.uniform(size=400)
    interval = residual_spread(accuracy_m, accuracy_m + rng.normal(size=400))
    expected = np.sqrt(398 / scipy_stats.chi2.ppf([0.975, 0.025], 398)) * interval.estimate
    np.testing.assert_allclose([interval.low, interval.high], expected, rtol=0.02)


def test_noise_is_taken_off_the_variance_and_what_is_below_nothing_is_nothing():
    whole, less, none = (residual_spread(ACCURACY, OUTCOME, noise) for noise in (0.0, 0.004, 0.04))
    for end in ("estimate", "low", "high"):
        assert getattr(less, end) == pytest.approx(np.sqrt(max(0, getattr(whole, end) ** 2 - 0.004)))
        assert getattr(none, end) == 0


def test_a_parabola_follows_a_bend_that_a_line_cannot():
    """The closed form of best-of-n under a normal law: the drop ratio is 1 + cos(pi A)."""
    rng = np.random.default_rng(1)
    accuracy_m = rng.uniform(0.5, 1, size=200)
    bent_m = 1 + np.cos(np.pi * accuracy_m) + 0.02 * rng.normal(size=200)
    line, parabola = (residual_spread(accuracy_m, bent_m, fit=fit) for fit in ("line", "parabola"))
    assert parabola.estimate == pytest.approx(0.02, rel=0.15)
    assert line.low > parabola.high


@pytest.mark.parametrize("degree", [1, 2])
def test_the_variance_without_each_model_is_that_of_a_fit_without_it(degree):
    def by_hand(accuracy_m, outcome_m):
        _, (squares,), *_ = np.polyfit(accuracy_m, outcome_m, degree, full=True)
        return squares / (len(accuracy_m) - degree - 1)

    whole, without_one_m = variances_about_fit(ACCURACY, OUTCOME, degree)
    assert whole == pytest.approx(by_hand(ACCURACY, OUTCOME))
    expected_m = [by_hand(np.delete(ACCURACY, m), np.delete(OUTCOME, m)) for m in range(40)]
    np.testing.assert_allclose(without_one_m, expected_m)


@pytest.mark.parametrize(
    ("accuracy_m", "outcome_m", "says"),
    [
        (ACCURACY[:14], OUTCOME[:14], "14 reward models are too few"),
        (np.ones(40), OUTCOME, "nothing to fit"),
        (ACCURACY, 2 * ACCURACY, "fits outcomes perfectly"),
    ],
)
@pytest.mark.parametrize("fit", DEGREES)
def test_without_an_interval_there_is_a_reason(accuracy_m, outcome_m, says, fit):
    interval = residual_spread(accuracy_m, outcome_m, fit=fit)
    assert np.isnan([interval.low, interval.high]).all()
    assert says in interval.reason


def test_what_does_not_fit_is_named():
    with pytest.raises(DataError, match=r"accuracy_m \(39,\)"):
        residual_spread(ACCURACY[1:], OUTCOME)
    with pytest.raises(DataError, match="must be finite"):
        residual_spread(ACCURACY, np.where(OUTCOME > 0.5, np.nan, OUTCOME))
    with pytest.raises(DataError, match="noise_variance -1"):
        residual_spread(ACCURACY, OUTCOME, -1.0)
    with pytest.raises(DataError, match="fit: 'cubic' is not one of"):
        residual_spread(ACCURACY, OUTCOME, fit="cubic")
