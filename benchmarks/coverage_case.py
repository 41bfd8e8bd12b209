"""One case of a coverage benchmark: data drawn again and again, each with the interval of it and the truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from rmkit.intervals.means import Interval

Draw = Callable[[np.random.Generator, int], Iterator[tuple[Interval, float]]]  # generator, how many -> with their truth


@dataclass(frozen=True)
class Case:
    name: str
    draw: Draw
    outside: str = ""  # why this case is known to leave the target; else it must stay within
    times: float = 1  # so many times the simulations: more where they cost next to nothing
