import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from rmkit.errors import DataError
from rmkit.measures.margins import (
    expected_accuracy,
    expected_calibration_error,
    expected_log_loss,
    expected_overconfidence,
    pair_accuracy,
    pair_brier,
    pair_log_loss,
    pair_overconfidence,
    reliability_bins,
)

MARGIN_M = np.random.default_rng(0).normal(size=500) * 2


def test_the_three_metrics_agree_with_scikit_learn():
    first_won_m = np.random.default_rng(1).random(500) < 0.5  # which one is called first is arbitrary
    p_first_m = expit(np.where(first_won_m, MARGIN_M, -MARGIN_M))
    np.testing.assert_allclose(pair_accuracy(MARGIN_M).mean(), accuracy_score(first_won_m, p_first_m > 0.5))
    np.testing.assert_allclose(pair_log_loss(MARGIN_M).mean(), log_loss(first_won_m, p_first_m))
    np.testing.assert_allclose(pair_brier(MARGIN_M).mean(), brier_score_loss(first_won_m, p_first_m))


def test_a_tie_is_half_right_and_costs_log_2():
    assert pair_accuracy(np.array([0.0, 2.0, -2.0])).tolist() == [0.5, 1.0, 0.0]
    np.testing.assert_allclose([pair_log_loss(np.zeros(1))[0], pair_brier(np.zeros(1))[0]], [np.log(2), 0.25])


def test_large_margins_neither_overflow_nor_vanish():
    np.testing.assert_allclose(pair_log_loss(np.array([-1e4, 40.0])), [1e4, np.exp(-40)])
    np.testing.assert_allclose(pair_brier(np.array([-1e4, 1e4])), [1.0, 0.0])


@pytest.mark.parametrize("metric", [pair_accuracy, pair_log_loss, pair_brier])
def test_a_metric_keeps_the_shape_and_treats_each_pair_alone(metric):
    margin_sm = MARGIN_M.reshape(5, 100)
    np.testing.assert_array_equal(metric(margin_sm)[3, 7], metric(margin_sm[3, 7:8])[0])
    assert metric(margin_sm).shape == (5, 100)


def bins_by_loop(margin_m, n_bins):
    rows = []
    for b in range(n_bins):
        low, high = 0.5 + b / (2 * n_bins), 0.5 + (b + 1) / (2 * n_bins)
        confidence_m = np.array([max(expit(margin), expit(-margin)) for margin in margin_m])
        inside_m = (low <= confidence_m) & ((confidence_m < high) | (b == n_bins - 1))
        if inside_m.any():
            right_m = np.where(margin_m[inside_m] == 0, 0.5, margin_m[inside_m] > 0)
            rows.append((confidence_m[inside_m].mean(), right_m.mean(), inside_m.sum()))
    return np.array(rows)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=40), st.sampled_from([1, 3, 10]))
def test_the_bins_are_those_of_a_loop_over_confidences(margins, n_bins):
    margin_m = np.array(margins)
    edges = expit(np.abs(margin_m)) * 2 * n_bins
    margin_m = np.where(np.abs(edges - np.round(edges)) < 1e-9, 0.0, margin_m)  # rounding decides on an edge
    bins = reliability_bins(margin_m, n_bins)
    expected_b3 = bins_by_loop(margin_m, n_bins)
    np.testing.assert_allclose(
        np.column_stack([bins[name] for name in ("confidence", "accuracy", "pairs")]), expected_b3
    )
    assert ((bins["low"] <= bins["confidence"] + 1e-12) & (bins["confidence"] <= bins["high"] + 1e-12)).all()
    gap_b = np.abs(expected_b3[:, 0] - expected_b3[:, 1])
    np.testing.assert_allclose(expected_calibration_error(margin_m, n_bins), gap_b @ expected_b3[:, 2] / len(margin_m))


def test_calibration_does_not_depend_on_which_response_is_called_first_but_on_who_won():
    sharp_m = np.full(100, 3.0)
    np.testing.assert_allclose(expected_calibration_error(sharp_m), 1 - expit(3.0))  # always right, not sure enough
    np.testing.assert_allclose(expected_calibration_error(-sharp_m), expit(3.0))  # sure and always wrong


def test_true_probabilities_are_calibrated_and_overconfident_ones_are_not():
    rng = np.random.default_rng(2)
    log_odds_m = rng.normal(size=100_000)
    margin_m = np.where(rng.random(100_000) < expit(log_odds_m), log_odds_m, -log_odds_m)
    assert expected_calibration_error(margin_m) < 0.006 < 0.1 < expected_calibration_error(4 * margin_m)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("metric", [pair_accuracy, pair_log_loss, pair_brier])
