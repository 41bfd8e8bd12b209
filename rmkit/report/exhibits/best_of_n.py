"""How good the best of n is by the reward models of 04_reward_models, and what noise and annotations do to it.

From stored evaluations alone; averages seeds and makes intervals through evaluation/curves.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from rmkit.evaluation.curves import gold_curves
from rmkit.figures.best_of_n import best_of_n_figure, noise_panels
from rmkit.figures.looks import called, metric_label
from rmkit.report.exhibits.settings import Drawn, Results, band, headed, largest_best_of_n, named, where_gold_is_known
from rmkit.report.wording import join, sentence


def best_of_n(results: Results) -> Iterator[Drawn]:
    """Best-of-n against n, with the most annotations at the level of noise nearest to β = 1."""
    for setting in where_gold_is_known(results):
        curves = gold_curves(setting.seeds, setting.seeds[0].metrics("best_of_n"))
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
        largest = largest_best_of_n(setting.seeds[0])
        curves = gold_curves(setting.seeds, [largest])
        learned = sentence(join([called(name) for name in curves.loc[curves["beta"].notna(), "reward_model"].unique()]))
        yield Drawn(
            named("noise-and-numbers", setting.told_apart),
            headed("What do noise and numbers of annotations do?", setting.told_apart),
            f"Gold reward of the best of {largest.at:g} by each reward model, against the number of annotated "
            f"pairs, from the noisiest labels (the smallest β) on the left to those without noise. {learned} learn "
            "from them; flat lines learn nothing. "
            f"{band(curves)}",
            noise_panels(curves, metric_label(largest.name, largest.at)),
        )


def middle_beta(curves: pd.DataFrame) -> float:
    """The level of noise nearest to β = 1, on a log scale."""
    return min(set(curves["beta"].dropna()), key=lambda beta: abs(np.log(beta)))
