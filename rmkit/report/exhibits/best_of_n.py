"""How good the best of n is by the reward models of 04_reward_models, and what noise and annotations do to it.

From stored evaluations alone; averages seeds and makes intervals through evaluation/curves.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from rmkit.evaluation.curves import gold_curves
from rmkit.figures.best_of_n import best_of_n_figure, noise_panels
from rmkit.report.exhibits.settings import Drawn, Results, band, headed, named, size_of, where_gold_is_known


def best_of_n(results: Results) -> Iterator[Drawn]:
    """Best-of-n against n, with the most annotations at the level of noise nearest to β = 1."""
    for setting in where_gold_is_known(results):
        names = [name for name in setting.seeds[0].values if name.startswith("best_of_")]
        curves = gold_curves(setting.seeds, names)
        beta = middle_beta(curves)
        most = curves["annotations"].max()
        shown = curves["reward_model"].isin(["gold", "random"])
        shown |= (curves["beta"] == beta) & (curves["annotations"] == most)
        yield Drawn(
            named("best-of-n", setting.told_apart),
            headed("How good is the best of n?", setting.told_apart),
            f"Gold reward of the response that a reward model picks out of n, fitted on {most:,.0f} annotated pairs "
            f"at β = {beta:g}; above all, gold itself as the judge, and below, a random reward. {band(curves)}",
            best_of_n_figure(curves[shown]),
        )


def noise_and_numbers(results: Results) -> Iterator[Drawn]:
    """The largest Best-of-n against the number of annotations, a panel a level of noise."""
    for setting in where_gold_is_known(results):
        largest = max((name for name in setting.seeds[0].values if name.startswith("best_of_")), key=size_of)
        curves = gold_curves(setting.seeds, [largest])
        yield Drawn(
            named("noise-and-numbers", setting.told_apart),
            headed("What do noise and numbers of annotations do?", setting.told_apart),
            f"Gold reward of the best of {size_of(largest)} by each reward model, against the number of annotated "
            "pairs, from the noisiest labels on the left to those without noise. Levels without markers learn nothing. "
            f"{band(curves)}",
            noise_panels(curves, f"gold reward of the best of {size_of(largest)}"),
        )


def middle_beta(curves: pd.DataFrame) -> float:
    """The level of noise nearest to β = 1, on a log scale."""
    return min(set(curves["beta"].dropna()), key=lambda beta: abs(np.log(beta)))
