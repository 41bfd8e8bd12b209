"""How good a reward model is where it is worst: in its worst domain, or on the share of prompts that it does worst on.

Knows any measure's values of P prompts, more is better, and the prompts' domains. NaN values, prompts on which the
measure is undefined, are left out. Source: Frick et al., ICLR 2025 (arXiv 2410.14872): scores in the worst domain, and
low quantiles over domains, predict policies better than averages do.
"""

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import all_finite
from rmkit.measures.ranking import over


def domain_means(value_p: np.ndarray, domain_p: np.ndarray) -> np.ndarray:
    """(..., D) the mean value of each domain's prompts, in ascending order of the domains; NaN where none has a value.

    value_p: (..., P), finite or NaN. domain_p: (P,) names or numbers. DataError for others, or without a prompt.
    """
    value_p, domain_p = _checked(value_p), np.asarray(domain_p)
    if domain_p.shape != value_p.shape[-1:]:
        raise DataError(f"values {value_p.shape} and domains {domain_p.shape}: give each prompt one domain")
    domain_d, of_p = np.unique(domain_p, return_inverse=True)
    belongs_pd = (of_p[:, None] == np.arange(len(domain_d))).astype(np.float64)
    return over(np.nan_to_num(value_p) @ belongs_pd, np.isfinite(value_p) @ belongs_pd)


def domain_quantile(value_p: np.ndarray, domain_p: np.ndarray, *, quantile: float = 0.0) -> np.ndarray:
    """(...,) the quantile, over domains, of their mean values: at 0 the worst domain's. NaN without a value.

    Between two domains it is interpolated. DataError for a quantile outside 0 to 1, and as in `domain_means`.
    """
    if not 0 <= quantile <= 1:
        raise DataError(f"quantile is {quantile}; it must be from 0 to 1")
    mean_d = domain_means(value_p, domain_p)
    flat_rd = mean_d.reshape(-1, mean_d.shape[-1])
    return np.reshape([_quantile(row_d[np.isfinite(row_d)], quantile) for row_d in flat_rd], mean_d.shape[:-1])


def worst_domain(value_p: np.ndarray, domain_p: np.ndarray) -> np.ndarray:
    """(..., P) each prompt's part of `domain_quantile` at 0: the mean of the parts is the worst domain's mean value.

    With a that mean, n of N valued prompts in that domain: a + (value - a) N / n there, a elsewhere, as `lowest_share`.
    Which domain is the worst is each model's own; of equally bad ones, the first. NaN and errors as in `domain_means`.
    """
    value_p = _checked(value_p)
    mean_d = domain_means(value_p, domain_p)
    at_1 = np.where(np.isnan(mean_d), np.inf, mean_d).argmin(axis=-1)[..., None]
    worst_1 = np.take_along_axis(mean_d, at_1, axis=-1)
    there_p = np.unique(domain_p, return_inverse=True)[1] == at_1
    valued_p = np.isfinite(value_p)
    number_1, there_1 = (of.sum(axis=-1, keepdims=True) for of in (valued_p, valued_p & there_p))
    beyond_p = np.where(there_p, value_p - worst_1, 0.0) * over(number_1, there_1)
    return np.where(valued_p, worst_1 + beyond_p, np.nan)


def lowest_share(value_p: np.ndarray, *, share: float) -> np.ndarray:
    """(..., P) each prompt's part of the mean over the `share` of prompts that have the lowest values.

    The mean of the parts, over the prompts that have a value, is that mean; a prompt at the edge counts with the
    fraction of it that belongs there. With q the value at the edge and s the share, a part is q + min(value - q, 0) / s
    (Rockafellar & Uryasev 2000), so that intervals over prompts hold for it as for any mean. DataError for a share that
    is not above 0 and at most 1, and for values as in `domain_means`.
    """
    if not 0 < share <= 1:
        raise DataError(f"share is {share}; it must be above 0 and at most 1")
    value_p = _checked(value_p)
    number_1 = np.isfinite(value_p).sum(axis=-1, keepdims=True)
    at_1 = np.clip(np.ceil(share * number_1 - 1e-9).astype(int) - 1, 0, None)
    edge_1 = np.take_along_axis(np.sort(value_p, axis=-1), at_1, axis=-1)  # NaN are sorted to the end
    return edge_1 + np.minimum(value_p - edge_1, 0.0) / share


def _checked(value_p: np.ndarray) -> np.ndarray:
    """The values as float64, or DataError for no prompts and for an infinite one."""
    value_p = np.asarray(value_p, dtype=np.float64)
    if value_p.ndim < 1 or not value_p.shape[-1]:
        raise DataError(f"values {value_p.shape}: they must be (..., prompts), with one prompt or more")
    all_finite(np.where(np.isnan(value_p), 0.0, value_p), "value")
    return value_p


def _quantile(value_d: np.ndarray, quantile: float) -> float:
    return float(np.quantile(value_d, quantile)) if len(value_d) else float("nan")
