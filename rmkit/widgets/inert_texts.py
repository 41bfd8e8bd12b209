"""Texts that a language model or a person wrote, shown so that they can do nothing: escaped, nothing hidden.

Markup stays letters. Control, bidirectional and invisible characters are drawn as signs, since they can reorder what is
read, hide words or move a cursor. Each text lies in a box of its own, so that its direction ends with it. Sources:
Unicode Standard Annex 9 (directional formatting), Unicode Technical Report 36 (what invisible characters are used for).
"""

import html
import re
import textwrap

TAGS = {
    0x00AD: "SHY",
    0x034F: "CGJ",
    0x061C: "ALM",
    0x115F: "FILLER",
    0x1160: "FILLER",
    0x180E: "MVS",
    0x200B: "ZWSP",
    0x200C: "ZWNJ",
    0x200D: "ZWJ",
    0x200E: "LRM",
    0x200F: "RLM",
    0x2028: "LS",
    0x2029: "PS",
    0x202A: "LRE",
    0x202B: "RLE",
    0x202C: "PDF",
    0x202D: "LRO",
    0x202E: "RLO",
    0x2060: "WJ",
    0x2061: "FA",
    0x2062: "IT",
    0x2063: "IS",
    0x2064: "IP",
    0x2066: "LRI",
    0x2067: "RLI",
    0x2068: "FSI",
    0x2069: "PDI",
    0x3164: "FILLER",
    0xFEFF: "BOM",
    0xFFA0: "FILLER",
}
KEPT = "\n\t"  # the only control characters that do what they are for
LONGEST = 20_000  # characters of one text that are sent to the browser
PRINTED = 96  # characters of a printed line, as many as JupyterLab shows without breaking words
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e01ef"
    + "".join(chr(code) for code in sorted(TAGS))
    + "]"
)


def visible(text: str) -> str:
    """The text with every character that hides or reorders shown as a sign; line breaks and tabs stay."""
    return HIDDEN.sub(_sign, text.replace("\r\n", "\n"))


def shown_text(text: str) -> str:
    """The text as a box of HTML that holds no element but ours, its line breaks kept, long ones to be scrolled."""
    cut = text[:LONGEST]
    left = len(text) - len(cut)
    lines = "<br>".join(html.escape(visible(cut), quote=True).split("\n"))
    more = f'<span class="rmkit-more"> … {left:,} more characters</span>' if left else ""
    return f'<div class="rmkit-text" style="{BOX}"><bdi>{lines}</bdi>{more}</div>'


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


def _sign(match: re.Match[str]) -> str:
    """How a hidden character is drawn: a picture for a control character, else its short name in brackets."""
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"⟨{TAGS.get(code, f'U+{code:04X}')}⟩"
