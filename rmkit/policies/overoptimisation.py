"""How gold turns back while its proxy is optimised on: Gao's forms, where gold peaks, and Kim's gamma, with intervals.

x = sqrt(KL) is the distance from the base, and every curve is what a reward gains over the base, 0 at x = 0:

    Best-of-n   R(x) = x (alpha - beta x)        peaks at x = alpha / (2 beta)
    KL          R(x) = x (alpha - beta log x)    peaks at x = exp(alpha / beta - 1)

fitted by least squares to means over prompts. Kim's gamma compares gold's gain when the proxy is optimised (g) with
gold's gain when gold itself is (f), both as the first form:

    gamma = int_0^k |f - g| dx / int_0^k f dx,   k the largest x of both

which is NDR averaged over x with weights f wherever g is below f; a Gaussian proxy has gamma = 1 - rho. Intervals are
percentiles of a bootstrap over prompts, for new prompts and these reward models; the policies are left as they are.
Knows curves only: `pressure.py` makes them,
and so may whoever trains a policy. Sources: Gao et al. 2023 (arXiv 2210.10760), section 3; Kim et al. 2025
(arXiv 2505.12763), section 4.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import xlogy

from rmkit.errors import DataError, one_of
from rmkit.intervals.means import (
    FEWEST_PROMPTS,
    NEW_PROMPTS_THESE_FITS,
    Interval,
    bootstrap_over_prompts,
    check_request,
    resampled_means,
    why_too_few_prompts,
)
from rmkit.measures.arrays import finite
from rmkit.policies.pressure import Curve, Pressure

FEWEST_PLACES = 3  # away from the base, for a fit of two coefficients
FORMS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {  # what alpha and beta are multiplied by at each x: (N, 2)
    "best_of_n": lambda x_n: np.stack([x_n, -(x_n**2)], axis=1),
    "kl": lambda x_n: np.stack([x_n, -xlogy(x_n, x_n)], axis=1),
}


@dataclass(frozen=True)
class FittedForm:
    """One of Gao's forms, fitted: alpha and beta in the reward's unit, the peak in nats of KL."""

    form: str
    alpha: Interval
    beta: Interval
    peak: Interval  # NaN, with "no peak in range" and why, where it has none
    misfit: float  # the largest distance of a mean from the fitted curve, in the reward's unit


@dataclass(frozen=True)
class Resampling:
    """How a bootstrap over prompts is made; one seed gives the same prompts to every curve."""

    seed: int = 0
    n_resamples: int = 2000
    level: float = 0.95

    def means(self, gain_pn: np.ndarray) -> np.ndarray:
        """(B, N) means over resampled prompts, the same prompts for every table of P rows."""
        check_request(self.level, self.n_resamples)
        return _shares(self.seed, self.n_resamples, len(gain_pn)) @ gain_pn

    def interval(self, estimate: float, value_b: np.ndarray, n_prompts: int, reason: str | None = None) -> Interval:
        """The percentile interval of resampled values, or the reason why there is none."""
        reason = reason or why_too_few_prompts(n_prompts)
        ends = [(1 - self.level) / 2, (1 + self.level) / 2]
        low, high = (np.nan, np.nan) if reason else np.quantile(value_b, ends, method="nearest")
        method = f"percentile bootstrap over prompts, {self.n_resamples} resamples"
        return Interval(
            float(estimate), float(low), float(high), self.level, NEW_PROMPTS_THESE_FITS, method, n_prompts, reason
        )

    def shared_among(self, comparisons: int) -> "Resampling":
        """The same, at the level at which this many intervals together have this one (Bonferroni)."""
        level = 1 - (1 - self.level) / comparisons
        return replace(self, level=level, n_resamples=max(self.n_resamples, round(20 / (1 - level))))


@lru_cache(maxsize=4)  # a population draws hundreds of curves of one set of prompts
def _shares(seed: int, n_resamples: int, n_prompts: int) -> np.ndarray:
    """(B, P) each prompt's share of each resample: of the draws of `resampled_means`."""
    rng, each_pp = np.random.default_rng(seed), np.eye(n_prompts)
    return resampled_means(each_pp, np.ones(n_prompts), rng=rng, n_resamples=n_resamples)


PLAIN = Resampling()  # what is used where nothing else is said


