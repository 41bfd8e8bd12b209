"""Are planted shortcuts found at the stated power, and absent ones not more often than 5%?

A data set: n pairs, one a prompt. Three traits (length, format, position) of the preferred answer minus the other are
normal, the first two correlated at 0.5 as they are in texts. Labels follow a hidden quality and, where a lean is
planted, length too; the head's margin is that quality with noise, and, where one is planted in it, length. For each
world: how often `evaluation/shortcuts` says that labels, or the head, lean on length, and how often that either leans
on something that it does not look at; beside it the labels' share, and which share could have been seen (80% power).

Run: python benchmarks/shortcut_power.py  (about 40 minutes on one core; --replications 100 for a look)
"""

import argparse

import numpy as np
from scipy.special import expit

from rmkit.evaluation.shortcuts import Lean, leans

WORLDS = [  # pairs, what labels look at length, what the head looks at it
    *[(n, 0.0, 0.0) for n in (100, 400, 2000)],
    *[(n, labels, 0.0) for n, labels in ((100, 1.4), (400, 0.6), (2000, 0.25))],
    *[(n, 0.0, head) for n, head in ((100, 0.7), (400, 0.4), (2000, 0.2))],
]


def data_set(rng: np.random.Generator, n: int, labels: float, head: float) -> list[Lean]:
    """The leans of one data set."""
    length_m, own_m = rng.normal(size=(2, n))
    format_m, position_m = 0.5 * length_m + np.sqrt(0.75) * own_m, rng.choice([-1, 1], n)
    quality_m = 1.5 * rng.normal(size=n)
    sign_m = np.where(rng.random(n) < expit(quality_m + labels * length_m), 1, -1)
    margin_m = (quality_m + head * length_m + rng.normal(size=n)) * sign_m
    alone_m = format_m if labels == head == 0 else own_m  # what nobody looks at, once length is looked at
    traits = {"length": length_m * sign_m, "format": alone_m * sign_m, "position": position_m * sign_m}
    return leans(traits, margin_m, np.arange(n), unseen=("position",))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worlds", type=int, nargs="*", default=range(len(WORLDS)))
    arguments = parser.parse_args()
    columns = (
        "pairs, labels look, head looks, labels' share, could have been seen, labels found, head found, absent, runs"
    )
    print(f"| {columns.replace(', ', ' | ')} |")
    print("|---|---|---|---|---|---|---|---|---|")
    for number in arguments.worlds:
        world = WORLDS[number]
        found, absent, shares, seen = [], [], [], []
        runs = arguments.replications // (4 if world[0] > 1000 else 1)
        for rng in np.random.default_rng([arguments.seed, number]).spawn(runs):
            length, *others = data_set(rng, *world)
            found.append((length.labels_lean, length.head_leans))
            looked_at = (world[1] > 0, world[2] > 0)
            absent.append(
                any(lean.labels_lean or lean.head_leans for lean in others)
                or (not looked_at[0] and length.labels_lean)
                or (not looked_at[1] and length.head_leans)
            )
            shares.append(length.labels.estimate)
            seen.append(length.seen)
        of_labels, of_head = np.mean(found, axis=0)
        n, labels, head = world
        print(
            f"| {n:,} | {labels} | {head} | {np.mean(shares):.3f} | {0.5 + np.mean(seen):.3f} | {of_labels:.3f} | "
            f"{of_head:.3f} | {np.mean(absent):.3f} | {runs:,} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
