"""The table under the picture: rows in order, a page at a time, a click on a row is a click on its dot."""

import re
import time

import numpy as np
import pandas as pd
import pytest

from rmkit.widgets.explorer.fits_table import FitsTable
from rmkit.widgets.explorer.table import order_of, table_columns
from tests.widgets.explorer.made_store import HOSTILE

WORST = 0.5  # seconds of this process until a control has answered, at 100,000 rows


def made(n=23, **more):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"reward_model": rng.choice(["b", "a", "c"], n), "annotations": rng.choice([200.0, 1000.0], n)})
    rows["value"] = rng.normal(size=n)
    rows.loc[::5, "value"] = np.nan
    rows = rows.assign(reason=None, units=7, fit=[f"fit-{number}" for number in range(n)], metric="accuracy", **more)
    rows.loc[rows["value"].isna(), "reason"] = "too few pairs"
    rows.index = 3 * np.arange(n) + 1
    return rows


@pytest.fixture
def clicked():
    return []


@pytest.fixture
def fits(clicked):
    shown = FitsTable(clicked.append)
    show(shown, made(), ["reward_model", "annotations"], "annotations")
    return shown


def show(fits, rows, axes, x):
    fits.show(rows, table_columns(rows, axes, x))


def head(fits, name):
    return next(each for each in fits.heads.children if each.description.rstrip(" ↑↓") == name)


def seen(fits, column):
    """A column of the page, as it is written."""
    at = fits.columns.index(column)
    lines = re.findall(r'role="row".*?</div>', fits.lines.value)
    return [re.sub("<[^>]+>", "", re.findall(r"<span role.*?</span>", line)[at]) for line in lines]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("column", ["reward_model", "annotations", "value", "reason", "flag"])
def test_rows_are_in_order_with_missing_last_and_ties_as_stored(column, descending):
    rows = made(60, flag=[True, False, None] * 20)
    values = rows[column].tolist()
    order = [values[at] for at in order_of(rows[column], descending)]
    present = [value for value in values if value is not None and value == value]
    named = column in ("reward_model", "reason", "flag")
    wanted = sorted(present, key=str if named else None)
    assert order[: len(present)] == (wanted[::-1] if descending else wanted)
    ties = [at for at in order_of(rows[column], descending) if values[at] == present[0]]
    assert ties == sorted(ties)


def test_numbers_are_ordered_by_size_and_not_by_their_letters():
    assert list(order_of(pd.Series([1000.0, 200.0, 30.0]), descending=False)) == [2, 1, 0]


def test_columns_are_what_varies_and_what_was_measured():
    rows = made(beta=1.0, low=np.nan, high=np.nan)
    assert table_columns(rows, ["beta", "reward_model"], "reward_model") == ["reward_model", "value", "units", "reason"]
    assert table_columns(rows.assign(low=0.0, reason=None), ["beta"], "beta") == ["fit", "value", "low", "units"]


def number(text):
    return float(text.replace("−", "-"))


def test_a_click_on_a_head_orders_upwards_then_downwards_then_as_stored(fits):
    stored = seen(fits, "reward_model")
    head(fits, "value").click()
    assert fits.sort == ("value", False)
    assert head(fits, "value").description == "value ↑"
    assert seen(fits, "value") == sorted(seen(fits, "value"), key=number)
    head(fits, "value").click()
    assert head(fits, "value").description == "value ↓"
    assert seen(fits, "value") == sorted(seen(fits, "value"), key=number, reverse=True)
    head(fits, "value").click()
    assert (fits.sort, seen(fits, "reward_model")) == (None, stored)
    head(fits, "reward model").click()
    assert seen(fits, "reward_model") == sorted(seen(fits, "reward_model"))


def test_a_page_is_seen_at_a_time_and_pages_reach_every_row(fits):
    found = []
    for _ in range(3):
        found += seen(fits, "value")
        fits.turn(1)
    assert len(found) == 23
    assert "21–23 of 23" in re.sub("<[^>]+>", "", fits.count.value)
    assert [each.layout.display for each in fits.over.children].count("none") == 7
    fits.turn(-(10**9))
    assert "1–10 of 23" in re.sub("<[^>]+>", "", fits.count.value)
    fits.size.value = 25
    assert len(seen(fits, "value")) == 23


def test_a_click_on_a_row_names_it_by_its_place_in_the_table(fits, clicked):
    head(fits, "value").click()
    fits.turn(1)
    fits.over.children[2].click()
    assert clicked == [fits.rows["value"].sort_values().index[12]]


def test_the_chosen_row_comes_into_view_and_is_marked(fits):
    head(fits, "value").click()
    largest = fits.rows["value"].idxmax()
    fits.mark(largest, [fits.rows["value"].nlargest(2).index[1]])
    (line,) = re.findall(r'<div role="row" class="rmkit-line rmkit-chosen".*?</div>', fits.lines.value)
    assert f"{fits.rows['value'].max():#.4g}" in line
    assert fits.lines.value.count("rmkit-kept") == 1
    fits.mark(None)
    assert "rmkit-chosen" not in fits.lines.value


def test_other_rows_keep_the_order_where_they_have_its_column(fits):
    head(fits, "value").click()
    show(fits, made(40), ["reward_model"], "reward_model")
    assert fits.sort == ("value", False)
    head(fits, "reward model").click()
    show(fits, made(40), ["annotations"], "annotations")
    assert fits.sort is None


def test_names_from_outside_are_letters(fits):
    show(fits, made().assign(reward_model=HOSTILE, fit=HOSTILE, reason=HOSTILE), ["reward_model"], "fit")
    assert "<img" not in fits.lines.value
    assert "&lt;img" in fits.lines.value


def test_a_hundred_thousand_rows_are_ordered_within_half_a_second(fits):
    show(fits, made(100_000), ["reward_model", "annotations"], "fit")
    for name in fits.columns:
        started = time.process_time()
        head(fits, name.replace("_", " ")).click()
        fits.mark(int(fits.rows.index[77_777]))
        assert time.process_time() - started < WORST, name
    assert len(fits.lines.value) < 20_000
