"""Eight worlds of equal accuracy, and how far their proxies' policies fall short: answers that are known beforehand.

Prompts are all alike: P of them, K responses to each, gold N(0, 1). The proxy of each world has the shape of its name
(`error_shapes.py`), at the strength at which it puts two responses in gold's order with the same chance. Where that is
0.75, NDR of Best-of-n is 1 - cos(pi/4) = 0.29 for every n in the Gaussian world alone. Accuracy cannot tell these
worlds apart, and hardly can Spearman's correlation.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit

from rmkit.errors import DataError, one_of
from rmkit.measures import ranking
from rmkit.measures.best_of_n import best_of_n
from rmkit.policies.stored_responses import normalised_drop_ratio, values_at_kls
from rmkit.worlds.goodhart.error_shapes import SHAPES, proxy

ACCURACY = 0.75
STRENGTHS = (1e-2, 1e2)  # between which a strength is looked for
SOLVED_ON, CLOSE = (32, 4096), 1e-3  # prompts and responses that a strength is solved on; its relative error
NS, KLS = (4, 16, 64, 1024), (0.5, 2.0, 4.0)
RANKED = 32  # responses that the correlations of the table are computed on


class World(NamedTuple):
    """A proxy's scores and the gold of P x K responses."""

    score_pk: np.ndarray
    gold_pk: np.ndarray


def world(
    shape: str, n_prompts: int, n_responses: int, rng: np.random.Generator, *, accuracy: float = ACCURACY
) -> World:
    """(P, K) scores and gold of the world with this error shape; of two responses, `accuracy` are in gold's order."""
    if min(n_prompts, n_responses) < 1:
        raise DataError(f"a world of {n_prompts} prompts and {n_responses} responses: both must be at least 1")
    strength = strength_at(shape, accuracy)
    gold_pk = rng.normal(size=(n_prompts, n_responses))
    return World(proxy(shape, gold_pk, strength, rng), gold_pk)


@lru_cache(maxsize=256)
def strength_at(shape: str, accuracy: float = ACCURACY) -> float:
    """The strength at which a proxy of N(0, 1) gold has this accuracy on two random responses.

    Solved on one fixed draw of errors beside an even grid of gold, so it is the same number each time; its accuracy is
    right to about 0.0005. DataError for an accuracy that no strength gives.
    """
    one_of(shape, SHAPES, "error shape")
    n_prompts, n_responses = SOLVED_ON
    gold_pk = np.tile(ndtri((np.arange(n_responses) + 0.5) / n_responses), (n_prompts, 1))

    def above(log_strength: float) -> float:
        score_pk = proxy(shape, gold_pk, float(np.exp(log_strength)), np.random.default_rng(0))
        return float(ranking.order_accuracy(score_pk, gold_pk).mean()) - accuracy

    low, high = np.log(STRENGTHS)
    most, least = above(low) + accuracy, above(high) + accuracy
    if not least < accuracy < most:
        raise DataError(f"{shape}: an accuracy of {accuracy}; its errors give one between {least:.3f} and {most:.3f}")
    return float(np.exp(brentq(above, low, high, xtol=CLOSE)))


def drop_ratios(drawn: World, *, ns: Sequence[int] = NS, kls: Sequence[float] = KLS) -> pd.Series:
    """NDR of Best-of-n at each n and of the KL optimum at each mean KL, by names such as `n=4` and `KL=0.5`.

    Anchors are the policies of gold itself, equally far, on the same responses. NaN where NDR is undefined. Errors as
    in `best_of_n` and `values_at_kls`.
    """
    score_pk, gold_pk = drawn
    earned = np.concatenate([best_of_n(score_pk, gold_pk, ns), values_at_kls(score_pk, gold_pk, kls)], axis=1)
    most = np.concatenate([best_of_n(gold_pk, gold_pk, ns), values_at_kls(gold_pk, gold_pk, kls)], axis=1)
    base_p = gold_pk.mean(axis=-1)
    found = [
        normalised_drop_ratio(earned_p, most_p, base_p).value for earned_p, most_p in zip(earned.T, most.T, strict=True)
    ]
    return pd.Series(found, index=[*(f"n={n}" for n in ns), *(f"KL={nats:g}" for nats in kls)])


def drop_ratio_rows(
    worlds: Sequence[World], *, ns: Sequence[int] = NS, kls: Sequence[float] = KLS, level: float = 0.95
) -> pd.DataFrame:
    """A row for each n and each mean KL: axis (n or nats), at, value (mean NDR of the worlds), low, high, worlds.

    worlds: independent draws of one kind, two at least, else DataError. The interval is Student's t over them. NaN
    where NDR is undefined in one of them.
    """
    if len(worlds) < 2:
        raise DataError(f"{len(worlds)} worlds: an interval over worlds takes two or more")
    found_wn = np.array([drop_ratios(drawn, ns=ns, kls=kls).to_numpy() for drawn in worlds])
    half_n = stdtrit(len(worlds) - 1, (1 + level) / 2) * found_wn.std(axis=0, ddof=1) / np.sqrt(len(worlds))
    value_n = found_wn.mean(axis=0)
    axis_n, at_n = ["n"] * len(ns) + ["nats"] * len(kls), np.array([*ns, *kls], dtype=np.float64)
    ends = {"value": value_n, "low": value_n - half_n, "high": value_n + half_n}
    return pd.DataFrame({"axis": axis_n, "at": at_n, **ends, "worlds": len(worlds)})


def measured(drawn: World) -> pd.Series:
    """What a test set would see: accuracy on all pairs, Spearman and Pearson on the first RANKED responses, means."""
    few = [value_pk[:, :RANKED] for value_pk in drawn]
    return pd.Series(
        {
            "accuracy": ranking.order_accuracy(*drawn).mean(),
            "spearman": ranking.spearman(*few).mean(),
            "pearson": np.corrcoef(drawn.score_pk.ravel(), drawn.gold_pk.ravel())[0, 1],
        }
    )
