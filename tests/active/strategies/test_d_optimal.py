"""Greedy D-optimality against determinants computed anew for every candidate at every pick."""

import itertools

import numpy as np
import pytest
from scipy.special import expit

from rmkit.active.candidates import Candidates
from rmkit.active.strategies.d_optimal import DOptimal
from rmkit.measures.designs import d_optimal
from rmkit.measures.information import leverage


def world(n_pairs=40, n_dimensions=5, seed=0, prior=0.3):
    rng = np.random.default_rng(seed)
    feature_md = rng.normal(size=(n_pairs, n_dimensions)) * np.geomspace(3, 0.3, n_dimensions)
    past_md = rng.normal(size=(7, n_dimensions))
    return Candidates(rng.normal(size=(1, n_pairs)), feature_md, prior * np.eye(n_dimensions) + past_md.T @ past_md)


def select(candidates, n_pairs, seed=0):
    return DOptimal().select(candidates, n_pairs, np.random.default_rng(seed))


def information_of(candidates, chosen):
    """Known plus chosen, by summing outer products."""
    p_m = expit(candidates.margin_sm.mean(axis=0))
    total_dd = candidates.known_dd.copy()
    for m in chosen:
        total_dd += p_m[m] * (1 - p_m[m]) * np.outer(candidates.feature_md[m], candidates.feature_md[m])
    return total_dd


def log_det_of(candidates, chosen):
    return np.linalg.slogdet(information_of(candidates, chosen))[1]


@pytest.mark.parametrize("seed", range(5))
def test_each_pick_has_the_largest_determinant_of_all_that_are_left(seed):
    what = world(seed=seed)
    by_force = []
    for _ in range(25):
        left = [m for m in range(40) if m not in by_force]
        by_force.append(max(left, key=lambda m: log_det_of(what, [*by_force, m])))
    np.testing.assert_array_equal(select(what, 25), by_force)


@pytest.mark.parametrize("seed", range(5))
def test_the_choice_is_never_further_from_the_best_than_theory_says_and_here_is_close(seed):
    what = world(n_pairs=9, n_dimensions=3, seed=seed)
    start = log_det_of(what, [])
    best = max(log_det_of(what, some) for some in itertools.combinations(range(9), 4)) - start
    gain = log_det_of(what, select(what, 4)) - start
    assert (1 - 1 / np.e) * best < gain <= best + 1e-12
    assert gain > 0.95 * best


def test_rank_one_updates_choose_as_an_inverse_that_is_computed_for_every_pick(monkeypatch):
    what = world(n_pairs=400, n_dimensions=12)
    updated = select(what, 200)
    monkeypatch.setattr(d_optimal, "REFRESH", 1)
    np.testing.assert_array_equal(updated, select(what, 200))
    monkeypatch.setattr(d_optimal, "REFRESH", 10**6)
    np.testing.assert_array_equal(updated, select(what, 200))


def test_what_is_known_already_is_not_asked_again():
    """Two directions, one longer: it comes first, unless the labelled pairs have told it."""
    feature_md = np.array([[2.0, 0.0], [0.0, 1.0]])
    new = Candidates(np.zeros((1, 2)), feature_md, np.eye(2))
    told = Candidates(np.zeros((1, 2)), feature_md, np.diag([50.0, 1.0]))
    assert list(select(new, 1)) == [0]
    assert list(select(told, 1)) == [1]


def test_a_sure_pair_tells_little_however_far_apart_its_responses_are():
    what = Candidates(np.array([[8.0, 0.0]]), np.array([[3.0], [1.0]]), np.eye(1))
    assert list(select(what, 1)) == [1]


def test_of_many_copies_one_is_enough_where_scoring_once_would_take_them_all():
    rng = np.random.default_rng(0)
    copies_md = np.repeat(rng.normal(size=(6, 6)), 20, axis=0) * np.repeat(np.arange(6, 0, -1), 20)[:, None]
    what = Candidates(np.zeros((1, 120)), copies_md, 0.1 * np.eye(6))
    at_once = np.argsort(-leverage(copies_md, np.full(120, 0.25), what.known_dd))[:6]
    assert len(set(select(what, 6) // 20)) > len(set(at_once // 20))
    assert log_det_of(what, at_once) < log_det_of(what, select(what, 6)) + 6 * np.log(0.9)


def test_the_choice_is_the_same_in_whatever_precision_features_come():
    what = world()
    single = Candidates(what.margin_sm, what.feature_md.astype(np.float32), what.known_dd)
    double = Candidates(what.margin_sm, single.feature_md.astype(np.float64), what.known_dd)
    np.testing.assert_array_equal(select(single, 20), select(double, 20))
