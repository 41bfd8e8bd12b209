"""Which columns of result rows are axes, and in what order their values come."""

import numpy as np
import pandas as pd

from rmkit.widgets.explorer.coded import axes_of
from rmkit.widgets.explorer.columns import tidied, values_of
from tests.widgets.explorer.result_rows import rows


def test_columns_that_vary_are_axes_and_what_says_something_of_a_row_is_none():
    table = tidied(rows())
    assert axes_of(table) == {
        "seed": [0, 1, 2, 3, 4],
        "reward_model": ["linear_bt", "mlp_bt", "gold"],
        "beta": [0.5, np.inf],
        "annotations": [100.0, 1600.0],
    }
    hidden = tidied(rows(choice="random", param_choice="similar"))
    assert set(hidden["choice"]) == {"random"}  # what varied inside the job wins


def test_of_columns_that_change_together_one_is_an_axis():
    table = tidied(rows(models=("linear_bt",)))
    table["world"] = np.where(table["seed"] < 2, "grammar", "hh_rlhf")
    table["split"] = np.where(table["seed"] < 2, "test prompts", "held-out prompts")
    assert "world" in axes_of(table)
    assert "split" not in axes_of(table)
    table.loc[0, "split"] = "held-out prompts"
    assert {"world", "split"} <= set(axes_of(table))


def test_values_are_in_order_numbers_as_numbers_and_lists_as_text():
    assert values_of(pd.Series([3, 1, 2, 1])) == [1, 2, 3]
    assert values_of(pd.Series(["b", None, "a", "b"])) == ["b", "a"]
    assert values_of(pd.Series(["[1,2]", "[1]"])) == ["[1,2]", "[1]"]
    assert values_of(pd.Series([True, False])) == ["True", "False"]
