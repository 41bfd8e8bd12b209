"""The posterior of annotators' sharpness against a sum over every possible truth, and its limits."""

import itertools

import numpy as np
import pytest
from scipy.special import expit, log_expit

from rmkit.annotation import annotator_sharpness as module
from rmkit.annotation.annotator_sharpness import annotator_sharpness
from rmkit.annotation.judgements import Judgements
from rmkit.errors import DataError

LABEL_MA = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]])
PRIOR_M = np.array([0.0, 0.7, 0.0, -1.2, 0.0])


def judged(label_ma):
    n_pairs, n_annotators = label_ma.shape
    return Judgements(
        np.repeat(np.arange(n_pairs), n_annotators),
        np.tile(np.arange(n_annotators), n_pairs),
        label_ma.ravel().astype(float),
    )


def exact(label_ma, prior_m):
    """(A,) means, (A,) second moments of s, (M,) chances of the truth, mean and spread: sums over truths and grids."""
    n_pairs = len(label_ma)
    node_q, weight_q = np.polynomial.hermite_e.hermegauss(61)
    weight_q = weight_q / weight_q.sum()
    mean_g = (np.arange(120) + 0.5) * 10 / 120
    spread_h = module.SPREADS_G
    mean_gh, spread_gh = np.meshgrid(mean_g, spread_h, indexing="ij")
    prior_gh = (
        np.exp(-(mean_gh**2) / 18 - spread_gh**2 / 2) * spread_gh**2
    )  # Rayleigh, on a grid that is even in logarithms
    s_ghq = mean_gh[..., None] + spread_gh[..., None] * node_q
    moment_ck = []  # for every number of right answers: the integrals of s^0, s^1, s^2
    for right in range(n_pairs + 1):
        like_ghq = np.exp(right * log_expit(s_ghq) + (n_pairs - right) * log_expit(-s_ghq)) * weight_q
        moment_ck.append([(like_ghq * s_ghq**k).sum(axis=-1) for k in range(3)])
    total, first_a, second_a, truth_m, mean, spread = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for truth in itertools.product((0, 1), repeat=n_pairs):
        truth = np.array(truth)
        right_a = (label_ma == truth[:, None]).sum(axis=0)
        like_gh = prior_gh * np.where(truth == 1, expit(prior_m), expit(-prior_m)).prod()
        for right in right_a:
            like_gh = like_gh * moment_ck[right][0]
        total += like_gh.sum()
        truth_m = truth_m + truth * like_gh.sum()
        mean, spread = mean + (like_gh * mean_gh).sum(), spread + (like_gh * spread_gh).sum()
        moments_ak = [[(like_gh * moment_ck[r][k] / moment_ck[r][0]).sum() for k in (1, 2)] for r in right_a]
        first_a, second_a = first_a + np.array(moments_ak)[:, 0], second_a + np.array(moments_ak)[:, 1]
    return first_a / total, second_a / total, truth_m / total, mean / total, spread / total


@pytest.mark.parametrize("prior_m", [None, PRIOR_M])
def test_the_posterior_is_that_of_the_sum_over_every_truth(prior_m):
    copies = 100  # independent crowds with the same judgements: as many chains at once
    label_ma = LABEL_MA
    n_pairs, n_annotators = label_ma.shape
    one = judged(label_ma)
    many = Judgements(
        (one.pair_j + n_pairs * np.arange(copies)[:, None]).ravel(),
        (one.annotator_j + n_annotators * np.arange(copies)[:, None]).ravel(),
        np.tile(one.label_j, copies),
    )
    found = annotator_sharpness(
        many,
        rng=np.random.default_rng(0),
        prior_log_odds_m=None if prior_m is None else np.tile(prior_m, copies),
        crowd_a=np.repeat(np.arange(copies), n_annotators),
        n_draws=600,
    )
    want_first_a, _, want_truth_m, want_mean, want_spread = exact(label_ma, np.zeros(5) if prior_m is None else prior_m)
    for got_n, want_n in (
        (found.sharpness_a.reshape(copies, -1), want_first_a),
        (found.first_m.reshape(copies, -1), want_truth_m),
        (found.mean_c3[:, :1], want_mean),
        (found.spread_c3[:, :1], want_spread),
    ):
        error_n = got_n.std(axis=0, ddof=1) / np.sqrt(copies)
        assert (np.abs(got_n.mean(axis=0) - want_n) < 4.5 * error_n + 0.002).all()


