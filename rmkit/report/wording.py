"""How numbers and names read in a sentence: percents, signed points, intervals in parentheses, lists.

Knows formatting only: no table, no store.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from rmkit.intervals.means import detectable


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return text[0].upper() + text[1:]


def percent(value: float) -> str:
    """A share: 62.9%."""
    return f"{100 * value:.1f}%"


def points(value: float) -> str:
    """A difference of shares: +7.4 points."""
    return f"{signed(100 * value, 1)} points"


def nats(value: float) -> str:
    """A difference in log-loss: +0.003."""
    return signed(value, 3)


def signed(value: float, digits: int) -> str:
    """A number with its sign, a true minus, and no sign at zero."""
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text


def between(row: Mapping[Hashable, Any], shown: Callable[[float], str]) -> str:
    """The interval behind a number, in parentheses, or nothing where there is none."""
    if np.isnan(row["low"]):
        return ""
    return f" ({shown(row['low']).removesuffix(' points')} to {shown(row['high']).removesuffix(' points')})"


def counted(count: int, what: str) -> str:
    """1 seed, 10 seeds."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def standing(rows: Sequence[Mapping[Hashable, Any]], *, shown: Callable[[float], str], higher_is_better: bool) -> str:
    """Where one fit is ahead of another, behind it, or cannot be told from it, by annotation count, in words."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        up, down = ("ahead", "behind") if higher_is_better else ("behind", "ahead")
        verdict = up if row["low"] > 0 else down if row["high"] < 0 else "not told apart"
        count = f"{row['annotations']:,.0f}"
        text = f"{count} ({shown(row['mean']).removesuffix(' points')}"
        if verdict == "not told apart":
            low, high = (shown(row[end]).removesuffix(" points") for end in ("low", "high"))
            seen = shown(detectable(row["high"] - row["low"], level=row["level"]))
            text += f", {low} to {high}; {seen.lstrip('+').removesuffix(' points')} could have been seen"
        groups.setdefault(verdict, []).append(f"{text})")
    return "; ".join(f"{verdict} with {join(texts)}" for verdict, texts in groups.items())


def join(texts: Sequence[str]) -> str:
    """One, two and three."""
    *before, last = texts
    return f"{', '.join(before)} and {last}" if before else last