def gold_curve(pressure: Pressure, gold_pk: np.ndarray) -> Curve:
    """What gold gains along this pressure; DataError where gold is constant within every prompt: nothing can gain."""
    gold_pk = finite(gold_pk, "gold reward")
    if gold_pk.ndim != 2 or not (np.ptp(gold_pk, axis=-1) > 0).any():
        raise DataError(
            f"gold rewards of shape {gold_pk.shape}: all responses to a prompt have equal gold, in every prompt, so no "
            "policy gains or loses; some prompts need responses of unequal gold"
        )
    return pressure.curve(gold_pk)


def curve_table(curves: Mapping[str, Curve], resampling: Resampling = PLAIN) -> pd.DataFrame:
    """Rows for a figure: reward (a curve's name), at, nats, mean, low, high, level, prompts, reason.

    `mean` is the gain over the base; `reason` says why low and high are missing, else nothing.
    """
    rows = []
    for name, curve in curves.items():
        intervals = bootstrap_over_prompts(
            curve.gain_pn.T,
            np.ones(len(curve.gain_pn)),
            rng=np.random.default_rng(resampling.seed),
            n_resamples=resampling.n_resamples,
            level=resampling.level,
        )
        for at, nats, found in zip(curve.at_n, curve.kl_n, intervals, strict=True):
            drawn = {"mean": found.estimate, "low": found.low, "high": found.high, "level": found.level}
            where = {"reward": name, "at": at, "nats": nats}
            rows.append({**where, **drawn, "prompts": found.units, "reason": found.reason or ""})
    return pd.DataFrame(rows)


def fit_form(curve: Curve, form: str, resampling: Resampling = PLAIN) -> FittedForm:
    """This form of Gao's, fitted to the mean curve; form: `best_of_n` or `kl`.

    There is no peak in range, with the reason, where beta's interval includes 0 or less or the fitted curve peaks
    beyond the data. DataError for fewer than three places away from the base, or a gain that is not finite.
    """
    kl_n, gain_pn = checked(curve)
    design_n2 = FORMS[one_of(form, FORMS, "form of over-optimisation")](np.sqrt(kl_n))
    solve_2n = np.linalg.pinv(design_n2)
    mean_n, n_prompts = gain_pn.mean(axis=0), len(gain_pn)
    alpha, beta = (float(one) for one in solve_2n @ mean_n)
    alpha_b, beta_b = (resampling.means(gain_pn) @ solve_2n.T).T
    of_beta = resampling.interval(beta, beta_b, n_prompts)
    at = float(peak_of(form, np.array([alpha]), np.array([beta]))[0])
    reason = of_beta.reason
    if reason is None and not of_beta.low > 0:
        reason = f"no peak in range: beta's interval, {of_beta.low:.3g} to {of_beta.high:.3g}, includes 0 or less"
    elif reason is None and at > kl_n.max():
        reason = f"no peak in range: the fit peaks at {at:.3g} nats, beyond the largest KL of {kl_n.max():.3g}"
    peak = resampling.interval(np.nan if reason else at, peak_of(form, alpha_b, beta_b), n_prompts, reason)
    misfit = float(np.abs(design_n2 @ [alpha, beta] - mean_n).max())
    return FittedForm(form, resampling.interval(alpha, alpha_b, n_prompts), of_beta, peak, misfit)


