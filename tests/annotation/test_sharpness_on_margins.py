"""Sharpness on known margins: the posterior against brute-force integration, and its limits."""

import itertools

import numpy as np
import pytest
from scipy.special import expit, log_expit

from rmkit.annotation.judgements import Judgements
from rmkit.annotation.sharpness_on_margins import sharpness_on_margins
from rmkit.errors import DataError


def crowd(seed, sharpness_a, n_pairs, votes):
    rng = np.random.default_rng(seed)
    margin_m = rng.normal(size=n_pairs)
    who_mv = rng.random((n_pairs, len(sharpness_a))).argsort(axis=1)[:, :votes]
    label_mv = rng.random((n_pairs, votes)) < expit(np.asarray(sharpness_a)[who_mv] * margin_m[:, None])
    return Judgements(np.repeat(np.arange(n_pairs), votes), who_mv.ravel(), label_mv.ravel() * 1.0), margin_m


def by_importance(judgements, margin_m, n_draws):
    """(2 A + 2,) s and s^2 of each annotator, mean and spread: posterior means by draws from the prior; their errors."""
    rng = np.random.default_rng(9)
    unit = np.sqrt(np.mean(margin_m[judgements.pair_j] ** 2))
    mean_n, spread_n = 3.0 * rng.normal(size=n_draws), rng.rayleigh(size=n_draws)
    along_j = (2 * judgements.label_j - 1) * margin_m[judgements.pair_j] / unit
    s_na = mean_n[:, None] + spread_n[:, None] * rng.normal(size=(n_draws, judgements.n_annotators))
    log_n = np.zeros(n_draws)
    for annotator, along in zip(judgements.annotator_j, along_j, strict=True):
        log_n += log_expit(s_na[:, annotator] * along)
    weight_n = np.exp(log_n - log_n.max())
    weight_n /= weight_n.sum()
    value_nk = np.column_stack([s_na, s_na**2, mean_n, spread_n]) / unit
    value_nk[:, judgements.n_annotators : 2 * judgements.n_annotators] /= unit
    wanted_k = weight_n @ value_nk
    return wanted_k, np.sqrt(weight_n**2 @ (value_nk - wanted_k) ** 2)


def test_the_posterior_is_that_of_weighted_draws_from_the_prior():
    judgements, margin_m = crowd(0, [1.5, 0.5], 14, 2)
    margin_m = 3 * margin_m
    wanted_k, error_k = by_importance(judgements, margin_m, 1_000_000)
    found = sharpness_on_margins(judgements, margin_m, level=0.6827)
    got_k = np.array([*found.sharpness_a, found.mean_c3[0, 0], found.spread_c3[0, 0]])
    assert (error_k < 0.02 * np.abs(wanted_k)).all()
    np.testing.assert_array_less(np.abs(got_k - wanted_k[[0, 1, 4, 5]]), 4.5 * error_k[[0, 1, 4, 5]])
    sd_a = np.sqrt(wanted_k[2:4] - wanted_k[:2] ** 2)
    np.testing.assert_allclose((found.high_a - found.low_a) / 2, sd_a, rtol=0.1)  # nearly normal


def test_a_large_crowd_is_known_one_by_one_and_dissenters_too():
    sharpness_a = np.array([2.0, 1.0, 0.5, 0.0, -1.0])
    judgements, margin_m = crowd(1, sharpness_a, 5000, 3)
    found = sharpness_on_margins(judgements, margin_m)
    np.testing.assert_allclose(found.sharpness_a, sharpness_a, atol=0.15)
    assert (np.abs(found.sharpness_a - sharpness_a) < 3.5 * (found.high_a - found.low_a) / 3.92).all()
    side = [np.mean(expit(s * np.abs(margin_m))) for s in sharpness_a]
    np.testing.assert_allclose(found.accuracy_a, side, atol=0.03)
    for one, other in itertools.pairwise(found.sharpness_a):
        assert one > other


def test_the_unit_of_margins_is_the_inverse_of_that_of_sharpness():
    judgements, margin_m = crowd(2, [2.0, 1.0, 0.5], 300, 2)
    found, scaled = sharpness_on_margins(judgements, margin_m), sharpness_on_margins(judgements, 1e200 * margin_m)
    for name in ("sharpness_a", "low_a", "high_a", "mean_c3", "spread_c3"):
        np.testing.assert_allclose(1e200 * getattr(scaled, name), getattr(found, name), rtol=1e-9)
    np.testing.assert_allclose(scaled.first_m, found.first_m)


def test_few_judgements_shrink_towards_the_crowd():
    judgements, margin_m = crowd(3, np.full(10, 1.5), 500, 2)
    largest = int(np.argmax(np.abs(margin_m)))
    one = Judgements(  # an eleventh annotator, who is against the largest margin and says no more
        np.append(judgements.pair_j, largest),
        np.append(judgements.annotator_j, 10),
        np.append(judgements.label_j, margin_m[largest] < 0),
    )
    found = sharpness_on_margins(one, margin_m)
    assert found.mean_c3[0, 0] - 1 < found.sharpness_a[10] < found.mean_c3[0, 0]
    assert found.low_a[10] < found.low_a[:10].min()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m[:4], r"margin_m: shape \(4,\); it must be \(5,\), one number a pair"),
        (lambda m: m * np.nan, r"margin_m\[0\] is nan; it must be a finite number"),
        (lambda m: m * 0, "every margin of a judged pair is 0"),
    ],
)
def test_what_is_wrong_is_one_sentence(change, sentence):
    judgements, margin_m = crowd(4, [1.0, 1.0], 5, 2)
    with pytest.raises(DataError, match=sentence):
        sharpness_on_margins(judgements, change(margin_m))
    with pytest.raises(DataError, match=r"label_j\[0\] is a tie"):
        sharpness_on_margins(Judgements(np.arange(5), np.zeros(5, int), np.full(5, 0.5)), margin_m)
