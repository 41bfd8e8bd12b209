"""Best-of-n against every subset, against its continuous limit, and where scores are tied."""

import math
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.errors import DataError
from rmkit.measures.best_of_n import best_of_n, quantile_of_pick, rank_weights

RNG = np.random.default_rng(0)


def enumerated(score_k, gold_k, n):
    """The mean over all subsets of size n of the mean gold reward among the subset's best."""
    found = []
    for subset in combinations(range(len(score_k)), n):
        top = max(score_k[k] for k in subset)
        found.append(np.mean([gold_k[k] for k in subset if score_k[k] == top]))
    return np.mean(found)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=7), st.integers(0, 2**31))
def test_it_is_the_mean_over_all_subsets_ties_or_not(scores, seed):
    score_k, gold_k = np.array(scores, dtype=float), np.random.default_rng(seed).normal(size=len(scores))
    ns = range(1, len(scores) + 1)
    expected = [enumerated(score_k, gold_k, n) for n in ns]
    np.testing.assert_allclose(best_of_n(score_k[None], gold_k[None], ns)[0], expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6), st.integers(0, 2**31))
def test_scores_of_any_size_and_sign_are_told_apart_to_their_last_bit(scores, seed):
    """Numbers next to one another, negative ones, zeros of both signs, the smallest there are."""
    scores = [*scores, np.nextafter(scores[0], np.inf), -0.0, 0.0]
    score_k, gold_k = np.array(scores), np.random.default_rng(seed).normal(size=len(scores))
    expected = [enumerated(score_k, gold_k, n) for n in (1, 2, 3)]
    np.testing.assert_allclose(best_of_n(score_k[None], gold_k[None], [1, 2, 3])[0], expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_scores_and_gold_keep_their_order_in_any_kind_of_number(dtype):
    score_pk, gold_pk = (RNG.integers(-9, 9, (6, 7)) for _ in range(2))
    found = best_of_n(score_pk.astype(dtype), gold_pk.astype(dtype), [2, 5])
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found, [[enumerated(*row, n) for n in (2, 5)] for row in zip(score_pk, gold_pk, strict=False)]
    )


def test_weights_are_binomials():
    for n_responses in (1, 2, 9, 32):
        ns = range(1, n_responses + 1)
        expected = [
            [math.comb(k - 1, n - 1) / math.comb(n_responses, n) for k in range(1, n_responses + 1)] for n in ns
        ]
        np.testing.assert_allclose(rank_weights(n_responses, ns), expected, rtol=1e-12)
    np.testing.assert_allclose(rank_weights(500, [1, 7, 250, 500]).sum(axis=1), 1, rtol=1e-12)


def test_the_ends_are_the_mean_and_the_best():
    score_spk, gold_pk = RNG.normal(size=(3, 5, 8)), RNG.normal(size=(5, 8))
    found = best_of_n(score_spk, gold_pk, [1, 8])
    assert found.shape == (3, 5, 2)
    np.testing.assert_allclose(found[..., 0], np.broadcast_to(gold_pk.mean(axis=1), (3, 5)))
    best_sp = np.take_along_axis(np.broadcast_to(gold_pk, (3, 5, 8)), score_spk.argmax(axis=-1)[..., None], -1)[..., 0]
    np.testing.assert_allclose(found[..., 1], best_sp)


def test_a_constant_score_is_a_random_pick_for_every_n():
    gold_pk = RNG.normal(size=(4, 6))
    found = best_of_n(np.zeros((4, 6)), gold_pk, range(1, 7))
    np.testing.assert_allclose(found, np.repeat(gold_pk.mean(axis=1, keepdims=True), 6, axis=1))


def test_gold_itself_never_falls_with_n_and_nothing_beats_it():
    gold_pk = RNG.normal(size=(20, 16))
    own = best_of_n(gold_pk, gold_pk, range(1, 17))
    assert (np.diff(own, axis=1) > -1e-12).all()
    assert (own - best_of_n(RNG.normal(size=(20, 16)), gold_pk, range(1, 17)) > -1e-12).all()


def enumerated_chances(score_k, n):
    """The chance of each response to be kept, over whole orders of drawing: the first n are the subset."""
    chance_k = np.zeros(len(score_k))
    orders = list(permutations(range(len(score_k))))
    for order in orders:
        top = max(score_k[k] for k in order[:n])
        tied = [k for k in order[:n] if score_k[k] == top]
        chance_k[tied] += 1 / len(tied) / len(orders)
    return chance_k


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5))
def test_the_quantile_is_that_of_the_enumerated_choice(pairs):
    score_k, gold_k = np.array(pairs, dtype=float).T
    ns = range(1, len(pairs) + 1)
    quantile_k = [np.mean([1.0 * (other < own) + 0.5 * (other == own) for other in gold_k]) for own in gold_k]
    expected = [enumerated_chances(score_k, n) @ quantile_k for n in ns]
    found = quantile_of_pick(score_k[None], gold_k[None], ns)[0]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found[0] == pytest.approx(0.5)


@pytest.mark.parametrize("numbers", [1, 20, 10**6])
def test_blocks_prompts_and_fits_do_not_meet(monkeypatch, numbers):
    """One row at a time, a few, or all at once: each row is what it is alone, in whatever order the ns are asked."""
    monkeypatch.setattr("rmkit.measures.arrays.BLOCK_NUMBERS", numbers)
    monkeypatch.setattr("rmkit.measures.best_of_n.BLOCK_NS", 2)
    score_fpk, gold_pk, ns = RNG.integers(0, 5, (3, 5, 8)).astype(np.float32), RNG.normal(size=(5, 8)), [8, 1, 5, 3, 5]
    for measure in (best_of_n, quantile_of_pick):
        found_fpn = measure(score_fpk, gold_pk, ns)
        assert found_fpn.shape == (3, 5, 5)
        for f, p in np.ndindex(3, 5):
            for position, n in enumerate(ns):
                alone = measure(score_fpk[f, p][None], gold_pk[p][None], [n])[0, 0]
                assert found_fpn[f, p, position] == pytest.approx(alone, abs=1e-12)


def test_weights_that_are_left_out_are_not_missed():
    """Every n of 200 responses, the lowest of which is worth a thousand times the others."""
    score_pk, gold_pk = RNG.normal(size=(3, 200)), RNG.normal(size=(3, 200))
    np.put_along_axis(gold_pk, score_pk.argmin(axis=1)[:, None], 1000.0, axis=1)
    ascending_pk = np.take_along_axis(gold_pk, score_pk.argsort(axis=1), axis=1)
    expected = [
        [sum(math.comb(k, n - 1) * value for k, value in enumerate(row)) / math.comb(200, n) for n in range(1, 201)]
        for row in ascending_pk
    ]
    np.testing.assert_allclose(best_of_n(score_pk, gold_pk, range(1, 201)), expected, rtol=1e-11, atol=1e-11)


def test_wrong_requests_are_one_line():
    good = np.zeros((2, 3))
    for n in (0, 4, 1.5):
        with pytest.raises(DataError, match=f"^best of {n}: n must be a whole number from 1 to 3"):
            best_of_n(good, good, [1, n])
    with pytest.raises(DataError, match=r"^scores \(2, 3\) and gold rewards \(3, 2\) differ"):
        best_of_n(good, good.T, [1])
    bad = good.copy()
    bad[1, 2] = np.nan
    with pytest.raises(DataError, match=r"^the score at \(1, 2\) is nan; it must be a finite number$"):
        best_of_n(bad, good, [1])
    with pytest.raises(DataError, match=r"^the gold reward at \(1, 2\) is nan"):
        best_of_n(good, bad, [1])
