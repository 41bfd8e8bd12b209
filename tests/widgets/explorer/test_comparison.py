"""Two fits side by side: every metric of either, the difference, and what they were made with, differences first."""

import math

import numpy as np
import pandas as pd
import pytest

from rmkit.widgets.explorer.comparison import Side, compared_parameters, compared_rows, comparison_html, difference_text
from rmkit.widgets.explorer.details import Fit
from tests.widgets.explorer.made_store import HOSTILE


def side(values, reasons=None, **parameters):
    """A fit with rows (metric, n, value)."""
    rows = pd.DataFrame(values, columns=["metric", "n", "value"]).assign(reason=None)
    rows["reason"] = rows["reason"].astype(object)
    for at, reason in (reasons or {}).items():
        rows.loc[at, "reason"] = reason
    return Side(Fit("mine", "04_reward_models", "key", "fit", {}), rows, parameters)


@pytest.fixture
def a():
    return side([("accuracy", np.nan, 0.7), ("best_of_n", 2.0, 1.0), ("best_of_n", 4.0, 1.5)], seed=1, head="x")


@pytest.fixture
def b():
    return side([("best_of_n", 4.0, 1.75), ("best_of_n", 2.0, 0.5), ("spearman", np.nan, 0.4)], seed=2, head="x", cut=9)


def test_metrics_are_matched_by_name_and_by_what_varies_within_a_fit(a, b):
    table = compared_rows(a, b)
    assert list(zip(table["metric"], table["n"], strict=True)) == [
        ("accuracy", "—"),
        ("best_of_n", "2"),
        ("best_of_n", "4"),
        ("spearman", "—"),
    ]
    np.testing.assert_allclose(table["a"], [0.7, 1.0, 1.5, np.nan])
    np.testing.assert_allclose(table["b"], [np.nan, 0.5, 1.75, 0.4])
    np.testing.assert_allclose(table["difference"], [np.nan, -0.5, 0.25, np.nan])


def test_a_difference_is_written_with_its_sign_and_the_digits_of_the_values():
    told = [
        difference_text(*pair) for pair in [(1.921, 1.908), (0.7, 0.75), (3.0, 3.0), (0, 0), (1, math.nan), (9, 1234)]
    ]
    assert told == ["−0.013", "+0.0500", "0", "0", "—", "+1225"]


def test_a_fit_is_no_different_from_itself(a):
    table = compared_rows(a, a)
    assert (table["difference"] == 0).all()
    assert len(table) == len(a.rows)
    assert compared_parameters(a, a)[0].empty


def test_rows_of_one_name_are_all_there(a):
    twice = side([("accuracy", np.nan, 0.1), ("accuracy", np.nan, 0.2)])
    assert list(compared_rows(twice, a)["a"].dropna()) == [0.1, 0.2]


def test_parameters_that_differ_or_that_one_lacks_come_first(a, b):
    differ, same = compared_parameters(a, b)
    assert differ.set_index("parameter")[["a", "b"]].T.to_dict("list") == {"seed": ["1", "2"], "cut": ["—", "9"]}
    assert list(same["parameter"]) == ["head"]
    html = comparison_html(a, b)
    assert html.index("seed") < html.index("<details>") < html.index("head")


def test_a_missing_value_says_why_and_no_text_is_markup():
    hostile = side([(HOSTILE, np.nan, np.nan)], {0: HOSTILE}, **{HOSTILE: HOSTILE})
    html = comparison_html(hostile, side([("accuracy", 2.0, 0.5)], **{HOSTILE: "other"}))
    assert "<img" not in html
    assert 'title="&lt;img src=x onerror=&quot;alert(1)&quot;&gt;"' in html
