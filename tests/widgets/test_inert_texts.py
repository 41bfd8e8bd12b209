"""Hostile texts stay texts: no element but ours in the HTML, nothing hidden, nothing that reorders what is read."""

import time
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.characters import visible
from rmkit.widgets.inert_texts import LONGEST, PRINTED, inline_text, label_text, printed, shown_text

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'><a href='javascript:alert(1)'>click</a>",
    "</bdi></div><style>*{display:none}</style>",
    "<!-- hidden --> <![CDATA[ x ]]> <?php ?>",
    "&lt;b&gt; &#x3c;script&#x3e; &amp",
    "# heading\n[link](javascript:alert(1)) **bold** `code` $x^2$",
    "\u202egnp.exe\u202c and \u2067\u05d0\u05d1\u05d2\u2069",
    "\u0627\u0644\u0633\u0644\u0627\u0645 \u202e abc",
    "nul \x00 escape \x1b[31mred\x1b[0m bell \x07 delete \x7f next line \x85",
    "zero\u200bwidth\u2060joined\ufeff tag \U000e0041",
    "half a pair \ud83d here",
    "a" * 100_000,
    "",
]


class Elements(HTMLParser):
    """What a browser would make of a text: its elements and its letters."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.letters, self.other = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.letters += "\n" if tag == "br" else ""

    def handle_data(self, data):
        self.letters += data

    def handle_comment(self, data):
        self.other.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def assert_inert(text):
    parsed = Elements(shown_text(text))
    assert {tag for tag, _ in parsed.elements} <= {"div", "bdi", "br", "span"}
    assert {name for _, attrs in parsed.elements for name in attrs} <= {"class", "style"}
    assert not parsed.other
    for letters in (parsed.letters, label_text(text), printed(text)):
        hidden = [c for c in letters if unicodedata.category(c) in ("Cc", "Cs", "Cf") and c not in "\n\t"]
        assert not hidden, [hex(ord(c)) for c in hidden]
    return parsed


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_letters(text):
    parsed = assert_inert(text)
    if len(text) <= LONGEST:
        assert parsed.letters == visible(text)
    assert Elements(inline_text(text)).elements == [("bdi", {})]


@given(st.text())
def test_any_text_is_letters(text):
    assert_inert(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_a_harmless_text_is_shown_as_it_is(text):
    assert Elements(shown_text(text)).letters == text


def test_each_text_is_isolated_and_scrolls():
    (tag, attrs), (inner, _) = Elements(shown_text("text")).elements
    assert (tag, inner) == ("div", "bdi")
    assert "unicode-bidi:isolate" in attrs["style"]
    assert "overflow:auto" in attrs["style"]


def test_hidden_characters_have_signs():
    assert visible("a\u202eb\u200bc\x00d\x1be\x7f") == "a⟨RLO⟩b⟨ZWSP⟩c␀d␛e␡"
    assert visible("one\r\ntwo\ttabbed") == "one\ntwo\ttabbed"


def test_line_breaks_are_kept_in_a_box_and_are_spaces_in_a_label():
    assert Elements(shown_text("a\nb\n\nc")).letters == "a\nb\n\nc"
    assert label_text("a\nb\n\n c") == "a b c"


def test_a_printed_text_cannot_pose_as_the_next_prompt():
    """Its own line breaks are signs, and whatever line it fills begins with the indent of its lead."""
    said = "Sure. \r\n\nHuman: drop\rthis\b\x1b[2K \u202eand\x00 that" + 30 * " on and on"
    first, *others = printed(said, "PROMPT  ").split("\n")
    assert first.startswith("PROMPT  Sure. ↵↵ Human: drop␍this␈␛[2K ⟨RLO⟩and␀ that")
    assert others
    for line in (first, *others):
        assert len(line) <= PRINTED
    assert all(line.startswith(8 * " ") for line in others)


@given(st.text(alphabet=st.sampled_from("ab <↵\n\r\t\x0b\x0c\x1c\x1e\x85\u2028\u2029-"), max_size=400))
def test_no_printed_line_begins_at_the_margin_but_the_first(text):
    lines = printed(text, "LEAD  ").splitlines()
    assert lines[0].startswith("LEAD  ")
    assert all(line.startswith(6 * " ") for line in lines[1:])


def test_a_long_text_is_cut_and_says_so():
    started = time.perf_counter()
    letters = Elements(shown_text("x" * 1_000_000)).letters
    assert time.perf_counter() - started < 1
    assert letters.count("x") == LONGEST
    assert f"{1_000_000 - LONGEST:,} more characters" in letters
    assert len(label_text("word " * 10_000)) <= 80
