import itertools

import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss

from rmkit.errors import DataError
from rmkit.measures.margins import expected_calibration_error
from rmkit.measures.within_prompt_pairs import calibration_error, mean_brier, mean_log_loss, pair_temperature
from tests.measures.orders_of_ties import arrays, small

RNG = np.random.default_rng(0)
GOLD_PK = RNG.normal(size=(40, 5))
SCORE_SPK = np.array([0.3, 1, 6])[:, None, None] * (GOLD_PK + RNG.normal(size=(3, 40, 5)))
TIED_PK = np.where(np.arange(5) < 2, np.round(GOLD_PK[:, :1]), GOLD_PK)  # the first two responses are equally good
TIED_PK[3] = 0.7


def margins_of(score_k, gold_k):
    """Of each pair of unequal gold: the better response's score minus the worse one's."""
    return [
        (score_k[i] - score_k[j]) * np.sign(gold_k[i] - gold_k[j])
        for i, j in itertools.combinations(range(len(gold_k)), 2)
        if gold_k[i] != gold_k[j]
    ]


@given(pairs=small)
def test_log_loss_and_brier_are_scikit_learns_over_the_pairs_of_unequal_gold(pairs):
    score_k, gold_k = arrays(pairs)
    found = [of(score_k[None], gold_k[None])[0] for of in (mean_log_loss, mean_brier)]
    chance_m = expit(margins_of(score_k, gold_k))
    if not len(chance_m):
        assert np.isnan(found).all()
    else:
        ones_m = np.ones(len(chance_m))
        np.testing.assert_allclose(found[0], log_loss(ones_m, chance_m, labels=[0, 1]))
        np.testing.assert_allclose(found[1], brier_score_loss(ones_m, chance_m, labels=[0, 1], pos_label=1))


@pytest.mark.parametrize("gold_pk", [GOLD_PK, TIED_PK])
@pytest.mark.parametrize("n_bins", [1, 10])
def test_the_parts_of_the_calibration_error_have_it_as_their_mean(gold_pk, n_bins):
    found_sp = calibration_error(SCORE_SPK, gold_pk, n_bins=n_bins)
    for score_pk, found_p in zip(SCORE_SPK, found_sp, strict=True):
        margins = [margins_of(*both) for both in zip(score_pk, gold_pk, strict=True)]
        weight_m = np.concatenate([np.full(len(of), 1 / max(1, len(of))) for of in margins])
        expected = expected_calibration_error(np.concatenate(margins), n_bins, weight_m=weight_m)
        assert np.isnan(found_p).tolist() == [not of for of in margins]
        assert np.nanmean(found_p) == pytest.approx(expected)


def test_the_temperature_is_the_likeliest_and_follows_the_scale():
    found_s = pair_temperature(SCORE_SPK, GOLD_PK)
    assert found_s.shape == (3,)
    for score_pk, found in zip(SCORE_SPK, found_s, strict=True):
        margin_m = np.concatenate([margins_of(*both) for both in zip(score_pk, GOLD_PK, strict=True)])
        likeliest = minimize_scalar(lambda log_t, m=margin_m: np.logaddexp(0, -m / np.exp(log_t)).mean(), (-2, 2)).x
        assert found == pytest.approx(np.exp(likeliest), rel=0.03)  # the prior counts as a few of 400 pairs
    np.testing.assert_allclose(pair_temperature(1e-6 * SCORE_SPK, GOLD_PK), 1e-6 * found_s)
    np.testing.assert_allclose(pair_temperature(1e9 * SCORE_SPK[0], GOLD_PK), 1e9 * found_s[0])


def test_at_its_temperature_the_error_is_small_and_has_no_scale():
    score_pk = SCORE_SPK[2]
    raw, fitted, small_scale = (
        calibration_error(*args, at_temperature=at).mean()
        for *args, at in ((score_pk, GOLD_PK, False), (score_pk, GOLD_PK, True), (1e-4 * score_pk, GOLD_PK, True))
    )
    assert fitted < raw / 2
    assert fitted == pytest.approx(small_scale)


def test_a_constant_score_is_calibrated_at_a_half_and_gold_alone_says_nothing():
    flat_pk = np.full(GOLD_PK.shape, 0.2)
    for at_temperature in (False, True):
        np.testing.assert_allclose(calibration_error(flat_pk, GOLD_PK, at_temperature=at_temperature), 0, atol=1e-15)
        assert np.isnan(calibration_error(GOLD_PK, flat_pk, at_temperature=at_temperature)).all()
    np.testing.assert_allclose(mean_log_loss(flat_pk, GOLD_PK), np.log(2))
    assert pair_temperature(flat_pk, GOLD_PK) == pair_temperature(GOLD_PK, flat_pk) == 1


def test_scores_that_are_always_right_have_a_finite_temperature():
    found = pair_temperature(GOLD_PK, GOLD_PK)
    assert 0 < found < 0.2


def test_wrong_requests_are_one_line():
    for n_bins in (0, 10**9):
        with pytest.raises(DataError, match=f"n_bins is {n_bins}; it must be from 1 to 1000"):
            calibration_error(GOLD_PK, GOLD_PK, n_bins=n_bins)
    with pytest.raises(DataError, match=r"score at .* is nan"):
        mean_brier(GOLD_PK * np.nan, GOLD_PK)
