"""Odd values: what nobody means to write and somebody stores. Texts of YAML, of JSON, and plain names.

Knows no file and nothing of rmkit. All draws are from the generator that is given.
"""

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Raw:
    """A fragment that is written as it is, not as the value that it may look like."""

    text: str


ALIASES = "[&a [x, x, x, x, x, x, x, x, x, x]" + "".join(
    f", &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
FRAGMENTS = (  # of YAML
    *("!!bool 1", "!!float ''", "!!float x", "!!int ''", "!!int x", "!!timestamp foo", "!!binary '*'", "!!null x"),
    *("!!str", "!!set {a, b}", "!!omap [a: 1]", "!!omap a", "!!pairs [a: 1]", "!!pairs 1", "!!map 1", "!!seq 1"),
    *("!foo bar", "!<tag:yaml.org,2002:int> x", "!!python/object:os.system x", "!!python/name:os.system", "!", "!!"),
    *(
        "&a [*a]",
        "&a {b: *a}",
        "*missing",
        "&a 1",
        "<<: 1",
        "{<<: 1}",
        "{<<: [1]}",
        "{<<: {a: 1}}",
        "{<<: &a {<<: *a}}",
    ),
    *("[" * 400, "{a: " * 400, "[" * 400 + "]" * 400, "- " * 300, "? " * 300, "[" * 5000 + "]" * 5000, "!" * 300),
    *("9" * 5000, "-" + "9" * 400, "0x" + "f" * 5000, "0b" + "1" * 20000, "1" + "_0" * 3000, "9" * 5000 + ".5"),
    *("1e999", "-1e999", ".inf", "-.inf", ".nan", "1e-400", "0b1", "0o17", "017", "1_000", "12:30:45", "190:20:30.15"),
    *("2001-01-01", "2001-13-45", "2001-12-14t21:59:43.10-05:00", "0000-00-00", "2001-01-01 99:99:99"),
    *("~", "null", "true", "yes", "on", "=", "", " ", "''", '""', "' '", "[]", "{}", "[[]]", "[{}]", "[null]", "{a: }"),
    *(
        "|",
        ">",
        "|\n  text",
        "'",
        '"',
        '"\\x00"',
        '"\\ud800"',
        '"\\e[31mred"',
        '"\\u202eabc"',
        '"\\U00110000"',
        '"\\q"',
    ),
    *("%YAML 9.9\n---\na", "--- a\n--- b", "...", "#", "@a", "`a", "%", "a: b: c", "[a, b", "[a,, b]", "{a: 1, a: 2}"),
    *("{[1]: 2}", "{? {a: 1} : 2}", "{1: a, '1': b}", "{null: 1}", "{true: 1}", "{1.5: 2}", "{2001-01-01: 1}", "? a"),
    *(
        "5..24",
        "5..",
        "..5",
        "24..5",
        "-1..3",
        "0..999999999",
        "0..1000",
        "0..999",
        "5 .. 24",
        "1..1..1",
        "٣..٥",
        "1...2",
    ),
    *("0..9999999999999999999999", "1.5..2", "..", "5..5", "a..b", "[5..6]", "[0..3, 1]"),
    *("x" * 100_000, "[" + "x, " * 20_000 + "x]", ALIASES + "]", ALIASES + ", *i]", "{a: " + ALIASES + "]}"),
    *("0", "-1", "1", "2", "3.5", "-0.0", "1.0", "1e3", "100000000", "a", "ä", "\u202e", "😀", "a\tb", "None", "True"),
    *("{x}", "{x} y", "%s", "%(a)s", "$HOME", "../..", "/", "a/b", "a@b", "a@", "@", "a" * 300, "a/" * 300),
)
NAMES = (
    *("", " ", "x", "seed ", "Seed", "study", "stages", "__class__", "a.b", "a b", "ä", "😀", "x" * 300, "0", "-1"),
    *("{x}", "%s", "a\nb", "a\tb", "\x1b[31m", "\u202e", "\x7f", "\x85", "\u2028", "null", "true", "1.5", "[a]", "*a"),
    *(
        "param_seed",
        "import",
        "None",
        "self",
        "grammar_folderr",
        "sead",
        "annotation",
        "stage",
        "--set",
        "-x",
        "=",
        "a=b",
    ),
)
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        5,
        10**6,
        10**30,
        0.5,
        -0.5,
        1e300,
        "",
        " ",
        "a",
        "x" * 5000,
        [],
        {},
        [[]],
        [None],
    ),
    *(
        [1],
        [1, 1],
        ["a", "a"],
        {"a": 1},
        [{}],
        "null",
        "5..7",
        "0..2000",
        [0.5, None],
        "\u202e",
        "a\nb",
        "\x1b[2J",
        "{x}",
    ),
    *("../../etc", "/dev/zero", "data/grammar", "data/hh-rlhf", "docs/findings", "x/y@z", list(range(300)), "😀"),
)
JSON_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**400, "", "x", "\u0000", "\ud800", "\u202e", "\x1b[31m", [], {}, [0], {"": 0}, [[]]),
    *(
        "x" * 3000,
        {"a": {"b": {"c": [1, 2, {"d": None}]}}},
        [None, None],
        "2001-01-01",
        "/",
        "..",
        "../../x",
        "9" * 400,
    ),
)
DOCUMENTS = (  # whole files that are valid JSON, or nearly
    *(b"0", b"null", b"[]", b"{}", b'"x"', b"true", b"", b" ", b"\n", b"\x00", b"\xff\xfe\x00", b"{", b"[1,", b"NaN"),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"[" * 990 + b"]" * 990, b"9" * 5000, b'{"a":' * 1000 + b"0" + b"}" * 1000),
    *(
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'{"a": 1, "a": 2}',
        b"{}{}",
        b"[1e999]",
        b'"\\ud800"',
        b"\x1f\x8b\x08",
    ),
)
BYTES = (
    *(
        b"\x00",
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"\r",
        b"\r\n",
        b"\x1b[31m",
        "\u2028".encode(),
        b"\x85",
        b"\t",
        b"\n",
    ),
    *(
        "\u202e".encode(),
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\x0b",
        b"\x0c",
        b"\x7f",
        b": ",
        b"- ",
        b"[",
        b"}",
        b"&a ",
    ),
    *(b"*a", b"!!int ", b"#", b"'", b'"', b"|\n", b"0" * 500, b"\\", b"%", b"{" * 50, b"{{x}}", b"--- "),
)


