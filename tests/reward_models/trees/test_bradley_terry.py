import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from rmkit.reward_models.trees.bradley_terry import LightGBMBradleyTerry, PairwiseLoss
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.worlds import PlantedWorld, subset, swapped, with_more_padding

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((90, 200))


def fitted(train=TRAIN, validation=VALIDATION, **options):
    rng_s = np.random.default_rng(0).spawn(train.n_sets)
    return LightGBMBradleyTerry(**options).fit(WORLD.embedding_rd, train, validation, rng_s=rng_s)


def random_pairs(seed, n_pairs=12, n_responses=6):
    """Pairs among few responses, so that most are in several; weighted."""
    rng = np.random.default_rng(seed)
    first_m, gap_m = rng.integers(n_responses, size=n_pairs), rng.integers(1, n_responses, size=n_pairs)
    pair_2m = 10 * np.stack([first_m, (first_m + gap_m) % n_responses])
    weight_m = rng.uniform(0.1, 3, size=n_pairs).astype(np.float32)
    return PairSets(pair_2m[:1], pair_2m[1:], weight_m[None])


def total(loss, reward_u):
    """The weighted sum of minus the log-probability of each choice, pair by pair."""
    strength_u = np.exp(reward_u)
    return -sum(
        weight * np.log(strength_u[chosen] / (strength_u[chosen] + strength_u[rejected]))
        for chosen, rejected, weight in zip(loss.chosen_m, loss.rejected_m, loss.weight_m, strict=True)
    )


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), spread=st.sampled_from([0.1, 1.0, 5.0]))
def test_the_gradient_and_the_hessians_diagonal_are_those_of_central_differences(seed, spread):
    loss = PairwiseLoss.of(random_pairs(seed), 0)
    reward_u = spread * np.random.default_rng(seed + 1).normal(size=len(loss.position_u))
    gradient_u, hessian_u = loss.derivatives(reward_u)
    step = 1e-4
    for u in range(len(reward_u)):
        below, here, above = (total(loss, reward_u + shift * np.eye(len(reward_u))[u]) for shift in (-step, 0, step))
        np.testing.assert_allclose(gradient_u[u], (above - below) / (2 * step), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(hessian_u[u], (above - 2 * here + below) / step**2, rtol=1e-3, atol=1e-5)


def test_the_gradient_agrees_with_scipys_check():
    loss = PairwiseLoss.of(TRAIN, 1)
    reward_u = np.random.default_rng(0).normal(size=len(loss.position_u))
    error = check_grad(lambda r: total(loss, r), lambda r: loss.derivatives(r)[0], reward_u)
    assert error < 1e-4 * np.linalg.norm(loss.derivatives(reward_u)[0])


def test_the_mean_loss_is_the_sum_over_the_weights():
    loss = PairwiseLoss.of(random_pairs(3), 0)
    reward_u = np.random.default_rng(3).normal(size=len(loss.position_u))
    np.testing.assert_allclose(loss.mean(reward_u), total(loss, reward_u) / loss.weight_m.sum())


def test_large_margins_stay_finite():
    loss = PairwiseLoss.of(PairSets.padded([(np.array([0, 1]), np.array([1, 2]))]), 0)
    for reward in (-1e4, 1e4):
        gradient_u, hessian_u = loss.derivatives(np.array([reward, 0.0, -reward]))
        assert np.isfinite([*gradient_u, *hessian_u, loss.mean(np.array([reward, 0.0, -reward]))]).all()


def test_rows_are_the_distinct_responses_without_padding():
    loss = PairwiseLoss.of(with_more_padding(random_pairs(0), 5), 0)
    assert loss.rows.position_n.tolist() == [0, 10, 20, 30, 40, 50]
    pairs = random_pairs(0)
    np.testing.assert_array_equal(loss.rows.position_n[loss.chosen_m], pairs.chosen_sm[0])
    np.testing.assert_array_equal(loss.rows.position_n[loss.rejected_m], pairs.rejected_sm[0])


def test_one_round_is_a_newton_step_along_each_leaf():
    """From equal rewards a leaf's value is the learning rate times (won - lost)/2 over pairs / 4, wherever it lies."""
    model = fitted(n_rounds=1, procedure="published")
    loss = PairwiseLoss.of(TRAIN, 1)
    reward_u = model.score(WORLD.embedding_rd)[1, loss.position_u]
    won_u, lost_u = (np.bincount(side_m, minlength=len(reward_u)) for side_m in (loss.chosen_m, loss.rejected_m))
    for value in np.unique(reward_u):
        leaf_u = reward_u == value
        won, lost = won_u[leaf_u].sum(), lost_u[leaf_u].sum()
        np.testing.assert_allclose(value, 0.1 * ((won - lost) / 2) / ((won + lost) / 4), rtol=1e-5)


def test_the_rounds_kept_have_the_smallest_log_loss_of_the_validation_pairs():
    model = fitted()
    margin = {}
    for n_rounds in range(1, 60):
        reward_r = fitted(subset(TRAIN, [1]), subset(VALIDATION, [1]), n_rounds=n_rounds, procedure="published").score(
            WORLD.embedding_rd
        )[0]
        size = VALIDATION.sizes_s[1]
        margin_m = reward_r[VALIDATION.chosen_sm[1, :size]] - reward_r[VALIDATION.rejected_sm[1, :size]]
        margin[n_rounds] = np.log1p(np.exp(-margin_m)).mean()
    assert model.rounds_s_[1] == min(margin, key=margin.get)
    np.testing.assert_allclose(model.validation_log_loss_s_[1], min(margin.values()), rtol=1e-5)


def test_published_keeps_every_round_whatever_validation_says():
    published, misled = (
        fitted(TRAIN, validation, n_rounds=30, procedure="published")
        for validation in (VALIDATION, swapped(VALIDATION))
    )
    assert published.rounds_s_.tolist() == [30, 30]
    np.testing.assert_array_equal(published.score(WORLD.embedding_rd), misled.score(WORLD.embedding_rd))
    assert (fitted(TRAIN, swapped(VALIDATION)).rounds_s_ == 1).all()


@pytest.mark.parametrize(
    "option",
    [
        {"n_rounds": 3},
        {"procedure": "published"},
        {"patience": 1},
        {"n_leaves": 3},
        {"learning_rate": 0.3},
        {"min_rows_a_leaf": 5},
        {"n_bins": 8},
    ],
    ids=lambda option: next(iter(option)),
)
def test_every_option_changes_the_result(option):
    assert not np.allclose(fitted(**option).score(WORLD.embedding_rd), fitted().score(WORLD.embedding_rd))


@pytest.mark.parametrize("embedding_rd", [np.ones((600, 8), np.float16), WORLD.embedding_rd], ids=["equal", "few"])
def test_where_no_row_can_be_told_from_another_all_rewards_are_equal(embedding_rd, capfd):
    train, validation = (PairSets.padded([WORLD.pairs(9, seed), WORLD.pairs(5, seed)]) for seed in (0, 1))
    model = LightGBMBradleyTerry().fit(embedding_rd, train, validation, rng_s=np.random.default_rng(0).spawn(2))
    assert not model.score(embedding_rd).any()
    np.testing.assert_allclose(model.validation_log_loss_s_, np.log(2))
    assert capfd.readouterr() == ("", "")


def test_a_pair_of_weight_2_counts_as_two_pairs():
    chosen_m, rejected_m = WORLD.pairs(80, 1)
    weight_m = np.r_[np.full(20, 2), np.ones(60)].astype(np.float32)
    doubled = PairSets(chosen_m[None], rejected_m[None], weight_m[None])
    twice = PairSets.padded([(np.r_[chosen_m[:20], chosen_m], np.r_[rejected_m[:20], rejected_m])])
    validation = subset(VALIDATION, [1])
    np.testing.assert_allclose(
        fitted(doubled, validation).score(WORLD.embedding_rd),
        fitted(twice, validation).score(WORLD.embedding_rd),
        rtol=1e-5,
    )
