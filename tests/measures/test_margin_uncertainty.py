import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, ndtr
from scipy.stats import spearmanr

from rmkit.errors import DataError
from rmkit.measures.best_of_n import best_of_n
from rmkit.measures.margin_uncertainty import (
    accuracy_of_surest,
    aligned_gold,
    bound_errors,
    confidence_shares,
    error_sd_correlation,
    half_width,
    holds,
    risk_coverage,
    sd_of_pairs,
    sd_within_prompts,
)

LEVELS = (0.5, 0.8, 0.95)
PAIRS = st.lists(
    st.tuples(
        st.integers(-6, 6).map(lambda whole: whole / 2),  # ties and zeros come often
        st.sampled_from([0.0, 0.3, 1.0, 2.5]),
        st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        st.sampled_from([0.5, 1.0, 2.0]),
    ),
    min_size=1,
    max_size=7,
)


def columns(pairs):
    return np.array(pairs, dtype=float).T


def brute_bound_errors(pairs, width, n_bins):
    """Pair by pair and bin by bin, the mirrored pairs in a list of their own."""
    both = [(m, s, o, w) for m, s, o, w in pairs] + [(-m, s, 1 - o, w) for m, s, o, w in pairs]
    bins = {}
    for m, s, o, w in both:
        bound = float(expit(m - width * s))
        bins.setdefault(min(int(bound * n_bins), n_bins - 1), []).append((bound, o, w))
    above = []
    for held in bins.values():
        weight = sum(w for _, _, w in held)
        above.append((max(sum(w * (bound - o) for bound, o, w in held) / weight, 0), weight))
    return sum(a * w for a, w in above) / sum(w for _, w in above), max(a for a, _ in above)


@given(PAIRS, st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([1, 4, 10]))
def test_bound_errors_are_those_of_every_pair_and_its_mirror_image(pairs, width, n_bins):
    margin_m, sd_m, outcome_m, weight_m = columns(pairs)
    found = bound_errors(margin_m, sd_m, outcome_m, width=width, n_bins=n_bins, weight_m=weight_m)
    mean, most = brute_bound_errors(pairs, width, n_bins)
    np.testing.assert_allclose([found.lower, found.lower_most], [mean, most], atol=1e-12)
    np.testing.assert_allclose(
        found[:2] + found[2:], [found.lower] * 2 + [found.lower_most] * 2, atol=1e-12
    )  # EUCE = ELCE


@given(PAIRS, st.booleans())
def test_which_response_is_called_first_changes_nothing(pairs, mirrored):
    margin_m, sd_m, outcome_m, weight_m = columns(pairs)
    turned_m = np.arange(len(margin_m)) % 2 == 0
    other_m, others_m = np.where(turned_m, -margin_m, margin_m), np.where(turned_m, 1 - outcome_m, outcome_m)
    for of in (lambda *pair: bound_errors(*pair, mirrored=mirrored, weight_m=weight_m),
               lambda *pair: confidence_shares(*pair, weight_m=weight_m),
               lambda *pair: (risk_coverage(*pair, weight_m=weight_m).area,)):  # fmt: skip
        np.testing.assert_allclose(of(margin_m, sd_m, outcome_m), of(other_m, sd_m, others_m), atol=1e-12)


def test_the_lower_bound_errs_where_confidence_is_too_large_and_the_upper_one_where_it_is_too_small():
    margin_m, sd_m = np.full(1000, 2.0), np.full(1000, 0.5)
    lower, upper = expit(1.5), expit(2.5)
    for share, expected in ((0.6, (lower - 0.6, 0)), (0.88, (0, 0)), (1.0, (0, 1 - upper))):
        found = bound_errors(margin_m, sd_m, np.full(1000, share), mirrored=False)
        np.testing.assert_allclose(found[:2], expected, atol=1e-12)


