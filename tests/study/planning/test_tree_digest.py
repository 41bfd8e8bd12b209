"""The digest of code: one program has one digest, under every Python; two programs have two."""

import ast
import itertools

import pytest

from rmkit.study.planning.tree_digest import tree_digest

TRICKY = '''
"""A docstring."""
from . import numbers as n
@deco(1, *a, k=2, **b)
async def f(x, /, y: int = -1, *z, w=None, **v) -> "text":
    'Another.'
    async with x as (q, r), y: pass
    return {**x, 1: (), "it's \\"so\\"": [*y], 'é\\u2028\\U0001fae8\\ud800': ...}
class A(B, meta=C):
    """A third."""
    x: list[tuple[int, ...]] = 1, 1.0, 1e999, True, None, 1j, b'\\xff', 0x10
    (y): int = x[1:2, ::3, ..., *z]
def g(): """Only this."""
lambda *, a, b=0: (yield a)
g(f"{x!r:>{w}}{y:{a}{b}}{z=}" "and" f'{n["k"]:%Y} {{}}' f"", u"u", f"", f"{x:}")
match x:
    case None | False | [1, *_, A(b, c=d)] | {"k": -1, **rest} if (t := y): del t
try: assert not x, [k for k in x if k for v in k]
except* (E, F) as e: raise G from e
'''
DIGEST = "e778d9a016d0bbd000fcf4f146e6617b65e21f1a7ec9d433d0e86787596fe25b"  # under 3.11, 3.12 and 3.13


def test_the_digest_is_the_same_under_every_python():
    assert tree_digest(ast.parse(TRICKY)) == DIGEST


ONE_PROGRAM = {
    "comments": ("x = 1  # one\n# and no more", "x = 1"),
    "layout": ("f(\n    a,\n    b,\n)", "f(a, b)"),
    "brackets that do nothing": ("x = (a + (b * c))", "x = a + b * c"),
    "a semicolon": ("a; b", "a\nb"),
    "quotes": ("""x = 'a' + '''b\n'''""", 'x = "a" + "b\\n"'),
    "quotes in an f-string": ("""x = f'{a["b"]}'""", '''x = f"{a['b']}"'''),
    "adjacent texts": ('x = "a" "b"', 'x = "ab"'),
    "adjacent f-strings": ('f"a{x}" "b" f"{y}"', 'f"a{x}b{y}"'),
    "an escape": (r"x = '\x41\u00e9'", "x = 'Aé'"),
    "the u of a text": ('x = u"a"', 'x = "a"'),
    "how a number is written": ("0x10, 1_000, 1e2", "16, 1000, 100.0"),
    "the docstring of a module": ('"""Doc."""\nx = 1', "x = 1"),
    "the docstring of a function": ('def f():\n    """Doc."""\n    return 1', "def f(): return 1"),
    "the docstring of a class": ('class A:\n    """Doc."""\n    x = 1', "class A: x = 1"),
    "nothing but a docstring": ('def f(): """Doc."""', "def f(): pass"),
    "elif": ("if a: b\nelif c: d", "if a: b\nelse:\n    if c: d"),
    "brackets in a `with`": ("with (a as b, c): d", "with a as b, c: d"),
}

