"""What a parameter's type says of a value that does not fit."""

import ast

import pytest

from rmkit.errors import ParamsError
from rmkit.study.planning.parameter_types import kind_of


def test_a_list_that_came_as_text_is_told_how_papermill_reads_one():
    kind = kind_of(ast.parse("list[int]", mode="eval").body, "here")
    with pytest.raises(ParamsError, match=r"is text, not a list; papermill reads a list by -y, not by -p"):
        kind.conform("[100, 600]", "04_reward_models: annotations")
