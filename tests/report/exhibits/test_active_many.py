"""Exhibits of many strategies: pooled as statements pool jobs, and drawn only where one panel would not do."""

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis, Metric
from rmkit.findings.claims import GAPS, INFORMATION
from rmkit.findings.effects import effect
from rmkit.intervals.spreads import spread_ratio_over_worlds
from rmkit.intervals.worlds import of_table, over_these_worlds
from rmkit.report.exhibits.active import active_choices, active_curves, active_differences
from rmkit.report.exhibits.active_many import (
    active_contest,
    active_families,
    active_ranks,
    active_reasons,
    active_spreads,
    contest_table,
    lead_rule,
    leads_over,
    outcomes,
    spreads_over,
)
from rmkit.report.exhibits.settings import all_told

NAMES, COUNTS = ("random", *GAPS, *INFORMATION), (50, 100, 150)


def job(seed, world=3, names=NAMES, n_prompts=25, **parameters):
    rows = [
        (f"{pool}-{name}-{n}", pool, name, n)
        for pool in ("within_prompt", "cross_prompt")
        for n in COUNTS
        for name in names
        if pool == "within_prompt" or name not in GAPS
    ]
    fits = pd.DataFrame(rows, columns=["fit", "pool", "strategy", "annotations"])
    rng = np.random.default_rng([seed, world, *(len(str(value)) for value in parameters.values())])
    value_fp = rng.normal(size=(len(fits), n_prompts)) + (fits["strategy"] == "d_optimal").to_numpy()[:, None]
    values = {"spearman": value_fp, "best_of_n": value_fp[..., None], "kl": np.stack([value_fp, -value_fp], axis=-1)}
    axes = {"best_of_n": Axis("n", (32.0,)), "kl": Axis("nats", (0.25, 1.0))}
    one = {name: value.astype("f4") for name, value in values.items()}
    evaluated = Evaluations(fits, np.arange(n_prompts), np.ones(n_prompts, "f4"), one, axes)
    common = {"world": "grammar", "task": "helpful", "generator": "sft", "beta": 1.0, "strategies": list(names)}
    return common | {"seed": seed, "world_seed": world} | parameters, evaluated


class Stored:
    """Results of the one stage."""

    gathered = ("05_active_labeling",)

    def __init__(self, jobs, rows=None):
        self.jobs, self.stored = jobs, rows

    def evaluations(self, stage):
        return self.jobs

    def rows(self, stage):
        return self.stored


JOBS = [job(seed, world, task=task) for world in (3, 4, 5) for task in ("helpful", "harmless") for seed in range(5)]


def test_a_lead_is_over_random_and_pooled_over_settings_and_worlds():
    found = leads_over(JOBS, Metric("spearman"), by=["pool", "strategy"]).set_index(["pool", "strategy"])
    assert len(found) == 2 * (len(NAMES) - 1) - len(GAPS)

    def later(one, name):
        fits = one.fits
        here_f = (fits["strategy"] == name) & (fits["pool"] == "within_prompt") & (fits["annotations"] > 50)
        return one.values["spearman"][here_f.to_numpy()].astype(float).mean(axis=0)

    tables = np.array([later(one, "bald") - later(one, "random") for _, one in JOBS]).reshape(3, 2, 5, 25).mean(axis=1)
    expected = over_these_worlds([of_table(table_sp) for table_sp in tables]).interval
    row = found.loc[("within_prompt", "bald")]
    np.testing.assert_allclose(
        row[["low", "mean", "high"]].astype(float), [expected.low, expected.estimate, expected.high], rtol=1e-5
    )
    assert row["estimand"] == "new seeds, new prompts, these worlds"
    by_count = leads_over(JOBS, Metric("spearman"), by=["pool", "strategy", "annotations"])
    mean = by_count[
        (by_count["pool"] == "within_prompt") & (by_count["strategy"] == "bald") & (by_count["annotations"] > 50)
    ]
    assert mean["mean"].mean() == pytest.approx(row["mean"])


def test_a_spread_is_beside_that_of_random_choice_over_the_seeds_of_each_world():
    found = spreads_over(JOBS, Metric("spearman")).set_index(["pool", "strategy"])

    def last(one, name):
        here_f = (
            (one.fits["strategy"] == name) & (one.fits["pool"] == "cross_prompt") & (one.fits["annotations"] == 150)
        )
        return one.values["spearman"][here_f.to_numpy()].astype(float).mean()

    sides = [
        np.array([last(one, name) for _, one in JOBS]).reshape(3, 2, 5).mean(axis=1) for name in ("random", "bald")
    ]
    expected = spread_ratio_over_worlds(*sides).interval
    row = found.loc[("cross_prompt", "bald")]
    np.testing.assert_allclose(
        row[["low", "mean", "high"]].astype(float), [expected.low, expected.estimate, expected.high]
    )
    (drawn,) = active_spreads(Stored(JOBS[:5]))
    assert "new seeds, these prompts" in drawn.caption
    assert drawn.figure.axes[0].get_xscale() == "log"


def test_what_was_not_combined_is_drawn_of_the_first_setting_alone():
    uneven = [one for one in JOBS if one[0]["task"] == "helpful"] + [job(9, 3, task="harmless")]
    one = leads_over(uneven, Metric("spearman"), by=["pool", "strategy"])
    alone = leads_over(uneven[:-1], Metric("spearman"), by=["pool", "strategy"])
    pd.testing.assert_frame_equal(one, alone)


