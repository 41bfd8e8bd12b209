"""What a page of the report is made of: sections with sentences, figures and tables.

Knows words, cells and figures; no store, no subject.
"""

import io
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.report.wording import NONE, number


@dataclass(frozen=True)
class TableCell:
    """What a table shows in one place: a number, and its interval in small."""

    text: str
    small: str = ""
    wide: bool = False  # words that may be broken over lines


@dataclass(frozen=True)
class Table:
    """A table with its heading and a sentence on how to read it."""

    heading: str
    note: str
    columns: list[str]
    rows: list[list[TableCell]]

    @property
    def frame(self) -> pd.DataFrame:
        """The same for a notebook's page."""
        texts = [[f"{cell.text} {cell.small}".strip() for cell in row] for row in self.rows]
        return pd.DataFrame(texts, columns=self.columns).set_index(self.columns[0])


@dataclass(frozen=True)
class Section:
    """One finding: sentences, a figure with its caption, tables."""

    heading: str
    scope: str  # what its intervals are about
    answers: list[str]
    figure: str  # an SVG element, or nothing
    caption: str
    tables: list[Table]
    words: Mapping[str, str]  # what the terms mean that it uses


def number_cell(row: Mapping[Hashable, Any] | None, *, sign: bool) -> TableCell:
    """A mean and its interval; a dash where there is none."""
    if row is None:
        return TableCell(NONE)
    mean, low, high = (number(row[end], 3, sign=sign) for end in ("mean", "low", "high"))
    return TableCell(mean, "" if np.isnan(row["low"]) else f"({low} to {high})")


def as_svg(figure: Figure) -> str:
    """The figure as an SVG element to set into a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
