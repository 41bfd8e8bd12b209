import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.stats import spearmanr

from rmkit.errors import DataError
from rmkit.measures import ranking
from rmkit.measures.ranking import within_prompt_accuracy, within_prompt_spearman

RNG = np.random.default_rng(0)
SCORE_SPK, GOLD_PK = RNG.normal(size=(3, 4, 9)), RNG.normal(size=(4, 9))
ORDERS = {
    "order_accuracy": ranking.order_accuracy,
    "kendall": ranking.kendall,
    "spearman": ranking.spearman,
    "pearson": ranking.pearson,
}
SCIPY = {
    "kendall": scipy_stats.kendalltau,
    "spearman": scipy_stats.spearmanr,
    "pearson": scipy_stats.pearsonr,
}
small = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=8)


@pytest.mark.parametrize("name", SCIPY)
@given(pairs=small)
def test_correlations_are_scipys_with_and_without_ties(name, pairs):
    score_k, gold_k = np.array(pairs, dtype=float).T
    if np.ptp(score_k) and np.ptp(gold_k):
        ours = ORDERS[name](score_k[None], gold_k[None])[0]
        np.testing.assert_allclose(ours, SCIPY[name](score_k, gold_k).statistic, atol=1e-12)


@given(pairs=small)
def test_accuracy_counts_the_pairs_of_unequal_gold_and_half_the_tied_scores(pairs):
    score_k, gold_k = np.array(pairs, dtype=float).T
    points = [
        0.5 if score_k[i] == score_k[j] else float((score_k[i] > score_k[j]) == (gold_k[i] > gold_k[j]))
        for i, j in itertools.combinations(range(len(gold_k)), 2)
        if gold_k[i] != gold_k[j]
    ]
    ours = ranking.order_accuracy(score_k[None], gold_k[None])[0]
    np.testing.assert_allclose(ours, np.mean(points) if points else np.nan)


@pytest.mark.parametrize("n_responses", [2, 3, 64, 65, 500, 2**14 + 1])
def test_many_responses_are_counted_as_scipy_counts_them(n_responses):
    """Around powers of two, at the papers' 500, and where a key needs more than 32 bits."""
    rng = np.random.default_rng(n_responses)
    gold_k = rng.integers(0, 2 + n_responses // 3, n_responses).astype(float)
    score_k = gold_k + rng.integers(0, 2 + n_responses // 3, n_responses)
    gold_k[:2], score_k[:2] = (0, 1), (1, 0)
    found = ranking.kendall(score_k[None], gold_k[None])[0]
    np.testing.assert_allclose(found, scipy_stats.kendalltau(score_k, gold_k).statistic, atol=1e-12)


@pytest.mark.parametrize("name", ORDERS)
def test_every_score_is_held_against_the_one_gold(name):
    together = ORDERS[name](SCORE_SPK, GOLD_PK)
    alone = np.stack([ORDERS[name](score_pk, GOLD_PK) for score_pk in SCORE_SPK])
    np.testing.assert_allclose(together, alone)
    assert together.shape == (3, 4)


@pytest.mark.parametrize("name", ORDERS)
def test_equal_gold_leaves_nothing_to_order_and_a_constant_score_orders_by_chance(name):
    gold_pk = np.stack([np.full(9, 2.0), GOLD_PK[0], np.full(9, 2.0)])
    score_pk = np.stack([SCORE_SPK[0, 0], np.full(9, 0.3), np.full(9, 0.3)])
    found_p = ORDERS[name](score_pk, gold_pk)
    np.testing.assert_array_equal(found_p, [np.nan, 0.5 if name == "order_accuracy" else 0.0, np.nan])


def test_blocks_change_nothing(monkeypatch):
    whole = ranking.kendall(SCORE_SPK, GOLD_PK)
    monkeypatch.setattr("rmkit.measures.arrays.BLOCK_NUMBERS", 20)
    np.testing.assert_array_equal(ranking.kendall(SCORE_SPK, GOLD_PK), whole)


@pytest.mark.parametrize("name", ORDERS)
def test_what_is_not_finite_or_does_not_fit_is_named(name):
    broken = SCORE_SPK[0].copy()
    broken[1, 2] = np.nan
    with pytest.raises(DataError, match=r"score at \(1, 2\) is nan"):
        ORDERS[name](broken, GOLD_PK)
    with pytest.raises(DataError, match=r"gold reward at \(1, 2\) is nan"):
        ORDERS[name](GOLD_PK, broken)
    with pytest.raises(DataError, match=r"K at least 2"):
        ORDERS[name](GOLD_PK[:, :1], GOLD_PK[:, :1])


@pytest.mark.parametrize("levels", [3, 1000])  # with many ties, with none
def test_within_prompt_spearman_is_scipys_for_each_prompt(levels):
    rng = np.random.default_rng(levels)
    prompt_id_r = rng.permutation(np.repeat([7, 3, 11, 5], [4, 9, 6, 2]))
    score_r, gold_r = rng.integers(0, levels, size=(2, len(prompt_id_r))).astype(np.float32)
    expected = []
    for prompt_id in (3, 5, 7, 11):
        here = prompt_id_r == prompt_id
        if min(len(set(score_r[here])), len(set(gold_r[here]))) > 1:
            expected.append(spearmanr(score_r[here], gold_r[here]).statistic)
        else:
            expected.append(0.0 if len(set(gold_r[here])) > 1 else np.nan)
    np.testing.assert_allclose(within_prompt_spearman(prompt_id_r, score_r, gold_r), expected, atol=1e-12)


def test_within_prompts_a_constant_score_is_a_coins_and_one_response_or_equal_gold_nothing():
    prompt_id_r = np.array([0, 0, 1, 1, 2, 3, 3])
    score_r = np.array([1.0, 1.0, 0.0, 1.0, 5.0, 2.0, 1.0])
    gold_r = np.array([0.0, 1.0, 2.0, 2.0, 1.0, 3.0, 9.0])
    np.testing.assert_array_equal(within_prompt_spearman(prompt_id_r, score_r, gold_r), [0.0, np.nan, np.nan, -1.0])
    assert within_prompt_accuracy(prompt_id_r, score_r, gold_r) == 0.25


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def ids_in_no_order(rng):
    return rng.permutation(np.repeat([4, 1, 9], [5, 1, 4]))


@pytest.mark.parametrize("levels", [3, 1000])
def test_within_prompt_accuracy_by_brute_force(rng, levels):
    for _ in range(20):
        prompt_id_r = ids_in_no_order(rng)
        score_r, gold_r = rng.integers(0, levels, size=(2, len(prompt_id_r)))
        points = [
            0.5 if score_r[a] == score_r[b] else float((score_r[a] > score_r[b]) == (gold_r[a] > gold_r[b]))
            for a, b in itertools.combinations(range(len(prompt_id_r)), 2)
            if prompt_id_r[a] == prompt_id_r[b] and gold_r[a] != gold_r[b]
        ]
        assert within_prompt_accuracy(prompt_id_r, score_r, gold_r) == pytest.approx(np.mean(points))


def test_within_prompt_accuracy_is_undefined_without_a_pair():
    assert np.isnan(within_prompt_accuracy(np.array([0, 0, 1]), np.arange(3.0), np.array([1.0, 1.0, 2.0])))