def test_a_margin_that_is_not_a_number_is_named(metric, bad):
    margin_sm = np.zeros((2, 5))
    margin_sm[1, 3] = bad
    with pytest.raises(DataError, match=rf"margin\[1, 3\] is {bad}"):
        metric(margin_sm)


@pytest.mark.parametrize("metric", [pair_accuracy, pair_log_loss, pair_brier, expected_calibration_error])
def test_no_pairs_is_an_error_not_a_nan(metric):
    with pytest.raises(DataError, match="no pairs"):
        metric(np.zeros(0))


def test_calibration_wants_one_list_of_pairs_and_a_bin():
    with pytest.raises(DataError, match=r"\(2, 5\)"):
        expected_calibration_error(np.zeros((2, 5)))
    with pytest.raises(DataError, match="n_bins is 0"):
        reliability_bins(MARGIN_M, n_bins=0)


def test_overconfidence_is_zero_in_the_mean_when_the_forecast_is_true():
    """Draw outcomes from the forecast itself: the mean is within four standard errors of 0; doubled margins claim more."""
    rng = np.random.default_rng(0)
    margin_m = rng.normal(0, 1.5, 40_000)
    signed_m = np.where(rng.random(40_000) < 1 / (1 + np.exp(-margin_m)), margin_m, -margin_m)
    honest = pair_overconfidence(signed_m)
    assert abs(honest.mean()) < 4 * honest.std() / np.sqrt(len(honest))
    assert pair_overconfidence(2 * signed_m).mean() > 0.05
    assert pair_overconfidence(np.array([0.0])) == 0.0


@pytest.mark.parametrize(
    ("expected", "observed"),
    [
        (expected_accuracy, pair_accuracy),
        (expected_log_loss, pair_log_loss),
        (expected_overconfidence, pair_overconfidence),
    ],
)
@given(
    pairs=st.lists(st.tuples(st.floats(-50, 50) | st.just(0.0), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_an_expected_metric_is_the_mean_over_both_labels(expected, observed, pairs):
    margin_m, chance_m = np.array(pairs).T
    both = chance_m * observed(margin_m) + (1 - chance_m) * observed(-margin_m)  # the first chosen, or the second
    np.testing.assert_allclose(expected(margin_m, chance_m), both, rtol=1e-12, atol=1e-12)


def test_the_expected_log_loss_is_least_at_the_annotators_own_log_odds():
    chance_m = np.array([0.1, 0.5, 0.73])
    own_m = np.log(chance_m / (1 - chance_m))
    entropy_m = -chance_m * np.log(chance_m) - (1 - chance_m) * np.log(1 - chance_m)
    np.testing.assert_allclose(expected_log_loss(own_m, chance_m), entropy_m)
    for shift in (-0.01, 0.01):
        assert (expected_log_loss(own_m + shift, chance_m) > entropy_m).all()
    np.testing.assert_allclose(expected_log_loss(np.array([1e4, -1e4]), np.array([1.0, 0.25])), [0.0, 2500.0])


def test_calibration_against_chances_is_what_many_labels_of_each_pair_come_to():
    rng = np.random.default_rng(0)
    margin_m = rng.normal(size=300)
    chance_m = expit(0.5 * margin_m)  # margins that are twice too large
    own, doubled = (expected_calibration_error(scale * margin_m, chance_m=chance_m) for scale in (0.5, 1.0))
    assert own == pytest.approx(0.0, abs=1e-12)
    first_won_mt = rng.random((300, 2000)) < chance_m[:, None]
    labelled_mt = np.where(first_won_mt, margin_m[:, None], -margin_m[:, None])
    assert doubled == pytest.approx(expected_calibration_error(labelled_mt.ravel()), abs=2e-3)
    assert doubled > 0.05
    by_label = reliability_bins(np.where(first_won_mt[:, 0], margin_m, -margin_m))
    by_chance = reliability_bins(margin_m, chance_m=1.0 * first_won_mt[:, 0])  # labels are chances of 0 and 1
    np.testing.assert_allclose(by_chance["accuracy"], by_label["accuracy"])


def test_chances_that_are_none_or_too_few_are_named():
    with pytest.raises(DataError, match=r"chance has shape \(2,\) and margin \(3,\)"):
        expected_accuracy(np.zeros(3), np.zeros(2))
    for wrong in (1.5, -0.1, np.nan):
        with pytest.raises(DataError, match=rf"chance\[1\] is {wrong}; a chance lies between 0 and 1"):
            expected_log_loss(np.zeros(2), np.array([0.5, wrong]))
