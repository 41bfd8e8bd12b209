"""Texts that a language model or a person wrote, shown so that they can do nothing: escaped, nothing hidden.

Markup stays letters. Characters that hide or reorder are drawn as signs (characters.py). Each text lies in a box of its
own, so that its direction ends with it.
"""

import html
import re
import textwrap

from rmkit.characters import visible

LONGEST = 20_000  # characters of one text that are sent to the browser
PRINTED = 96  # characters of a printed line, as many as JupyterLab shows without breaking words


def shown_text(text: str, pattern: re.Pattern[str] | None = None) -> str:
    """The text as a box of HTML that holds no element but ours, its line breaks kept, long ones to be scrolled.

    What the pattern matches is marked.
    """
    cut = text[:LONGEST]
    left = len(text) - len(cut)
    lines = _marked(cut, pattern) if pattern else _lines(cut)
    more = f'<span class="rmkit-more"> … {left:,} more characters</span>' if left else ""
    return f'<div class="rmkit-text" style="{BOX}"><bdi>{lines}</bdi>{more}</div>'


def _lines(text: str) -> str:
    return "<br>".join(html.escape(visible(text), quote=True).split("\n"))


def _marked(text: str, pattern: re.Pattern[str]) -> str:
    """The text as HTML, each match within a mark; what stands between matches is escaped piece by piece."""
    pieces, end = [], 0
    for match in pattern.finditer(text):
        if match.group():
            pieces += [_lines(text[end : match.start()]), f'<mark class="rmkit-found">{_lines(match.group())}</mark>']
            end = match.end()
    return "".join([*pieces, _lines(text[end:])])


def label_text(text: str, longest: int = 80) -> str:
    """The text in one line of plain characters, for a control that shows no HTML; cut to at most so many."""
    line = " ".join(visible(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def printed(text: str, lead: str = "") -> str:
    """The text as lines for `print`: the first begins with `lead`, all others are indented as far.

    A line break of the text is a sign, ↵, so that what a model wrote is not taken for what stands around it.
    """
    marked = re.sub(r"\n+", lambda breaks: "↵" * len(breaks.group()) + " ", visible(text))
    indent = " " * len(lead)
    return textwrap.fill(marked, PRINTED, initial_indent=lead, subsequent_indent=indent, break_on_hyphens=False) or lead


def inline_text(text: str) -> str:
    """A short text within a line of our HTML: a name, a key, a reason."""
    return f"<bdi>{html.escape(visible(text), quote=True)}</bdi>"


BOX = "unicode-bidi:isolate;overflow-wrap:anywhere;max-height:16em;overflow:auto"
