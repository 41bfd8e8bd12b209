"""What a page of the report is made of: sections with sentences, figures and tables, and answers to questions.

Knows words, cells and figures; no store, no subject.
"""

import io
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from rmkit.figures.theme import DEFAULTS
from rmkit.report.wording import NONE, number

# A verdict's sign, and what it says; colours are in page.html.j2.
VERDICTS: Mapping[str, tuple[str, str]] = {
    "shown": ("✓", "the whole interval lies above the threshold, which is 0 where none is named"),
    "contradicted": ("✗", "the whole interval lies below it: the opposite is shown"),
    "not shown": ("○", "the interval includes the threshold, and nothing beyond it that would matter"),
    "cannot tell": ("?", "the interval includes the threshold and effects that would matter: the study is too small"),
    "not answered": ("–", "there is no interval; the reason is given"),
}


@dataclass(frozen=True)
class Verdict:
    """A verdict as a page tells it: by sign, word and colour."""

    name: str

    @property
    def sign(self) -> str:
        """✓ for shown, and so on."""
        return VERDICTS[self.name][0]

    @property
    def style(self) -> str:
        """The name of its colour on the page."""
        return self.name.replace(" ", "-")


@dataclass(frozen=True)
class TableCell:
    """What a table shows in one place: a number, and its interval in small."""

    text: str
    small: str = ""
    wide: bool = False  # words that may be broken over lines
    verdict: Verdict | None = None  # of which `text` is the word


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
    scope: str = ""  # what its intervals are about
    answers: tuple[str, ...] = ()
    more: tuple[str, ...] = ()  # sentences for those who ask
    figure: str = ""  # an SVG element, or nothing
    caption: str = ""
    tables: tuple[Table, ...] = ()
    exhibit: str = ""  # the name by which a question asks for its figure
    verdicts: bool = False  # whether it tells verdicts, and so what their signs mean


@dataclass(frozen=True)
class AnswerSentence:
    """One statement's verdict as a sentence, with its effect and interval; and the same without numbers."""

    verdict: Verdict
    text: str
    short: str


@dataclass(frozen=True)
class Answer:
    """A question's answer for the top of the page: its sentences, what they rest on, and the figure that shows it."""

    heading: str
    sentences: tuple[AnswerSentence, ...]
    note: str
    figure: str = ""
    caption: str = ""
    figure_heading: str = ""


def number_cell(row: Mapping[Hashable, Any] | None, *, sign: bool) -> TableCell:
    """A mean and its interval; a dash where there is none."""
    if row is None:
        return TableCell(NONE)
    mean, low, high = (number(row[end], 3, sign=sign) for end in ("mean", "low", "high"))
    return TableCell(mean, "" if np.isnan(row["low"]) else f"({low} to {high})")


def as_svg(figure: Figure) -> str:
    """The figure as an SVG element to set into a page."""
    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": DEFAULTS["svg.hashsalt"]}):  # ids are then the same in every page of these rows
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
