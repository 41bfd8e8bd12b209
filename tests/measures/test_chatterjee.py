import numpy as np
import pytest
from hypothesis import given
from scipy.stats import chatterjeexi

from rmkit.errors import DataError
from rmkit.measures.chatterjee import chatterjee_xi
from tests.measures.orders_of_ties import arrays, mean_over_orders, small_from_3

RNG = np.random.default_rng(0)


def defined(gold_k, order):
    """The form for ties, from the worst score to the best."""
    n = len(gold_k)
    rank_k = np.array([(gold_k <= gold).sum() for gold in gold_k])
    at_least_k = np.array([(gold_k >= gold).sum() for gold in gold_k])
    return 1 - n * np.abs(np.diff(rank_k[order[::-1]])).sum() / (2 * (at_least_k * (n - at_least_k)).sum())


@given(pairs=small_from_3)
def test_xi_is_its_definition_over_all_orders_of_tied_scores(pairs):
    score_k, gold_k = arrays(pairs)
    found = chatterjee_xi(score_k[None], gold_k[None])[0]
    if np.ptp(gold_k) == 0:
        assert np.isnan(found)
    else:
        np.testing.assert_allclose(found, mean_over_orders(score_k, lambda order: defined(gold_k, order)), atol=1e-12)


@pytest.mark.parametrize("levels", [4, 1000])  # of gold: with many ties, with hardly any
@pytest.mark.parametrize("n_responses", [3, 64, 300])
def test_xi_is_scipys_where_no_score_is_tied(n_responses, levels):
    score_spk = RNG.normal(size=(2, 3, n_responses))
    gold_pk = RNG.integers(0, levels, size=(3, n_responses)).astype(float)
    gold_pk[:, :2] = [0, levels]
    expected = [
        [chatterjeexi(*pair).statistic for pair in zip(score_pk, gold_pk, strict=True)] for score_pk in score_spk
    ]
    np.testing.assert_allclose(chatterjee_xi(score_spk, gold_pk), expected, atol=1e-12)


def test_it_has_a_direction_no_sign_and_a_form_without_ties():
    score_k = np.linspace(-1, 1, 9)
    gold_k = (score_k - 0.05) ** 2
    steps = np.abs(np.diff(gold_k.argsort().argsort())).sum()
    xi = chatterjee_xi(score_k[None], gold_k[None])[0]
    assert xi == pytest.approx(1 - 3 * steps / (9**2 - 1))
    assert chatterjee_xi(-score_k[None], gold_k[None])[0] == pytest.approx(xi)
    assert chatterjee_xi(gold_k[None], score_k[None])[0] < xi - 0.1
    assert chatterjee_xi(gold_k[None], gold_k[None])[0] == pytest.approx((9 - 2) / (9 + 1))


def test_a_constant_score_has_none_and_blocks_change_nothing(monkeypatch):
    gold_pk = RNG.normal(size=(5, 6))
    np.testing.assert_allclose(chatterjee_xi(np.zeros((5, 6)), gold_pk), 0, atol=1e-12)
    score_pk = np.round(RNG.normal(size=(5, 6)))
    whole = chatterjee_xi(score_pk, gold_pk)
    monkeypatch.setattr("rmkit.measures.arrays.BLOCK_NUMBERS", 50)
    np.testing.assert_array_equal(chatterjee_xi(score_pk, gold_pk), whole)


def test_two_responses_are_too_few():
    with pytest.raises(DataError, match="Chatterjee's xi takes at least 3 responses to a prompt; there are 2"):
        chatterjee_xi(np.eye(2), np.eye(2))
