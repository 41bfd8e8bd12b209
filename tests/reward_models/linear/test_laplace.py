import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.measures.information import information, p_variance
from rmkit.reward_models.linear.laplace import (
    LastLayerLaplace,
    covariance_root,
    covariance_root_by_evidence,
    evidence_precision,
)

RNG = np.random.default_rng(0)
FEATURE_NH, WEIGHT_N, W_H = RNG.normal(size=(12, 3)), RNG.uniform(0.2, 2, size=12), RNG.normal(size=3)


def test_the_covariance_is_the_inverse_of_the_curvature_of_the_penalised_loss_by_finite_differences():
    def loss(w_h):
        return WEIGHT_N @ np.logaddexp(0, -FEATURE_NH @ w_h) + 0.7 / 2 * w_h @ w_h

    step, axis_hh = 1e-3, np.eye(3)
    curvature_hh = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            ends = [(a, b, loss(W_H + step * (a * axis_hh[i] + b * axis_hh[j]))) for a in (1, -1) for b in (1, -1)]
            curvature_hh[i, j] = sum(a * b * value for a, b, value in ends) / (4 * step**2)
    root_hh = covariance_root(FEATURE_NH, WEIGHT_N * p_variance(FEATURE_NH @ W_H), 0.7)
    np.testing.assert_allclose(np.linalg.inv(root_hh @ root_hh.T), curvature_hh, rtol=1e-4)


def test_without_data_rewards_vary_as_the_prior_says():
    laplace = LastLayerLaplace.of_fits([(np.zeros(3), covariance_root(np.zeros((0, 3)), np.zeros(0), 4.0))])
    feature_rh = RNG.normal(size=(5, 3))
    np.testing.assert_allclose(laplace.sd(feature_rh[None]), np.linalg.norm(feature_rh, axis=1)[None] / 2, rtol=1e-6)


def test_the_sd_is_that_of_rewards_under_weights_drawn_from_the_posterior():
    mean_h, root_hh = RNG.normal(size=3), covariance_root(FEATURE_NH, WEIGHT_N, 0.5)
    feature_rh = RNG.normal(size=(4, 3))
    drawn_nh = np.random.default_rng(1).multivariate_normal(W_H, root_hh @ root_hh.T, size=200_000)
    reward_nr = drawn_nh @ (feature_rh - mean_h).T
    laplace = LastLayerLaplace.of_fits([(mean_h, root_hh)])
    np.testing.assert_allclose(laplace.sd(feature_rh[None])[0], reward_nr.std(axis=0), rtol=0.01)


def test_a_mean_response_has_no_spread_and_a_penalty_or_more_data_lessen_it():
    def sd(l2, times):
        root_hh = covariance_root(np.tile(FEATURE_NH, (times, 1)), np.tile(WEIGHT_N, times), l2)
        return LastLayerLaplace.of_fits([(W_H, root_hh)]).sd(np.stack([W_H, W_H + 1])[None])[0]

    assert sd(1.0, 1)[0] < 1e-6
    assert sd(1.0, 1)[1] > sd(1.0, 3)[1] > 0
    assert sd(1.0, 1)[1] > sd(9.0, 1)[1]


def test_some_fits_alone_and_from_arrays():
    known = [(RNG.normal(size=3), covariance_root(FEATURE_NH, WEIGHT_N, l2)) for l2 in (0.1, 1.0, 10.0)]
    feature_srh = RNG.normal(size=(3, 4, 3))
    laplace = LastLayerLaplace.of_fits(known)
    np.testing.assert_array_equal(
        laplace.only(np.array([2, 0])).sd(feature_srh[[2, 0]]), laplace.sd(feature_srh)[[2, 0]]
    )
    np.testing.assert_array_equal(LastLayerLaplace.of_arrays(laplace.arrays()).sd(feature_srh), laplace.sd(feature_srh))


def test_the_root_of_rewards_is_that_of_their_covariance():
    root_hh, feature_rh = covariance_root(FEATURE_NH, WEIGHT_N, 0.5), RNG.normal(size=(4, 3))
    root_rc = LastLayerLaplace.of_fits([(W_H, root_hh)]).reward_root(feature_rh[None])[0]
    away_rh = feature_rh - W_H
    np.testing.assert_allclose(root_rc @ root_rc.T, away_rh @ root_hh @ root_hh.T @ away_rh.T, rtol=1e-5)


def test_the_precision_is_where_the_evidence_is_largest_by_search():
    length_h = np.linalg.eigvalsh(information(FEATURE_NH, WEIGHT_N, 0.0))

    def evidence(a):  # its logarithm, up to what does not depend on a
        return -a / 2 * W_H @ W_H + len(W_H) / 2 * np.log(a) - 0.5 * np.log(length_h + a).sum()

    grid_g = np.geomspace(1e-6, 1e6, 200_001)
    best = grid_g[np.argmax([evidence(a) for a in grid_g])]
    assert evidence_precision(length_h, W_H) == pytest.approx(best, rel=1e-3)


def test_the_precision_follows_the_unit_of_the_features():
    """Features 100 times as large, weights 100 times as small: margins vary as before."""
    sds = []
    for unit in (1.0, 100.0):
        root_hh = covariance_root_by_evidence(information(unit * FEATURE_NH, WEIGHT_N, 0.0), W_H / unit)
        sds.append(np.linalg.norm(unit * FEATURE_NH @ root_hh, axis=1))
    np.testing.assert_allclose(sds[0], sds[1])


def test_a_feature_that_data_never_show_says_nothing_of_the_prior():
    padded_nh = np.hstack([FEATURE_NH, np.zeros((12, 1))])
    root_hh = covariance_root_by_evidence(information(padded_nh, WEIGHT_N, 0.0), np.append(W_H, 50.0))
    plain_hh = covariance_root_by_evidence(information(FEATURE_NH, WEIGHT_N, 0.0), W_H)
    np.testing.assert_allclose((root_hh @ root_hh.T)[:3, :3], plain_hh @ plain_hh.T)


def test_a_head_that_has_learned_nothing_is_no_mistake():
    """Weights of 0, or features of 0 as in a network of dead units: all rewards are equal, for sure."""
    assert evidence_precision(np.ones(3), np.zeros(3)) == np.inf
    for information_hh, weight_h in ((np.eye(3), np.zeros(3)), (np.zeros((3, 3)), np.ones(3))):
        assert (covariance_root_by_evidence(information_hh, weight_h) == 0).all()
    with pytest.raises(DataError, match="data tell nothing"):
        evidence_precision(np.zeros(3), np.ones(3))
