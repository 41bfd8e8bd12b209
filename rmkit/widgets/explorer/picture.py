"""What a picture shows, as places: between the rows that are selected and the figure that is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from rmkit.widgets.explorer.axis import Axis


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn, in places rather than values."""

    metric: str
    axis: Axis
    facets: str | None  # the column whose values the panels are
    columns: str | None  # the column whose values the lines are
    panels: tuple[str, ...]
    lines: tuple[str, ...]
    points: pd.DataFrame  # a row a result row: panel, line, place, value, row (its position in the table)
    means: pd.DataFrame  # panel, line, place, mean, low, high, fits, row (the one nearest to it), interval (in words)
    levels: pd.DataFrame  # the same without a place: rows without a value of x, a height over the whole axis
    title: str  # what the marks are
    notes: tuple[str, ...] = ()  # what is not seen, and why
    held: Mapping[str, str] = field(default_factory=dict)  # filtered columns, and what is kept of them, in words
