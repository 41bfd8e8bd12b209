"""What code reaches: here the walk over statements alone; what follows from it is in test_keys.py."""

import ast

import pytest

from rmkit.study.planning.reached_code import imported, statements
from tests.small_project import REPOSITORY

EVERY_KIND = """
import a
async def outer():
    import b
    async with x as y:
        from c import d
    async for i in z:
        import e
    else:
        import f
class Inner:
    import g
    def method(self):
        while True:
            import h
        else:
            import i
match x:
    case 1 if (lambda: [k for k in l])():
        import j
    case _:
        import k
try:
    import l
except* OSError:
    if x:
        import m
    elif (y := [z]):
        import n
    else:
        import o
else:
    import p
finally:
    with x:
        import q
"""
WRITTEN = [
    EVERY_KIND,
    "",
    "1 + 1",
    *(p.read_text(encoding="utf-8") for p in (REPOSITORY / "rmkit/study").rglob("*.py")),
]


def test_the_statements_are_those_of_a_walk_through_everything_in_its_order():
    kinds = (ast.mod, ast.stmt, ast.excepthandler, ast.match_case)
    for text in WRITTEN:
        tree = ast.parse(text)
        assert list(statements(tree)) == [node for node in ast.walk(tree) if isinstance(node, kinds)]


def test_an_import_is_found_wherever_a_statement_may_be():
    found = imported(ast.parse(EVERY_KIND))
    assert sorted(module for module, _ in found) == list("abcefghijklmnopq")


@pytest.mark.parametrize("text", ["x", "lambda: x", "[x for x in y]"])
def test_an_expression_holds_no_statement(text):
    tree = ast.parse(text, mode="eval")
    assert list(statements(tree)) == [tree]
