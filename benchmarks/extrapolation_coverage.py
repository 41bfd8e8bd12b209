"""Does the interval of a continued learning curve cover what more labels bring? The whole procedure, many times.

The world is that of cross_fitting_coverage.py: n prompts with a pair each, a linear Bradley-Terry model that sees part
of what people judge by, accuracies known by quadrature. As in notebook 09, five folds of prompts are held out in turn,
and fits on a sixth, a third, two thirds and all of what a fold leaves score them. `evaluation/extrapolated` continues
that curve. How often does its 95% interval hold

  500 more      the expected accuracy of fits on n + 500 new pairs minus that of fits on n
  last third    the expected gain from two thirds to all, foretold without the last number

at which the expectations are means over fresh data sets? In the worlds without signal nothing is to be learned.

Run: python benchmarks/extrapolation_coverage.py  (about 12 minutes on one core; --replications 50 for a look)
"""

import argparse

import numpy as np
import pandas as pd
from cross_fitting_coverage import N_FOLDS, UNSEEN_SD, world
from scipy.special import expit

from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.extrapolated import gain, last_step
from rmkit.reward_models.linear.newton import newton_weights
from rmkit.training_sets.cross_fitting import growing

MORE, FRESH = 500, 300  # labels; data sets behind an expectation
WORLDS = [(n, d, signal) for n in (300, 1000, 3000) for d, signal in ((32, 1.0), (128, 1.0), (128, 0.4), (128, 0.0))]


def pairs(rng: np.random.Generator, n: int, spectrum_d: np.ndarray, planted_d: np.ndarray, signal: float) -> np.ndarray:
    """(n, D) features of the preferred minus those of the other."""
    x_md = rng.normal(size=(n, len(spectrum_d))) * spectrum_d
    latent_m = signal * (x_md @ planted_d) + UNSEEN_SD * rng.normal(size=n)
    sharpness_m = np.exp(0.5 * rng.normal(size=n))
    chosen_md: np.ndarray = x_md * np.where(rng.random(n) < expit(sharpness_m * latent_m), 1.0, -1.0)[:, None]
    return chosen_md


def expected(rng: np.random.Generator, counts: list[int], drawn: tuple, signal: float) -> np.ndarray:
    """(counts,) accuracy on new prompts, by a large test set, of a fit on so many new pairs."""
    test_md = pairs(rng, 40_000, *drawn, signal)
    right_rc = np.empty((FRESH, len(counts)))
    for r in range(FRESH):
        chosen_md = pairs(rng, max(counts), *drawn, signal)
        for c, count in enumerate(counts):
            right_rc[r, c] = (test_md @ fitted(chosen_md[:count]) > 0).mean()
    accuracy_c: np.ndarray = right_rc.mean(axis=0)
    return accuracy_c


def fitted(chosen_md: np.ndarray) -> np.ndarray:
    weight_d: np.ndarray = newton_weights(chosen_md, np.ones(len(chosen_md)), 10.0)
    return weight_d


def held_out(rng: np.random.Generator, counts: list[int], chosen_md: np.ndarray) -> list[Evaluations]:
    """The evaluations of one cross-fitting."""
    n = len(chosen_md)
    right_cm, fold_m = np.empty((len(counts), n)), rng.permutation(n) % N_FOLDS
    for fold in range(N_FOLDS):
        pool_m, test_m = rng.permutation(np.flatnonzero(fold_m != fold)), np.flatnonzero(fold_m == fold)
        for c, count in enumerate(counts):
            right_cm[c, test_m] = chosen_md[test_m] @ fitted(chosen_md[pool_m[:count]]) > 0
    fits = pd.DataFrame({"fit": [f"linear-{c}" for c in counts], "reward_model": "linear", "annotations": counts})
    fits["annotations"] = fits["annotations"].astype(float)
    return [Evaluations.from_pairs(fits, np.arange(n), {"accuracy": right_cm})]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worlds", type=int, nargs="*", default=range(len(WORLDS)))
    arguments = parser.parse_args()
    print(
        "| pairs | features | signal | accuracy | what | true gain | mean estimate | mean width | covers | its s.e. |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for number in arguments.worlds:
        n, n_dimensions, signal = WORLDS[number]
        rng = np.random.default_rng([arguments.seed, number])
        drawn = world(rng, n_dimensions)
        counts = growing(n * (N_FOLDS - 1) // N_FOLDS, 0.2)
        accuracy_c = expected(rng, [*counts, n, n + MORE], drawn, signal)
        found = []
        for own in rng.spawn(arguments.replications):
            evaluations = held_out(own, counts, pairs(own, n, *drawn, signal))
            step = last_step(evaluations, "linear")
            assert step
            found.append([gain(evaluations, "linear", n, n + MORE).gain, step[0].gain])
        for what, truth, each in zip(
            (f"{MORE} more", "last third"),
            (accuracy_c[-1] - accuracy_c[-2], accuracy_c[3] - accuracy_c[2]),
            zip(*found, strict=True),
            strict=True,
        ):
            covers = float(np.mean([one.low <= truth <= one.high for one in each]))
            error = np.sqrt(covers * (1 - covers) / len(each))
            width, estimate = (np.mean([one.high - one.low for one in each]), np.mean([one.estimate for one in each]))
            print(
                f"| {n:,} | {n_dimensions} | {signal} | {accuracy_c[-2]:.3f} | {what} | {truth:.4f} | {estimate:.4f} | "
                f"{width:.4f} | {covers:.3f} | {error:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
