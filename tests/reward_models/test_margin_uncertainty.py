import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from rmkit.measures.information import p_variance
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry
from rmkit.reward_models.margin_uncertainty import last_layer_laplace, reward_root_of
from rmkit.reward_models.protocol import HasRewardCovariance, HasUncertainty
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.test_every_head import ENSEMBLES, TRAIN, WORLD, default_model, every_head
from tests.reward_models.worlds import with_more_padding

EMBEDDING_RD = WORLD.embedding_rd
LAST_LAYERS = ("mlp_bt", "mlp_clf")


def root(name, s, train=TRAIN):
    return reward_root_of(default_model(name), s, EMBEDDING_RD, train)


@every_head
def test_which_heads_have_a_root_and_that_it_is_of_one_fit(name):
    of_fit = root(name, 1)
    assert (of_fit is None) == (name in ("lightgbm_bt", "lightgbm_clf"))
    assert isinstance(default_model(name), HasRewardCovariance) == (name in ("linear_bt", *ENSEMBLES))
    if of_fit is not None:
        assert of_fit(EMBEDDING_RD[:5]).shape[0] == 5
        assert not np.allclose(of_fit(EMBEDDING_RD[:5]), root(name, 0)(EMBEDDING_RD[:5]))


@pytest.mark.parametrize("name", ["linear_bt", *ENSEMBLES])
def test_lengths_of_its_rows_are_the_uncertainty(name):
    model = default_model(name)
    assert isinstance(model, HasUncertainty)
    sd_sr = model.uncertainty(EMBEDDING_RD)
    for s in range(len(sd_sr)):
        np.testing.assert_allclose(np.linalg.norm(root(name, s)(EMBEDDING_RD), axis=1), sd_sr[s], rtol=1e-3, atol=1e-6)


def test_a_margins_sd_is_the_spread_of_the_members_margins():
    model = default_model("mlp_bt_ensemble")
    member_br = model.members_.score(EMBEDDING_RD).reshape(3, model.n_members, -1)[2]
    root_rc = root("mlp_bt_ensemble", 2)(EMBEDDING_RD)
    spread_r = (member_br[:, :300] - member_br[:, 300:]).std(axis=0, ddof=1)
    np.testing.assert_allclose(np.linalg.norm(root_rc[:300] - root_rc[300:], axis=1), spread_r, rtol=1e-3, atol=1e-5)


def test_a_linear_margins_sd_is_that_of_the_hessian_of_its_own_loss():
    """The inverse curvature at the fitted weights, in the embeddings' own unit, over all annotated pairs."""
    model, s = default_model("linear_bt"), 1
    validation = WORLD.sets((40, 150, 90))[1]
    both = [
        EMBEDDING_RD[pairs.chosen_sm[s, real]].astype(float) - EMBEDDING_RD[pairs.rejected_sm[s, real]]
        for pairs in (TRAIN, validation)
        for real in [pairs.weight_sm[s] > 0]
    ]
    difference_md = np.concatenate(both)
    variance_m = p_variance(difference_md @ model.weight_sd_[s])
    prior = model.l2_s_[s] * model.scale_s_[s] ** 2
    covariance_dd = np.linalg.inv((difference_md * variance_m[:, None]).T @ difference_md + prior * np.eye(8))
    root_rc = root("linear_bt", s)(EMBEDDING_RD)
    away_rd = EMBEDDING_RD[:300].astype(float) - EMBEDDING_RD[300:]
    exact_r = np.sqrt(np.einsum("rd,de,re->r", away_rd, covariance_dd, away_rd))
    np.testing.assert_allclose(np.linalg.norm(root_rc[:300] - root_rc[300:], axis=1), exact_r, rtol=1e-3)


def test_a_linear_head_without_laplace_says_nothing():
    fit = LinearBradleyTerry(laplace=False).fit(EMBEDDING_RD, *WORLD.sets((40,)), rng_s=[np.random.default_rng(0)])
    assert reward_root_of(fit, 0, EMBEDDING_RD, WORLD.sets((40,))[0]) is None


