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

    value_p: (..., P). domain_p: (P,) names or numbers, or DataError.
    """
    value_p, domain_p = np.asarray(value_p, dtype=np.float64), np.asarray(domain_p)
    if value_p.ndim < 1 or domain_p.shape != value_p.shape[-1:] or not domain_p.size:
        raise DataError(
            f"values {value_p.shape} and domains {domain_p.shape}: give each prompt one domain, and at least one prompt"
        )
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


def lowest_share(value_p: np.ndarray, *, share: float) -> np.ndarray:
    """(..., P) each prompt's part of the mean over the `share` of prompts that have the lowest values.

    The mean of the parts, over the prompts that have a value, is that mean; a prompt at the edge counts with the
    fraction of it that belongs there. With q the value at the edge and s the share, a part is q + min(value - q, 0) / s
    (Rockafellar & Uryasev 2000), so that intervals over prompts hold for it as for any mean. DataError for a share that
    is not above 0 and at most 1, or for infinite values.
    """
    if not 0 < share <= 1:
        raise DataError(f"share is {share}; it must be above 0 and at most 1")
    value_p = np.asarray(value_p, dtype=np.float64)
    if value_p.ndim < 1 or not value_p.shape[-1]:
        raise DataError(f"values {value_p.shape}: they must be (..., prompts), with one prompt or more")
    all_finite(np.where(np.isnan(value_p), 0.0, value_p), "value")
    number_1 = np.isfinite(value_p).sum(axis=-1, keepdims=True)
    at_1 = np.clip(np.ceil(share * number_1 - 1e-9).astype(int) - 1, 0, None)
    edge_1 = np.take_along_axis(np.sort(value_p, axis=-1), at_1, axis=-1)  # NaN are sorted to the end
    return edge_1 + np.minimum(value_p - edge_1, 0.0) / share


def _quantile(value_d: np.ndarray, quantile: float) -> float:
    return float(np.quantile(value_d, quantile)) if len(value_d) else float("nan")
