import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from rmkit.errors import DataError
from rmkit.measures.chosen_and_rejected import best_and_worst, matrix_accuracy, strict_accuracy, ties_score
from tests.measures.orders_of_ties import mean_over_orders

RNG = np.random.default_rng(0)
EYE = np.eye(3)
# scores of 2 to 6 responses, and whether each is chosen (1), rejected (0) or neither (2)
grouped = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=6)


def groups(pairs):
    score_k, group_k = np.array(pairs, dtype=float).T
    return score_k, group_k == 1, group_k == 0


@given(grouped)
def test_strict_accuracy_asks_all_and_the_matrix_each_pair_over_all_orders_of_tied_scores(pairs):
    score_k, chosen_k, rejected_k = groups(pairs)
    found = [of(score_k[None], chosen_k[None], rejected_k[None])[0] for of in (strict_accuracy, matrix_accuracy)]
    if not (chosen_k.any() and rejected_k.any()):
        assert np.isnan(found).all()
        return

    def right(order):
        """Of every chosen and rejected response, whether the chosen one comes first."""
        places = ([order.index(k) for k in np.flatnonzero(group_k)] for group_k in (chosen_k, rejected_k))
        return [chosen < rejected for chosen, rejected in itertools.product(*places)]

    expected = [mean_over_orders(score_k, lambda order, of=of: of(right(order))) for of in (all, np.mean)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_matrix_is_the_area_under_the_roc_curve_of_each_prompt_and_model():
    score_spk = RNG.integers(0, 5, size=(2, 3, 9)).astype(float)
    chosen_pk, rejected_pk = np.zeros((2, 3, 9), dtype=bool)
    chosen_pk[:, :3], rejected_pk[:, 3:7] = True, True
    expected = [[roc_auc_score([1] * 3 + [0] * 4, score_k[:7]) for score_k in score_pk] for score_pk in score_spk]
    np.testing.assert_allclose(matrix_accuracy(score_spk, chosen_pk, rejected_pk), expected)


def test_groups_take_in_what_is_tied_with_their_last_and_vanish_where_they_would_meet():
    gold_pk = np.array([[5.0, 1, 4, 2, 3, 0], [5, 5, 5, 2, 2, 0], [5, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1]])
    chosen_pk, rejected_pk = best_and_worst(gold_pk, 2, 2)
    assert chosen_pk.astype(int).tolist() == [[1, 0, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], [0] * 6, [0] * 6]
    assert rejected_pk.astype(int).tolist() == [[0, 1, 0, 0, 0, 1], [0, 0, 0, 1, 1, 1], [0] * 6, [0] * 6]
    np.testing.assert_allclose(matrix_accuracy(gold_pk, chosen_pk, rejected_pk), [1, 1, np.nan, np.nan])


def released_ties_score(tied, references):
    """The subset's score as its authors write it: (scores, number correct) of each prompt, correct ones first."""

    def stats(score_k, n):
        return (
            min(score_k[:n]) > max(score_k[n:]),
            max(score_k[:n]) - min(score_k[:n]),
            min(score_k[:n]) - max(score_k[n:]),
        )

    in_order, spread, gap = np.array([stats(*one) for one in tied], dtype=float).T
    reference_in_order, _, reference_gap = np.array([stats(*one) for one in references], dtype=float).T
    smaller = np.minimum(gap, reference_gap)
    with np.errstate(divide="ignore", invalid="ignore"):
        margin = np.nan_to_num(np.tanh(smaller / spread - 1), nan=0.0).mean()
    accuracy = 0.3 * in_order.mean() + 0.3 * reference_in_order.mean()
    return accuracy + 0.2 * (gap > spread).mean() + 0.2 * (smaller > spread).mean() + 0.01 * margin


def test_the_ties_score_is_rewardbench_2s():
    n_correct_p, n_wrong_p = np.array([2, 3, 2, 4, 2]), np.array([3, 1, 2, 2, 1])
    score_spk = np.round(RNG.normal(size=(6, 5, 6)) + np.array([2, 2, 1, 1, 0, 0]), 1)
    reference_spk = np.round(RNG.normal(size=(6, 5, 4)) + np.array([2, 0, 0, 0]), 1)
    score_spk[0, 0] = [1, 1, 1, 1, 0, 0]  # no spread and no distance
    score_spk[1] = [3, 3, 3, 3, 0, 0]
    place_k = np.arange(6)
    correct_pk = place_k < n_correct_p[:, None]
    wrong_pk = ~correct_pk & (place_k < (n_correct_p + n_wrong_p)[:, None])
    one_pk = np.tile(np.arange(4) == 0, (5, 1))
    found = ties_score(score_spk, correct_pk, wrong_pk, reference_spk, one_pk, ~one_pk)
    for s in range(6):
        tied = [
            (score_k[: n + w].tolist(), n) for score_k, n, w in zip(score_spk[s], n_correct_p, n_wrong_p, strict=True)
        ]
        expected = released_ties_score(tied, [(score_k.tolist(), 1) for score_k in reference_spk[s]])
        assert found.score[s] == pytest.approx(expected)
    assert found.accuracy.shape == (6,)
    assert np.ptp(found.score) > 0.1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: best_and_worst(EYE, 2, 2), "2 chosen and 2 rejected of gold rewards"),
        (lambda: best_and_worst(EYE, 0, 2), "there must be one or more of each"),
        (lambda: strict_accuracy(EYE, EYE, EYE), "and a group .* of float64: both must be"),
        (lambda: strict_accuracy(EYE, np.eye(2) > 0, EYE > 0), r"and a group \(2, 2\) of bool"),
        (
            lambda: matrix_accuracy(EYE, EYE > 0, EYE > 0),
            r"response at \(0, 0\) is chosen and rejected",
        ),
        (
            lambda: ties_score(EYE, EYE > 0, EYE < 1, EYE, EYE > 0, EYE < 1),
            r"prompt \[0\] with several correct answers: it must have 2 or more correct ones and a wrong one",
        ),
        (
            lambda: ties_score(EYE, EYE < 1, EYE > 0, np.eye(2, 3), np.eye(2, 3) > 0, np.eye(2, 3) < 1),
            r"prompts \(3,\) and references \(2,\) must be of one shape",
        ),
    ],
)
def test_wrong_requests_are_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()
