"""What a parameter's type says of a value that does not fit."""

import ast

import pytest

from rmkit.errors import ParamsError
from rmkit.study.planning.parameter_types import kind_of


def test_a_list_that_came_as_text_is_told_how_papermill_reads_one():
    kind = kind_of(ast.parse("list[int]", mode="eval").body, "here")
    with pytest.raises(ParamsError, match=r"is text, not a list; papermill reads a list by -y, not by -p"):
        kind.conform("[100, 600]", "04_reward_models: annotations")


@pytest.mark.parametrize(
    ("declared", "value", "said"),
    [
        ("list[int]", 3, r"3 is a whole number, not a list; write \[3\]$"),
        ("list[float | None]", None, r"None is nothing, not a list; write \[null\]$"),
        ("list[int]", None, "None is nothing, not a list, each a whole number$"),
        ("list[int]", "1..5", "'1..5' is text, not a list, each a whole number$"),
    ],
)
def test_a_list_is_proposed_only_where_it_would_be_right(declared, value, said):
    kind = kind_of(ast.parse(declared, mode="eval").body, "here")
    with pytest.raises(ParamsError, match=said):
        kind.conform(value, "04_reward_models: annotations")