@pytest.mark.parametrize("name", LAST_LAYERS)
def test_the_precision_of_a_last_layer_is_the_curvature_of_its_own_loss(name):
    """By finite differences of the summed loss in the last layer's weights; padding changes nothing."""
    one, s = default_model(name).only(np.array([1])), 1
    laplace = last_layer_laplace(one, s, EMBEDDING_RD, TRAIN)
    feature_rh, weight_h = (each[0].astype(float) for each in one.last_layer(EMBEDDING_RD))
    real = TRAIN.weight_sm[s] > 0
    first_mh, second_mh = feature_rh[TRAIN.chosen_sm[s, real]], feature_rh[TRAIN.rejected_sm[s, real]]

    def loss(w_h):
        if name == "mlp_bt":
            return np.logaddexp(0, -(first_mh - second_mh) @ w_h).sum()
        return (np.logaddexp(0, -first_mh @ w_h) + np.logaddexp(0, second_mh @ w_h)).sum() / 2

    root_hh = laplace.root_shh[0].astype(float)
    precision_hh = np.linalg.inv(root_hh @ root_hh.T)
    rng = np.random.default_rng(0)
    excess = []
    for _ in range(5):
        way_h = rng.normal(size=len(weight_h))
        way_h /= np.linalg.norm(way_h)
        step = 1e-2
        curvature = (loss(weight_h + step * way_h) + loss(weight_h - step * way_h) - 2 * loss(weight_h)) / step**2
        excess.append(way_h @ precision_hh @ way_h - curvature)
    assert np.ptp(excess) < 0.02 * np.mean(excess) + 0.02 * abs(curvature)  # the prior's precision, in every direction
    padded = last_layer_laplace(one, s, EMBEDDING_RD, with_more_padding(TRAIN, 5))
    np.testing.assert_allclose(padded.mean_sh, laplace.mean_sh, rtol=1e-6)
    np.testing.assert_allclose(padded.root_shh[0] @ padded.root_shh[0].T, root_hh @ root_hh.T, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", LAST_LAYERS)
def test_more_weight_makes_a_last_layer_surer(name):
    one = default_model(name).only(np.array([0]))
    heavy = dataclasses.replace(TRAIN, weight_sm=TRAIN.weight_sm * 9)
    first, second = (last_layer_laplace(one, 0, EMBEDDING_RD, train) for train in (TRAIN, heavy))
    feature_srh = one.last_layer(EMBEDDING_RD)[0]
    assert second.sd(feature_srh).mean() < 0.8 * first.sd(feature_srh).mean()


def test_blocks_of_pairs_change_nothing_but_rounding(monkeypatch):
    one = default_model("mlp_bt").only(np.array([1]))
    whole = last_layer_laplace(one, 1, EMBEDDING_RD, TRAIN)
    monkeypatch.setattr("rmkit.reward_models.inputs.BLOCK_NUMBERS", 500)
    parts = last_layer_laplace(one, 1, EMBEDDING_RD, TRAIN)
    feature_srh = one.last_layer(EMBEDDING_RD)[0]
    np.testing.assert_allclose(parts.sd(feature_srh), whole.sd(feature_srh), rtol=1e-3)


def test_a_last_layer_of_a_true_linear_model_is_about_as_sure_as_the_linear_head():
    """A head that has only its last layer, the embeddings themselves: by the evidence instead of by validation."""

    class LastLayerAlone:
        def __init__(self, head):
            self.head = head

        def only(self, position_g):
            return LastLayerAlone(self.head.only(position_g))

        def score(self, embedding_rd):
            return self.head.score(embedding_rd)

        def last_layer(self, embedding_rd):
            return self.head.last_layer(embedding_rd)

    rng = np.random.default_rng(1)
    embedding_rd = rng.normal(size=(600, 8)).astype(np.float32)
    reward_r = embedding_rd @ rng.normal(size=8)
    first_m, second_m = rng.integers(600, size=(2, 1500))
    won_m = rng.random(1500) < expit(reward_r[first_m] - reward_r[second_m])
    pairs = PairSets.padded([(np.where(won_m, first_m, second_m), np.where(won_m, second_m, first_m))])
    head = LinearBradleyTerry().fit(embedding_rd, pairs, pairs, rng_s=[rng])
    alone_rc, own_rc = (
        reward_root_of(each, 0, embedding_rd, pairs)(embedding_rd) for each in (LastLayerAlone(head), head)
    )
    ratio = np.linalg.norm(alone_rc, axis=1) / np.linalg.norm(own_rc, axis=1)
    assert np.abs(ratio / np.sqrt(2) - 1).max() < 0.1  # the linear head counts the pairs once more, as its validation
