"""Characters that hide or reorder text, drawn as signs: on a terminal, in a page, in a widget.

Control, bidirectional and invisible characters can move a cursor, hide words or reorder what is read. Knows Unicode
only. Sources: Unicode Standard Annex 9 (directional formatting), Unicode Technical Report 36 (what invisible characters
are used for).
"""

import re

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
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u206a-\u206f\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e01ef"
    + "".join(chr(code) for code in sorted(TAGS))
    + "]"
)


def visible(text: str) -> str:
    """The text with every character that hides or reorders shown as a sign; line breaks and tabs stay."""
    return HIDDEN.sub(_sign, text.replace("\r\n", "\n"))


def in_one_line(text: str) -> str:
    """The text as `visible` shows it, every line break and tab a sign too: one line for a terminal or a heading."""
    return visible(text).replace("\n", "\u240a").replace("\t", "\u2409")


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
