"""Does the 95% interval of held-out accuracy cover what it says? The whole procedure, repeated on a world with a truth.

A data set: n prompts, one pair each. The pair's difference of features x is Gaussian with a decaying spectrum; its
log-odds are sharpness * (w . x + u): u is a part that the features cannot see, sharpness a random effect of the prompt
(lognormal), sized so that a model fitted on most pairs is right on about 63%, as on the human preferences shipped here.
Then, as in notebook 04: for each of `seeds` groupings into 5 folds, a linear Bradley-Terry model is fitted on some of
the pairs outside each fold (penalty fixed, for speed) and scored on the fold; a pair's mean over seeds is bootstrapped
over prompts. The world stays, data sets come and go: how often does the interval hold

  these fits    the mean true accuracy of exactly the seeds x 5 fitted models on new prompts, known by quadrature
  new data      the expectation of that over new data sets, known as its mean over all replications

for each number of annotations, and for the paired difference between the largest and the smallest number?

Run: python benchmarks/cross_fitting_coverage.py  (about 4 minutes on one core; --replications 50 for a look)
"""

import argparse
import time

import numpy as np
from scipy.special import expit, ndtr

from rmkit.intervals.means import bootstrap_over_prompts
from rmkit.reward_models.linear.newton import newton_weights

N_FOLDS = 5
SEEN_SD, UNSEEN_SD, SHARPNESS_SD = 1.4, 1.4, 0.5  # of w . x, of u, and of log sharpness
L2 = 10.0


def true_accuracy(correlation: np.ndarray) -> np.ndarray:
    """P(the fitted model prefers the chosen response) on new prompts, from corr(fitted w . x, planted w . x).

    Given t = w . x, the first is preferred with h(t) = E[sigmoid(sharpness (t + u))], and the model prefers it with
    Phi(c t / sqrt(1 - c^2)) for t in its standard deviations; the expectation over t, u, sharpness is Gauss-Hermite.
    """
    node_q, weight_q = np.polynomial.hermite_e.hermegauss(41)
    weight_q = weight_q / weight_q.sum()
    sharpness_q = np.exp(SHARPNESS_SD * node_q)
    latent_qq = SEEN_SD * node_q[:, None] + UNSEEN_SD * node_q[None, :]
    first_q = np.einsum("tus,u,s->t", expit(latent_qq[:, :, None] * sharpness_q), weight_q, weight_q)
    slope = correlation / np.sqrt(1 - correlation**2)
    model_cq = ndtr(slope[..., None] * node_q)
    return (model_cq * first_q + (1 - model_cq) * (1 - first_q)) @ weight_q


def world(rng: np.random.Generator, n_dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """(D,) standard deviations of the features and (D,) planted weights: drawn once, every data set is from it."""
    spectrum_d = np.arange(1, n_dimensions + 1) ** -0.5
    spectrum_d /= np.linalg.norm(spectrum_d)  # differences of root mean square length 1, as newton_weights wants
    planted_d = rng.normal(size=n_dimensions)
    return spectrum_d, planted_d * SEEN_SD / np.linalg.norm(planted_d * spectrum_d)


def one_replication(
    rng: np.random.Generator,
    spectrum_d: np.ndarray,
    planted_d: np.ndarray,
    *,
    n_prompts: int,
    n_seeds: int,
    counts: list[int],
) -> tuple[np.ndarray, np.ndarray]:
    """(counts, seeds, prompts) whether each pair was right, and (counts,) mean true accuracy of those fits."""
    x_md = rng.normal(size=(n_prompts, len(spectrum_d))) * spectrum_d
    latent_m = x_md @ planted_d + UNSEEN_SD * rng.normal(size=n_prompts)
    sharpness_m = np.exp(SHARPNESS_SD * rng.normal(size=n_prompts))
    sign_m = np.where(rng.random(n_prompts) < expit(sharpness_m * latent_m), 1.0, -1.0)
    chosen_md = x_md * sign_m[:, None]

    right_csm = np.empty((len(counts), n_seeds, n_prompts))
    correlation_csf = np.empty((len(counts), n_seeds, N_FOLDS))
    for seed in range(n_seeds):
        fold_m = rng.permutation(n_prompts) % N_FOLDS
        for fold in range(N_FOLDS):
            pool_m, test_m = rng.permutation(np.flatnonzero(fold_m != fold)), np.flatnonzero(fold_m == fold)
            for c, count in enumerate(counts):
                w_d = newton_weights(chosen_md[pool_m[:count]], np.ones(count), L2)
                right_csm[c, seed, test_m] = chosen_md[test_m] @ w_d > 0
                cosine = (w_d * spectrum_d) @ (planted_d * spectrum_d) / np.linalg.norm(w_d * spectrum_d) / SEEN_SD
                correlation_csf[c, seed, fold] = cosine
    return right_csm, true_accuracy(correlation_csf).mean(axis=(1, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--prompts", type=int, default=2300)
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--annotations", type=int, nargs="+", default=[100, 400, 1800])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    size = {"n_prompts": arguments.prompts, "n_seeds": arguments.seeds, "counts": arguments.annotations}
    began, root = time.perf_counter(), np.random.default_rng(arguments.seed)
    spectrum_d, planted_d = world(root, arguments.dimensions)
    truths, intervals = [], []
    for i, rng in enumerate(root.spawn(arguments.replications)):
        right_csm, truth_c = one_replication(rng, spectrum_d, planted_d, **size)
        series_km, truth_k = with_difference(right_csm.mean(axis=1)), with_difference(truth_c)
        found = bootstrap_over_prompts(series_km, np.ones(arguments.prompts), rng=rng, n_resamples=1000)
        truths.append(truth_k)
        intervals.append([(interval.low, interval.estimate, interval.high) for interval in found])
        if (i + 1) % 100 == 0:
            print(f"{i + 1} replications, {time.perf_counter() - began:.0f} s", flush=True)
    labels = [*map(str, arguments.annotations), f"{arguments.annotations[-1]} minus {arguments.annotations[0]}"]
    print_table(np.array(truths), np.array(intervals), labels)


def with_difference(value_c: np.ndarray) -> np.ndarray:
    """The series of each count, and a last one: the largest count minus the smallest, pair by pair."""
    return np.concatenate([value_c, value_c[-1:] - value_c[:1]])


def print_table(truth_nk: np.ndarray, interval_nk3: np.ndarray, labels: list[str]) -> None:
    low_nk, estimate_nk, high_nk = np.moveaxis(interval_nk3, -1, 0)
    print("| target | annotations | coverage of 95% | its s.e. | mean width | s.d. of the error | mean estimate |")
    print("|---|---|---|---|---|---|---|")
    for name, target_nk in (("these fits", truth_nk), ("new data", np.broadcast_to(truth_nk.mean(0), truth_nk.shape))):
        inside_nk = (low_nk <= target_nk) & (target_nk <= high_nk)
        for k, label in enumerate(labels):
            coverage = inside_nk[:, k].mean()
            error = np.sqrt(coverage * (1 - coverage) / len(inside_nk))
            width, spread = (high_nk - low_nk)[:, k].mean(), (estimate_nk - target_nk)[:, k].std()
            mean = estimate_nk[:, k].mean()
            print(f"| {name} | {label} | {coverage:.3f} | {error:.3f} | {width:.4f} | {spread:.4f} | {mean:.4f} |")


if __name__ == "__main__":
    main()