NOISY = JOBS + [job(seed, world, beta=beta) for beta in (0.5, 4.0) for world in (3, 4, 5) for seed in range(5)]


def test_the_contest_is_of_the_settings_that_all_levels_of_noise_have():
    table = contest_table(NOISY)
    whole = table[table["world"].isna()]
    assert [*whole["beta"].unique()] == [1.0, 0.5, 4.0]
    assert whole["outcome"].nunique() == 3
    assert len(table) == 4 * len(whole)  # three worlds beside each
    helpful = {"task": "helpful", "generator": "sft"}
    expected = effect(lead_rule(Metric("kl", 1.0), helpful), [one for one in JOBS if one[0]["task"] == "helpful"])
    row = whole[(whole["beta"] == 1) & whole["outcome"].str.contains("1 nat")].iloc[0]
    assert (row["low"], row["mean"], row["high"]) == (expected.low, expected.estimate, expected.high)
    assert contest_table([job(0, names=("random", *GAPS))]).empty


def test_many_strategies_are_drawn_by_family_and_few_as_before():
    few = Stored([job(seed, names=("random", "entropy", "d_optimal")) for seed in range(5)])
    many = Stored(NOISY)
    for old in (active_curves, active_differences):
        assert len(list(old(few))) == 1
        assert list(old(many)) == []
    assert [*active_families(few), *active_ranks(few), *active_contest(few)] == []
    for new in (active_families, active_ranks):
        drawn = list(new(Stored(JOBS[:5])))
        assert len({one.name for one in drawn}) == (3 if new == active_ranks else 1)  # outcomes
        assert all("for new seeds, new prompts" in one.caption for one in drawn)
    assert "(beta = 1.0)" in next(active_ranks(many)).heading
    mixed = [job(s) for s in range(5)] + [job(s, task="harmless", names=NAMES[:-1]) for s in range(5)]
    all_there, of_both = (one.heading for one in active_families(Stored(mixed)))
    assert all_there.endswith(f"({len(NAMES)} strategies)")
    assert of_both.endswith(f"({len(NAMES) - 1} strategies)")
    (contest,) = active_contest(many)
    assert "DeltaUCB" in contest.caption
    assert [ax.get_title(loc="left")[:8] for ax in contest.figure.axes] == ["Spearman", "gold rew", "gold rew"]


def test_where_there_is_no_gold_accuracy_is_drawn():
    people = []
    for parameters, one in (job(seed, names=("random", "entropy", "d_optimal")) for seed in range(5)):
        accuracy = {"accuracy": one.values["spearman"]}
        people.append((parameters, Evaluations(one.fits, one.prompt_id_p, one.units_p, accuracy)))
    (curves,), (ahead,) = list(active_curves(Stored(people))), list(active_differences(Stored(people)))
    assert curves.caption.startswith(
        "Share of held-out pairs that are ordered as they were labelled, against the labels"
    )
    assert "accuracy" in ahead.figure.axes[0].get_ylabel()
    assert [str(metric) for metric in outcomes(people[0][1])] == ["accuracy"]


def batch_rows(names, metrics=("mean_p_variance", "label_error", "d_efficiency", "distinct_prompts")):
    rows = [
        {"pool": "within_prompt", "strategy": name, "annotations": n, "metric": metric, "value": 0.1 + 0.01 * i + 0.001 * seed,
         "param_seed": seed, "param_beta": 1.0}
        for i, name in enumerate(names) for n in (100, 150) for metric in metrics for seed in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_reasons_are_means_over_batches_and_seeds_and_need_the_rows_of_batches():
    (drawn,) = active_reasons(Stored([], batch_rows(NAMES)))
    (dot,) = [line for line in drawn.figure.axes[0].lines if line.get_label() == "DeltaUCB"]
    np.testing.assert_allclose(dot.get_xydata(), [[0.1105, 0.1105]])
    assert list(active_reasons(Stored([], batch_rows(NAMES, metrics=("distinct_prompts",))))) == []
    assert list(active_choices(Stored([], batch_rows(NAMES)))) == []


def test_settings_are_told_apart_by_as_few_parameters_as_it_takes_and_by_those_that_count_there():
    people = {"world": "hh_rlhf", "beta": 1.0, "n_batch": 50, "n_rounds": 5, "ns": [1], "strategies": ["a", "b"]}
    ours = people | {"world": "grammar", "features": "ngrams", "strategies": ["a"]}
    everyone = [
        people | {"features": "ngrams"},
        people | {"features": "all-MiniLM-L6-v2"},
        ours,
        ours | {"n_batch": 250, "n_rounds": 1},
        ours | {"beta": 4.0},
    ]
    assert all_told("05_active_labeling", everyone, ("strategies",)) == [
        "world = hh_rlhf, character n-grams, n_batch = 50",
        "world = hh_rlhf, a sentence encoder, n_batch = 50",
        "world = grammar, beta = 1.0, n_batch = 50",
        "world = grammar, beta = 1.0, n_batch = 250",
        "world = grammar, beta = 4.0, n_batch = 50",
    ]
    assert all_told("05_active_labeling", everyone[:1], ()) == [""]
    assert all_told("05_active_labeling", [], ()) == []