def crowd(seed, sharpness_a, n_pairs, votes):
    """Judgements of known sharpness by annotators drawn at random, and the truths."""
    rng = np.random.default_rng(seed)
    truth_m = rng.random(n_pairs) < 0.5
    who_mv = rng.random((n_pairs, len(sharpness_a))).argsort(axis=1)[:, :votes]
    right_mv = rng.random((n_pairs, votes)) < expit(np.asarray(sharpness_a)[who_mv])
    pair_mv = np.repeat(np.arange(n_pairs), votes)
    return Judgements(pair_mv, who_mv.ravel(), (right_mv == truth_m[:, None]).ravel() * 1.0), truth_m


def test_a_large_crowd_is_known_one_by_one_and_dissenters_too():
    sharpness_a = np.array([3.0, 2.0, 1.0, 0.0, -1.5, 2.0])
    judgements, truth_m = crowd(0, sharpness_a, 6000, 4)
    found = annotator_sharpness(judgements, rng=np.random.default_rng(0), n_draws=300, n_warm_up=100)
    np.testing.assert_allclose(found.sharpness_a, sharpness_a, atol=0.25)
    np.testing.assert_allclose(found.accuracy_a, expit(sharpness_a), atol=0.03)
    assert ((found.low_a < sharpness_a) & (sharpness_a < found.high_a)).sum() >= 5
    assert found.judged_a.sum() == len(judgements.pair_j)
    # the probabilities of the truth are calibrated, and better than the majority
    for low, high in ((0.0, 0.1), (0.3, 0.7), (0.9, 1.0)):
        within_m = (found.first_m >= low) & (found.first_m <= high)
        assert truth_m[within_m].mean() == pytest.approx(found.first_m[within_m].mean(), abs=0.03)
    majority_m = np.bincount(judgements.pair_j, weights=2 * judgements.label_j - 1)
    by_majority = np.where(majority_m == 0, 0.5, (majority_m > 0) == truth_m).mean()
    assert ((found.first_m > 0.5) == truth_m).mean() > by_majority + 0.05


def test_few_judgements_shrink_towards_the_crowd():
    judgements, _ = crowd(1, np.full(12, 1.5), 400, 3)
    one = Judgements(  # a thirteenth annotator, who disagrees with the others once and says no more
        np.append(judgements.pair_j, 0), np.append(judgements.annotator_j, 12), np.append(judgements.label_j, 0.0)
    )
    found = annotator_sharpness(one, rng=np.random.default_rng(0), n_draws=500)
    assert abs(found.sharpness_a[12] - found.mean_c3[0, 0]) < 0.5
    assert found.low_a[12] < found.mean_c3[0, 0] < found.high_a[12]
    assert found.high_a[12] - found.low_a[12] > (found.high_a[:12] - found.low_a[:12]).mean()


def test_the_same_generator_gives_the_same_posterior_and_crowds_are_apart():
    judgements, _ = crowd(2, [2.0, 1.0, 1.5], 60, 3)
    first, again = (annotator_sharpness(judgements, rng=np.random.default_rng(4), n_draws=50) for _ in range(2))
    np.testing.assert_array_equal(first.sharpness_a, again.sharpness_a)
    dull, _ = crowd(3, [0.5, 0.5, 0.5], 600, 3)
    both = Judgements(
        np.append(judgements.pair_j, dull.pair_j + 60),
        np.append(judgements.annotator_j, dull.annotator_j + 3),
        np.append(judgements.label_j, dull.label_j),
    )
    found = annotator_sharpness(both, rng=np.random.default_rng(0), crowd_a=np.array([0, 0, 0, 1, 1, 1]), n_draws=400)
    assert found.mean_c3[0, 0] > found.mean_c3[1, 0] + 0.4
    assert found.spread_c3.shape == (2, 3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prior_log_odds_m": np.zeros(4)}, r"prior_log_odds_m: shape \(4,\); it must be \(5,\), one number a pair"),
        ({"prior_log_odds_m": np.full(5, np.inf)}, r"prior_log_odds_m\[0\] is inf; it must be a finite number"),
        ({"crowd_a": np.zeros(2, int)}, r"crowd_a: int64 of shape \(2,\); it must be \(3,\) from 0"),
        ({"crowd_a": np.array([0, 1, 9])}, "crowd_a names crowd 9; 3 annotators make at most as many crowds"),
        ({"level": 1.0}, r"level 1\.0 must lie between 0 and 1"),
    ],
)
def test_what_is_wrong_is_one_sentence(options, sentence):
    with pytest.raises(DataError, match=sentence):
        annotator_sharpness(judged(LABEL_MA), rng=np.random.default_rng(0), **options)
    with pytest.raises(DataError, match=r"label_j\[0\] is a tie"):
        annotator_sharpness(judged(LABEL_MA * 0 + 0.5), rng=np.random.default_rng(0))
