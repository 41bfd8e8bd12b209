"""Expected figures of labels against an enumeration of everything that may be said."""

import itertools

import numpy as np
import pytest

from rmkit.annotation.label_quality import Answers, realised_error

FIRST, SECOND, GAP = np.array([0.5, 0.2, 0.1, 0.3]), np.array([0.3, 0.7, 0.6, 0.3]), np.array([1.0, -2.0, 0.5, 0.0])
WHOLE = Answers(FIRST, 1 - FIRST, GAP)


def enumerated(dropped):
    """(pair, label, chance) of every label, with "equal" as two half chances or as none."""
    for m in range(4):
        half = 0 if dropped else (1 - FIRST[m] - SECOND[m]) / 2
        yield from ((m, 1, FIRST[m] + half), (m, 0, SECOND[m] + half))


@pytest.mark.parametrize("dropped", [False, True])
def test_expected_figures_are_counts_of_labels_over_counts_of_labels(dropped):
    answers = Answers(FIRST, SECOND, GAP, dropped=dropped)
    labels = list(enumerated(dropped))
    judged = [(label == (GAP[m] > 0), chance) for m, label, chance in labels if GAP[m]]
    assert answers.expected_error() == pytest.approx(
        sum(c for right, c in judged if not right) / sum(c for _, c in judged)
    )
    twice = [(a[1] == b[1], a[2] * b[2]) for a, b in itertools.product(labels, labels) if a[0] == b[0]]
    assert answers.expected_agreement() == pytest.approx(sum(c for same, c in twice if same) / sum(c for _, c in twice))
    total = sum(chance for _, _, chance in labels)
    best = max(
        sum(chance for m, label, chance in labels if guess[m] == label) for guess in itertools.product((0, 1), repeat=4)
    )
    assert answers.accuracy_ceiling() == pytest.approx(best / total)
    by_gold = [
        sum(chance for m, label, chance in labels if label == (GAP[m] > 0 if GAP[m] else tie)) / total for tie in (0, 1)
    ]
    assert answers.gold_accuracy() == pytest.approx(np.mean(by_gold))


def test_nothing_left_is_nan_not_zero():
    lost = Answers(np.zeros(3), np.zeros(3), np.ones(3), dropped=True)
    for figure in (lost.expected_error, lost.expected_agreement, lost.accuracy_ceiling, lost.gold_accuracy):
        assert np.isnan(figure())
    assert Answers(np.zeros(3), np.zeros(3), np.ones(3)).expected_error() == 0.5
    assert np.isnan(Answers(FIRST, SECOND, np.zeros(4)).expected_error())


def test_the_realised_error_counts_pairs_of_unequal_gold():
    gold_m2 = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0], [3.0, 0.0]])
    assert realised_error(np.array([1, 1, 1, 0]), gold_m2) == pytest.approx(2 / 3)
    assert WHOLE.equal_m.max() == 0
