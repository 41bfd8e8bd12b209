"""What the filters of a picture say of the rows that are drawn: a filter speaks only of rows that have a value for it.

Knows rows as numbered columns (coded.py); no picture.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rmkit.study.monitoring.words import enumerated
from rmkit.widgets.explorer.coded import Coded, Column
from rmkit.widgets.explorer.columns import shown

LISTED = 6  # values that a title lists, more are counted
NAMED = 3  # lines that a title names, more are counted


def filters_in_words(
    coded: Coded,
    drawn: np.ndarray,
    metric: str,
    filters: Mapping[str, Sequence[Any]],
    placed: Sequence[str],
    lines: str,
) -> dict[str, str]:
    """What holds of the rows that are drawn, by filtered column: the values kept, and which rows have none.

    drawn: (N,) positions of the rows that are drawn. placed: the columns that are spread out; lines: the one of lines,
    empty if there is none. A column of which no drawn row has a value is not named, nor one of which every value is
    there. Of a column that is spread out one can see which values are left, so only a single one is named.
    """
    held = {}
    for name, chosen in filters.items():
        column, present = coded.column(name), coded.values(name, drawn)
        several = len(chosen) > 1
        if not present or (several and (name in placed or len(present) == len(coded.axes(metric).get(name, ())))):
            continue
        without_n = column.code_r[drawn] < 0
        held[name] = _listed(name, present) + (_exceptions(coded, drawn, without_n, lines) if without_n.any() else "")
    return held


def _listed(name: str, values: Sequence[Any]) -> str:
    """Values in words: 5, 6 or 7."""
    if len(values) > LISTED:
        return f"one of {len(values)} values"
    texts = [shown(name, value) for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _exceptions(coded: Coded, drawn: np.ndarray, without_n: np.ndarray, lines: str) -> str:
    """Which of the drawn rows have no value in a filtered column: by line, where it is whole lines."""
    if lines:
        column = coded.column(lines)
        code_n = column.code_r[drawn]
        apart = np.setdiff1d(code_n[without_n], code_n[~without_n])
        if len(apart) == len(np.unique(code_n[without_n])):
            return f" ({_names(column, apart)} {'has' if len(apart) == 1 else 'have'} none)"
    return f" ({int(without_n.sum()):,} of {len(drawn):,} rows have none)"


def _names(column: Column, codes: np.ndarray) -> str:
    """Lines by their names, as a legend writes them, or how many there are."""
    if len(codes) > NAMED:
        return f"{len(codes)} of the lines"
    labels = [str(column.labels[code]) for code in codes]
    return enumerated(labels)
