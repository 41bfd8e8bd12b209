import numpy as np
import pytest
from sklearn.linear_model import Ridge as SklearnRidge

from rmkit.errors import DataError
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry
from rmkit.reward_models.linear.ridge import Ridge, scored_rows
from tests.reward_models.worlds import PlantedWorld

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.score_sets((60, 200), noise_sd=1.0)
RNG = np.random.default_rng(0)
EMBEDDING_ND, SCORE_N, WEIGHT_N = RNG.normal(size=(30, 4)) + 3, RNG.normal(size=30) + 5, RNG.uniform(0.1, 2, size=30)


def fitted(train=TRAIN, validation=VALIDATION, **options):
    rng_s = np.random.default_rng(0).spawn(train.n_sets)
    return LinearBradleyTerry(**options).fit_scores(WORLD.embedding_rd, train, validation, rng_s=rng_s)


def by_sklearn(embedding_nd, score_n, weight_n, *, l2, scale):
    """(weights, intercept) for embeddings as they come; a scale a times as large is a penalty a^2 times as strong."""
    model = SklearnRidge(alpha=l2 * scale**2, solver="cholesky").fit(embedding_nd, score_n, sample_weight=weight_n)
    return model.coef_, model.intercept_


@pytest.mark.parametrize("l2", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("scale", [None, 0.5])
def test_the_weights_are_scikit_learns(l2, scale):
    ridge = Ridge.of(EMBEDDING_ND, SCORE_N, WEIGHT_N, scale=scale)
    weight_d, intercept = by_sklearn(EMBEDDING_ND, SCORE_N, WEIGHT_N, l2=l2, scale=ridge.scale)
    np.testing.assert_allclose(ridge.weights(l2)[0], weight_d, rtol=1e-8)
    np.testing.assert_allclose(ridge.weights(l2)[1], intercept, rtol=1e-8)
    assert (scale is None) != (ridge.scale == 0.5)


def test_the_covariance_is_the_inverse_of_the_curvature():
    ridge = Ridge.of(EMBEDDING_ND, SCORE_N, WEIGHT_N, scale=2.0)
    centered_nd = EMBEDDING_ND - np.average(EMBEDDING_ND, axis=0, weights=WEIGHT_N)
    precision_dd = (centered_nd.T * WEIGHT_N) @ centered_nd + 0.7 * 4.0 * np.eye(4)
    root_dd = ridge.covariance_root(0.7)
    np.testing.assert_allclose(root_dd @ root_dd.T, np.linalg.inv(precision_dd), rtol=1e-8)


def test_the_strength_is_the_best_of_the_grid_on_validation_and_the_refit_has_both():
    grid = (0.01, 1.0, 10.0, 100.0)
    model = fitted(l2_grid=grid)
    for s in range(2):
        train, validation = (scored_rows(WORLD.embedding_rd, scores, s) for scores in (TRAIN, VALIDATION))
        error = {}
        for l2 in grid:
            weight_d, intercept = by_sklearn(*train, l2=l2, scale=model.scale_s_[s])
            error[l2] = ((validation[1] - intercept - validation[0] @ weight_d) ** 2).mean()
        assert model.l2_s_[s] == min(error, key=error.get)
        np.testing.assert_allclose(model.validation_squared_error_s_[s], min(error.values()))
        both = [np.concatenate(arrays) for arrays in zip(train, validation, strict=True)]
        weight_d, intercept = by_sklearn(*both, l2=model.l2_s_[s], scale=model.scale_s_[s])
        np.testing.assert_allclose(
            model.score(WORLD.embedding_rd)[s], WORLD.embedding_rd.astype(float) @ weight_d + intercept, rtol=1e-4
        )


def test_the_spread_of_refits_to_fresh_noise_is_the_uncertainty():
    """With the penalty all but off, rewards less the training mean vary from one draw of noise to the next as said."""
    reward_kr, said_kr = [], []
    for seed in range(200):
        train, validation = WORLD.score_sets((200,))
        noise = np.random.default_rng(seed)
        noisy = [
            type(each)(each.position_sn, each.score_sn + noise.normal(size=each.score_sn.shape), each.weight_sn)
            for each in (train, validation)
        ]
        model = fitted(*noisy, l2_grid=(1e-6,))
        reward_r = model.score(WORLD.embedding_rd)[0]
        reward_kr.append(reward_r - reward_r[train.position_sn[0]].mean())
        said_kr.append(model.uncertainty(WORLD.embedding_rd)[0])
    np.testing.assert_allclose(np.std(reward_kr, axis=0).mean(), np.mean(said_kr), rtol=0.1)


def test_after_scores_the_last_layer_gives_rewards_but_for_the_intercept():
    model = fitted()
    feature_srh, weight_sh = model.last_layer(WORLD.embedding_rd)
    gap_sr = model.score(WORLD.embedding_rd) - np.einsum("srh,sh->sr", feature_srh, weight_sh)
    np.testing.assert_allclose(gap_sr, np.tile(model.intercept_s_[:, None], 600), atol=1e-4)


def test_equal_embeddings_are_an_error_that_names_the_set():
    same_rd = np.full((600, 8), 0.3, np.float16)
    with pytest.raises(DataError, match="train set 0: all scored responses have equal embeddings"):
        LinearBradleyTerry().fit_scores(same_rd, TRAIN, VALIDATION, rng_s=np.random.default_rng(0).spawn(2))
