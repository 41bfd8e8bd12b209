import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from rmkit.errors import DataError, ParamsError, ResultError
from rmkit.reward_models.linear import bradley_terry, newton
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry, differences
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.worlds import PlantedWorld, swapped

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 150))


def fitted(train=TRAIN, validation=VALIDATION, **options):
    rng = np.random.default_rng(0)
    return LinearBradleyTerry(**options).fit(WORLD.embedding_rd, train, validation, rng_s=rng.spawn(train.n_sets))


def scaled_differences(s):
    """Training and validation differences over the training differences' root mean square length, and that length."""
    train_md, validation_md = (differences(WORLD.embedding_rd, pairs, s)[0] for pairs in (TRAIN, VALIDATION))
    scale = np.sqrt((np.linalg.norm(train_md, axis=1) ** 2).mean())
    return train_md / scale, validation_md / scale, scale


def logistic_regression(difference_md, l2):
    """scikit-learn on both orders of every pair: each counts twice, so its C is 1 / (2 l2)."""
    mirrored_md = np.concatenate([difference_md, -difference_md])
    label_m = np.repeat([1, 0], len(difference_md))
    model = LogisticRegression(fit_intercept=False, C=1 / (2 * l2), tol=1e-10, max_iter=10_000)
    return model.fit(mirrored_md, label_m).coef_[0]


@pytest.mark.parametrize("l2", [0.01, 1.0, 100.0])
def test_the_weights_are_those_of_a_logistic_regression_on_mirrored_differences(l2):
    model = fitted(l2_grid=(l2,))
    for s in range(2):
        train_md, validation_md, scale = scaled_differences(s)
        expected_d = logistic_regression(np.concatenate([train_md, validation_md]), l2) / scale
        np.testing.assert_allclose(model.weight_sd_[s], expected_d, rtol=1e-4, atol=1e-6)


def test_the_strength_is_the_best_of_the_grid_on_the_validation_pairs():
    grid = (0.1, 1.0, 10.0, 100.0)
    model = fitted(l2_grid=grid)
    for s in range(2):
        train_md, validation_md, _ = scaled_differences(s)
        loss = {l2: np.logaddexp(0, -validation_md @ logistic_regression(train_md, l2)).mean() for l2 in grid}
        assert model.l2_s_[s] == min(loss, key=loss.get)
        np.testing.assert_allclose(model.validation_log_loss_s_[s], min(loss.values()), rtol=1e-5)


def test_validation_pairs_that_mislead_ask_for_a_strong_penalty():
    np.testing.assert_array_equal(fitted(TRAIN, swapped(VALIDATION)).l2_s_, max(bradley_terry.L2_GRID))


def test_on_the_last_layers_features_the_weights_are_where_penalty_and_data_balance():
    """At the minimum of (1) over training and validation pairs, l2 w = sum_m (1 - sigmoid(w . x_m)) x_m."""
    model = fitted()
    feature_srh, weight_sh = (array.astype(np.float64) for array in model.last_layer(WORLD.embedding_rd))
    for s in range(2):
        x_md = np.concatenate(
            [
                feature_srh[s, pairs.chosen_sm[s, :size]] - feature_srh[s, pairs.rejected_sm[s, :size]]
                for pairs in (TRAIN, VALIDATION)
                for size in pairs.sizes_s[s : s + 1]
            ]
        )
        np.testing.assert_allclose((x_md[: TRAIN.sizes_s[s]] ** 2).sum(axis=1).mean(), 1, rtol=1e-4)
        pull_d = expit(-x_md @ weight_sh[s]) @ x_md
        np.testing.assert_allclose(model.l2_s_[s] * weight_sh[s], pull_d, atol=1e-4 * np.abs(pull_d).max())


def test_turning_every_label_round_turns_the_reward_round():
    turned = fitted(swapped(TRAIN), swapped(VALIDATION))
    np.testing.assert_allclose(turned.weight_sd_, -fitted().weight_sd_, rtol=1e-6)


def test_a_constant_added_to_every_embedding_changes_no_margin():
    moved_rd = WORLD.embedding_rd.astype(np.float64) + 5.0
    model = LinearBradleyTerry().fit(moved_rd, TRAIN, VALIDATION, rng_s=np.random.default_rng(0).spawn(TRAIN.n_sets))
    np.testing.assert_allclose(model.weight_sd_, fitted().weight_sd_, rtol=1e-6)


