"""How numbers and names read in a sentence: percents, signed points, intervals in parentheses, lists.

Knows formatting only: no table, no store.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from rmkit.figures.learning_curves import look_of


def called(name: object) -> str:
    """A reward model's name in a sentence."""
    names = {"random": "a random reward", "shorter": "the shorter answer"}
    return names.get(str(name), look_of(str(name))["label"])


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return text[0].upper() + text[1:]


def listed(counts: Sequence[float]) -> str:
    """Counts in a sentence: 100, 200 and 400."""
    *before, last = [f"{count:,.0f}" for count in counts]
    return f"{', '.join(before)} and {last}" if before else last


def percent(value: float) -> str:
    """A share: 62.9%."""
    return f"{100 * value:.1f}%"


def points(value: float) -> str:
    """A difference of shares: +7.4 points."""
    return f"{signed(100 * value, 1)} points"


def signed(value: float, digits: int) -> str:
    """A number with its sign, a true minus, and no sign at zero."""
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text


def between(row: Mapping[Hashable, Any], shown: Callable[[float], str]) -> str:
    """The interval behind a number, in parentheses, or nothing where there is none."""
    if np.isnan(row["low"]):
        return ""
    return f" ({shown(row['low']).removesuffix(' points')} to {shown(row['high']).removesuffix(' points')})"


def verdict(row: Mapping[Hashable, Any]) -> str:
    """What the interval of a difference in accuracy says: better, worse, or what could have been seen."""
    if row["low"] > 0:
        return "better"
    if row["high"] < 0:
        return "worse"
    visible = 100 * (row["high"] - row["low"]) / 2
    return f"cannot tell, and a difference of about {visible:.1f} points would have been seen"
