"""Eight ways in which a proxy reward can be wrong about gold, at any strength.

A shape takes gold, in units of its spread within a prompt and about 0, and gives a proxy reward of each response. All
worlds have the same gold, N(0, 1), and differ in the proxy alone, so what optimising gold would gain is the same in
each. At equal accuracy they lead to very different policies; `known_answers.py` tunes them and measures that. Knows
arrays only. Sources: Manheim & Garrabrant 2019 (arXiv 1803.04585) for the kinds of Goodhart's law; Gao et al. 2023
(arXiv 2210.10760) for the regressional kind; Kwa et al. 2024 (arXiv 2407.14503) for heavy tails.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from rmkit.errors import DataError, one_of
from rmkit.measures.arrays import finite

HIGH_GOLD = 1.0  # from where on the error of the two uneven shapes is another one
MORE_NOISE, LESS_NOISE = 3.0, 1 / 6  # the spread of that error, beside what it is below
CEILING = 0.5  # the gold above which a saturated proxy sees no difference
HACKED_SHARE, HACKED_GOLD, HACKED_BONUS = 0.02, -1.5, 4.0  # of responses; their mean gold; what the proxy adds

# Gold of any shape, a strength (the error's scale, at least 0) and a generator to scores of gold's shape.
Shape = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def gaussian(gold: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Gold and normal noise: the regressional kind, in which gold rises with the proxy however hard it is optimised."""
    return gold + strength * rng.normal(size=gold.shape)


def uniform(gold: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Gold and noise without tails, between -strength and strength: the best of many is hardly wrong."""
    return gold + strength * rng.uniform(-1.0, 1.0, size=gold.shape)


def student_t(gold: np.ndarray, strength: float, rng: np.random.Generator, *, df: float) -> np.ndarray:
    """Gold and heavy-tailed noise: the best of many is the luckiest, and its gold is that of any response."""
    return gold + strength * rng.standard_t(df, size=gold.shape)


def uneven(gold: np.ndarray, strength: float, rng: np.random.Generator, *, above: float) -> np.ndarray:
    """Gold and normal noise whose spread is another one where gold is above HIGH_GOLD: an extremal kind."""
    return gold + strength * np.where(gold > HIGH_GOLD, above, 1.0) * rng.normal(size=gold.shape)


def saturated(gold: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Gold up to CEILING and normal noise: better than that the proxy does not see."""
    return np.minimum(gold, CEILING) + strength * rng.normal(size=gold.shape)


def rare_hack(gold: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Gold and normal noise, and HACKED_BONUS on a few bad responses: the adversarial kind.

    A response of gold g is a hack with chance share x N(g; HACKED_GOLD, 1) / N(g; 0, 1), at most 1. So the hacks are
    HACKED_SHARE of all and their gold is N(HACKED_GOLD, 1), without any gold being changed.
    """
    chance = HACKED_SHARE * np.exp(HACKED_GOLD * gold - HACKED_GOLD**2 / 2)
    is_hack = rng.random(gold.shape) < chance
    return gold + HACKED_BONUS * is_hack + strength * rng.normal(size=gold.shape)


SHAPES: Mapping[str, Shape] = {
    "gaussian": gaussian,
    "uniform": uniform,
    "student_t_2.5": partial(student_t, df=2.5),
    "student_t_1.5": partial(student_t, df=1.5),
    "noisier_where_gold_is_high": partial(uneven, above=MORE_NOISE),
    "cleaner_where_gold_is_high": partial(uneven, above=LESS_NOISE),
    "saturated": saturated,
    "rare_hack": rare_hack,
}


def proxy(shape: str, gold_pk: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """(P, K) the proxy rewards of this shape and strength.

    gold_pk: (P, K), in units of its spread within a prompt and about 0, as `standardised` gives it. strength: at least
    0, in the same units. ParamsError for another shape's name, DataError for another strength or gold that is not
    finite.
    """
    if not 0 <= strength < np.inf:
        raise DataError(f"{shape}: strength {strength}; it must be a number of at least 0")
    return SHAPES[one_of(shape, SHAPES, "error shape")](finite(gold_pk, "gold reward"), strength, rng)


def proxies(
    gold_pk: np.ndarray, strengths: Mapping[str, Sequence[float]], rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """A population of proxies of one gold, every shape at each of its strengths: F rows, and (F, P, K) their scores.

    Columns: fit (the row's number as text), reward_model (the shape), strength. gold_pk: (P, K) in any unit; it is
    standardised first. Errors are independent. Errors of input as in `proxy` and `standardised`.
    """
    asked = [(shape, strength) for shape, values in strengths.items() for strength in values]
    if not asked:
        raise DataError("a population of proxies: no shape has a strength; name at least one of each")
    unit_pk = standardised(gold_pk)
    score_fpk = np.stack(
        [
            proxy(shape, unit_pk, strength, own)
            for (shape, strength), own in zip(asked, rng.spawn(len(asked)), strict=True)
        ]
    )
    fits = pd.DataFrame(asked, columns=["reward_model", "strength"])
    return fits.assign(fit=[str(number) for number in range(len(asked))]), score_fpk


def standardised(gold_pk: np.ndarray) -> np.ndarray:
    """(P, K) gold less its prompt's mean, in units of its spread within prompts; DataError if it has no spread."""
    gold_pk = finite(gold_pk, "gold reward")
    if gold_pk.ndim != 2 or not gold_pk.size or not (np.ptp(gold_pk, axis=-1) > 0).any():
        raise DataError(
            f"gold rewards of shape {gold_pk.shape}: they must be (prompts, K) and differ within a prompt at least"
        )
    away_pk = gold_pk - gold_pk.mean(axis=-1, keepdims=True)
    return away_pk / np.sqrt((away_pk**2).mean())
