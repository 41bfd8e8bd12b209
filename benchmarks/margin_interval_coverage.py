"""Does the Laplace interval of a margin hold the truth, and does it still after selection by Best-of-n?

In each run weights are drawn, pairs are labelled by Bradley and Terry from the true rewards, and linear Bradley-Terry
is fitted (rmkit.reward_models.linear). Then P prompts with K responses each are scored: how often is the true
difference in the interval of each pair's margin, and that of the pick of Best-of-n, less its prompt's mean, in the
pick's?

  prior known    weights are drawn from the prior that the fit's penalty says
  as fitted      the same weights, the penalty chosen on a fifth of the pairs, as the head does
  hardly any     the same weights, hardly any penalty
  own part       a part of gold, half as large as the rest, is of no feature; the penalty chosen

`aligned` is the first of these shares when the truth is only known up to origin and unit, as gold is
(rmkit.measures.margin_uncertainty.aligned_gold). Runs share nothing, so a standard error is that of their means.

Run: python benchmarks/margin_interval_coverage.py  (2,000 runs a row, some minutes on an idle core; --runs 100)
"""

import argparse
import time

import numpy as np
from scipy.special import expit

from rmkit.measures.best_of_n import best_of_n
from rmkit.measures.margin_uncertainty import aligned_gold, holds, sd_within_prompts
from rmkit.reward_models.linear.bradley_terry import L2_GRID, LinearBradleyTerry
from rmkit.training_sets.pair_sets import PairSets

N_DIMENSIONS, MARGIN_SD, N_PROMPTS, N_RESPONSES, NS = 8, 2.0, 10, 16, (1, 4, 16)
WAYS = {"prior known": (1 / MARGIN_SD**2,), "as fitted": L2_GRID, "hardly any": (0.003,), "own part": L2_GRID}
HEAD = "| fit | annotations | 50% | 80% | 95% | aligned, 95% | best of 1, 95% | of 4 | of 16 | largest s.e. |"


def one_run(way: str, n_annotations: int, rng: np.random.Generator) -> list[float]:
    """Shares of pairs at 50, 80 and 95%, aligned at 95%, and of picks at 95% for each n."""
    weight_d = rng.normal(size=N_DIMENSIONS) * MARGIN_SD / np.sqrt(2 * N_DIMENSIONS)
    own_sd = 0.5 * MARGIN_SD / np.sqrt(2) if way == "own part" else 0.0
    embedding_rd = rng.normal(size=(2 * n_annotations + N_PROMPTS * N_RESPONSES, N_DIMENSIONS)).astype(np.float32)
    true_r = embedding_rd @ weight_d + own_sd * rng.normal(size=len(embedding_rd))
    first_m, second_m = np.arange(2 * n_annotations).reshape(2, -1)
    won_m = rng.random(n_annotations) < expit(true_r[first_m] - true_r[second_m])
    labelled = np.where(won_m, first_m, second_m), np.where(won_m, second_m, first_m)
    cut = n_annotations * 4 // 5
    train, validation = (
        PairSets.padded([tuple(side[at] for side in labelled)]) for at in (slice(cut), slice(cut, None))
    )
    fit = LinearBradleyTerry(l2_grid=WAYS[way]).fit(embedding_rd, train, validation, rng_s=[rng])
    test_rd = embedding_rd[2 * n_annotations :]
    score_pk, true_pk = (
        value_r.reshape(N_PROMPTS, N_RESPONSES).astype(np.float64)
        for value_r in (fit.score(test_rd)[0], true_r[2 * n_annotations :])
    )
    first_pq, second_pq = (np.tile(side_q, (N_PROMPTS, 1)) for side_q in np.triu_indices(N_RESPONSES, 1))
    root_pkc = fit.reward_root(test_rd)[0].reshape(N_PROMPTS, N_RESPONSES, -1)
    joint_pq, _, less_mean_pk, _ = sd_within_prompts(root_pkc, first_pq, second_pq)

    def errors(truth_pk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        error_pk = truth_pk - truth_pk.mean(axis=1, keepdims=True) - score_pk + score_pk.mean(axis=1, keepdims=True)
        sides = (np.take_along_axis(error_pk, side_pq, axis=1) for side_pq in (first_pq, second_pq))
        return np.subtract(*sides), error_pk

    error_pq, error_pk = errors(true_pk)
    of_pairs = [holds(error_pq, joint_pq, level).mean() for level in (0.5, 0.8, 0.95)]
    aligned = holds(errors(aligned_gold(score_pk, true_pk))[0], joint_pq, 0.95).mean()  # NaN is not held
    return [*of_pairs, aligned, *best_of_n(score_pk, holds(error_pk, less_mean_pk, 0.95), NS).mean(axis=0)]


def main() -> None:
    """Print a Markdown table, a row for each way of fitting and number of annotations."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    start = time.perf_counter()
    print(HEAD, "|---" * 10 + "|", sep="\n")
    for way in WAYS:
        for n_annotations in (100, 400):
            rng_n = np.random.default_rng([given.seed, n_annotations]).spawn(given.runs)
            share_nc = np.array([one_run(way, n_annotations, rng) for rng in rng_n])
            worst = (share_nc.std(axis=0, ddof=1) / np.sqrt(given.runs)).max()
            cells = " | ".join(f"{share:.3f}" for share in share_nc.mean(axis=0))
            print(f"| {way} | {n_annotations} | {cells} | {worst:.3f} |", flush=True)
    print(f"\n{given.runs} runs, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
