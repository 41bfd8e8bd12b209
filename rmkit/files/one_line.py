"""A text in a cell of a table that people open in a spreadsheet: short, on one line, and never a formula."""

import re

LONGEST = 300  # characters of a text
FORMULA = re.compile(r"\s*[=+\-@]")  # as what a spreadsheet would take the text


def one_line(text: str, *, end: bool = False) -> str:
    """At most 300 characters of a text on one line, start or end; an apostrophe before what is like a formula."""
    line = " ".join(text.split())
    if len(line) > LONGEST:
        line = f"…{line[1 - LONGEST :]}" if end else f"{line[: LONGEST - 1]}…"
    return f"'{line}" if FORMULA.match(line) else line
