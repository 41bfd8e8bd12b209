"""What does it save to bin the rows of a training set once for all levels of noise? Shared against one fit at a time.

Fits at six levels of noise learn from the same pairs and differ in labels alone. Both ways grow the same trees, to the
last bit (tests/reward_models/trees/test_binned_rows.py):

  shared   one `fit` of six sets: their rows are binned once
  alone    six `fit`s of one set: each bins its rows

Binning takes as long as some 15 rounds, so that fits of 100 rounds gain little and fits that stop early more.

The two take turns, so that a busy minute hits both; a ratio is of one round, its median and range over rounds.

Run: python benchmarks/lightgbm_binning.py  (half an hour on one core; --pairs 1000 --rounds 1 for a look)
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from rmkit.reward_models.registry import build
from rmkit.training_sets.pair_sets import PairSets

NOISE = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)  # share of labels that are turned round
HEADS = {
    "lightgbm_clf, 100 rounds": ("lightgbm_clf", {"procedure": "published"}),
    "lightgbm_bt, 100 rounds": ("lightgbm_bt", {"procedure": "published"}),
    "lightgbm_clf, stopped": ("lightgbm_clf", {}),
    "lightgbm_bt, stopped": ("lightgbm_bt", {}),
}


def noise_levels(reward_r: np.ndarray, n_pairs: int) -> tuple[PairSets, PairSets]:
    """The same pairs at each level of noise, a fifth of them to validate on."""
    rng = np.random.default_rng(1)
    pair_2m = rng.permutation(len(reward_r))[: 2 * n_pairs].reshape(2, -1)
    better_2m = np.take_along_axis(pair_2m, (-reward_r[pair_2m]).argsort(axis=0), axis=0)
    turned_sm = rng.random((len(NOISE), n_pairs)) < np.array(NOISE)[:, None]
    sets = [np.where(turned_m, better_2m[::-1], better_2m) for turned_m in turned_sm]
    cut = n_pairs * 4 // 5
    train = PairSets.padded([(chosen_m[:cut], rejected_m[:cut]) for chosen_m, rejected_m in sets])
    return train, PairSets.padded([(chosen_m[cut:], rejected_m[cut:]) for chosen_m, rejected_m in sets])


def seconds(
    head: str, options: dict[str, object], embedding_rd: np.ndarray, *calls: tuple[PairSets, PairSets]
) -> float:
    """Of one `fit` for each of these training and validation sets."""
    started = time.monotonic()
    for train, validation in calls:
        rng_s = np.random.default_rng(0).spawn(train.n_sets)
        build(head, **options).fit(embedding_rd, train, validation, rng_s=rng_s)
    return time.monotonic() - started


def one_set(pairs: PairSets, s: int) -> PairSets:
    return PairSets(pairs.chosen_sm[[s]], pairs.rejected_sm[[s]], pairs.weight_sm[[s]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=5_000)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    embedding_rd = rng.normal(size=(2 * options.pairs, options.dimensions)).astype(np.float16)
    reward_r = embedding_rd[:, :20].astype(np.float64) @ rng.normal(size=20)
    train, validation = noise_levels(reward_r, options.pairs)
    alone = [(one_set(train, s), one_set(validation, s)) for s in range(len(NOISE))]
    print(f"{options.pairs} pairs, {options.dimensions} dimensions, {len(NOISE)} levels of noise; seconds a fit")
    print(f"{'head':26} {'alone':>8} {'shared':>8} {'alone / shared':>20}")
    for label, (head, choices) in HEADS.items():
        rounds = []
        for _ in range(options.rounds):
            apart = seconds(head, choices, embedding_rd, *alone) / len(NOISE)
            together = seconds(head, choices, embedding_rd, (train, validation)) / len(NOISE)
            rounds.append((apart, together, apart / together))
        apart, together, ratio = (statistics.median(column) for column in zip(*rounds, strict=True))
        spread = f"{min(row[2] for row in rounds):.2f} to {max(row[2] for row in rounds):.2f}"
        print(f"{label:26} {apart:6.2f} s {together:6.2f} s {ratio:8.2f} ({spread})", flush=True)


if __name__ == "__main__":
    main()
