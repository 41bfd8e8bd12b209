import itertools

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import kendalltau

from rmkit.errors import DataError
from rmkit.measures.over_models import OVER_MODELS, decision_accuracy, reciprocal_rank_of_best, selection_regret
from tests.measures.orders_of_ties import arrays, mean_over_orders, small

RNG = np.random.default_rng(0)


def first_best(outcome_m, order):
    return 1 / (1 + min(order.index(m) for m in np.flatnonzero(outcome_m == outcome_m.max())))


def decisions(outcome_m, order):
    pairs = [(i, j) for i, j in itertools.permutations(range(len(order)), 2) if outcome_m[i] > outcome_m[j]]
    return np.mean([order.index(better) < order.index(worse) for better, worse in pairs])


DEFINED = {
    "selection_regret": lambda outcome_m, order: outcome_m.max() - outcome_m[order[0]],
    "decision_accuracy": decisions,
    "mrr_of_best": first_best,
}


@pytest.mark.parametrize("name", OVER_MODELS)
@given(pairs=small)
def test_a_statistic_is_its_definition_over_all_orders_of_tied_measures(name, pairs):
    metric_m, outcome_m = arrays(pairs)
    found = OVER_MODELS[name](metric_m, outcome_m)
    if np.ptp(outcome_m) == 0:
        assert found == 0 if name == "selection_regret" else np.isnan(found)
    else:
        expected = mean_over_orders(metric_m, lambda order: DEFINED[name](outcome_m, order))
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", OVER_MODELS)
def test_resamples_are_taken_together(name):
    metric_bm, outcome_m = RNG.normal(size=(4, 6)), RNG.normal(size=6)
    together = OVER_MODELS[name](metric_bm, outcome_m)
    np.testing.assert_allclose(together, [OVER_MODELS[name](metric_m, outcome_m) for metric_m in metric_bm])
    assert np.ptp(together) > 0


def test_decisions_are_kendalls_and_the_best_measure_loses_nothing():
    metric_m, outcome_m = RNG.normal(size=(2, 30))
    assert decision_accuracy(metric_m, outcome_m) == pytest.approx((kendalltau(metric_m, outcome_m).statistic + 1) / 2)
    assert selection_regret(outcome_m, outcome_m) == 0
    assert reciprocal_rank_of_best(outcome_m, outcome_m) == 1
    assert reciprocal_rank_of_best(-outcome_m, outcome_m) == pytest.approx(1 / 30)


def test_the_regret_of_recovered_gains_is_the_drop_ratio_of_the_chosen_minus_the_lowest():
    metric_m, drop_m = np.array([0.6, 0.8, 0.7]), np.array([0.5, 0.3, 0.1])
    assert selection_regret(metric_m, 1 - drop_m) == pytest.approx(0.3 - 0.1)


@pytest.mark.parametrize("name", OVER_MODELS)
@pytest.mark.parametrize(
    ("metric_m", "outcome_m", "said"),
    [
        ([0.5, np.nan], [1.0, 2.0], r"the measure at \(1\) is nan"),
        ([0.5, 0.6], [np.nan, 2.0], r"the outcome at \(0\) is nan"),
        ([0.5], [1.0], "two or more models"),
        ([0.5, 0.6], [1.0, 2.0, 3.0], "the same in both"),
        (0.5, 0.5, "two or more models"),
        ([0.5, 0.6], 1.0, "two or more models"),
        (np.zeros((2, 4)), np.zeros((3, 4)), "the same in both"),
    ],
)
def test_wrong_requests_are_one_line(name, metric_m, outcome_m, said):
    with pytest.raises(DataError, match=said):
        OVER_MODELS[name](np.array(metric_m), np.array(outcome_m))
