"""Which jobs count together: settings that are averaged, jobs put side by side, worlds; and the statistics over seeds."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis
from rmkit.findings.rules import Rule
from rmkit.findings.verdicts import judged
from rmkit.intervals.label_savings import saved_share
from rmkit.intervals.spreads import spread_ratio
from rmkit.intervals.worlds import of_table, over_these_worlds

STAGE, COUNTS, STRATEGIES = "05_active_labeling", (50, 100, 200), ("random", "d_optimal", "entropy")
FITS = pd.DataFrame([(f"{name}-{n}", name, n) for n in COUNTS for name in STRATEGIES])
FITS.columns = ["fit", "strategy", "annotations"]
RULE = Rule(
    name="a1",
    statement="d_optimal is better than random.",
    source="nobody",
    stage=STAGE,
    statistic="difference",
    threshold=0.0,
    matters=0.1,
    unit="Spearman correlation",
    estimand="new seeds, new prompts",
    terms={
        "metric": "spearman",
        "first": {"strategy": "d_optimal", "annotations": "most"},
        "second": {"strategy": "random", "annotations": "most"},
    },
)


def job(seed, ahead=0.0, *, n_prompts=30, steadier=1.0, **parameters):
    """One job, whose d_optimal is ahead of random by some logarithm of labels, and less by chance if it is steadier."""
    key = [seed, *(sum(map(ord, str(value))) for value in parameters.values())]
    rng = np.random.default_rng(key)
    hard_p = np.random.default_rng(99).normal(size=n_prompts)
    of_seed_f = 0.2 * rng.normal(size=len(FITS)) / np.where(FITS["strategy"] == "d_optimal", steadier, 1.0)
    lead_f = np.where(FITS["strategy"] == "d_optimal", ahead, 0.0)
    value_fp = (np.log(FITS["annotations"]) + lead_f + of_seed_f).to_numpy()[:, None] + hard_p
    value_fp = value_fp + 0.05 * rng.normal(size=value_fp.shape)
    values = {"spearman": value_fp.astype("f4"), "best_of_n": value_fp.astype("f4")[..., None]}
    evaluated = Evaluations(
        FITS, np.arange(n_prompts), np.ones(n_prompts, np.float32), values, {"best_of_n": Axis("n", (4,))}
    )
    return {"seed": seed, "world_seed": 3, "task": "helpful", "beta": 1.0} | parameters, evaluated


def study(n_seeds=8, ahead=0.5, **parameters):
    return [job(seed, ahead, **parameters) for seed in range(n_seeds)]


def judge(found, **changes):
    return judged([replace(RULE, **changes)], [], {STAGE: found}).iloc[0]


def value_of(one, strategy, annotations=200):
    here_f = (FITS["strategy"] == strategy) & (FITS["annotations"] == annotations)
    return one[1].values["spearman"][here_f.to_numpy()].astype(float).mean(axis=0)


TASKS = {"where": {"task": ["helpful", "harmless"]}}


def test_settings_that_where_lists_are_averaged_seed_by_seed():
    found = study(ahead=0.5) + study(ahead=0.1, task="harmless")
    assert "differ in task; the rule must say `where`" in judge(found)["no_interval"]
    row = judge(found[:8] + found[:7:-1], **TASKS)  # by their seeds, not by their order
    assert row["verdict"] == "shown"
    each = json.loads(row["by_setting"])
    assert each == pytest.approx({"helpful": 0.5, "harmless": 0.1}, abs=0.2)
    assert row["value"] == pytest.approx(np.mean([*each.values()]), abs=1e-6)
    tables = [value_of(one, "d_optimal") - value_of(one, "random") for one in found]
    by_seed = np.mean([tables[:8], tables[8:]], axis=0).mean(axis=1)
    np.testing.assert_allclose(json.loads(row["by_seed"]), by_seed, atol=1e-6)


def test_settings_of_which_some_are_not_there_are_not_averaged():
    assert "no job of 05_active_labeling with task = harmless" in judge(study(), **TASKS)["no_interval"]
    uneven = study() + study(n_seeds=7, task="harmless")
    assert "that are averaged over task have other seeds" in judge(uneven, **TASKS)["no_interval"]
    uneven = study() + study(n_prompts=29, task="harmless")
    assert "other numbers of seeds or prompts: (8, 30) and (8, 29)" in judge(uneven, **TASKS)["no_interval"]
    lacking = study() + study(task="harmless") + study(world_seed=4)
    assert "world 4 of this study has no job" in judge(lacking, **TASKS)["no_interval"]


def test_worlds_of_several_settings_are_the_units():
    found = [
        one for world in (3, 4, 5) for task in ("helpful", "harmless") for one in study(world_seed=world, task=task)
    ]
    row = judge(found, **TASKS)
    assert row["estimand"] == "new seeds, new prompts, these worlds"
    assert len(json.loads(row["by_setting"])) == 6
    assert [*json.loads(row["by_world"])] == ["3", "4", "5"]
    tables = np.array([value_of(one, "d_optimal") - value_of(one, "random") for one in found]).reshape(3, 2, 8, 30)
    expected = over_these_worlds([of_table(table_sp) for table_sp in tables.mean(axis=1)]).interval
    np.testing.assert_allclose(
        row[["low", "value", "high"]].astype(float), [expected.low, expected.estimate, expected.high]
    )


def test_jobs_whose_parameters_groups_name_are_put_side_by_side():
    groups = {
        "first": {"strategy": "d_optimal", "n_batch": 50, "n_rounds": 3, "annotations": "most"},
        "second": {"strategy": "d_optimal", "n_batch": 75, "n_rounds": 2, "annotations": "most"},
    }
    found = study(ahead=0.5, n_batch=50, n_rounds=3) + study(ahead=0.2, n_batch=75, n_rounds=2)
    found += study(n_batch=150, n_rounds=1)  # of no group
    row = judge(found[::-1], terms=RULE.terms | groups)
    tables = [value_of(one, "d_optimal") for one in found]
    assert row["value"] == pytest.approx((np.array(tables[:8]) - np.array(tables[8:16])).mean())
    assert row["verdict"] == "shown"
    assert (
        "no job of 05_active_labeling with n_batch, n_rounds as compared"
        in judge(study(n_batch=10, n_rounds=9), terms=RULE.terms | groups)["no_interval"]
    )
    for parameters, _ in found:
        parameters["strategies"] = ["random", "d_optimal"] if parameters["n_batch"] == 75 else list(STRATEGIES)
    assert judge(found, terms=RULE.terms | groups)["value"] == row["value"]  # other fits beside the same change nothing
    other = found[:8] + study(ahead=0.2, n_prompts=25, n_batch=75, n_rounds=2)
    assert "have other prompts" in judge(other, terms=RULE.terms | groups)["no_interval"]


def test_seeds_and_worlds_that_lack_a_side_are_left_out_and_a_column_of_fits_may_be_one():
    fewer = [
        (parameters, replace(one, fits=one.fits.assign(reward_model=parameters["reward_model"])))
        for parameters, one in (
            *study(ahead=0.6, reward_model="linear_bt"),
            *study(ahead=0.1, reward_model="mlp_bt", n_seeds=6),
            *study(ahead=0.6, reward_model="linear_bt", world_seed=4),
        )
    ]
    groups = {
        side: RULE.terms[side] | {"reward_model": name} for side, name in (("first", "linear_bt"), ("second", "mlp_bt"))
    }
    groups["second"] = groups["second"] | {"strategy": "d_optimal"}
    row = judge(fewer, terms=RULE.terms | groups)
    assert (row["estimand"], len(json.loads(row["by_seed"]))) == ("new seeds, new prompts", 6)
    tables = [value_of(one, "d_optimal").mean() for one in (*fewer[:6], *fewer[8:14])]
    assert row["value"] == pytest.approx(np.mean(tables[:6]) - np.mean(tables[6:]))
    alone = judge(fewer[:8], terms=RULE.terms | {"first": groups["first"]})
    assert alone["verdict"] == "shown"


def test_a_difference_of_differences_is_how_far_a_lead_changes():
    terms = {
        "metric": "spearman",
        "first": {"strategy": "d_optimal", "annotations": "most"},
        "second": {"strategy": "random", "annotations": "most"},
        "at": {"beta": 0.5},
        "against": {"beta": 4.0},
    }
    found = study(ahead=0.6, beta=0.5) + study(ahead=0.1, beta=4.0)
    row = judge(found, statistic="difference_of_differences", terms=terms)
    noisy, clean = (
        judge(found, where={"beta": beta}, terms={k: terms[k] for k in ("metric", "first", "second")})
        for beta in (0.5, 4.0)
    )
    assert row["value"] == pytest.approx(noisy["value"] - clean["value"])
    assert (row["verdict"], row["estimand"]) == ("shown", "new seeds, new prompts")


CURVES = {"metric": "spearman", "first": {"strategy": "d_optimal"}, "second": {"strategy": "random"}}


def test_labels_saved_are_read_off_the_curves_of_each_seed():
    found = study(ahead=np.log(2), n_seeds=12)
    row = judge(found, statistic="labels_saved", terms=CURVES, matters=0.1)
    curves = [
        np.array([[value_of(one, name, n).mean() for n in COUNTS] for one in found]) for name in ("d_optimal", "random")
    ]
    saved_s = saved_share(*curves, np.array(COUNTS, dtype=float))
    np.testing.assert_allclose(json.loads(row["by_seed"]), saved_s, atol=1e-5)
    assert row["low"] < 0.5 < row["high"]
    assert row["verdict"] == "shown"
    assert row["not_reached"] == (curves[0][:, -1] < curves[1][:, -1]).sum()
    turned = CURVES | {"first": CURVES["second"], "second": CURVES["first"]}
    other = judge(found, statistic="labels_saved", terms=turned, matters=0.1)
    assert (other["verdict"], other["value"]) == ("contradicted", pytest.approx(-row["value"]))
    assert other["not_reached"] == (saved_s > 0).sum()


def test_labels_saved_by_worlds_and_settings():
    found = [job(seed, np.log(2), world_seed=world) for world in (1, 2, 3) for seed in range(6)]
    row = judge(found, statistic="labels_saved", terms=CURVES)
    assert row["estimand"] == "new seeds, new prompts, these worlds"
    assert row["low"] < 0.5 < row["high"]
    assert len(json.loads(row["by_world"])) == 3
    both = [job(seed, np.log(2), task=task) for task in ("helpful", "harmless") for seed in range(6)]
    assert len(json.loads(judge(both, statistic="labels_saved", terms=CURVES, **TASKS)["by_setting"])) == 2


STEADY = {
    "statistic": "spread_ratio",
    "estimand": "new seeds, these prompts",
    "threshold": 1.0,
    "terms": RULE.terms | {"first": RULE.terms["second"], "second": RULE.terms["first"]},
}


def test_a_ratio_of_spreads_is_over_seeds_and_is_one_where_nothing_differs():
    found = study(n_seeds=25, steadier=4.0)
    row = judge(found, **STEADY)
    sides = [np.array([value_of(one, name).mean() for one in found]) for name in ("random", "d_optimal")]
    expected = spread_ratio(*sides)
    np.testing.assert_allclose(
        row[["low", "value", "high"]].astype(float), [expected.low, expected.estimate, expected.high]
    )
    assert row["verdict"] == "shown"
    assert row["p_value"] < 0.01
    alike = judge(study(n_seeds=25), **STEADY)
    assert alike["verdict"] == "cannot tell"
    assert alike["detectable"] > 1.2
    worlds = judge([job(s, steadier=4.0, world_seed=w) for w in (1, 2, 3) for s in range(10)], **STEADY)
    assert (worlds["verdict"], worlds["estimand"]) == ("shown", "new seeds, these prompts, these worlds")
    assert np.exp(np.log([*json.loads(worlds["by_world"]).values()]).mean()) == pytest.approx(worlds["value"], abs=1e-5)
    assert "no verdict from 4 seeds" in judge(study(n_seeds=4), **STEADY)["no_interval"]
