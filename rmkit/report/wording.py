"""How numbers and names read in a sentence: percents, signed points, intervals in parentheses, lists.

Knows formatting only: no table, no store.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from rmkit.intervals.means import FEWEST_PROMPTS, detectable


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return text[0].upper() + text[1:]


NONE = "–"  # where there is no number


def number(value: float, digits: int, *, sign: bool = False) -> str:
    """A number with a true minus, no sign at zero, and a dash if it is none; rounded like the same share in percent."""
    if not np.isfinite(value):
        return NONE
    value = float(f"{100 * value:.{digits - 2}f}") / 100 if digits > 2 else value
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return "−" + text if value < 0 else "+" * sign + text


def percent(value: float, digits: int = 1) -> str:
    """A share: 62.9%."""
    return f"{number(100 * value, digits)}%"


def points(value: float, digits: int = 1) -> str:
    """A difference of shares: +7.4 points."""
    return f"{signed(100 * value, digits)} points"


def nats(value: float) -> str:
    """A difference in log-loss: +0.003."""
    return signed(value, 3)


def signed(value: float, digits: int) -> str:
    """A number with its sign, as `number` has it."""
    return number(value, digits, sign=True)


def between(row: Mapping[Hashable, Any], shown: Callable[[float], str]) -> str:
    """The interval behind a number, in parentheses, or nothing where there is none."""
    if np.isnan(row["low"]):
        return ""
    return f" ({shown(row['low']).removesuffix(' points')} to {shown(row['high']).removesuffix(' points')})"


def standing(rows: Sequence[Mapping[Hashable, Any]], *, shown: Callable[[float], str], higher_is_better: bool) -> str:
    """Where one fit is ahead of another, behind it, or cannot be told from it, by annotation count, in words.

    Two that have one value on every prompt are equal; any other difference without an interval comes with the reason.
    """
    groups: dict[str, list[str]] = {}
    for row in rows:
        verdict, text = stands(row, shown=lambda value: shown(value).removesuffix(" points"))
        if verdict in ("above", "below"):
            verdict = "ahead" if (verdict == "above") == higher_is_better else "behind"
        groups.setdefault(verdict, []).append(f"{row['annotations']:,.0f}{text}")
    return "; ".join(f"{verdict} with {join(texts)}" for verdict, texts in groups.items())


def stands(row: Mapping[Hashable, Any], *, shown: Callable[[float], str]) -> tuple[str, str]:
    """Above, below, equal on every prompt, or not told apart; and the difference behind that, in parentheses."""
    mean, (low, high) = shown(row["mean"]), (shown(row[end]) for end in ("low", "high"))
    if np.isnan(row["low"]):
        if row["mean"] == 0 and row["prompts"] >= FEWEST_PROMPTS:  # else a bootstrap has an interval
            return "equal on every prompt", ""
        return "not told apart", f" ({mean}, no interval: {row['reason']})"
    if row["low"] > 0 or row["high"] < 0:
        return "above" if row["low"] > 0 else "below", f" ({mean})"
    seen = shown(detectable(row["high"] - row["low"], level=row["level"])).lstrip("+")
    return "not told apart", f" ({mean}, {low} to {high}; {seen} could have been seen)"


def join(texts: Sequence[str]) -> str:
    """One, two and three."""
    *before, last = texts
    return f"{', '.join(before)} and {last}" if before else last
