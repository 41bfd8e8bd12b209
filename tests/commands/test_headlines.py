"""What `rmkit results` shows: means over seeds with an interval where one is honest, in columns that fit."""

import math
import os
import re

import numpy as np
import pandas as pd
import pytest

from rmkit.commands.headlines import headline_tables
from rmkit.commands.results import lines_of
from rmkit.errors import ParamsError
from rmkit.intervals.means import t_over_seeds
from rmkit.stages.first_look import FIRST_LOOK
from rmkit.stages.graph import STAGES

STAGE = "04_reward_models"


def rows(n_seeds, *, metrics=("accuracy",), heads=("linear_bt", "mlp_bt"), draws=1, **more):
    """A row for each seed, draw, head and metric, whose values are no pattern."""
    rng = np.random.default_rng(0)
    made = [
        {"fit": f"{head} {draw}", "reward_model": head, "metric": metric, "draw": draw, "seed": seed, **more}
        for seed in range(n_seeds)
        for draw in range(draws)
        for head in heads
        for metric in metrics
    ]
    return pd.DataFrame(made).assign(value=rng.normal(size=len(made)), reason=None, units=3, job="j", stage=STAGE)


def cell(table, head="linear_bt", metric="accuracy"):
    (row,) = (row for row in table.rows if row["reward_model"] == head)
    return row[metric]


def test_five_seeds_have_a_t_interval_and_no_column_of_what_does_not_vary():
    table = rows(5, beta=3.0)
    (shown,) = headline_tables(table, STAGE)
    value_s = table[table["reward_model"] == "linear_bt"]["value"].to_numpy()
    interval = t_over_seeds(value_s)
    assert cell(shown) == f"{interval.estimate:.3f} ±{interval.high - interval.estimate:.3f}"
    assert (shown.settings, shown.metrics) == (("reward_model",), ("accuracy",))
    assert shown.notes[0] == "mean of 5 seeds"


def test_fewer_seeds_have_their_range_and_say_so():
    table = rows(3)
    (shown,) = headline_tables(table, STAGE)
    value_s = table[table["reward_model"] == "mlp_bt"]["value"]
    assert cell(shown, "mlp_bt") == f"{value_s.mean():.3f} [{value_s.min():.3f}, {value_s.max():.3f}]"
    assert "[low, high]: the lowest and the highest of fewer than 5 seeds" in shown.notes


def test_draws_of_a_seed_are_one_number():
    table = rows(5, draws=4)
    (shown,) = headline_tables(table, STAGE)
    mine = table[table["reward_model"] == "linear_bt"]
    interval = t_over_seeds(mine.groupby("seed")["value"].mean().to_numpy())
    assert cell(shown) == f"{interval.estimate:.3f} ±{interval.high - interval.estimate:.3f}"


def test_the_interval_of_a_single_row_is_its_own():
    table = rows(1).assign(low=-9.0, high=9.0)
    (shown,) = headline_tables(table, STAGE)
    assert cell(shown).endswith(" [-9.000, 9.000]")
    assert shown.notes[-1] == "[low, high]: the interval that the row itself has"


@pytest.mark.parametrize("n_seeds", [3, 7])
@pytest.mark.parametrize("spread", [3e-4, 2e-6])
def test_a_narrow_interval_has_a_digit_and_its_column_as_many_decimals(n_seeds, spread):
    table = rows(n_seeds)
    table["value"] = 0.5 + table["seed"] * np.where(table["reward_model"] == "mlp_bt", spread, 0.1)
    (shown,) = headline_tables(table, STAGE)
    numbers = {head: re.findall(r"[\d.]+", cell(shown, head)) for head in ("linear_bt", "mlp_bt")}
    assert len({len(number.partition(".")[2]) for found in numbers.values() for number in found}) == 1
    *ends, half = map(float, numbers["mlp_bt"])
    value_s = table[table["reward_model"] == "mlp_bt"]["value"].to_numpy()
    exact = t_over_seeds(value_s).high - value_s.mean() if n_seeds == 7 else np.ptp(value_s)
    told = half if n_seeds == 7 else half - ends[-1]
    assert told > 0
    assert told == pytest.approx(exact, abs=1.1 * 10 ** math.floor(math.log10(np.ptp(value_s) / 2)))


def test_what_rounding_alone_tells_apart_is_no_interval():
    """Best-of-1 is the mean of all responses, whichever reward model picks: float32 sums differ in the tenth digit."""
    table = rows(7)
    table["value"] = 1.0637161 + 1e-9 * table["seed"]
    (shown,) = headline_tables(table, STAGE)
    assert {cell(shown), cell(shown, "mlp_bt")} == {"1.064"}


@pytest.mark.parametrize(("values", "written"), [([12345.0] * 7, "12,345"), ([5000.0, 7000.0] * 3, "6,000 ±1,150")])
def test_large_numbers_have_no_decimals_that_say_nothing(values, written):
    table = rows(len(values)).assign(value=np.repeat(values, 2))
    assert cell(headline_tables(table, STAGE)[0]) == written