def peak_of(form: str, alpha_b: np.ndarray, beta_b: np.ndarray) -> np.ndarray:
    """(B,) nats where each fitted curve is highest: 0 if it falls from the start, infinite if it never does."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        x_b = np.maximum(alpha_b / (2 * beta_b), 0.0) if form == "best_of_n" else np.exp(alpha_b / beta_b - 1)
        return np.where(beta_b > 0, x_b**2, np.inf)


def measured_peak(curve: Curve, resampling: Resampling = PLAIN) -> Interval:
    """The place (n, nats, a step) with the highest mean gain, no form assumed; its interval is on the grid of places.

    No peak in range, with the reason, where the last place is the highest or not detectably below the highest.
    """
    at_n = np.asarray(curve.at_n, dtype=np.float64)
    _, gain_pn = checked(curve, fewest=1)
    mean_n, mean_bn = gain_pn.mean(axis=0), resampling.means(gain_pn)
    best = int(mean_n.argmax())
    fall = resampling.interval(mean_n[best] - mean_n[-1], mean_bn[:, best] - mean_bn[:, -1], len(gain_pn))
    reason = fall.reason
    if reason is None and best == len(mean_n) - 1:
        reason = f"no peak in range: the mean is highest at the last place, {at_n[-1]:g}"
    elif reason is None and not fall.low > 0:
        reason = f"no peak in range: at {at_n[-1]:g} the mean is not detectably below its highest, at {at_n[best]:g}"
    estimate = np.nan if reason else float(at_n[best])
    return resampling.interval(estimate, at_n[mean_bn.argmax(axis=1)], len(gain_pn), reason)


def gamma(gold_optimised: Curve, proxy_optimised: Curve, resampling: Resampling = PLAIN) -> Interval:
    """Kim's degree of over-optimisation, 0 for a proxy as good as gold; both curves of gold, on the same prompts.

    NaN, with the reason, where optimising gold gains nothing that can be told from nothing.
    """
    fitted, largest = [], []
    for curve in (gold_optimised, proxy_optimised):
        kl_n, gain_pn = checked(curve)
        solve_2n = np.linalg.pinv(FORMS["best_of_n"](np.sqrt(kl_n)))
        mean_bn = np.concatenate([gain_pn.mean(axis=0)[None], resampling.means(gain_pn)])
        fitted.append((mean_bn @ solve_2n.T).T)
        largest.append(float(np.sqrt(kl_n.max())))
    n_prompts = len(gold_optimised.gain_pn)
    if n_prompts != len(proxy_optimised.gain_pn):
        raise DataError(
            f"gold was optimised on {n_prompts} prompts and the proxy on {len(proxy_optimised.gain_pn)}; "
            "gamma takes the same prompts"
        )
    (f_alpha, f_beta), (g_alpha, g_beta) = fitted
    area = areas(f_alpha, f_beta, min(largest))
    total = resampling.interval(area[0], area[1:], n_prompts)
    ratio = np.divide(
        absolute_areas(f_alpha - g_alpha, f_beta - g_beta, min(largest)),
        area,
        where=area > 0,
        out=np.full(area.shape, np.nan),
    )
    reason = total.reason
    if reason is None and not total.low > 0:
        reason = f"optimising gold gains {total.estimate:.3g} on average, which cannot be told from nothing"
    estimate = np.nan if reason and n_prompts >= FEWEST_PROMPTS else ratio[0]
    return resampling.interval(estimate, ratio[1:][np.isfinite(ratio[1:])], n_prompts, reason)


def areas(alpha_b: np.ndarray, beta_b: np.ndarray, end: float | np.ndarray) -> np.ndarray:
    """(B,) the integral of x (alpha - beta x) from 0 to `end`."""
    return alpha_b * end**2 / 2 - beta_b * end**3 / 3


def absolute_areas(alpha_b: np.ndarray, beta_b: np.ndarray, end: float) -> np.ndarray:
    """(B,) the integral of |x (alpha - beta x)| from 0 to `end`: in two parts where the sign changes on the way."""
    zero_b = np.divide(alpha_b, beta_b, out=np.zeros_like(alpha_b), where=beta_b != 0)
    zero_b = np.where((zero_b > 0) & (zero_b < end), zero_b, 0.0)
    first_b = areas(alpha_b, beta_b, zero_b)
    return np.abs(first_b) + np.abs(areas(alpha_b, beta_b, end) - first_b)


def checked(curve: Curve, fewest: int = FEWEST_PLACES) -> tuple[np.ndarray, np.ndarray]:
    """KL and gains as float64, or DataError."""
    kl_n, gain_pn = finite(curve.kl_n, "KL"), finite(curve.gain_pn, "gain")
    if gain_pn.ndim != 2 or not len(gain_pn) or kl_n.shape != gain_pn.shape[1:] or (kl_n < 0).any():
        raise DataError(f"gains {gain_pn.shape} at KL {kl_n.shape}: they must be (prompts, N) at N KLs of at least 0")
    if (n_places := len(np.unique(kl_n[kl_n > 0]))) < fewest:
        raise DataError(f"a curve at {n_places} places away from the base: it takes at least {fewest}")
    return kl_n, gain_pn
