"""Do the 95% intervals of label noise cover it, where nothing but judgements is known?

  flip rate    judgements of n pairs by k annotators, each the truth turned round with probability 5, 15 or 30%; pairs
               on their own, or five to a prompt. How often does the interval of rmkit.annotation.crowd_noise hold it?
  sharpness    annotators with log-odds s ~ Normal(mean, spread^2) of the true answer, each pair judged by k of them
               drawn at random. How often does an annotator's interval hold their own s, and the crowd's its mean and
               spread? Annotators of one run share their truths, so the error is that of runs.
  on margins   the same with P(first) = sigmoid(s margin), and the margins known.

Mean and spread are fixed, not drawn from the priors of the estimate: coverage of the spread and of the mean need not be
95%, and that of s is an average over annotators.

Run: python benchmarks/crowd_noise_coverage.py  (2,000 runs, about 10 minutes on an idle core; --runs 100 for a look)
"""

import argparse
import time

import numpy as np
from scipy.special import expit

from rmkit.annotation.annotator_sharpness import Sharpness, annotator_sharpness
from rmkit.annotation.crowd_noise import flip_rate
from rmkit.annotation.judgements import Judgements
from rmkit.annotation.sharpness_on_margins import sharpness_on_margins

BLOCK = 200  # runs that are sampled side by side, as crowds that share no pair
FLIPS = [(n, k, each, flip) for n, k, each in ((300, 2, 1), (300, 3, 1), (300, 3, 5)) for flip in (0.05, 0.15, 0.3)]
CROWDS = [(8, 150, 3, 1.5, 0.6), (8, 400, 3, 1.5, 0.6), (5, 150, 3, 2.5, 0.3), (10, 200, 2, 1.5, 0.5)]
ON_MARGINS = [(8, 150, 3, 1.0, 0.4)]
HEAD = "| what | pairs | judged by | truth | coverage of 95% | its s.e. | below | above | mean width |"


def flip_coverage(
    n_runs: int, n_pairs: int, votes: int, pairs_each: int, flip: float, rng: np.random.Generator
) -> list[float]:
    """Coverage of the flip rate, its standard error, the shares of intervals above and below it, and their mean width.

    Judgements are those of one annotator a column. pairs_each: pairs of one prompt, which the interval is told of.
    """
    pair_mv, annotator_mv = np.indices((n_pairs, votes))
    prompt_m = None if pairs_each == 1 else np.arange(n_pairs) // pairs_each
    low_n, high_n = np.empty(n_runs), np.empty(n_runs)
    for run in range(n_runs):
        truth_m = rng.random(n_pairs) < 0.5
        label_mv = (rng.random((n_pairs, votes)) < flip) != truth_m[:, None]
        found = flip_rate(Judgements(pair_mv.ravel(), annotator_mv.ravel(), label_mv.ravel() * 1.0), prompt_m=prompt_m)
        low_n[run], high_n[run] = found.low, found.high
    return coverage(low_n[:, None], high_n[:, None], np.full((n_runs, 1), flip))


def sharpness_coverage(
    n_runs: int,
    n_annotators: int,
    n_pairs: int,
    votes: int,
    mean: float,
    spread: float,
    rng: np.random.Generator,
    *,
    on_margins: bool = False,
    n_draws: int = 600,
) -> dict[str, list[float]]:
    """The same for the annotators' s, and for mean and spread of their crowd."""
    ends: dict[str, list[np.ndarray]] = {"sharpness": [], "mean": [], "spread": []}
    block = 1 if on_margins else BLOCK
    for start in range(0, n_runs, block):
        size = min(block, n_runs - start)
        s_na = mean + spread * rng.normal(size=(size, n_annotators))
        found = _estimated(s_na, n_pairs, votes, rng, on_margins=on_margins, n_draws=n_draws)
        three = (found.low_a.reshape(s_na.shape), found.high_a.reshape(s_na.shape), s_na)
        ends["sharpness"].append(np.stack(three))
        for name, found_c3, truth in (("mean", found.mean_c3, mean), ("spread", found.spread_c3, spread)):
            ends[name].append(np.stack([found_c3[:, 1:2], found_c3[:, 2:3], np.full((size, 1), truth)]))
    return {name: coverage(*np.concatenate(parts, axis=1)) for name, parts in ends.items()}


