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
from scipy.special import entr, expit, log_expit

from rmkit.errors import DataError
from rmkit.measures.designs.d_optimal import first_largest

N_NODES = 80  # of Gauss-Hermite's rule
LEAST = 0.0
UNIT = 2.0**-24  # of rounding in float32
TINY = 1e-30  # below this a chance makes no difference, and float32 is near its end
LOOKED_AT_TOGETHER = 128  # pairs, in float32, between looks at which others can still be the best
ROUGH_LOGS = 2e-5  # by how much an entropy in float32 is off for its logarithms and for its mean over the label sets


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

    The sampled gains are not submodular, so that those of earlier picks bound nothing. Entropy is concave: that of the
    label sets' mean chance is at least their mean entropy, and costs one product in place of n_label_sets. Pairs whose
    bound is too small are left out, float32 says which of the others can be the best, and float64 decides among these.
    """
    n_draws, n_all = margin_km.shape
    if not n_draws or not np.isfinite(margin_km).all():
        raise DataError(f"margin_km of shape {margin_km.shape} must be finite margins of one draw or more")
    if not 0 <= n_pairs <= n_all:
        raise DataError(f"{n_pairs} pairs are to be chosen, and there are {n_all}; ask for fewer")
    p_mk = np.ascontiguousarray(expit(margin_km).T)
    inside_m, rough_mk = label_entropy(p_mk).mean(axis=1), np.maximum(p_mk, TINY, dtype=np.float32)
    drawn_c = rng.integers(n_draws, size=n_label_sets)  # the weights that each label set comes from
    log_p_ck = np.zeros((n_label_sets, n_draws))
    weight_ck, _ = _weights(log_p_ck)
    picked, nats, free_m = [], [], np.ones(n_all, dtype=bool)
    for _ in range(n_pairs):
        near = _near_the_best(weight_ck, rough_mk, inside_m, free_m)
        gain_m = np.full(n_all, -np.inf)
        gain_m[near] = label_entropy(np.clip(weight_ck @ p_mk[near].T, 0, 1)).mean(axis=0) - inside_m[near]
        pick = first_largest(gain_m, free_m)
        free_m[pick] = False
        picked.append(pick)
        label_c = rng.random(n_label_sets) < p_mk[pick, drawn_c]
        log_p_ck += np.where(label_c[:, None], log_expit(margin_km[:, pick]), log_expit(-margin_km[:, pick]))
        weight_ck, log_total_c = _weights(log_p_ck)
        # of a label set's own weights: log p(labels | weights) - log p(labels), which no choice can push above log K
        own_c = log_p_ck[np.arange(n_label_sets), drawn_c] - log_total_c
        nats.append(np.log(n_draws) + float(np.minimum(own_c, 0).mean()))
    return BatchInformation(np.array(picked, dtype=np.int64), np.array(nats), float(np.log(n_draws)))


def _weights(log_p_ck: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(C, K) the chance of each draw given a label set, and (C,) the logarithm of what they were divided by."""
    most_c1 = log_p_ck.max(axis=1, keepdims=True)
    weight_ck = log_p_ck - most_c1
    np.exp(weight_ck, out=weight_ck)
    total_c1 = weight_ck.sum(axis=1, keepdims=True)
    weight_ck /= total_c1
    return weight_ck, (most_c1 + np.log(total_c1))[:, 0]


def _near_the_best(weight_ck: np.ndarray, rough_mk: np.ndarray, inside_m: np.ndarray, free_m: np.ndarray) -> np.ndarray:
    """Free positions whose exact gain may be the largest, by float32 and as far as that may be off.

    A sum of K products of numbers that are not negative is off by K + 3 roundings at most, relatively, and an entropy
    by that of the difference between two chances at most: |H(p) - H(q)| <= H(|p - q|) up to 1/2.
    """
    off = 2 * (float(label_entropy(np.array(min((len(rough_mk.T) + 4) * UNIT, 0.5)))) + ROUGH_LOGS)
    weight_ck = weight_ck.astype(np.float32)
    weight_ck[weight_ck < TINY] = 0  # a product with numbers near the end of float32 takes many times as long
    bound_m = _rough_entropy(weight_ck.mean(axis=0, keepdims=True), rough_mk) - inside_m
    order = np.argsort(-np.where(free_m, bound_m, -np.inf), kind="stable")[: int(free_m.sum())]
    rough_m, best = np.full(len(free_m), -np.inf), -np.inf
    for tried in np.split(order, range(LOOKED_AT_TOGETHER, len(order), LOOKED_AT_TOGETHER)):
        if bound_m[tried[0]] < best - off:
            break
        rough_m[tried] = _rough_entropy(weight_ck, rough_mk[tried]) - inside_m[tried]
        best = max(best, rough_m[tried].max())
    return np.flatnonzero(rough_m >= best - off)


def _rough_entropy(weight_ck: np.ndarray, rough_mk: np.ndarray) -> np.ndarray:
    """(M,) float32 mean entropy of each pair's label over the label sets."""
    p_cm = weight_ck @ rough_mk.T
    np.clip(p_cm, TINY, 1 - UNIT, out=p_cm)
    other_cm = 1 - p_cm
    p_cm *= np.log(p_cm)
    other_cm *= np.log(other_cm)
    p_cm += other_cm
    return -p_cm.mean(axis=0)