def test_bounds_that_hold_have_no_error_and_no_sd_makes_both_the_calibration_error():
    margin_m = np.random.default_rng(0).normal(size=500)
    honest = bound_errors(margin_m, np.zeros(500), expit(margin_m))
    np.testing.assert_allclose(honest, 0, atol=1e-12)
    apart = bound_errors(np.abs(margin_m), np.zeros(500), np.full(500, 0.5), n_bins=1, mirrored=False)
    assert apart.lower == pytest.approx(expit(np.abs(margin_m)).mean() - 0.5)
    assert apart.upper == 0


@given(PAIRS)
def test_shares_are_counted_pair_by_pair_and_sum_to_one(pairs):
    counted = dict.fromkeys(itertools.product((True, False), (True, False)), 0.0)
    for m, s, o, w in pairs:
        right = 0.5 if m == 0 else o if m > 0 else 1 - o
        counted[abs(m) > s, True] += w * right
        counted[abs(m) > s, False] += w * (1 - right)
    margin_m, sd_m, outcome_m, weight_m = columns(pairs)
    found = confidence_shares(margin_m, sd_m, outcome_m, weight_m=weight_m)
    np.testing.assert_allclose(found, np.array(list(counted.values())) / weight_m.sum(), atol=1e-12)
    assert sum(found) == pytest.approx(1)


def test_on_labelled_pairs_shares_are_those_of_the_bounds():
    margin_m, sd_m = np.random.default_rng(1).normal(size=(2, 400))
    sd_m = np.abs(sd_m)
    lower_m, upper_m = expit(margin_m - sd_m), expit(margin_m + sd_m)
    found = confidence_shares(margin_m, sd_m, np.ones(400))
    assert found.confident_right == pytest.approx(np.mean(lower_m > 0.5))
    assert found.confident_wrong == pytest.approx(np.mean(upper_m <= 0.5))


@settings(deadline=None)
@given(PAIRS.map(lambda pairs: [(m, s, o, 1.0) for m, s, o, _ in pairs[:5]]))
def test_risk_coverage_is_the_mean_over_all_orders_of_equally_sure_pairs(pairs):
    margin_m, sd_m, outcome_m, _ = columns(pairs)
    sure = [0 if m == 0 else np.inf if s == 0 else abs(m) / s for m, s, *_ in pairs]
    right = [0.5 if m == 0 else o if m > 0 else 1 - o for m, _, o, _ in pairs]
    curves = [
        np.cumsum([right[i] for i in order]) / np.arange(1, len(pairs) + 1)
        for order in itertools.permutations(range(len(pairs)))
        if all(sure[a] >= sure[b] for a, b in itertools.pairwise(order))
    ]
    found = risk_coverage(margin_m, sd_m, outcome_m)
    np.testing.assert_allclose(found.accuracy_m, np.mean(curves, axis=0), atol=1e-12)
    np.testing.assert_allclose(found.kept_m, np.arange(1, len(pairs) + 1) / len(pairs))
    assert found.area == pytest.approx(1 - np.mean(curves))
    assert accuracy_of_surest(found, 1.0) == pytest.approx(np.mean(right))


def test_the_surest_share_is_what_is_kept():
    margin_m, outcome_m = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 1.0, 0.0, 0.0])
    curve = risk_coverage(margin_m, np.ones(4), outcome_m)
    assert [accuracy_of_surest(curve, share) for share in (0.1, 0.25, 0.5, 0.75, 1.0)] == [1, 1, 1, 2 / 3, 0.5]
    unsure = risk_coverage(margin_m, np.array([1, 1, 0.1, 0.1]), outcome_m)  # sure of the wrong ones
    assert accuracy_of_surest(unsure, 0.5) == 0
    assert unsure.area > curve.area