def name(draw: random.Random) -> str:
    return draw.choice(NAMES)


def fragment(draw: random.Random) -> str:
    return draw.choice(FRAGMENTS)


def misspelt(draw: random.Random, text: str) -> str:
    """A text with one character gone, doubled, changed, or in another case."""
    if not text:
        return "x"
    at = draw.randrange(len(text))
    ways = (text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:], text[:at] + "~" + text[at + 1 :])
    return draw.choice((*ways, text.upper(), f" {text}", f"{text}\u200b"))


def changed_bytes(draw: random.Random, content: bytes) -> bytes:
    """A file with one to four places changed: cut, cut out, repeated, flipped, inserted into; or in another encoding."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at = draw.randrange(len(content) + 1)
        to = min(len(content), at + draw.choice((1, 2, 10, 200)))
        match draw.randrange(7):
            case 0:
                content = content[:at]
            case 1:
                content = content[:at] + content[to:]
            case 2:
                content = content[:at] + content[at:to] * draw.choice((2, 3, 500)) + content[to:]
            case 3 if at < len(content):
                content = content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
            case 4 if draw.random() < 0.1:
                return content.decode("utf-8", "replace").encode(draw.choice(("utf-16", "utf-32", "utf-8-sig")))
            case _:
                content = content[:at] + draw.choice(BYTES) + content[at:]
    return content


def changed_tree(draw: random.Random, tree: Any, values: tuple[Any, ...] = JSON_VALUES) -> Any:
    """A nest of mappings and lists with one place changed: another value, a key gone, renamed or new, a list longer."""
    if not isinstance(tree, dict | list) or not tree or draw.random() < 0.15:
        return draw.choice((draw.choice(values), [tree], {"x": tree}, [tree, tree]))
    if isinstance(tree, list):
        at = draw.randrange(len(tree))
        match draw.randrange(6):
            case 0:
                return tree[:at] + tree[at + 1 :]
            case 1:
                return tree[:at] + [tree[at]] * 2 + tree[at:]
            case 2:
                return [*tree[:at], draw.choice(values), *tree[at:]]
            case _:
                return [*tree[:at], changed_tree(draw, tree[at], values), *tree[at + 1 :]]
    key = draw.choice(list(tree))
    match draw.randrange(6):
        case 0:
            return {each: value for each, value in tree.items() if each != key}
        case 1:
            new = misspelt(draw, str(key)) if draw.random() < 0.5 else name(draw)
            return {new if each == key else each: value for each, value in tree.items()}
        case 2:
            return tree | {name(draw): draw.choice(values)}
        case _:
            return tree | {key: changed_tree(draw, tree[key], values)}
