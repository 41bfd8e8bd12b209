"""Worlds of equal accuracy and unequal regret: how far eight proxies' policies fall short, at rising pressure.

In each bank, P prompts with K responses, gold N(0, 1), get a proxy reward of each error shape
(rmkit.worlds.goodhart), at the strength at which its accuracy is 0.75. The columns n and KL have NDR, 0 for a policy
as good as gold's and 1 for one no better than the base, as means over banks; Gaussian errors have 0.293 everywhere.
Student-t errors have no KL optimum of a population, because the mean of exp(proxy / beta) is infinite: their columns
KL belong to this size of bank, and tend to 1 with larger ones.

Run: python benchmarks/goodhart.py  (some minutes on an idle core; --banks 4 for a look)
"""

import argparse
import time

import numpy as np
import pandas as pd

from rmkit.worlds.goodhart.error_shapes import SHAPES
from rmkit.worlds.goodhart.known_answers import ACCURACY, drop_ratios, measured, strength_at, world


def of_banks(shape: str, banks: int, n_prompts: int, n_responses: int, seed: int) -> pd.DataFrame:
    """A row a bank: what measures see, and NDR."""
    drawn = (world(shape, n_prompts, n_responses, rng) for rng in np.random.default_rng(seed).spawn(banks))
    return pd.DataFrame([pd.concat([measured(one), drop_ratios(one)]) for one in drawn])


def main() -> None:
    """Print a Markdown table, a row a shape."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--banks", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--responses", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    start = time.perf_counter()
    for shape in SHAPES:
        table = of_banks(shape, given.banks, given.prompts, given.responses, given.seed)
        if shape == next(iter(SHAPES)):
            columns = ["error shape", "strength", *table.columns, "largest s.e."]
            print(f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", sep="\n")
        cells = " | ".join(f"{mean:.3f}" for mean in table.mean())
        worst = table.std().max() / np.sqrt(given.banks)
        print(f"| {shape} | {strength_at(shape, ACCURACY):.3f} | {cells} | {worst:.3f} |", flush=True)
    size = f"{given.banks} banks of {given.prompts} prompts with {given.responses:,} responses each"
    print(f"\n{size}, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
