"""How long does Best-of-n take, exactly and for every n, beside the published evaluation by random subsets?

2,000 prompts of 500 responses, one score and one gold reward each, float64 on one thread:

  exact        `rmkit.measures.best_of_n`: the expectation over all subsets, prompt by prompt, for all 500 values of n;
               its weights depend on 500 and n alone, and are made once, in the first round (2 of 30 ms)
  vectorised   the published evaluation (arXiv 2411.04991, released code): 100 repeats, seeds 0 to 99, at its 8 values
               of n; a repeat draws one order of the 500 for all prompts, and n takes its beginning, so that subsets are
               nested. All prompts at once in numpy: scores gathered once a repeat, an arg-max and a look-up for each n
  loop         the same, prompt by prompt over Python lists, as in the released code; timed on a few repeats, multiplied

They take turns, so that a busy minute hits all of them, and the seconds are those of the processor. Ratios are of one
round; the table has their median and range.
Beside the times stands what randomness leaves: the largest distance of the subsets' mean gold reward to the exact one,
which the two forms of the published evaluation share to the last digit.

Run: python benchmarks/best_of_n.py  (about a minute; --rounds 3 for a look)
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rmkit.measures.best_of_n import best_of_n

N_PROMPTS, N_RESPONSES, N_REPEATS = 2000, 500, 100
PUBLISHED_NS = (2, 5, 10, 30, 50, 100, 300, 500)


def drawn_order(seed: int) -> np.ndarray:
    """(500,) the order of a repeat: its first n are the subset of size n, the same for all prompts."""
    return np.random.default_rng(seed).permutation(N_RESPONSES)


def vectorised(score_pk: np.ndarray, gold_pk: np.ndarray, n_repeats: int = N_REPEATS) -> np.ndarray:
    """(8,) mean gold reward of the picks, over repeats and prompts."""
    prompt_p = np.arange(len(score_pk))
    mean_tn = np.empty((n_repeats, len(PUBLISHED_NS)))
    for seed in range(n_repeats):
        order_k = drawn_order(seed)
        drawn_pk = np.take(score_pk, order_k, axis=1)
        for position, n in enumerate(PUBLISHED_NS):
            mean_tn[seed, position] = gold_pk[prompt_p, order_k[drawn_pk[:, :n].argmax(axis=1)]].mean()
    return mean_tn.mean(axis=0)


def loop(score_pk: list[list[float]], gold_pk: list[list[float]], n_repeats: int) -> np.ndarray:
    """(8,) the same, one prompt, repeat and n at a time."""
    total_n = [0.0] * len(PUBLISHED_NS)
    for seed in range(n_repeats):
        order_k = drawn_order(seed).tolist()
        for position, n in enumerate(PUBLISHED_NS):
            subset = order_k[:n]
            for score_k, gold_k in zip(score_pk, gold_pk, strict=True):
                drawn = [score_k[k] for k in subset]
                total_n[position] += gold_k[subset[drawn.index(max(drawn))]]
    return np.array(total_n) / (n_repeats * len(score_pk))


def seconds(compute: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    started = time.process_time()
    found = compute()
    return time.process_time() - started, found


def over(ratios: list[float]) -> str:
    """A median with its range."""
    return f"{statistics.median(ratios):6.1f}  ({min(ratios):.1f} to {max(ratios):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--loop-repeats", type=int, default=2, help="of the 100; the time is multiplied up")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    gold_pk = rng.normal(size=(N_PROMPTS, N_RESPONSES))
    score_pk = gold_pk + rng.normal(size=gold_pk.shape)
    lists = score_pk.tolist(), gold_pk.tolist()
    times: dict[str, list[float]] = {"exact": [], "vectorised": [], "loop": []}
    best_of_n(score_pk[:10], gold_pk[:10], [1])  # what is imported on first use
    for _ in range(options.rounds):
        spent, exact_pn = seconds(lambda: best_of_n(score_pk, gold_pk, range(1, N_RESPONSES + 1)))
        times["exact"].append(spent)
        spent, sampled_n = seconds(lambda: vectorised(score_pk, gold_pk))
        times["vectorised"].append(spent)
        spent, looped_n = seconds(lambda: loop(*lists, options.loop_repeats))
        times["loop"].append(spent * N_REPEATS / options.loop_repeats)
    np.testing.assert_allclose(looped_n, vectorised(score_pk, gold_pk, options.loop_repeats), rtol=1e-12)
    exact_n = exact_pn.mean(axis=0)[np.array(PUBLISHED_NS) - 1]
    print(f"{N_PROMPTS} prompts x {N_RESPONSES} responses, {options.rounds} rounds, one thread")
    print(f"{'':12}{'values of n':>12}{'seconds':>10}   {'times as long as exact: median (range)'}")
    for name, own in times.items():
        ratios = [slow / fast for slow, fast in zip(own, times["exact"], strict=True)]
        n_values = N_RESPONSES if name == "exact" else len(PUBLISHED_NS)
        print(f"{name:12}{n_values:12}{statistics.median(own):10.3f}   {over(ratios) if name != 'exact' else ''}")
    print(
        f"largest distance of {N_REPEATS} repeats to the exact mean: {np.abs(sampled_n - exact_n).max():.4f} gold s.d."
    )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
