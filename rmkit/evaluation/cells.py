"""Cells of tables that people bring, as numbers and as keys by which rows are matched; what is none is one sentence.

Knows values, and where they stand as messages say it; no container, no column's meaning.
"""

import json
import math
import re
from decimal import Decimal
from typing import Any

import numpy as np

from rmkit.errors import DataError, quoted

NUMBER = re.compile(r"\s*[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,5})?\s*", re.ASCII)


def number_in(value: Any, where: str, column: str) -> float:
    """A cell as a finite number, or DataError with where it is; a number written as text is one."""
    if isinstance(value, list) and len(value) == 1:  # RewardBench writes [[0.5], …] of some models
        value = value[0]
    if value is None:
        raise DataError(f"{where}: {column} is missing")
    found = value
    if isinstance(value, str):
        found = float(value) if NUMBER.fullmatch(value) else None
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal | np.floating):
        raise DataError(f"{where}: {column} is {quoted(value)}, not a finite number")
    try:
        number = float(found)
    except (OverflowError, ValueError):
        number = math.inf
    if not math.isfinite(number):
        raise DataError(f"{where}: {column} is {quoted(value)}, not a finite number")
    return number


def key_in(value: Any, where: str, column: str) -> str:
    """An id or a prompt as a text by which it is matched: 3, 3.0 and "3" are one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list | dict) and value:
        try:
            return json.dumps(value, sort_keys=True, default=str)
        except (RecursionError, TypeError, ValueError):
            raise DataError(f"{where}: {column} is nested too deeply") from None
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 4096:
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: {column} is {'missing' if value in (None, '') else quoted(value) + ', no text'}")
    return value
