"""What labels would tell about a reward model's weights, in nats: exactly for one pair, by draws for a batch (BALD).

The information between a label y and the weights is H(y) - E H(y | weights) (Houlsby et al. 2011), at most log 2. For a
margin that is normal under a Laplace approximation, both terms are integrals over one variable. For a batch, H is that
of all its labels together (BatchBALD, Kirsch et al. 2019): by the chain rule each pick adds its information given the
labels of those before, here a mean over label sets that are drawn from the mixture. Sums are in log space, so that they
hold for batches of any size. K draws of the weights cannot tell more than log K in all: `ceiling`.

Knows margins only.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr, expit, log_expit, log_softmax

from rmkit.errors import DataError
from rmkit.measures.designs.d_optimal import first_largest

N_NODES = 80  # of Gauss-Hermite's rule
LEAST = 0.0


def label_entropy(p: np.ndarray) -> np.ndarray:
    """The entropy of a label of probability p, in nats. Any shape."""
    found: np.ndarray = entr(p) + entr(1 - np.asarray(p))
    return found


def bald(mean_m: np.ndarray, variance_m: np.ndarray) -> np.ndarray:
    """(M,) information between each pair's label and its margin, which is normal with this mean and variance.

    A variance that rounding left below 0 counts as 0. DataError for a mean or a variance that is not finite, and where
    they are not one of each a pair.
    """
    if np.ndim(mean_m) != 1 or np.shape(mean_m) != np.shape(variance_m):
        shapes = f"{np.shape(mean_m)} and {np.shape(variance_m)}"
        raise DataError(f"mean_m and variance_m have the shapes {shapes}; both must be (M,), one of each a pair")
    if not (np.isfinite(mean_m).all() and np.isfinite(variance_m).all()):
        raise DataError("mean_m and variance_m have a number that is not finite; leave that pair out")
    node_n, weight_n = np.polynomial.hermite_e.hermegauss(N_NODES)
    weight_n = weight_n / weight_n.sum()
    margin_mn = np.asarray(mean_m, np.float64)[:, None] + np.sqrt(np.maximum(variance_m, 0))[:, None] * node_n
    p_mn = expit(margin_mn)
    return np.maximum(label_entropy(p_mn @ weight_n) - label_entropy(p_mn) @ weight_n, LEAST)


@dataclass(frozen=True)
class BatchInformation:
    """A batch that was picked greedily, and what its labels tell together, as far as the draws can say."""

    picked_k: np.ndarray  # (k,) int64, in the order of picking
    nats_k: np.ndarray  # (k,) information of the first 1, 2, ... labels together
    ceiling: float  # log of the number of draws: no batch can be seen to tell more


def greedy_batch_bald(
    margin_km: np.ndarray, n_pairs: int, *, rng: np.random.Generator, n_label_sets: int = 128
) -> BatchInformation:
    """Pick n_pairs of M, each the one whose label tells most given the labels of those before; of equals the first.

    margin_km: (K, M) margins under K draws of the weights. n_label_sets: of those before, that are drawn. DataError for
    margins that are not finite, and for more pairs than there are.
    """
    n_draws, n_all = margin_km.shape
    if not n_draws or not np.isfinite(margin_km).all():
        raise DataError(f"margin_km of shape {margin_km.shape} must be finite margins of one draw or more")
    if not 0 <= n_pairs <= n_all:
        raise DataError(f"{n_pairs} pairs are to be chosen, and there are {n_all}; ask for fewer")
    p_km = expit(margin_km)
    inside_m = label_entropy(p_km).mean(axis=0)
    drawn_c = rng.integers(n_draws, size=n_label_sets)  # the weights that each label set comes from
    log_p_ck = np.zeros((n_label_sets, n_draws))
    picked, nats, free_m = [], [], np.ones(n_all, dtype=bool)
    for _ in range(n_pairs):
        chance_cm = np.exp(log_softmax(log_p_ck, axis=1)) @ p_km
        gain_m = label_entropy(np.clip(chance_cm, 0, 1)).mean(axis=0) - inside_m
        pick = first_largest(gain_m, free_m)
        free_m[pick] = False
        picked.append(pick)
        label_c = rng.random(n_label_sets) < p_km[drawn_c, pick]
        log_p_ck += np.where(label_c[:, None], log_expit(margin_km[:, pick]), log_expit(-margin_km[:, pick]))
        # of a label set's own weights: log p(labels | weights) - log p(labels), which no choice can push above log K
        nats.append(np.log(n_draws) + float(log_softmax(log_p_ck, axis=1)[np.arange(n_label_sets), drawn_c].mean()))
    return BatchInformation(np.array(picked, dtype=np.int64), np.array(nats), float(np.log(n_draws)))
