"""Newton's method with step halving for a penalised logistic regression without an intercept:

    f(w) = sum_m weight_m * -log sigmoid(w . x_m) + l2/2 * |w|^2        (1)

Convex for l2 > 0. Knows differences of embeddings and weights of pairs.
"""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import expit

from rmkit.errors import ResultError
from rmkit.measures.information import information

GRADIENT_TOLERANCE = 1e-9  # on |gradient of (1)| over the sum of the weights
MAX_NEWTON_STEPS = 100


def newton_weights(
    difference_md: np.ndarray,
    weight_m: np.ndarray,
    l2: float,
    *,
    start_d: np.ndarray | None = None,
    where: str = "linear_bt",
) -> np.ndarray:
    """(D,) the w that minimises (1) for differences already divided by the scale; ResultError if none is reached."""
    w_d = np.zeros(difference_md.shape[1]) if start_d is None else start_d
    tolerance = GRADIENT_TOLERANCE * weight_m.sum()
    for _ in range(MAX_NEWTON_STEPS):
        wrong_m = expit(-difference_md @ w_d)  # the probability of the other choice
        gradient_d = l2 * w_d - (weight_m * wrong_m) @ difference_md
        gradient_norm = np.linalg.norm(gradient_d)
        if gradient_norm <= tolerance:
            return w_d
        hessian_dd = information(difference_md, weight_m * wrong_m * (1 - wrong_m), l2)
        try:
            step_d = cho_solve(cho_factor(hessian_dd, lower=True, overwrite_a=True), gradient_d)
        except LinAlgError as error:
            raise ResultError(f"{where}: the Hessian at l2 = {l2:g} is not positive definite: {error}") from error
        w_d = w_d - _step_size(difference_md, weight_m, l2, w_d, step_d, slope=gradient_d @ step_d) * step_d
    raise ResultError(
        f"{where}: no convergence at l2 = {l2:g} in {MAX_NEWTON_STEPS} Newton steps; "
        f"the gradient's norm is {gradient_norm:.3g}, above {tolerance:.3g}"
    )


def _step_size(
    difference_md: np.ndarray, weight_m: np.ndarray, l2: float, w_d: np.ndarray, step_d: np.ndarray, *, slope: float
) -> float:
    """1, or the first half, quarter, ... at which (1) falls as it should: far away a full step may overshoot."""
    margin_m, change_m = difference_md @ w_d, difference_md @ step_d

    def objective(size: float) -> float:
        next_d = w_d - size * step_d
        return float(weight_m @ np.logaddexp(0, size * change_m - margin_m) + l2 / 2 * (next_d @ next_d))

    now, size = objective(0.0), 1.0
    while objective(size) > now - 1e-4 * size * slope + 1e-12 * now and size > 1e-6:  # Armijo, with room for rounding
        size /= 2
    return size
