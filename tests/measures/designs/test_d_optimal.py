"""D-optimal designs against determinants computed anew, brute force and central differences."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.errors import DataError
from rmkit.measures.designs import d_optimal
from rmkit.measures.designs.d_optimal import certificate, exchange, greedy, lazy_greedy, leverages, one_shot


def pool(n_pairs=40, n_dimensions=5, seed=0, prior=0.3, spread=10.0):
    rng = np.random.default_rng(seed)
    scaled_md = rng.normal(size=(n_pairs, n_dimensions)) * np.geomspace(1, 1 / spread, n_dimensions)
    return scaled_md, prior * np.eye(n_dimensions)


def log_det_of(scaled_md, known_dd, some):
    rows = scaled_md[list(some)]
    return np.linalg.slogdet(known_dd + rows.T @ rows)[1]


def test_one_shot_scores_are_the_gradient_of_the_whole_pools_log_determinant():
    scaled_md, known_dd = pool(seed=1)
    found = one_shot(scaled_md, known_dd)
    for m in range(0, 40, 7):
        ends = []
        for step in (1e-5, -1e-5):
            weight_m = np.ones(40)
            weight_m[m] += step
            ends.append(np.linalg.slogdet(known_dd + (scaled_md * weight_m[:, None]).T @ scaled_md)[1])
        assert found[m] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-7)
    total_dd = known_dd + scaled_md.T @ scaled_md
    assert found.sum() == pytest.approx(5 - np.trace(np.linalg.inv(total_dd) @ known_dd))  # its check sum


def test_blocks_of_rows_change_nothing(monkeypatch):
    scaled_md, known_dd = pool(500, 7)
    whole = leverages(scaled_md, known_dd), one_shot(scaled_md, known_dd), greedy(scaled_md, known_dd, 60)
    monkeypatch.setattr(d_optimal, "BLOCK_BYTES", 8 * 7 * 33)
    np.testing.assert_allclose(leverages(scaled_md, known_dd), whole[0], rtol=1e-13)
    np.testing.assert_allclose(one_shot(scaled_md, known_dd), whole[1], rtol=1e-12)
    np.testing.assert_array_equal(greedy(scaled_md, known_dd, 60), whole[2])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_pairs=st.integers(3, 60),
    n_dimensions=st.integers(1, 8),
    copies=st.integers(1, 4),
    prior=st.sampled_from([1e-8, 1e-3, 1.0, 100.0]),
    spread=st.sampled_from([1.0, 1e3, 1e6]),
)
def test_lazy_choice_is_the_greedy_one_also_with_copies_and_bad_conditions(
    seed, n_pairs, n_dimensions, copies, prior, spread
):
    scaled_md, known_dd = pool(n_pairs, n_dimensions, seed, prior, spread)
    scaled_md = np.repeat(scaled_md, copies, axis=0)
    n = min(len(scaled_md), 25)
    plain, (lazy, computed) = greedy(scaled_md, known_dd, n), lazy_greedy(scaled_md, known_dd, n)
    assert len(set(lazy)) == n
    # where two gains are equal but for rounding, the two may differ in the pair and not in what it is worth
    assert log_det_of(scaled_md, known_dd, lazy) == pytest.approx(log_det_of(scaled_md, known_dd, plain), abs=1e-6)
    if prior >= 1e-3 and spread < 1e6 and copies == 1:
        np.testing.assert_array_equal(lazy, plain)
    assert computed <= len(scaled_md) * (n + 1)


def test_lazy_choice_computes_few_of_the_gains():
    scaled_md, known_dd = pool(20_000, 16, prior=1.0)
    lazy, computed = lazy_greedy(scaled_md, known_dd, 200)
    np.testing.assert_array_equal(lazy, greedy(scaled_md, known_dd, 200))
    assert computed < 0.1 * 20_000 * 200


@pytest.mark.parametrize("seed", range(8))
def test_exchange_ends_where_no_swap_helps_and_is_never_worse(seed):
    scaled_md, known_dd = pool(14, 3, seed)
    start = np.arange(4)
    found = exchange(scaled_md, known_dd, start)
    value = log_det_of(scaled_md, known_dd, found)
    assert len(set(found.tolist())) == 4
    assert value >= log_det_of(scaled_md, known_dd, start)
    for at, into in itertools.product(range(4), set(range(14)) - set(found.tolist())):
        swapped = found.copy()
        swapped[at] = into
        assert log_det_of(scaled_md, known_dd, swapped) <= value + 1e-5
    best = max(log_det_of(scaled_md, known_dd, some) for some in itertools.combinations(range(14), 4))
    from_greedy = exchange(scaled_md, known_dd, greedy(scaled_md, known_dd, 4))
    assert log_det_of(scaled_md, known_dd, from_greedy) > best - 0.05


@pytest.mark.parametrize("seed", range(6))
def test_the_certificate_is_above_the_best_design_and_close(seed):
    scaled_md, known_dd = pool(13, 3, seed, spread=2.0)
    picked = greedy(scaled_md, known_dd, 5)
    found = certificate(scaled_md, known_dd, picked)
    best = max(log_det_of(scaled_md, known_dd, some) for some in itertools.combinations(range(13), 5))
    assert found.log_det == pytest.approx(log_det_of(scaled_md, known_dd, picked))
    assert best <= found.upper + 1e-9
    assert found.upper - best < 0.3
    assert np.exp((found.log_det - best) / 3) >= found.efficiency - 1e-12


def test_greedy_is_nearly_best_in_a_large_pool_and_the_certificate_says_so():
    scaled_md, known_dd = pool(3000, 20, prior=1.0, spread=3.0)
    assert certificate(scaled_md, known_dd, greedy(scaled_md, known_dd, 100)).efficiency > 0.98
    worst = np.argsort(leverages(scaled_md, known_dd))[:100]
    assert certificate(scaled_md, known_dd, worst).efficiency < 0.6


def test_nothing_and_everything_can_be_chosen_and_more_cannot():
    scaled_md, known_dd = pool(6, 2)
    for choose in (greedy, lambda *of: lazy_greedy(*of)[0]):
        assert len(choose(scaled_md, known_dd, 0)) == 0
        assert sorted(choose(scaled_md, known_dd, 6)) == list(range(6))
        with pytest.raises(DataError, match="7 pairs are to be chosen, and there are 6; ask for fewer"):
            choose(scaled_md, known_dd, 7)
    everything = np.arange(6)
    np.testing.assert_array_equal(exchange(scaled_md, known_dd, everything), everything)
    assert certificate(scaled_md, known_dd, everything).efficiency == pytest.approx(1)
    assert certificate(scaled_md, known_dd, everything[:0]).efficiency == pytest.approx(1)
    with pytest.raises(DataError, match="not positive definite"):
        greedy(scaled_md, 0 * known_dd, 2)
    with pytest.raises(DataError, match=r"shapes \(6, 2\) and \(3, 3\)"):
        greedy(scaled_md, np.eye(3), 2)


def test_identical_pairs_are_all_worth_the_same_and_the_first_comes_first():
    scaled_md = np.tile([1.0, 2.0], (5, 1))
    np.testing.assert_array_equal(greedy(scaled_md, np.eye(2), 5), np.arange(5))
    np.testing.assert_array_equal(lazy_greedy(scaled_md, np.eye(2), 5)[0], np.arange(5))