def test_settings_come_as_a_reader_expects_and_as_an_example_that_shows_fewer():
    """Numbers ascending, no noise after every noise, what has no value last; text in the order of the study."""
    betas, heads = [np.inf, 3.0, np.nan, 0.5], ["mlp_bt", "linear_bt"]
    table = pd.concat([rows(5, heads=heads, annotations=1800).assign(beta=beta) for beta in betas], ignore_index=True)
    (shown,) = headline_tables(table, STAGE)
    expected = [(beta, head) for beta in ("0.5", "3", "no noise", "—") for head in heads]
    assert [(row["beta"], row["reward_model"]) for row in shown.rows] == expected
    for n_rows, example in ((2, "beta=3"), (4, "'beta=no noise'"), (6, "reward_model=mlp_bt")):
        assert f"--select {example} or" in list(lines_of(shown, rows=n_rows, width=None))[-1]


def test_what_was_chosen_from_is_not_kept_at_its_largest_value():
    whole = pd.concat([rows(5, metrics=("best_of_n",), n=n) for n in (1, 4, 32)], ignore_index=True)
    (shown,) = headline_tables(whole, STAGE, chosen=["n"])
    assert [row["n"] for row in shown.rows] == ["1", "1", "4", "4", "32", "32"]


def test_a_value_that_is_missing_is_no_zero():
    table = rows(5)
    table.loc[table["reward_model"] == "mlp_bt", "value"] = np.nan
    assert cell(headline_tables(table, STAGE)[0], "mlp_bt") == "—"


def test_seeds_are_counted_where_settings_have_different_numbers():
    table = rows(6)
    (shown,) = headline_tables(table[(table["reward_model"] == "mlp_bt") | (table["seed"] < 5)], STAGE)
    assert {row["reward_model"]: row["seeds"] for row in shown.rows} == {"linear_bt": "5", "mlp_bt": "6"}
    assert shown.settings == ("reward_model", "seeds")


def test_of_n_the_largest_is_kept_unless_the_metric_is_asked_for():
    whole = pd.concat([rows(5, metrics=("best_of_n",), n=n) for n in (1, 4, 32)] + [rows(5)], ignore_index=True)
    (shown,) = headline_tables(whole, STAGE)
    assert (shown.metrics, len(shown.rows)) == (("best_of_n", "accuracy"), 2)
    assert shown.notes[-1] == "best_of_n at n = 32"
    (asked,) = headline_tables(whole, STAGE, ["best_of_n"])
    assert [row["n"] for row in asked.rows] == ["1", "1", "4", "4", "32", "32"]
    with pytest.raises(ParamsError, match=r"^--metric: 'acuracy' is not one of best_of_n, accuracy; did you mean"):
        headline_tables(whole, STAGE, ["acuracy"])


@pytest.mark.parametrize("width", [24, 40, 80, 200])
def test_a_table_fits_its_width_and_says_what_it_leaves_out(width):
    whole = rows(
        5, metrics=("best_of_n", "spearman", "accuracy"), heads=["a_head_with_a_long_name", "another", "third"]
    )
    (table,) = headline_tables(whole, STAGE)
    lines = list(lines_of(table, rows=2, width=width))
    head, *shown = lines[:3]
    assert max(map(len, lines[:3])) <= width
    left_out = [metric for metric in table.metrics if metric not in head]
    assert any(f"no room for {', '.join(left_out)}" in line for line in lines) == bool(left_out)
    assert len(left_out) == {24: 2, 40: 2, 80: 0, 200: 0}[width]
    assert len(shown) == 2
    fewer = "--select reward_model=third or --metric NAME fewer"
    assert lines[-1] == f"1 more of 3 rows: --rows 3 shows all, {fewer}, --out FILE writes all"


def test_a_first_look_is_of_stages_that_record_rows():
    assert set(FIRST_LOOK) == {name for name, stage in STAGES.items() if stage.rows}
    assert all({"metric", "x", "headlines"} <= told.keys() for told in FIRST_LOOK.values())


def test_the_command_shows_headlines_and_stores_all_rows(finished):
    ended = finished.rmkit("results", "01", "small", COLUMNS="60")
    assert ended.returncode == 0, ended.stderr
    head, _, columns, *_ = ended.stdout.splitlines()
    assert head == "01_sums of params/small.yaml: 4 rows, 1 metric"
    assert columns.split() == ["fit", "sum"]
    assert finished.rmkit("results", "1", "small", "--out", "rows.csv").stdout == "rows.csv: 4 rows\n"
    assert len(pd.read_csv(finished.root / "rows.csv")) == 4


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("no/rows.csv", "there is no folder no; make it, or name another"),
        ("folder.csv", "is not a regular file; name another"),
        ("pipe.parquet", "is not a regular file; name another"),
        ("rows.txt", "its ending: '.txt' is not one of .csv, .parquet"),
    ],
)
def test_rows_go_into_a_regular_file(finished, out, said):
    (finished.root / "folder.csv").mkdir()
    os.mkfifo(finished.root / "pipe.parquet")
    ended = finished.rmkit("results", "01", "small", "--out", out)
    assert (ended.returncode, ended.stderr) == (2, f"--out {out}: {said}\n")
