"""What optimising a Gaussian proxy gains, and how far it falls short of optimising gold: closed forms.

Per prompt, under the base policy: gold g ~ N(0, sd(g)^2), noise z ~ N(0, sd(z)^2), proxy r = g + z, rho their
correlation. E[g | r] = rho^2 r, so on any reweighting of the base by r alone

    gold gain = rho^2 x proxy gain      (proxy in its own unit; rho x in units of the proxy's spread)

however hard the proxy is optimised. Best-of-n: gold gains rho sd(g) e_n, with e_n the mean of the largest of n standard
normals. KL optimum, pi proportional to base x exp(r / beta): gold gains sd(g)^2 / beta at KL = sd(r)^2 / (2 beta^2).
Both fall short of gold's own policy by 1 - rho, equally far from the base. At equal *beta* and raw rewards the KL
optimum falls short by nothing: it pays for the noise in KL, 1 / rho^2 times as much. Knows numbers only;
`stored_responses` has the policies, `measures/bivariate_normal` what rho says of accuracy.
Sources: Gao et al. 2023 (arXiv 2210.10760), section 4; arXiv 2410.05584, section 4; Laidlaw et al. 2024 (arXiv
2403.03185) for the floor.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit, log_ndtr, logit

from rmkit.errors import DataError
from rmkit.measures.bivariate_normal import correlation_at


def normal_maximum(n: float) -> float:
    """e_n, the mean of the largest of n standard normals; n at least 1, whole or not."""
    _check_n(n)

    def density(x: float) -> float:
        return x * n * np.exp((n - 1) * log_ndtr(x) - x**2 / 2) / np.sqrt(2 * np.pi)

    around = np.sqrt(2 * np.log(n)) if n > 1 else 0.0  # the largest is hardly above, and rarely far below
    return float(quad(density, around - 10, around, limit=200)[0] + quad(density, around, around + 10, limit=200)[0])


def best_of_n_kl(n: ArrayLike) -> np.ndarray:
    """log n - (n - 1) / n nats, the KL of Best-of-n from a base without ties; of a finite base it is a bound."""
    n = np.asarray(n, dtype=np.float64)
    for one in n.ravel():
        _check_n(float(one))
    return np.log(n) - (n - 1) / n


def n_at_kl(nats: float) -> float:
    """The n, whole or not, at which `best_of_n_kl` is this; nats at least 0."""
    if not 0 <= nats < np.inf:
        raise DataError(f"a KL of {nats} nats: it must be at least 0")
    if nats == 0:
        return 1.0
    return float(np.exp(brentq(lambda log_n: log_n + np.expm1(-log_n) - nats, 0.0, nats + 1.0)))


def best_of_n_chi_squared(n: ArrayLike) -> np.ndarray:
    """(n - 1)^2 / (2 n - 1), the chi-squared divergence of Best-of-n from a base without ties."""
    n = np.asarray(n, dtype=np.float64)
    return (n - 1) ** 2 / (2 * n - 1)


def best_of_n_gain(rho: ArrayLike, n: float, gold_sd: float = 1.0) -> np.ndarray:
    """rho sd(g) e_n: what gold gains over the base if the proxy's best of n is kept; rho = 1 is gold's own policy."""
    return np.asarray(rho, dtype=np.float64) * gold_sd * normal_maximum(n)


def kl_gain(rho: ArrayLike, nats: ArrayLike, gold_sd: float = 1.0) -> np.ndarray:
    """rho sd(g) sqrt(2 KL): what gold gains over the base at the proxy's KL optimum, at a KL of so many nats."""
    return np.asarray(rho, dtype=np.float64) * gold_sd * np.sqrt(2 * np.asarray(nats, dtype=np.float64))


def kl_optimum_at(beta: float, gold_sd: float, noise_sd: float) -> tuple[float, float]:
    """Gold's gain, sd(g)^2 / beta, and the KL, (sd(g)^2 + sd(z)^2) / (2 beta^2), of the optimum at this beta."""
    if not 0 < beta < np.inf:
        raise DataError(f"beta={beta}; it must be above 0")
    return gold_sd**2 / beta, (gold_sd**2 + noise_sd**2) / (2 * beta**2)


def drop_ratio_at(accuracy: ArrayLike) -> np.ndarray:
    """NDR = 1 - rho = 1 + cos(pi A): of Best-of-n at every n, and of the KL optimum at every KL.

    So it is too at equal beta, where both rewards have been divided by their spread; with raw rewards it is 0 there.
    """
    return 1 - correlation_at(accuracy)


def gold_per_proxy_at(accuracy: ArrayLike) -> np.ndarray:
    """rho^2 = cos^2(pi A): how much of each unit that the proxy gains gold gains, the degree of over-optimisation."""
    return correlation_at(accuracy) ** 2


def least_gold(rho: ArrayLike, proxy_gain: ArrayLike, chi_squared: ArrayLike) -> np.ndarray:
    """rho E[r] - sqrt((1 - rho^2) chi^2): the least gold that a policy can have, whatever the error's shape.

    Gold and proxy are in units of their spread under the base and 0 there; chi_squared is the policy's divergence from
    the base. By Cauchy and Schwarz, applied to the part of gold that the proxy does not correlate with.
    """
    rho = np.asarray(rho, dtype=np.float64)
    return rho * proxy_gain - np.sqrt((1 - rho**2) * np.asarray(chi_squared, dtype=np.float64))


def flipped_margin(margin: ArrayLike, flip_rate: float) -> np.ndarray:
    """logit((1 - 2 e) sigmoid(margin) + e): what Bradley-Terry learns from very many labels, a share e of them flipped.

    In the true margin's order, shrunk by about 1 - 2 e and never beyond log((1 - e) / e): flips alone are no noise in
    the reward, and errors of order come from having few labels. flip_rate: 0 to below 1/2.
    """
    if not 0 <= flip_rate < 0.5:
        raise DataError(f"a flip rate of {flip_rate}: it must be at least 0 and below 1/2")
    if flip_rate == 0:
        return np.asarray(margin, dtype=np.float64)
    return logit((1 - 2 * flip_rate) * expit(np.asarray(margin, dtype=np.float64)) + flip_rate)


def _check_n(n: float) -> None:
    if not 1 <= n < np.inf:
        raise DataError(f"best of {n}: n must be at least 1")
