"""Gao's forms, peaks and Kim's gamma: against curves that are known, numerical integrals, and in Gaussian worlds."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import curve_fit, minimize_scalar

from rmkit.errors import DataError, ParamsError
from rmkit.policies.gaussian_rewards import best_of_n_gain, best_of_n_kl, n_at_kl
from rmkit.policies.overoptimisation import (
    FORMS,
    Resampling,
    absolute_areas,
    curve_table,
    fit_form,
    gamma,
    gold_curve,
    measured_peak,
    peak_of,
)
from rmkit.policies.pressure import Curve, best_of_n_pressure, kl_pressure

NS = [1, 2, 4, 8, 16, 32, 64]
KL_N = best_of_n_kl(NS)
FUNCTIONS = {
    "best_of_n": lambda x, alpha, beta: x * (alpha - beta * x),
    "kl": lambda x, alpha, beta: x * (alpha - beta * np.log(np.maximum(x, 1e-300))),
}


def noisy(mean_n, n_prompts=300, noise=0.5, seed=0, kl_n=KL_N):
    """A curve whose prompts differ by a factor of their own and by noise at each place but the base."""
    rng = np.random.default_rng(seed)
    gain_pn = mean_n * (1 + 0.3 * rng.normal(size=(n_prompts, 1)))
    return Curve(np.array(NS), kl_n, gain_pn + noise * (kl_n > 0) * rng.normal(size=gain_pn.shape))


@pytest.mark.parametrize("form", FORMS)
def test_a_curve_of_a_form_gives_its_coefficients_and_its_peak(form):
    mean_n = FUNCTIONS[form](np.sqrt(KL_N), 0.9, 0.8)
    found = fit_form(Curve(NS, KL_N, np.tile(mean_n, (30, 1)) * np.linspace(0.5, 1.5, 30)[:, None]), form)
    assert found.alpha.estimate == pytest.approx(0.9)
    assert found.beta.estimate == pytest.approx(0.8)
    assert found.misfit < 1e-12
    best = minimize_scalar(lambda x: -FUNCTIONS[form](x, 0.9, 0.8), bounds=(0, 10), method="bounded").x
    assert found.peak.estimate == pytest.approx(best**2, rel=1e-4)
    assert n_at_kl(found.peak.estimate) > 1


@pytest.mark.parametrize("form", FORMS)
def test_a_noisy_curve_is_fitted_by_least_squares_and_its_intervals_hold_the_truth(form):
    curve = noisy(FUNCTIONS[form](np.sqrt(KL_N), 0.9, 0.8))
    found = fit_form(curve, form)
    expected, _ = curve_fit(FUNCTIONS[form], np.sqrt(KL_N[1:]), curve.gain_pn.mean(axis=0)[1:], p0=[1.0, 1.0])
    np.testing.assert_allclose([found.alpha.estimate, found.beta.estimate], expected, rtol=1e-5)
    peak = float(peak_of(form, np.array([0.9]), np.array([0.8]))[0])
    for interval, truth in ((found.alpha, 0.9), (found.beta, 0.8), (found.peak, peak)):
        assert interval.low < truth < interval.high
        assert interval.high - interval.low < truth


def test_there_is_no_peak_where_beta_may_be_0_nor_beyond_the_data():
    flat = fit_form(noisy(np.sqrt(KL_N), noise=1.0), "best_of_n")
    assert np.isnan(flat.peak.estimate)
    assert flat.peak.reason.startswith("no peak in range: beta's interval, ")
    assert flat.peak.reason.endswith("includes 0 or less")
    far = fit_form(noisy(FUNCTIONS["best_of_n"](np.sqrt(KL_N), 1.0, 0.2), noise=0.1), "best_of_n")
    assert far.beta.low > 0
    assert np.isnan([far.peak.estimate, far.peak.low, far.peak.high]).all()
    assert far.peak.reason.startswith("no peak in range: the fit peaks at 6")
    assert far.peak.reason.endswith("beyond the largest KL of 3.17")


def test_a_curve_that_falls_from_the_start_peaks_at_the_base():
    assert peak_of("best_of_n", np.array([-1.0, 1.0]), np.array([1.0, -1.0])).tolist() == [0.0, np.inf]
    assert fit_form(noisy(-np.sqrt(KL_N) - KL_N, noise=0.1), "best_of_n").peak.estimate == 0.0


def test_the_measured_peak_needs_a_fall_after_it():
    mean_n = np.array([0.0, 0.4, 0.7, 0.9, 0.8, 0.5, 0.2])
    assert (peak := measured_peak(noisy(mean_n, noise=0.3))).estimate == 8
    assert peak.low <= 8 <= peak.high
    rising = measured_peak(noisy(np.sort(mean_n), noise=0.01))
    assert np.isnan(rising.estimate)
    assert rising.reason == "no peak in range: the mean is highest at the last place, 64"
    level = measured_peak(noisy(np.r_[mean_n[:4], 0.9, 0.9, 0.895], noise=0.3))
    assert level.reason.startswith("no peak in range: at 64 the mean is not detectably below its highest, at ")


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.2), (-0.3, 0.4), (0.5, 0.8), (-0.4, -0.5), (0.3, 0.0)])
def test_the_area_between_parabolas_is_the_integral(alpha, beta):
    for end in (0.3, 2.0):
        expected = quad(lambda x: abs(x * (alpha - beta * x)), 0, end, points=[min(end, abs(alpha / (beta or 1)))])[0]
        assert absolute_areas(np.array([alpha]), np.array([beta]), end)[0] == pytest.approx(expected)


def test_gamma_is_the_area_between_the_curves_over_that_under_golds():
    f_n, g_n = (FUNCTIONS["best_of_n"](np.sqrt(KL_N), *both) for both in ((1.5, 0.1), (1.2, 0.5)))
    gold, proxy = (Curve(NS, KL_N, one_n * np.linspace(0.5, 1.5, 40)[:, None]) for one_n in (f_n, g_n))
    found = gamma(gold, proxy)
    k = np.sqrt(KL_N.max())
    between = quad(lambda x: FUNCTIONS["best_of_n"](x, 1.5, 0.1) - FUNCTIONS["best_of_n"](x, 1.2, 0.5), 0, k)[0]
    under = quad(lambda x: FUNCTIONS["best_of_n"](x, 1.5, 0.1), 0, k)[0]
    assert found.estimate == pytest.approx(between / under)
    assert gamma(gold, gold).estimate == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "make", [lambda s: best_of_n_pressure(s, NS), lambda s: kl_pressure(s, [0.0, 0.1, 0.2, 0.4, 0.7])]
)
def test_a_gaussian_proxy_has_gamma_1_minus_rho_for_either_optimiser_and_its_interval_holds_it(make):
    gold_pk, noise_pk = np.random.default_rng(2).normal(size=(2, 200, 512))
    found = gamma(gold_curve(make(gold_pk), gold_pk), gold_curve(make(gold_pk + noise_pk), gold_pk))
    assert found.low < 1 - np.sqrt(0.5) < found.high
    assert found.high - found.low < 0.05


def test_gamma_of_a_gold_that_gains_nothing_is_a_reason():
    noise = noisy(np.zeros(7), n_prompts=50)
    found = gamma(noise, noisy(np.zeros(7), n_prompts=50, seed=1))
    assert np.isnan(found.estimate)
    assert found.reason.endswith("which cannot be told from nothing")


def test_few_prompts_have_estimates_and_no_intervals():
    curve = noisy(FUNCTIONS["best_of_n"](np.sqrt(KL_N), 0.9, 0.8), n_prompts=19)
    said = "19 prompts are too few for a bootstrap over prompts, which needs 20"
    found = fit_form(curve, "best_of_n")
    for interval in (found.alpha, found.beta, found.peak, measured_peak(curve), gamma(curve, curve)):
        assert interval.reason == said
        assert np.isnan(interval.low)
    assert np.isfinite([found.alpha.estimate, found.beta.estimate]).all()


def test_a_table_for_a_figure_has_a_row_for_each_reward_and_place():
    gold_pk, noise_pk = np.random.default_rng(0).normal(size=(2, 40, 16))
    pressure = best_of_n_pressure(gold_pk + noise_pk, [1, 4, 16])
    table = curve_table({"gold": gold_curve(pressure, gold_pk), "proxy": pressure.curve(gold_pk + noise_pk)})
    assert list(table["reward"]) == ["gold"] * 3 + ["proxy"] * 3
    assert list(table["at"]) == [1, 4, 16] * 2
    np.testing.assert_allclose(table["nats"][:3], best_of_n_kl([1, 4, 16]))
    risen = table[table["at"] > 1]
    assert (risen["low"] < risen["mean"]).all()
    assert (risen["mean"] < risen["high"]).all()
    base = table[table["at"] == 1]
    assert (base["mean"].abs() < 1e-12).all()
    assert (table["prompts"] == 40).all()


def test_one_seed_draws_the_same_prompts_for_every_curve():
    gain_pn = np.random.default_rng(0).normal(size=(30, 4))
    np.testing.assert_array_equal(Resampling(3).means(gain_pn)[:, :2], Resampling(3).means(gain_pn[:, :2]))
    assert (Resampling(4).means(gain_pn) != Resampling(3).means(gain_pn)).any()


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: fit_form(Curve(NS[:3], KL_N[:3], np.ones((20, 3))), "kl"), DataError, r"^a curve at 2 places away from the base: it takes at least 3$"),
        (lambda: fit_form(Curve(NS, KL_N, np.ones((20, 6))), "kl"), DataError, r"^gains \(20, 6\) at KL \(7,\): they must be \(prompts, N\) at N KLs of at least 0$"),
        (lambda: fit_form(Curve(NS, KL_N, np.full((20, 7), np.nan)), "kl"), DataError, r"^the gain at \(0, 0\) is nan; it must be a finite number$"),
        (lambda: fit_form(Curve(NS, KL_N, np.ones((20, 7))), "rl"), ParamsError, r"^form of over-optimisation: 'rl' is not one of best_of_n, kl"),
        (lambda: fit_form(Curve(NS, KL_N, np.ones((20, 7))), "kl", Resampling(level=1.0)), DataError, r"^level 1\.0 must lie between 0 and 1"),
        (lambda: gamma(Curve(NS, KL_N, np.ones((20, 7))), Curve(NS, KL_N, np.ones((21, 7)))), DataError, r"^gold was optimised on 20 prompts and the proxy on 21; gamma takes the same prompts$"),
        (lambda: gold_curve(best_of_n_pressure(np.ones((2, 3)), [1]), np.array([[1.0] * 3, [2.0] * 3])), DataError, r"^gold rewards of shape \(2, 3\): all responses to a prompt have equal gold, in every prompt, so no policy gains"),
        (lambda: gold_curve(best_of_n_pressure(np.ones((2, 3)), [1]), np.array([[1.0] * 3, [2.0, 1.0, np.nan]])), DataError, r"^the gold reward at \(1, 2\) is nan"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(call, error, said):
    with pytest.raises(error, match=said):
        call()


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    """A Gaussian proxy's curve is exactly rho e_n: the truth is the fit of that. 95% of 400 within 4 errors."""
    rho, held, runs = np.sqrt(0.5), [], 400
    mean_n = np.array([float(best_of_n_gain(rho, n)) for n in NS])
    truth = fit_form(Curve(NS, KL_N, np.tile(mean_n, (1, 1))), "kl")
    for rng in np.random.default_rng(5).spawn(runs):
        gold_pk, noise_pk = rng.normal(size=(2, 60, 64))
        proxy = gold_curve(best_of_n_pressure(gold_pk + noise_pk, NS), gold_pk)
        found, ratio = fit_form(proxy, "kl"), gamma(gold_curve(best_of_n_pressure(gold_pk, NS), gold_pk), proxy)
        pairs = ((found.alpha, truth.alpha.estimate), (found.beta, truth.beta.estimate), (ratio, 1 - rho))
        held.append([interval.low <= value <= interval.high for interval, value in pairs])
    assert (np.mean(held, axis=0) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / runs)).all(), np.mean(held, axis=0)
    assert (np.mean(held, axis=0) < 0.99).all(), np.mean(held, axis=0)
