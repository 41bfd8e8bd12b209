"""Information of labels against integrals and enumeration."""

from itertools import product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, log_expit, log_softmax
from scipy.stats import norm

from rmkit.measures.designs.bald import bald, greedy_batch_bald, label_entropy
from rmkit.measures.designs.d_optimal import first_largest


@pytest.mark.parametrize(("mean", "variance"), [(0, 0.1), (0, 4), (1, 1), (2, 4), (4, 1), (30, 1e-12), (0, 0)])
def test_bald_is_its_integral(mean, variance):
    sd = np.sqrt(variance)
    if not sd:
        assert bald(np.array([float(mean)]), np.array([0.0]))[0] == pytest.approx(0, abs=1e-14)
        return
    over = lambda f: quad(lambda z: f(expit(mean + sd * z)) * norm.pdf(z), -9, 9, limit=200)[0]  # noqa: E731
    expected = label_entropy(over(lambda p: p)) - over(label_entropy)
    assert bald(np.array([float(mean)]), np.array([float(variance)]))[0] == pytest.approx(expected, abs=2e-7)


def test_the_table_of_the_specification():
    found = bald(np.array([0.0, 0, 0, 1, 2, 4]), np.array([0.1, 1, 4, 1, 4, 1]))
    np.testing.assert_allclose(found, [0.0121, 0.0937, 0.231, 0.0814, 0.177, 0.0129], atol=6e-4)


def joint_information(p_km):
    """Of all labels of a batch, by enumeration of their values."""
    total = 0.0
    for labels in product([0, 1], repeat=p_km.shape[1]):
        p = np.prod(np.where(labels, p_km, 1 - p_km), axis=1).mean()
        total -= p * np.log(p)
    return total - label_entropy(p_km).mean(axis=0).sum()


def test_what_a_batch_tells_is_the_joint_information_of_its_labels():
    rng = np.random.default_rng(0)
    margin_km = 2 * rng.normal(size=(40, 12))
    found = greedy_batch_bald(margin_km, 6, rng=rng, n_label_sets=40_000)
    for k in (1, 3, 6):
        assert found.nats_k[k - 1] == pytest.approx(
            joint_information(expit(margin_km[:, found.picked_k[:k]])), abs=0.02
        )
    assert found.picked_k[0] == np.argmax([joint_information(expit(margin_km[:, [m]])) for m in range(12)])
    second = [
        joint_information(expit(margin_km[:, [found.picked_k[0], m]])) if m != found.picked_k[0] else 0
        for m in range(12)
    ]
    assert second[found.picked_k[1]] > max(second) - 0.02


def test_no_batch_tells_more_than_the_draws_can_and_long_ones_stay_finite():
    rng = np.random.default_rng(1)
    found = greedy_batch_bald(3 * rng.normal(size=(20, 1500)), 1400, rng=rng, n_label_sets=64)
    assert np.isfinite(found.nats_k).all()
    assert found.nats_k.max() <= found.ceiling
    assert found.nats_k[-1] > 0.95 * found.ceiling
    assert len(set(found.picked_k.tolist())) == 1400


def test_copies_of_a_pair_tell_little_once_it_is_picked():
    rng = np.random.default_rng(2)
    one_k, other_k = 4 * rng.normal(size=(2, 500))
    margin_km = np.stack([one_k, one_k, one_k, 0.6 * other_k], axis=1)
    assert greedy_batch_bald(margin_km, 2, rng=rng, n_label_sets=500).picked_k.tolist() == [0, 3]


def plain_greedy(margin_km, n_pairs, rng, n_label_sets=128):
    """Every pair's gain at every pick, in float64."""
    p_km, log_p_ck = expit(margin_km), np.zeros((n_label_sets, len(margin_km)))
    drawn_c = rng.integers(len(margin_km), size=n_label_sets)
    picked, free_m = [], np.ones(margin_km.shape[1], dtype=bool)
    for _ in range(n_pairs):
        chance_cm = np.clip(np.exp(log_softmax(log_p_ck, axis=1)) @ p_km, 0, 1)
        picked.append(first_largest((label_entropy(chance_cm) - label_entropy(p_km).mean(axis=0)).mean(axis=0), free_m))
        free_m[picked[-1]] = False
        label_c = rng.random(n_label_sets) < p_km[drawn_c, picked[-1]]
        log_p_ck += np.where(
            label_c[:, None], log_expit(margin_km[:, picked[-1]]), log_expit(-margin_km[:, picked[-1]])
        )
    return picked


@pytest.mark.parametrize(
    ("spread", "n_draws", "n_all", "n_pairs"),
    [(1, 300, 700, 60), (0.05, 100, 300, 30), (20, 50, 200, 200), (200, 200, 400, 40), (3, 2, 9, 9)],
    ids=["ordinary", "hardly anything to tell", "more than the draws can tell", "sure labels", "two draws"],
)
def test_no_pair_that_is_left_out_or_rounded_would_have_been_picked(spread, n_draws, n_all, n_pairs):
    rng = np.random.default_rng(n_pairs)
    margin_km = rng.normal(size=(n_draws, 12)) @ rng.normal(size=(12, n_all)) * spread / np.sqrt(12)
    margin_km[:, n_all // 2 : n_all // 2 + 3] = margin_km[:, :1]  # and copies, of which the first is picked
    first, second = (np.random.default_rng(7) for _ in range(2))
    expected = plain_greedy(margin_km, n_pairs, first)
    assert greedy_batch_bald(margin_km, n_pairs, rng=second).picked_k.tolist() == expected
    assert first.random() == second.random()  # and as many random numbers were drawn
