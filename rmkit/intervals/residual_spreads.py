"""How far outcomes of reward models spread that accuracy does not explain: "similar accuracy, different regret".

The outcome is fitted by accuracy over M models, by a line or a parabola. The variance of what is left, less the noise
of the outcome (of policy seeds, say), is spread that accuracy alone cannot foretell. Knows arrays of numbers. Sources:
arXiv 2410.05584, section 4 (the claim, without a number); Efron & Stein, Annals of Statistics 1981 (jackknife); Cook &
Weisberg 1982, section 2.2 (a fit without one point, from its leverage).
"""

from typing import Literal

import numpy as np

from rmkit.errors import DataError, one_of
from rmkit.intervals.correlations import NEW_MODELS_THESE_PROMPTS
from rmkit.intervals.means import Interval, check_request

FEWEST_MODELS = 15
SAME = 1e-20  # of the outcomes' variance: less than this is rounding

Fit = Literal["line", "parabola"]


def residual_spread(
    accuracy_m: np.ndarray,
    outcome_m: np.ndarray,
    noise_variance: float = 0.0,
    *,
    fit: Fit = "line",
    level: float = 0.95,
    estimand: str = NEW_MODELS_THESE_PROMPTS,
) -> Interval:
    """The standard deviation of outcomes about their fit by accuracy, without the outcome's noise, in its own unit.

    accuracy_m, outcome_m: (M,) finite. noise_variance: the mean variance of the noise in one outcome, which counts as
    known; of a mean over S policy seeds it is MS_rest / S. fit: a "line" or a "parabola", by least squares. What
    accuracy's own noise adds, and a fit of the wrong form, is in the spread.
    Limits are symmetric in the logarithm of the whole variance about the fit; then noise is taken off, and what is
    below 0 counts as 0. Fewer than 15 models, equal accuracies or a perfect fit have a reason and no interval.
    """
    from scipy.stats import t

    accuracy_m, outcome_m = _checked(accuracy_m, outcome_m, noise_variance)
    check_request(level, 1)
    one_of(fit, DEGREES, "fit", DataError)
    n_models, degree = len(accuracy_m), DEGREES[fit]
    method = f"root of the variance about a {fit} less that of noise, on a logarithm, jackknife over models"
    if len(np.unique(accuracy_m)) <= degree + 1:
        few = f"{n_models} reward models have {degree + 1} accuracies or fewer: there is nothing to fit a {fit} by"
        return Interval(np.nan, np.nan, np.nan, level, estimand, method, n_models, few)
    whole, without_one_m = variances_about_fit(accuracy_m, outcome_m, degree)
    estimate = float(np.sqrt(max(0.0, whole - noise_variance)))
    reason: str | None = None
    if n_models < FEWEST_MODELS:
        reason = f"{n_models} reward models are too few to see how outcomes spread, which takes {FEWEST_MODELS}"
    elif not min(whole, *without_one_m) > SAME * outcome_m.var():
        reason = f"a {fit} fits outcomes perfectly, with or without one of {n_models} models: no spread is seen"
    if reason:
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    df = n_models - degree - 1.0
    half = t.ppf((1 + level) / 2, df) * np.sqrt(np.log(without_one_m).var() * (n_models - 1))
    low, high = np.sqrt(np.maximum(0.0, whole * np.exp([-half, half]) - noise_variance))
    return Interval(estimate, float(low), float(high), level, estimand, method, n_models, None, df)


def variances_about_fit(accuracy_m: np.ndarray, outcome_m: np.ndarray, degree: int) -> tuple[float, np.ndarray]:
    """Squares about the polynomial fit over M less its parameters, and the same without each model, (M,)."""
    basis_mk, _ = np.linalg.qr(np.vander((accuracy_m - accuracy_m.mean()) / np.ptp(accuracy_m), degree + 1))
    rest_m = outcome_m - basis_mk @ (basis_mk.T @ outcome_m)
    squares, left = float(rest_m @ rest_m), len(accuracy_m) - degree - 1
    free_m = np.maximum(1 - (basis_mk**2).sum(axis=1), 1e-12)  # one less its leverage
    without_one_m: np.ndarray = (squares - rest_m**2 / free_m) / (left - 1)
    return squares / left, without_one_m


def _checked(accuracy_m: np.ndarray, outcome_m: np.ndarray, noise_variance: float) -> tuple[np.ndarray, np.ndarray]:
    accuracy_m, outcome_m = (np.asarray(value_m, dtype=np.float64) for value_m in (accuracy_m, outcome_m))
    finite = np.isfinite(accuracy_m).all() and np.isfinite(outcome_m).all()
    if accuracy_m.ndim != 1 or accuracy_m.shape != outcome_m.shape or len(accuracy_m) < 5 or not finite:
        raise DataError(
            f"accuracy_m {accuracy_m.shape} and outcome_m {outcome_m.shape}: they must be finite, one number a model, "
            "of the same 5 models or more"
        )
    if not (np.isfinite(noise_variance) and noise_variance >= 0):
        raise DataError(f"noise_variance {noise_variance}: a variance is a finite number, 0 or more")
    return accuracy_m, outcome_m


DEGREES: dict[str, int] = {"line": 1, "parabola": 2}