DIFFERENT_PROGRAMS = [
    [f"x = {value}" for value in ("1", "1.0", "True", "'1'", "b'1'", "1j", "-1", "None", "...")],
    [f"x = {value}" for value in ("''", "f''", "b''", "()", "[]", "{}", "0", "0.0", "False", "None")],
    ["x = 'a'\n'b'", "x = 'a'", "x = 'ab'", "x = 'a', 'b'", "x = ['a', 'b']"],
    ["def f(): return", "def f(): return None", "def f(): yield", "def f(): pass", "async def f(): pass"],
    ["def f(a, b): 0", "def f(a, /, b): 0", "def f(a, *, b): 0", "def f(a, *b): 0", "def f(a, b=0): 0", "def f(a, *, b=0): 0"],
    ["def f(*, a, b=0): 0", "def f(*, a=0, b): 0", "def f(*, a=None, b=0): 0"],
    ["x: int", "x: int = 0", "x: int = None", "x = 0", "(x): int = 0"],
    ["import a", "import a.b", "import a as b", "from a import b", "from . import b", "from .a import b", "from .. import b"],
    ["a + b", "b + a", "a - b", "a += b", "a @ b", "a and b", "a or b", "a < b", "a <= b", "a is b", "a in b", "a not in b"],
    ["a + b + c", "a + (b + c)", "a < b < c", "(a < b) < c", "a and b and c", "a and (b and c)"],
    ["a[b]", "a[b,]", "a[b:]", "a[:b]", "a[::b]", "a[(b, c)]", "a[b:c]", "a[*b]", "a(b)", "a.b", "a"],
    ["f(a)", "f(*a)", "f(**a)", "f(a=a)", "f(a, a)", "f([a])"],
    ["{a: b}", "{a, b}", "{**a, **b}", "{a: b, **b}", "{**b, a: b}", "[a, b]", "(a, b)", "a, *b"],
    ["[a for a in b]", "{a for a in b}", "(a for a in b)", "{a: a for a in b}", "[a for a in b if a]", "[a for a in b for a in b]"],
    ["async def f(): [a async for a in b]", "async def f(): [a for a in b]"],
    ["f'{a}'", "f'{a!r}'", "f'{a!s}'", "f'{a:}'", "f'{a:b}'", "f'{a:{b}}'", "f'{a=}'", "f'{{a}}'", "f'a'", "f'b'", "f'{a} '", "f'{a}{a}'"],
    ["f'{a}{b}'", "f'{a}, {b}'", "f'{a:{b}}'", "f'{a:{b} }'", "f'{a:{b}}' 'c'", "f'{a:{b}c}'"],
    ["match a:\n    case None: 0", "match a:\n    case False: 0", "match a:\n    case True: 0", "match a:\n    case 0: 0", "match a:\n    case _: 0", "match a:\n    case b: 0", "match a:\n    case []: 0", "match a:\n    case [*b]: 0", "match a:\n    case [*_]: 0", "match a:\n    case {}: 0", "match a:\n    case {**b}: 0", "match a:\n    case A(): 0", "match a:\n    case A(b): 0", "match a:\n    case A(b=b): 0"],
    ["try: a\nexcept: b", "try: a\nexcept E: b", "try: a\nexcept E as e: b", "try: a\nexcept* E: b", "try: a\nfinally: b", "try: a\nexcept: b\nelse: c"],
    ["for a in b: c", "for a in b: c\nelse: d", "while b: c", "with b as a: c", "with b: c", "for a in b:\n    c\n    d", "for a in b: c\nd"],
    ["raise a", "raise a from b", "raise a from None", "raise", "assert a", "assert a, b", "del a", "global a", "a"],
    ["class A: 0", "class A(B): 0", "class A(m=B): 0", "@B\nclass A: 0", "class A(*B): 0", "class B: 0"],
    ["def f(): 'doc'; 'more'", "def f(): ('doc', 'more')", "def f(): return 'doc'", "def f(): 'doc'"],
    [r"x = '\n'", r"x = '\\n'", "x = 'n'", r"x = '\r'", "x = 'é'", r"x = '\ud800'", r"x = 'e\u0301'", r"x = b'\n'"],
]  # fmt: skip


@pytest.mark.parametrize("difference", ONE_PROGRAM)
def test_what_changes_no_program_changes_no_digest(difference):
    one, other = ONE_PROGRAM[difference]
    assert tree_digest(ast.parse(one)) == tree_digest(ast.parse(other))


@pytest.mark.parametrize("programs", DIFFERENT_PROGRAMS, ids=lambda programs: programs[0])
def test_two_programs_have_two_digests(programs):
    for one, other in itertools.combinations(programs, 2):
        assert tree_digest(ast.parse(one)) != tree_digest(ast.parse(other)), (one, other)


def test_what_a_later_python_adds_to_a_tree_counts_only_where_it_is_used():
    """3.12 gives every function `type_params`, 3.15 every import `is_lazy`; in older code they are empty or 0."""
    tree = ast.parse("def f(): pass\nimport a")
    before = tree_digest(tree)
    function, imported = tree.body
    function._fields = (*ast.FunctionDef._fields, "added")
    imported._fields = (*ast.Import._fields, "added")
    function.added, imported.added = [], 0
    assert tree_digest(tree) == before
    function.added = [ast.Name("T", ast.Load())]
    assert tree_digest(tree) != before


def test_an_empty_text_in_an_f_string_is_none():
    """3.12 ends a format specification that ends with a value by an empty text."""
    tree = ast.parse("f'{x:{y}}'", mode="eval")
    before = tree_digest(tree)
    (shown,) = tree.body.values
    shown.format_spec.values.append(ast.Constant(""))
    assert tree_digest(tree) == before
