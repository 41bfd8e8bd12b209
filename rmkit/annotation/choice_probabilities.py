"""The chances of what an annotator says of a pair: prefers the first, prefers the second, or calls them equal.

    felt = +-(gold_first - gold_second) / scale + length_bias longer + position_bias
    P(first) = sigmoid(beta (felt - tie_width)),  P(second) = sigmoid(beta (-felt - tie_width)),  else "equal";
    then a fair coin in place of the answer in a share `lapse`, and a label turned round in a share `flip`.

Ties are those of Rao & Kupper 1967 with log(theta) = beta tie_width: "equal" is said where the felt difference, noise
included, lies within tie_width. Knows chances of single pairs: nothing of labels, of quality or of text.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from rmkit.annotation.habits import Habits


@dataclass(frozen=True, eq=False)
class Pile:
    """What M pairs are like, in the order in which they are labelled."""

    gap_m: np.ndarray  # (M,) gold reward, first minus second
    longer_m: np.ndarray  # (M,) length, first minus second, in standard deviations of what is shown
    elapsed_m: np.ndarray  # (M,) share of the pile that lies behind, 0 to 1


def chances(
    pile: Pile, *, beta: float, scale: float, habits: Habits, dissents: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """(M,) and (M,): the chances that one annotator prefers the first, and the second; the rest is "equal"."""
    leaning_m = habits.length_bias * pile.longer_m + habits.position_bias
    felt_m = (-pile.gap_m if dissents else pile.gap_m) + scale * leaning_m  # in units of gold, as is the width
    sharpness_m = beta * habits.drift**pile.elapsed_m
    width = scale * habits.tie_width
    first_m = noisy_step(felt_m - width, sharpness_m, scale)
    second_m = noisy_step(-felt_m - width, sharpness_m, scale) if width else 1.0 - first_m
    first_m, second_m = ((1.0 - habits.lapse) * one_m + habits.lapse / 2 for one_m in (first_m, second_m))
    held, turned = 1.0 - habits.flip, habits.flip
    return held * first_m + turned * second_m, held * second_m + turned * first_m


def noisy_step(felt_m: np.ndarray, sharpness_m: np.ndarray, scale: float) -> np.ndarray:
    """sigmoid(sharpness felt / scale); without noise 1 above 0, 0 below, and an even coin at 0."""
    if np.isinf(sharpness_m).all():
        return (np.sign(felt_m) + 1.0) / 2.0
    return expit(sharpness_m * felt_m / scale)
