"""A statement on a recorded row takes that row's interval, or says why there is none."""

import numpy as np
import pandas as pd
import pytest
import yaml

from rmkit.errors import DataError
from rmkit.findings.evaluated import Evaluated
from rmkit.findings.rules import SEEDS, check_row, read_rule
from rmkit.findings.verdicts import judged
from rmkit.intervals.means import t_over_seeds

STAGE = "14_test_sets"
CONTENT = {
    "statement": "Paraphrases lower the correlation.",
    "source": "nobody",
    "stage": STAGE,
    "statistic": "recorded",
    "row": {"metric": "slope", "policy": "best of 32", "n": 32},
    "threshold": 0.0,
    "matters": 0.1,
    "unit": "Kendall correlation",
    "estimand": "new reward models, new prompts",
}
ROW = {
    "metric": "slope",
    "policy": "best of 32",
    "n": 32.0,
    "value": 0.2,
    "low": 0.1,
    "high": 0.3,
    "level": 0.95,
    "units": 72,
    "estimand": "new reward models, new prompts",
    "method": "jackknife",
    "no_interval": "",
    "reason": None,
    "job": "one",
    "param_seed": 5,
    "param_task": "helpful",
}


def rule(tmp_path, **change):
    path = tmp_path / "c7-it.yaml"
    path.write_text(yaml.safe_dump(CONTENT | change), encoding="utf-8")
    return read_rule(path, path.name)


def judge(the_rule, *rows):
    table = pd.DataFrame([ROW | row for row in rows])
    return judged([the_rule], [f"{the_rule.name}@{the_rule.digest}"], {}, {STAGE: table}).iloc[0]


def test_the_interval_of_the_one_row_is_taken(tmp_path):
    row = judge(rule(tmp_path), {}, {"n": 2.0, "value": 9.0}, {"policy": "kl 1"})
    assert row[["value", "low", "high", "verdict"]].tolist() == [0.2, 0.1, 0.3, "shown"]
    assert row["method"] == "jackknife"
    assert row["rule"] == "as registered"
    assert row["in_study"]


@pytest.mark.parametrize(
    ("rows", "change", "reason"),
    [
        ([{"n": 2.0}], {}, "this study has no row of 14_test_sets with metric slope, n 32, policy best of 32"),
        ([{}, {}], {}, "several rows of a job"),
        ([{"no_interval": "12 reward models are too few"}], {}, "12 reward models are too few"),
        ([{"low": np.nan}], {}, "the row has no interval, and does not say why"),
        ([{"estimand": "these models"}], {}, "interval is for these models; the rule speaks of new reward models"),
        ([{}, {"job": "two", "param_task": "harmless"}], {}, "differ in task; the rule must say `where`"),
        ([{}, {"job": "two", "param_seed": 6}], {}, "2 seeds, whose interval is for new seeds, these prompts"),
        ([{}, {"job": "two", "param_seed": 6}], {"estimand": SEEDS}, "no verdict from 2 seeds; it takes 5"),
        ([{}], {"where": {"task": "harmless"}}, "no row of 14_test_sets with task harmless"),
        ([{}], {"row": {"metric": "slope", "share": 1}}, "column: 'share' is not one of"),
    ],
)
def test_what_cannot_be_answered_says_why(tmp_path, rows, change, reason):
    row = judge(rule(tmp_path, **change), *rows)
    assert row["verdict"] == "not answered"
    assert reason in row["no_interval"]


def test_several_seeds_give_an_interval_for_new_seeds(tmp_path):
    values = [0.1, 0.2, 0.15, 0.3, 0.25]
    found = [{"job": str(seed), "param_seed": seed, "value": value} for seed, value in enumerate(values)]
    row = judge(rule(tmp_path, estimand=SEEDS, where={"task": "helpful"}), *found)
    interval = t_over_seeds(np.array(values), estimand=SEEDS)
    assert row[["value", "low", "high"]].tolist() == [interval.estimate, interval.low, interval.high]
    assert row["by_seed"] == "[0.1, 0.2, 0.15, 0.3, 0.25]"


def test_rows_of_a_part_count_for_a_statement_that_names_it_alone(tmp_path):
    rows = {"among": None}, {"among": "heads", "value": 0.15}, {"among": "gaussian", "value": -9.0}
    assert judge(rule(tmp_path), *rows)["value"] == 0.2
    heads = CONTENT["row"] | {"among": "heads"}
    assert judge(rule(tmp_path, row=heads), *rows)["value"] == 0.15
    without = judge(rule(tmp_path, row=heads), {})
    assert "column: 'among' is not one of" in without["no_interval"]


def test_a_claim_of_less_turns_the_sign(tmp_path):
    row = judge(rule(tmp_path, turned=True), {})
    assert row[["value", "low", "high", "verdict"]].tolist() == [-0.2, -0.3, -0.1, "contradicted"]
    found = [{"job": str(seed), "param_seed": seed, "value": -0.1 * seed} for seed in range(1, 6)]
    seeds = judge(rule(tmp_path, turned=True, estimand=SEEDS), *found)
    assert seeds["value"] == pytest.approx(0.3)
    assert seeds["by_seed"] == "[0.1, 0.2, 0.3, 0.4, 0.5]"
    with pytest.raises(DataError, match="turned: 'yes'; write true"):
        rule(tmp_path, turned="yes")


def test_a_study_without_the_stage_says_so(tmp_path):
    the_rule = rule(tmp_path)
    row = judged([the_rule], [], {}, {}).iloc[0]
    assert row["no_interval"] == "this study has no finished job of 14_test_sets"
    assert not row["in_study"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"metric": "slop"}, "row: metric: 'slop' is not one of slope.*did you mean 'slope'"),
        ({"metric": "slope", "polcy": "x"}, "row of slope: 'polcy' is not one of"),
    ],
)
def test_a_misspelt_row_is_found_beforehand(tmp_path, row, message):
    evaluated = Evaluated({}, (), {}, recorded={"slope": ("policy", "n")})
    with pytest.raises(DataError, match=message):
        check_row(rule(tmp_path, row=row), evaluated, "it.yaml")


@pytest.mark.parametrize("row", ["slope", {"policy": "x"}, []])
def test_a_rule_without_a_row_is_one_sentence(tmp_path, row):
    with pytest.raises(DataError, match=r"row: .* names no row; write {metric: slope, ...}|lacks row"):
        rule(tmp_path, row=row)
