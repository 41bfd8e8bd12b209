"""Where the values of a column lie along x.

Knows values and places; no picture: which of the ticks are written is layout.py's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rmkit.widgets.explorer.columns import shown


@dataclass(frozen=True)
class Axis:
    """Where the values of x lie: `place` maps each to a number; a tick for each, with its value in words."""

    name: str
    place: Mapping[Any, float]
    ticks: tuple[tuple[float, str], ...]
    scale: str  # log, linear or names: between names no line is drawn
    beyond: float | None = None  # from here on lie values without end

    def limits(self) -> tuple[float, float]:
        """The places between which all values lie, with a margin."""
        low, high = min(self.place.values(), default=0.0), max(self.place.values(), default=1.0)
        margin = 0.5 if self.scale == "names" else 0.07 * (high - low) or 0.5
        return low - margin, high + margin


def axis_of(name: str, values: Sequence[Any]) -> Axis:
    """Where values (in order) lie: numbers on a line, a log one if that spaces them more evenly; those without end at
    the right end; names side by side."""
    if not all(isinstance(value, int | float) for value in values):
        ticks = tuple((float(position), shown(name, value)) for position, value in enumerate(values))
        return Axis(name, {value: float(position) for position, value in enumerate(values)}, ticks, "names")
    finite = [value for value in values if np.isfinite(value)]
    log = len(finite) > 2 and finite[0] > 0 and _unevenness(np.log(finite)) < _unevenness(np.array(finite))
    place = {value: float(np.log2(value)) if log else float(value) for value in finite}
    steps = np.diff(sorted(place.values()))
    step = float(np.median(steps)) if len(steps) else 1.0
    beyond = None
    if len(finite) < len(values):
        last = max(place.values(), default=0.0)
        place |= {value: last + 1.2 * step for value in values if value > 0 and not np.isfinite(value)}
        beyond = last + 0.6 * step
    return Axis(
        name, place, tuple((at, shown(name, value)) for value, at in place.items()), "log" if log else "linear", beyond
    )


def _unevenness(ascending: np.ndarray) -> float:
    """The spread of the steps between numbers, in units of the mean step."""
    steps = np.diff(ascending)
    return float(steps.std() / steps.mean())
