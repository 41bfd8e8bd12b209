"""Proxies made from a bank's own gold: every error shape, at strengths that would give N(0, 1) gold these accuracies.

They are members of a population of reward models as others are, but for one thing: they see gold, so they are no heads
and cannot score a new response. The strength is that of `known_answers.strength_at`; a bank whose gold is not normal
gives them other accuracies, which the population's measures say. Knows arrays only.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from rmkit.errors import DataError
from rmkit.worlds.goodhart.error_shapes import proxy, standardised
from rmkit.worlds.goodhart.known_answers import strength_at

ANALYTIC = "analytic"  # what they are called in the column reward_model
NO_ERROR = "none"  # the error_shape of a reward model that learned from labels


def with_analytic_proxies(
    fits: pd.DataFrame,
    score_fpk: np.ndarray,
    gold_pk: np.ndarray,
    shapes: Sequence[str],
    accuracies: Sequence[float],
    n_draws: int,
    rng_of: Callable[[str], np.random.Generator],
) -> tuple[pd.DataFrame, np.ndarray]:
    """The reward models with their (F, P, K) scores, and after them the proxies made from gold with theirs.

    fits gain two columns: error_shape, NO_ERROR for those that are there, and error_accuracy. Proxies have fit,
    reward_model (ANALYTIC), draw, and these two; all else is missing. Arguments and errors as in `analytic_proxies`.
    """
    fits = fits.assign(error_shape=NO_ERROR, error_accuracy=np.nan)
    if not shapes:
        return fits, score_fpk
    made, made_fpk = analytic_proxies(gold_pk, shapes, accuracies, n_draws, rng_of)
    return pd.concat([fits, made], ignore_index=True), np.concatenate([score_fpk, made_fpk])


def analytic_proxies(
    gold_pk: np.ndarray,
    shapes: Sequence[str],
    accuracies: Sequence[float],
    n_draws: int,
    rng_of: Callable[[str], np.random.Generator],
) -> tuple[pd.DataFrame, np.ndarray]:
    """F rows and their (F, P, K) scores: each shape at each accuracy, as often as there are draws of its errors.

    gold_pk: (P, K) in any unit, standardised within prompts first. rng_of: the generator of a name. Columns: fit,
    reward_model, draw, error_shape, error_accuracy. DataError if nothing is asked for; else as in `standardised`,
    `proxy` and `strength_at`.
    """
    asked = [(draw, shape, accuracy) for draw in range(n_draws) for shape in shapes for accuracy in accuracies]
    if not asked:
        raise DataError("proxies made from gold: none is asked for; give shapes, accuracies and draws")
    unit_pk = standardised(gold_pk)
    scores = [
        proxy(shape, unit_pk, strength_at(shape, accuracy), rng_of(f"error {shape} {accuracy:g} {draw}"))
        for draw, shape, accuracy in asked
    ]
    fits = pd.DataFrame(asked, columns=["draw", "error_shape", "error_accuracy"])
    ids = [f"{ANALYTIC}-{draw}-{shape}-{accuracy:g}" for draw, shape, accuracy in asked]
    return fits.assign(fit=ids, reward_model=ANALYTIC), np.stack(scores)