def _estimated(
    s_na: np.ndarray, n_pairs: int, votes: int, rng: np.random.Generator, *, on_margins: bool, n_draws: int
) -> Sharpness:
    """Judgements of N crowds of A annotators, and the posterior of all of them."""
    size, n_annotators = s_na.shape
    who_nmv = rng.random((size, n_pairs, n_annotators)).argsort(axis=2)[:, :, :votes]
    margin_nm = rng.normal(size=(size, n_pairs)) if on_margins else np.sign(rng.random((size, n_pairs)) - 0.5)
    s_nmv = np.take_along_axis(np.broadcast_to(s_na[:, None], (size, n_pairs, n_annotators)), who_nmv, axis=2)
    label_nmv = rng.random(who_nmv.shape) < expit(s_nmv * margin_nm[:, :, None])
    run_n11 = np.arange(size)[:, None, None]
    pair_nmv = np.broadcast_to(run_n11 * n_pairs + np.arange(n_pairs)[:, None], who_nmv.shape)
    judgements = Judgements(pair_nmv.ravel(), (run_n11 * n_annotators + who_nmv).ravel(), label_nmv.ravel() * 1.0)
    if on_margins:
        return sharpness_on_margins(judgements, margin_nm.ravel())
    crowd_a = np.repeat(np.arange(size), n_annotators)
    return annotator_sharpness(judgements, rng=rng, crowd_a=crowd_a, n_draws=n_draws, n_warm_up=100)


def coverage(low_na: np.ndarray, high_na: np.ndarray, truth_na: np.ndarray) -> list[float]:
    """Coverage, its standard error over runs, how often the truth is below and above the interval, the mean width."""
    inside_n = ((low_na <= truth_na) & (truth_na <= high_na)).mean(axis=1)
    error = inside_n.std(ddof=1) / np.sqrt(len(inside_n))
    below, above = (truth_na < low_na).mean(), (truth_na > high_na).mean()
    return [float(inside_n.mean()), float(error), float(below), float(above), float((high_na - low_na).mean())]


def print_row(what: str, pairs: object, judged_by: str, truth: str, figures: list[float]) -> None:
    cells = [what, str(pairs), judged_by, truth, *(f"{figure:.3f}" for figure in figures)]
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began, n_runs = time.perf_counter(), arguments.runs
    print(f"{HEAD}\n|{'---|' * HEAD.count(' | ')}---|")
    rngs = np.random.default_rng(arguments.seed).spawn(len(FLIPS) + len(CROWDS) + len(ON_MARGINS))
    for (n_pairs, votes, each, flip), rng in zip(FLIPS, rngs, strict=False):
        pairs = f"{n_pairs}" if each == 1 else f"{n_pairs}, {each} a prompt"
        print_row("flip rate", pairs, str(votes), f"{flip}", flip_coverage(n_runs, n_pairs, votes, each, flip, rng))
    for i, (case, rng) in enumerate(zip(CROWDS + ON_MARGINS, rngs[len(FLIPS) :], strict=True)):
        n_annotators, n_pairs, votes, mean, spread = case
        on_margins = i >= len(CROWDS)
        found = sharpness_coverage(n_runs, *case, rng, on_margins=on_margins, n_draws=arguments.draws)
        for name, figures in found.items():
            truth = {"mean": f"{mean}", "spread": f"{spread}"}.get(name, f"{mean} ± {spread}")
            what = f"{name} on margins" if on_margins else name
            print_row(what, n_pairs, f"{votes} of {n_annotators}", truth, figures)
    print(f"\n{n_runs} runs, seed {arguments.seed}, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