def test_sds_are_those_of_draws_and_a_shared_error_cancels_in_the_joint_one():
    rng = np.random.default_rng(2)
    root_nc = rng.normal(size=(4, 3))
    first_m, second_m = np.triu_indices(4, 1)
    drawn_dn = rng.normal(size=(200_000, 3)) @ root_nc.T
    joint_m, marginal_m = sd_of_pairs(root_nc, first_m, second_m)
    np.testing.assert_allclose(joint_m, (drawn_dn[:, first_m] - drawn_dn[:, second_m]).std(axis=0), rtol=0.01)
    np.testing.assert_allclose(marginal_m, drawn_dn.std(axis=0)[first_m] + drawn_dn.std(axis=0)[second_m], rtol=0.01)
    shared_m, apart_m = sd_of_pairs(np.hstack([root_nc, np.full((4, 1), 9.0)]), first_m, second_m)
    np.testing.assert_allclose(shared_m, joint_m)
    assert (apart_m > 18).all()


def test_within_prompts_they_are_the_same_and_so_is_that_of_a_reward_less_its_prompts_mean():
    root_pkc = np.random.default_rng(7).normal(size=(5, 4, 3))
    first_q, second_q = np.triu_indices(4, 1)
    first_pq, second_pq = np.tile(first_q, (5, 1)), np.tile(second_q, (5, 1))
    joint_pq, marginal_pq, less_mean_pk, own_pk = sd_within_prompts(root_pkc, first_pq, second_pq)
    for p in range(5):
        np.testing.assert_allclose((joint_pq[p], marginal_pq[p]), sd_of_pairs(root_pkc[p], first_q, second_q))
    centred_kk = np.eye(4) - 1 / 4
    for p, root_kc in enumerate(root_pkc):
        covariance_kk = root_kc @ root_kc.T
        np.testing.assert_allclose(less_mean_pk[p] ** 2, np.diagonal(centred_kk @ covariance_kk @ centred_kk))
        np.testing.assert_allclose(own_pk[p] ** 2, np.diagonal(covariance_kk))


def test_gold_is_aligned_by_the_slope_over_all_differences_within_prompts():
    rng = np.random.default_rng(3)
    score_pk, gold_pk = rng.normal(size=(2, 5, 4))
    gold_pk += score_pk
    first_q, second_q = np.triu_indices(4, 1)
    score_m, gold_m = ((value[:, first_q] - value[:, second_q]).ravel() for value in (score_pk, gold_pk))
    slope = np.linalg.lstsq(score_m[:, None], gold_m, rcond=None)[0][0]
    aligned_pk = aligned_gold(score_pk, 7 * gold_pk + rng.normal(size=(5, 1)))  # no origin, no unit
    np.testing.assert_allclose((aligned_pk[:, first_q] - aligned_pk[:, second_q]).ravel(), gold_m / slope)
    assert np.isnan(aligned_gold(score_pk, -gold_pk)).all()
    assert np.isnan(aligned_gold(np.ones((2, 3)), rng.normal(size=(2, 3)))).all()


def posterior(rng, n_prompts, n_responses, *, prior=1.0, noise=1.0):
    """Truths from N(0, prior), seen with noise: (truth, posterior mean, its sd); an infinite prior sd is flat."""
    truth_pk = rng.normal(size=(n_prompts, n_responses)) * (0 if np.isinf(prior) else prior)
    seen_pk = truth_pk + noise * rng.normal(size=truth_pk.shape)
    keeps = 1.0 if np.isinf(prior) else prior**2 / (prior**2 + noise**2)
    return truth_pk, keeps * seen_pk, noise * np.sqrt(keeps)


