import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from rmkit.errors import DataError
from rmkit.measures.top_responses import (
    below_and_above,
    ndcg,
    normalised_best_of_n,
    reciprocal_rank,
    top_accuracy,
    top_share,
    top_win_rate,
)
from tests.measures.orders_of_ties import arrays, mean_over_orders, small

RNG = np.random.default_rng(0)
SCORE_SPK, GOLD_PK = RNG.normal(size=(3, 4, 7)), RNG.normal(size=(4, 7))


def quarter(score_pk, gold_pk):
    return top_share(score_pk, gold_pk, share=0.25)


# The definition of each, given the gold of all responses and their order, best score first.
def first_best(gold_k, order):
    return 1 / (1 + min(order.index(k) for k in np.flatnonzero(gold_k == gold_k.max())))


def wins(gold_k, order):
    others = [gold for gold in gold_k if gold != gold_k[order[0]]]
    return np.mean([gold_k[order[0]] > gold for gold in others])


def gain_of(n_top):
    def share(gold_k, order):
        n = n_top(len(gold_k))
        ideal = np.sort(gold_k)[-n:].mean() - gold_k.mean()
        return (gold_k[order[:n]].mean() - gold_k.mean()) / ideal

    return share


DEFINED = {
    reciprocal_rank: first_best,
    top_accuracy: lambda gold_k, order: float(gold_k[order[0]] == gold_k.max()),
    top_win_rate: wins,
    normalised_best_of_n: gain_of(lambda n_responses: 1),
    quarter: gain_of(lambda n_responses: 1 if n_responses < 5 else 2),
}


@pytest.mark.parametrize("measure", DEFINED)
@given(pairs=small)
def test_a_measure_is_its_definition_over_all_orders_of_tied_scores(measure, pairs):
    score_k, gold_k = arrays(pairs)
    found = measure(score_k[None], gold_k[None])[0]
    if np.ptp(gold_k) == 0:
        assert np.isnan(found)
    else:
        expected = mean_over_orders(score_k, lambda order: DEFINED[measure](gold_k, order))
        np.testing.assert_allclose(found, expected, atol=1e-12)


@given(pairs=small)
def test_ndcg_is_scikit_learns_which_also_averages_over_ties(pairs):
    score_k, gold_k = arrays(pairs)
    if np.ptp(gold_k):
        rank_k = np.array([(gold_k < gold).sum() + ((gold_k == gold).sum() - 1) / 2 for gold in gold_k])
        shifted_k = gold_k - gold_k.min()
        for gains, gain_k in (("ranks", rank_k), ("min_max", shifted_k)):
            found = ndcg(score_k[None], gold_k[None], gains=gains)[0]
            np.testing.assert_allclose(found, ndcg_score(gain_k[None], score_k[None]), atol=1e-12)


def test_mrr_is_scikit_learns_where_nothing_is_tied():
    best_pk = GOLD_PK.max(axis=1, keepdims=True) == GOLD_PK
    for score_pk in SCORE_SPK:
        expected = label_ranking_average_precision_score(best_pk, score_pk)
        assert reciprocal_rank(score_pk, GOLD_PK).mean() == pytest.approx(expected)


def test_one_chosen_of_four_has_partial_credit_as_in_rewardbench_2():
    gold_pk = np.array([[1.0, 0, 0, 0]] * 4)
    score_pk = np.array([[2.0, 1, 1, 0], [2, 2, 1, 0], [2, 2, 2, 2], [1, 2, 0, 0]])
    np.testing.assert_allclose(top_accuracy(score_pk, gold_pk), [1, 1 / 2, 1 / 4, 0])


@pytest.mark.parametrize("measure", [*DEFINED, ndcg])
def test_gold_itself_has_1_and_gold_has_no_scale(measure):
    np.testing.assert_allclose(measure(3 * GOLD_PK - 7, GOLD_PK), 1.0)
    np.testing.assert_allclose(measure(SCORE_SPK, GOLD_PK), measure(SCORE_SPK, 5 * GOLD_PK + 2))


@pytest.mark.parametrize("n", [2, 3, 7])
def test_a_score_by_chance_has_none_of_the_gain_and_fewer_than_all_may_be_drawn(n):
    assert normalised_best_of_n(np.zeros((1, 7)), GOLD_PK[:1], n)[0] == pytest.approx(0, abs=1e-12)
    score_k, gold_k = SCORE_SPK[0, 0], GOLD_PK[0]
    drawn = np.array([RNG.choice(7, n, replace=False) for _ in range(20_000)])
    by_score, by_gold = (gold_k[drawn[np.arange(len(drawn)), of[drawn].argmax(axis=1)]] for of in (score_k, gold_k))
    expected = (by_score.mean() - gold_k.mean()) / (by_gold.mean() - gold_k.mean())
    assert normalised_best_of_n(score_k[None], gold_k[None], n)[0] == pytest.approx(expected, abs=0.05)


@given(pairs=small)
def test_how_many_are_below_and_above(pairs):
    value_k, _ = arrays(pairs)
    below_k, above_k = below_and_above(value_k)
    assert below_k.tolist() == [(value_k < value).sum() for value in value_k]
    assert above_k.tolist() == [(value_k > value).sum() for value in value_k]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ndcg(GOLD_PK, GOLD_PK, gains="scores"), "ndcg: gains='scores'; it must be 'ranks' or 'min_max'"),
        (lambda: normalised_best_of_n(GOLD_PK, GOLD_PK, 1), "best of 1: it gains nothing"),
        (lambda: normalised_best_of_n(GOLD_PK, GOLD_PK, 8), "best of 8: n must be a whole number from 1 to 7"),
        (lambda: top_share(GOLD_PK, GOLD_PK, share=0.9), "the best 0.9 of 7 responses: the share must be above 0"),
        (lambda: top_share(GOLD_PK, GOLD_PK, share=0.0), "the best 0 of 7 responses"),
        (lambda: top_share(GOLD_PK, GOLD_PK, share=np.nan), "the best nan of 7 responses"),
        (lambda: reciprocal_rank(GOLD_PK, GOLD_PK[:, :3]), "both must be"),
    ],
)
def test_wrong_requests_are_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()
