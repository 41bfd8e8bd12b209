"""A-, V-, c- and E-optimal choices against inverses and eigenvalues computed anew for every pair at every pick."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.measures.designs import other_criteria
from rmkit.measures.designs.other_criteria import greedy_e, greedy_linear, smallest_eigenvalues

N_PAIRS, N_DIMENSIONS = 30, 5


def pool(seed, n_pairs=N_PAIRS, n_dimensions=N_DIMENSIONS):
    rng = np.random.default_rng(seed)
    past_md = rng.normal(size=(4, n_dimensions))
    scaled_md = rng.normal(size=(n_pairs, n_dimensions)) * np.geomspace(1, 0.2, n_dimensions)
    return scaled_md, 0.3 * np.eye(n_dimensions) + past_md.T @ past_md


def targets(seed):
    rng = np.random.default_rng(seed + 100)
    some_td, one_d = rng.normal(size=(8, N_DIMENSIONS)), rng.normal(size=N_DIMENSIONS)
    return {"A": np.eye(N_DIMENSIONS), "V": some_td.T @ some_td / 8, "c": np.outer(one_d, one_d)}


def by_force(scaled_md, known_dd, n_pairs, worth):
    """Each pick the pair whose information is worth most, all of it computed anew."""
    picked = []
    for _ in range(n_pairs):
        left = [m for m in range(len(scaled_md)) if m not in picked]
        told = [known_dd + scaled_md[[*picked, m]].T @ scaled_md[[*picked, m]] for m in left]
        picked.append(left[int(np.argmax([worth(one) for one in told]))])
    return picked


@pytest.mark.parametrize("criterion", ["A", "V", "c"])
@pytest.mark.parametrize("seed", range(3))
def test_each_pick_lowers_the_criterion_most(criterion, seed):
    scaled_md, known_dd = pool(seed)
    target_dd = targets(seed)[criterion]
    expected = by_force(scaled_md, known_dd, 12, lambda told_dd: -np.trace(target_dd @ np.linalg.inv(told_dd)))
    np.testing.assert_array_equal(greedy_linear(scaled_md, known_dd, 12, target_dd), expected)


@pytest.mark.parametrize("refresh", [1, 7, 10**6])
def test_updates_agree_with_recomputation(refresh, monkeypatch):
    scaled_md, known_dd = pool(3, 300)
    target_dd = targets(3)["V"]
    usual = greedy_linear(scaled_md, known_dd, 150, target_dd)
    monkeypatch.setattr(other_criteria, "REFRESH", refresh)
    np.testing.assert_array_equal(usual, greedy_linear(scaled_md, known_dd, 150, target_dd))


def test_the_gradient_of_each_criterion_is_what_a_pair_of_little_weight_changes():
    scaled_md, known_dd = pool(5)
    total_dd = known_dd + scaled_md.T @ scaled_md
    inverse_dd = np.linalg.inv(total_dd)
    for target_dd in targets(5).values():
        for pair_d in scaled_md[:4]:
            ends = [
                np.trace(target_dd @ np.linalg.inv(total_dd + step * np.outer(pair_d, pair_d)))
                for step in (1e-5, -1e-5)
            ]
            slope = -pair_d @ inverse_dd @ target_dd @ inverse_dd @ pair_d
            assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_dimensions", [1, 2, 6])
def test_the_secular_root_is_the_smallest_eigenvalue(seed, n_dimensions):
    scaled_md, known_dd = pool(seed, 40, n_dimensions)
    scaled_md[0] = 0
    scaled_md[1] = np.linalg.eigh(known_dd)[1][:, 0] * 50  # along the lowest eigenvector: up to the second level
    expected = [np.linalg.eigvalsh(known_dd + np.outer(pair_d, pair_d))[0] for pair_d in scaled_md]
    np.testing.assert_allclose(smallest_eigenvalues(scaled_md, known_dd), expected, rtol=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_each_pick_leaves_the_largest_smallest_eigenvalue(seed):
    scaled_md, known_dd = pool(seed)
    expected = by_force(scaled_md, known_dd, 10, lambda told_dd: np.linalg.eigvalsh(told_dd)[0])
    np.testing.assert_array_equal(greedy_e(scaled_md, known_dd, 10), expected)


def test_two_equal_smallest_eigenvalues_are_raised_one_after_the_other():
    scaled_md = np.array([[0.0, 0.0, 3.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.1]])
    assert set(greedy_e(scaled_md, np.diag([1.0, 1.0, 9.0]), 2)) == {1, 2}


def test_shapes_that_do_not_fit_are_named():
    scaled_md, known_dd = pool(0)
    with pytest.raises(DataError, match=r"target_dd has shape \(2, 2\); it must be \(5, 5\)"):
        greedy_linear(scaled_md, known_dd, 3, np.eye(2))
    with pytest.raises(DataError, match="31 pairs are to be chosen, and there are 30"):
        greedy_e(scaled_md, known_dd, 31)