@pytest.mark.parametrize("level", LEVELS)
def test_a_posterior_covers_at_its_level_also_after_alignment_and_after_selection_if_its_prior_is_true(level):
    truth_pk, mean_pk, sd = posterior(np.random.default_rng(4), 8000, 8)
    error_pk = aligned_gold(mean_pk, 3 * truth_pk + 5) - (mean_pk - mean_pk.mean(axis=1, keepdims=True))
    held = holds(error_pk, sd * np.sqrt(7 / 8), level)  # the sd of a reward less the mean of eight
    n_1, n_8 = best_of_n(mean_pk, held, [1, 8]).mean(axis=0)
    error = 4 * np.sqrt(level * (1 - level) / 8000)
    assert abs(n_1 - level) < error
    assert abs(n_8 - level) < error


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [1, 4, 16])
def test_without_a_prior_the_best_of_n_is_held_less_often_as_the_largest_of_n_normals_says(level, n):
    """Equal truths: the pick's error is the largest of n, so Phi(z)^n - Phi(-z)^n of the intervals hold."""
    truth_pk, mean_pk, sd = posterior(np.random.default_rng(5), 20_000, n, prior=np.inf)
    found = best_of_n(mean_pk, holds(mean_pk - truth_pk, sd, level), [n]).mean()
    z = half_width(level)
    theory = ndtr(z) ** n - ndtr(-z) ** n
    assert abs(found - theory) < 4 * np.sqrt(theory * (1 - theory) / 20_000)
    assert theory == pytest.approx(level) if n == 1 else theory < level


def test_errors_that_are_announced_correlate_with_their_sd():
    rng = np.random.default_rng(6)
    sd_m = rng.uniform(0.1, 2, size=2000)
    error_m = sd_m * rng.normal(size=2000)
    assert error_sd_correlation(error_m, sd_m) == pytest.approx(spearmanr(np.abs(error_m), sd_m).statistic)
    assert error_sd_correlation(error_m, sd_m) > 0.3
    assert abs(error_sd_correlation(rng.normal(size=2000), sd_m)) < 0.1
    assert np.isnan(error_sd_correlation(error_m, np.ones(2000)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"margin_m": np.array([])}, "margin_m has shape"),
        ({"margin_m": np.array([1.0, np.nan])}, "the margin at (1)"),
        ({"sd_m": np.ones(3)}, "sd_m has shape (3,)"),
        ({"sd_m": np.array([1.0, -1.0])}, "sd_m must not be below 0"),
        ({"outcome_m": np.array([1.0, 1.5])}, "outcome_m lie between"),
        ({"weight_m": np.zeros(2)}, "weight_m be above 0"),
    ],
)
@pytest.mark.parametrize("of", [bound_errors, confidence_shares, risk_coverage])
def test_wrong_arrays_are_named(of, change, said):
    whole = {"margin_m": np.ones(2), "sd_m": np.ones(2), "outcome_m": np.ones(2), "weight_m": np.ones(2)} | change
    with pytest.raises(DataError) as caught:
        of(whole["margin_m"], whole["sd_m"], whole["outcome_m"], weight_m=whole["weight_m"])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        *(({"n_bins": n_bins}, f"n_bins is {n_bins}") for n_bins in (0, -1, 2.5, True, 10**11)),
        *(({"width": width}, f"width is {width}") for width in (-1.0, np.nan, np.inf)),
    ],
)
def test_bins_and_widths_that_cannot_be_are_named(option, said):
    with pytest.raises(DataError, match=said):
        bound_errors(np.ones(2), np.ones(2), np.ones(2), **option)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: error_sd_correlation(np.ones(3), np.ones(4)), "error_m has shape"),
        (lambda: error_sd_correlation(np.ones(0), np.ones(0)), "error_m has shape"),
        (lambda: sd_of_pairs(np.ones(3), np.array([0]), np.array([1])), "root_nc has shape"),
        (lambda: sd_of_pairs(np.ones((3, 2)), np.array([0]), np.array([7])), "second_m holds what is no position"),
        (lambda: sd_of_pairs(np.ones((3, 2)), np.array([0]), np.array([1, 2])), "first_m has shape"),
    ],
)
def test_shapes_and_positions_that_cannot_be_are_named(call, said):
    with pytest.raises(DataError, match=said):
        call()


@pytest.mark.parametrize("level", [0.0, 1.0, -1, 95])
def test_a_level_is_a_share(level):
    with pytest.raises(DataError, match="level is"):
        half_width(level)
