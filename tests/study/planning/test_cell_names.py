"""Names by the rules of scope, on every Python alike: what a cell binds where cells share names, and what it reads there."""

import sys

import pytest

from rmkit.study.planning.cell_names import names_of

CASES = {  # code: (names that it binds, names that it reads)
    # statements that bind
    "x = y": ("x", "y"),
    "(x, *y), z[i] = a": ("x y", "z i a"),
    "x.part = y": ("", "x y"),
    "x += y": ("x", "x y"),
    "x[i] += y": ("", "x i y"),
    "x: kind = y": ("x", "kind y"),
    "x: kind": ("x", "kind"),
    "del x, y[i]": ("x", "y i"),
    "import a, b.c, d.e as f": ("a b f", ""),
    "from a.b import c, d as e": ("c e", ""),
    "from a import *": ("", ""),
    "for x in y:\n    z = x\nelse:\n    a": ("x z", "x y a"),
    "while x:\n    y = 1": ("y", "x"),
    "with a as (b, c), d:\n    pass": ("b c", "a d"),
    "try:\n    a\nexcept E as e:\n    b\nfinally:\n    c": ("e", "a E b c"),
    "try:\n    a\nexcept* E as e:\n    b": ("e", "a E b"),
    "if (x := y): pass": ("x", "y"),
    "match a:\n    case [b, *c] if d: pass": ("b c", "a d"),
    "match a:\n    case {key.word: b, **c}: pass": ("b c", "a key"),
    "match a:\n    case Kind(b, part=c) | Kind(c, part=b): pass": ("b c", "a Kind"),
    "match a:\n    case (1 | None) as b: pass\n    case _: pass": ("b", "a"),
    "global x\nx = 1": ("x", ""),
    "await x": ("", "x"),
    "f'{x!r:>{y}}'": ("", "x y"),
    # comprehensions
    "[k for k in x]": ("", "x"),
    "{k: v for k, v in x.items() if k in y}": ("", "x y"),
    "{k for k in x for v in k if v}": ("", "x"),
    "sum(k for k in x)": ("", "sum x"),
    "[k for k in k]": ("", "k"),
    "[k for v in x for k in k]": ("", "x"),
    "[[k for k in v] for v in x]": ("", "x"),
    "[y := k for k in x]": ("y", "x"),
    "[[y := k for k in v] for v in x]": ("y", "x"),
    "[y for k in x if (y := k)]": ("y", "x y"),
    "[k[0] for k in x]; k = 1": ("k", "x"),
    "[lambda: (k, z) for k in x]": ("", "x z"),
    # functions
    "def f(a, /, b: kind = c, *d: kind, e=g, **h) -> back:\n    return a, b, d, e, h, i": ("f", "kind c g back i"),
    "@deco(x)\ndef f(): pass": ("f", "deco x"),
    "async def f():\n    async for a in b:\n        yield a": ("f", "b"),
    "def f():\n    x = 1\n    return x": ("f", ""),
    "def f():\n    print(x)\n    x = 1": ("f", "print"),
    "def f():\n    import x\n    return x, y": ("f", "y"),
    "def f():\n    global x\n    x = y": ("f x", "y"),
    "def f():\n    global x\n    def g(): return x\n    x += 1": ("f x", "x"),
    "def f(x):\n    def g():\n        global x\n        x = 1": ("f x", ""),
    "def f(x):\n    def g():\n        nonlocal x\n        x = y": ("f", "y"),
    "def f(x):\n    def g(): return x, y": ("f", "y"),
    "def f():\n    return f()": ("f", "f"),
    "def f():\n    [y := k for k in x]\n    return y": ("f", "x"),
    "def f():\n    global y\n    [y := k for k in x]": ("f y", "x"),
    "lambda a, *b, c=d, **e: (a, b, c, e, f)": ("", "d f"),
    "lambda: (y := x)": ("", "x"),
    "lambda: [k for k in y]": ("", "y"),
    # classes
    "@deco\nclass A(Base, meta=kind):\n    x = y\n    def f(self): return x": ("A", "deco Base kind y x"),
    "class A:\n    x = x": ("A", "x"),
    "class A:\n    x = 1\n    y = [z for z in x]": ("A", "x"),
    "class A:\n    x = 1\n    y = [x for z in w]": ("A", "x w"),
    "class A:\n    global x\n    x = 1": ("A x", ""),
    "def f(x):\n    class A:\n        def g(self): return x": ("f", ""),
    "def f(x):\n    class A:\n        x = x": ("f", "x"),
    "def f(x):\n    class A:\n        nonlocal x\n        x = y": ("f", "y"),
}  # fmt: skip
SINCE_3_12 = {
    "type A = B": ("A", "B"),
    "type A[T: Bound] = dict[T, B]": ("A", "Bound dict B"),
    "@deco(T)\ndef f[T](a: T = b) -> T: return T": ("f", "deco T b"),
    "def f[T: Bound, *Ts, **P](*a: *Ts) -> T: return P, Ts, c": ("f", "Bound c"),
    "class A[T](Base[T]):\n    def f(self) -> T: return T": ("A", "Base"),
    "class A:\n    type B = C": ("A", "C"),
}
SINCE_3_13 = {"class A[T = Default]:\n    x: T": ("A", "Default")}
if sys.version_info >= (3, 12):
    CASES |= SINCE_3_12
if sys.version_info >= (3, 13):
    CASES |= SINCE_3_13


@pytest.mark.parametrize("code", CASES)
def test_a_cell_binds_and_reads(code):
    bound, read = CASES[code]
    names = names_of(code)
    assert (names.bound, names.read) == (set(bound.split()), set(read.split()))