def test_the_unit_of_the_embeddings_changes_no_reward():
    small_rd = WORLD.embedding_rd.astype(np.float64) / 1000
    model = LinearBradleyTerry().fit(small_rd, TRAIN, VALIDATION, rng_s=np.random.default_rng(0).spawn(TRAIN.n_sets))
    np.testing.assert_allclose(model.score(small_rd), fitted().score(WORLD.embedding_rd), rtol=1e-3, atol=1e-5)


def test_a_pair_of_weight_2_counts_as_two_pairs():
    chosen_m, rejected_m = WORLD.pairs(50, 1)
    doubled = PairSets(
        chosen_sm=chosen_m[None], rejected_sm=rejected_m[None], weight_sm=np.r_[2, np.ones(49)].astype(np.float32)[None]
    )
    twice = PairSets.padded([(np.r_[chosen_m[0], chosen_m], np.r_[rejected_m[0], rejected_m])])
    validation = PairSets.padded([WORLD.pairs(20, 2)])
    np.testing.assert_allclose(fitted(doubled, validation).weight_sd_, fitted(twice, validation).weight_sd_, rtol=1e-6)


def test_no_convergence_is_an_error_that_names_the_fit(monkeypatch):
    monkeypatch.setattr(newton, "MAX_NEWTON_STEPS", 1)
    with pytest.raises(ResultError, match=r"linear_bt, fit 0: no convergence at l2 = 1000 in 1 Newton steps"):
        fitted()


def test_pairs_of_equal_embeddings_are_an_error():
    chosen_m, rejected_m = WORLD.pairs(30, 0)
    same = PairSets.padded([(chosen_m, rejected_m), (chosen_m, chosen_m)])
    with pytest.raises(DataError, match="train set 1: chosen and rejected have equal embeddings in every pair"):
        fitted(same, VALIDATION)


def test_a_given_scale_makes_one_penalty_of_one_strength_for_fits_of_any_length():
    """On embeddings three times as long, a scale three times as large gives rewards that are the same."""
    rng = np.random.default_rng(3)
    embedding_rd = rng.normal(size=(60, 4))
    pairs = PairSets.padded([(np.arange(0, 40), np.arange(20, 60))])
    own, given, tripled = (
        LinearBradleyTerry(l2_grid=(1.0,), scale=scale).fit(factor * embedding_rd, pairs, pairs, rng_s=[rng])
        for scale, factor in ((None, 1), (2.0, 1), (6.0, 3))
    )
    assert given.scale_s_[0] == 2.0
    assert own.scale_s_[0] != 2.0
    np.testing.assert_allclose(tripled.score(3 * embedding_rd), given.score(embedding_rd), atol=1e-5)
    with pytest.raises(ParamsError, match=r"linear_bt: scale is 0\.0"):
        LinearBradleyTerry(scale=0.0)


def test_the_uncertainty_is_that_of_a_hessian_by_finite_differences():
    """At the minimum of (1), over training and validation pairs, in the rewards' own unit."""
    model = fitted(l2_grid=(2.0,))
    train_md, validation_md, scale = scaled_differences(0)
    x_md, w_d, step = np.concatenate([train_md, validation_md]), model.weight_sd_[0] * scale, 1e-5

    def gradient(w_d):
        return 2.0 * w_d - expit(-x_md @ w_d) @ x_md

    axis_dd = np.eye(8)
    hessian_dd = np.stack([(gradient(w_d + step * a) - gradient(w_d - step * a)) / (2 * step) for a in axis_dd])
    size = TRAIN.sizes_s[0]
    trained = np.r_[TRAIN.chosen_sm[0, :size], TRAIN.rejected_sm[0, :size]]
    x_rd = (WORLD.embedding_rd - WORLD.embedding_rd[trained].astype(float).mean(axis=0)) / scale
    expected_r = np.sqrt(np.einsum("rd,de,re->r", x_rd, np.linalg.inv(hessian_dd), x_rd))
    np.testing.assert_allclose(model.uncertainty(WORLD.embedding_rd)[0], expected_r, rtol=1e-3)


def test_without_laplace_nothing_is_kept_for_uncertainty_and_rewards_are_the_same(tmp_path):
    plain, model = fitted(laplace=False), fitted()
    np.testing.assert_array_equal(plain.score(WORLD.embedding_rd), model.score(WORLD.embedding_rd))
    with pytest.raises(DataError, match="linear_bt: was fitted with laplace=False"):
        plain.uncertainty(WORLD.embedding_rd)
    plain.save(tmp_path / "plain")
    model.save(tmp_path / "model")
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("plain", "model")]
    assert sizes[1] - sizes[0] >= 4 * 2 * 8 * 8  # float32, two fits, D x D
    assert LinearBradleyTerry.load(tmp_path / "plain").only(np.array([1])).laplace_ is None
