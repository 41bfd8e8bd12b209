import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis
from rmkit.errors import DataError, ParamsError
from rmkit.findings.rules import Rule
from rmkit.findings.verdicts import among_many, judged, verdict
from rmkit.intervals.means import Interval

RULE = Rule(
    name="a-beats-b",
    statement="a is better than b.",
    source="nobody",
    stage="04_reward_models",
    statistic="difference",
    threshold=0.0,
    matters=0.1,
    unit="accuracy",
    estimand="new seeds, new prompts",
    terms={"metric": "accuracy", "first": {"reward_model": "a"}, "second": {"reward_model": "b"}},
    where={"world": "grammar"},
)


def jobs(effect, n_seeds=5, noise=0.05, **parameters):
    fits = pd.DataFrame({"fit": ["a", "b"], "reward_model": ["a", "b"]})
    found = []
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        value_fp = 0.6 + np.array([[effect], [0.0]]) + noise * rng.normal(size=(2, 50))
        evaluations = Evaluations(fits, np.arange(50), np.ones(50, np.float32), {"accuracy": value_fp.astype("f4")})
        found.append(({"world": "grammar", "seed": seed} | parameters, evaluations))
    return found


def judge(found, rule=RULE, registered=None):
    named = [f"{rule.name}@{rule.digest}"] if registered is None else registered
    return judged([rule], named, {"04_reward_models": found}).iloc[0]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.01, 0.3, "shown"),
        (-0.3, -0.01, "contradicted"),
        (-0.02, 0.09, "not shown"),
        (-0.02, 0.11, "cannot tell"),
        (0.0, 0.05, "not shown"),
        (np.nan, np.nan, "not answered"),
    ],
)
def test_a_verdict_follows_from_the_interval(low, high, expected):
    assert verdict(Interval(0.0, low, high, 0.95, RULE.estimand, "by hand", 5), RULE) == expected


def test_a_threshold_moves_the_verdict():
    interval = Interval(0.2, 0.1, 0.3, 0.95, RULE.estimand, "by hand", 5)
    assert verdict(interval, RULE) == "shown"
    assert verdict(interval, replace(RULE, threshold=0.15)) == "cannot tell"
    assert verdict(interval, replace(RULE, threshold=0.4)) == "contradicted"


@pytest.mark.parametrize(("effect", "expected"), [(0.1, "shown"), (-0.1, "contradicted"), (0.0, "not shown")])
def test_planted_effects_are_found(effect, expected):
    row = judge(jobs(effect))
    assert row["verdict"] == expected
    assert row["value"] == pytest.approx(effect, abs=0.03)
    assert row["low"] < row["value"] < row["high"]


def test_noise_makes_it_impossible_to_tell_and_says_what_could_have_been_seen():
    row = judge(jobs(0.0, noise=3.0))
    assert row["verdict"] == "cannot tell"
    assert row["detectable"] > 0.5 * (row["high"] - row["low"])


def test_fewer_than_five_seeds_give_no_verdict_and_a_reason():
    row = judge(jobs(0.1, n_seeds=4))
    assert row["verdict"] == "not answered"
    assert row["reason"] == row["no_interval"] == "no verdict from 4 seeds; it takes 5"
    assert np.isnan(row["value"])


def test_a_rule_about_these_fits_takes_the_interval_over_prompts():
    row = judge(jobs(0.1, n_seeds=2), replace(RULE, estimand="new prompts, these fits"))
    assert row["verdict"] == "shown"
    assert "bootstrap over prompts" in row["method"]


@pytest.mark.parametrize(
    ("registered", "state"),
    [
        (None, "as registered"),
        ([f"{RULE.name}@00000000"], "changed afterwards"),
        ([], "not registered"),
    ],
)
def test_a_rule_that_was_changed_or_added_afterwards_is_marked(registered, state):
    assert judge(jobs(0.1), registered=registered)["rule"] == state


def test_what_the_study_lacks_keeps_its_row_with_a_reason():
    row = judged([RULE], [], {}).iloc[0]
    assert row["reason"] == "this study has no finished job of 04_reward_models"
    assert judge(jobs(0.1, world="hh_rlhf"))["reason"].startswith("this study has no job of 04_reward_models with")
    two = jobs(0.1, task="helpful") + jobs(0.1, task="harmless")
    assert judge(two)["reason"] == "jobs of 04_reward_models differ in task; the rule must say `where`"
    other = replace(RULE, terms=RULE.terms | {"first": {"reward_model": "c"}})
    assert judge(jobs(0.1), other)["reason"].startswith("no fit has reward_model = c")


def test_what_the_study_has_no_job_of_is_told_from_what_it_cannot_answer():
    assert not judged([RULE], [], {}).iloc[0]["in_study"]
    assert not judge(jobs(0.1, world="hh_rlhf"))["in_study"]
    assert judge(jobs(0.1, n_seeds=4))["in_study"]


def test_many_statements_are_corrected_among_those_of_their_question_that_have_an_answer():
    """By hand: the smallest of n p-values n times, the next n - 1 times, none below the one before."""
    named = {f"noise-{noise}": noise for noise in (0.05, 0.3, 3.0)}
    pairs = {f"pairs-{noise}": noise for noise in (0.05, 0.3)}
    rules = [replace(RULE, name=name, where={"noise": noise}) for name, noise in named.items()]
    rules += [
        replace(RULE, name=name, where={"noise": noise}, stage="05_active_labeling") for name, noise in pairs.items()
    ]
    rules += [replace(RULE, name="nothing", where={"noise": 1})]
    found = [job for noise in named.values() for job in jobs(0.1, noise=noise) for _ in [job[0].update(noise=noise)]]
    rows = judged(rules, [], dict.fromkeys(("04_reward_models", "05_active_labeling"), found)).set_index("fit")
    (first, *_), (last, *_) = named, reversed(named)
    p = rows["p_value"]
    assert p[first] < p["noise-0.3"] < p[last]
    assert rows.loc[first, "p_holm"] == pytest.approx(3 * p[first])
    assert rows.loc["noise-0.3", "p_holm"] == pytest.approx(2 * p["noise-0.3"])
    assert rows.loc[last, "p_holm"] == pytest.approx(p[last])
    assert rows.loc["pairs-0.05", "p_holm"] == pytest.approx(2 * p["pairs-0.05"])
    assert np.isnan(rows.loc["nothing", ["p_value", "p_holm"]].astype(float)).all()
    assert rows.loc[first, "survives"] == rows.loc[first, "verdict"] == "shown"
    assert rows.loc[last, "survives"] == rows.loc["nothing", "survives"] == ""


@pytest.mark.parametrize(("p_value", "survives"), [(0.024, "shown"), (0.026, "")])
def test_a_verdict_survives_where_holms_p_value_is_below_five_percent(p_value, survives):
    question = {"question": "a", "level": 0.95}
    rows = [{"verdict": "shown", "p_value": p_value}, {"verdict": "cannot tell", "p_value": 0.3}]
    assert among_many(pd.DataFrame([row | question for row in rows])).iloc[0]["survives"] == survives


def test_a_registered_statement_does_not_vanish_with_its_file():
    rows = judged([RULE], [f"{RULE.name}@{RULE.digest}", "gone@12345678"], {"04_reward_models": jobs(0.1)})
    gone = rows.set_index("fit").loc["gone"]
    assert (gone["rule"], gone["verdict"], gone["digest"]) == ("missing", "not answered", "12345678")
    assert "holds it no more" in gone["reason"]


def test_a_registered_entry_of_another_form_is_one_sentence():
    with pytest.raises(ParamsError, match=r"registered\[0\]: 'a-beats-b' is not a statement's name@digest"):
        judged([RULE], ["a-beats-b"], {})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"terms": {"metric": "acuracy"}}, "metric: 'acuracy' is not one of accuracy, .*; did you mean 'accuracy'"),
        (
            {"terms": {"first": {"reward_modle": "a"}}},
            "first: 'reward_modle' is not one of .*; did you mean 'reward_model'",
        ),
        ({"terms": {"second": {"head": "a"}}}, "second: 'head' is not one of fit, reward_model"),
        ({"where": {"wrold": "grammar"}}, "where: 'wrold' is not one of world, seed; did you mean 'world'"),
    ],
)
def test_a_rule_that_names_what_nothing_has_is_a_mistake_and_no_verdict(change, said):
    rule = replace(RULE, terms=RULE.terms | change.get("terms", {}), where=change.get("where", RULE.where))
    with pytest.raises(DataError, match=f"^a-beats-b.yaml: {said}"):
        judge(jobs(0.1), rule)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"metric": {"best_of_n": 32}}, "evaluations: best_of_n was not measured at n = 32, but at n = 2, 4"),
        ({"metric": "log_loss"}, "evaluations: have no 'log_loss', but accuracy, best_of_n"),
        ({"first": {"reward_model": "c"}}, "no fit has reward_model = c within {'reward_model': 'c'}; there are a, b"),
        ({"first": {"beta": 0.5}}, "fits have no column 'beta'; they have fit, reward_model"),
    ],
)
def test_what_a_stage_may_have_and_this_study_has_not_is_not_answered_with_the_reason(terms, reason):
    found = [
        (
            parameters,
            replace(one, values={**one.values, "best_of_n": two_of(one)}, axes={"best_of_n": Axis("n", (2, 4))}),
        )
        for parameters, one in jobs(0.1)
    ]
    row = judge(found, replace(RULE, terms=RULE.terms | terms))
    assert (row["verdict"], row["reason"]) == ("not answered", reason)


def two_of(evaluations):
    """Best-of-n at two n: first worse, then better than the accuracy says."""
    accuracy_fp = evaluations.values["accuracy"]
    return np.stack([-accuracy_fp, 2 * accuracy_fp], axis=-1)


@pytest.mark.parametrize(("n", "verdict"), [(2, "contradicted"), (4, "shown")])
def test_a_metric_is_judged_at_the_place_that_the_rule_names(n, verdict):
    found = [
        (parameters, replace(one, values={"best_of_n": two_of(one)}, axes={"best_of_n": Axis("n", (2, 4))}))
        for parameters, one in jobs(0.1)
    ]
    assert judge(found, replace(RULE, terms=RULE.terms | {"metric": {"best_of_n": n}}))["verdict"] == verdict


@pytest.mark.parametrize(
    ("statistic", "terms"),
    [
        ("correlation", {"measure": "accuracy", "policy": "spearman"}),
        ("correlation", {"measure": {"best_of_n": 2}, "policy": {"best_of_n": 2}}),
        ("correlation_difference", {"of": "accuracy", "first": "spearman", "second": {"best_of_n": 2}}),
    ],
)
def test_a_correlation_is_of_a_measure_with_a_policy(statistic, terms):
    ones_fp, ones_p = np.ones((3, 40), np.float32), np.ones(40, np.float32)
    values = {"accuracy": ones_fp, "spearman": ones_fp, "best_of_n": ones_fp[..., None]}
    fits = pd.DataFrame({"fit": ["m", "gold", "base"], "reward_model": ["m", "gold", "base"]})
    evaluated = Evaluations(fits, np.arange(40), ones_p, values, {"best_of_n": Axis("n", (2,))})
    rule = replace(RULE, statistic=statistic, terms=terms, estimand="new reward models, new prompts")
    row = judge([({"seed": 0, "world": "grammar"}, evaluated)], rule)
    assert row["verdict"] == "not answered"
    assert "a correlation is of a measure with a policy" in row["reason"]


def worlds(effects, **parameters):
    return [job for world, effect in enumerate(effects) for job in jobs(effect, world_seed=world, **parameters)]


def test_worlds_are_the_units_where_a_study_has_several():
    row = judge(worlds([0.1, 0.12, 0.09, 0.11, 0.13]))
    assert (row["verdict"], row["estimand"]) == ("shown", "new worlds, new seeds, new prompts")
    effects = json.loads(row["by_world"])
    assert [*effects] == list("01234")
    assert row["value"] == pytest.approx(np.mean([*effects.values()]), abs=1e-6)
    assert (row["same_sign"], row["by_seed"]) == (1.0, "")
    assert judge(jobs(0.1))["by_world"] == ""


def test_few_worlds_have_an_effect_and_a_sign_each_and_an_interval_for_these_alone():
    row = judge(worlds([0.2, -0.1, 0.3]))
    assert (row["verdict"], row["estimand"]) == ("shown", "new seeds, new prompts, these worlds")
    assert row["low"] < np.mean([0.2, -0.1, 0.3]) < row["high"]
    assert "mean of 3 worlds" in row["method"]
    assert row["same_sign"] == pytest.approx(2 / 3)
    assert row["tau"] > 0.1
    many = judge(worlds([0.2, -0.1, 0.3, 0.2, -0.1]))
    assert (many["verdict"], many["estimand"]) == ("cannot tell", "new worlds, new seeds, new prompts")
    assert many["high"] - many["low"] > 3 * (row["high"] - row["low"])  # how worlds differ counts now


def test_a_world_of_few_seeds_has_no_interval_and_is_named():
    found = [*worlds([0.2, 0.1]), *jobs(0.3, n_seeds=4, world_seed=2)]
    row = judge(found)
    assert row["verdict"] == "not answered"
    assert row["no_interval"] == "of world 3: 4 seeds are too few to see how seeds vary, which takes 5"
    assert len(json.loads(row["by_world"])) == 3


def test_what_differs_beside_seed_and_world_is_named():
    found = worlds([0.1, 0.1]) + jobs(0.1, world_seed=0, task="harmless")
    for parameters, _ in found:
        parameters.setdefault("task", "helpful")
    assert "differ in task; the rule must say `where`" in judge(found)["no_interval"]


SEVERAL = replace(
    RULE,
    stage="06_accuracy_vs_policy",
    statistic="correlation",
    terms={"measure": "accuracy", "policy": {"best_of_n": 2}},
    where={},
)


def populations(n_seeds=5, n_models=30, shift=0):
    """Populations whose accuracy and policy follow one quality, on 20 prompts of a half each."""
    found = []
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        quality_f = np.append(rng.normal(size=n_models), [0.0, 0.0])
        fits = pd.DataFrame({"fit": [*map(str, range(n_models)), "gold", "base"], "reward_model": "a"})
        value_fp = (quality_f[:, None] + rng.normal(size=(n_models + 2, 40))).astype("f4")
        measuring_p = np.roll(np.arange(40) < 20, shift * seed)
        values = {
            "accuracy": np.where(measuring_p, value_fp, np.float32("nan")),
            "one_pair": np.where(measuring_p, value_fp + 3 * rng.normal(size=value_fp.shape), np.nan).astype("f4"),
            "best_of_n": np.where(measuring_p, np.float32("nan"), value_fp)[..., None],
        }
        evaluated = Evaluations(fits, np.arange(40), np.ones(40, np.float32), values, {"best_of_n": Axis("n", (2,))})
        found.append(({"seed": seed}, evaluated))
    return found


def judge_several(found, **changes):
    return judged([replace(SEVERAL, **changes)], [], {"06_accuracy_vs_policy": found}).iloc[0]


def test_a_correlation_over_seeds_is_one_of_each_population():
    row = judge_several(populations())
    assert (row["verdict"], row["estimand"], row["units"]) == ("shown", "new seeds, new prompts", 150)
    tau_s = json.loads(row["by_seed"])
    assert len(tau_s) == 5
    assert row["value"] == pytest.approx(np.tanh(np.arctanh(tau_s).mean()), abs=1e-5)
    terms = {"of": {"best_of_n": 2}, "first": "accuracy", "second": "one_pair"}
    difference = judge_several(populations(), statistic="correlation_difference", terms=terms)
    assert difference["verdict"] == "shown"
    assert difference["value"] == pytest.approx(np.mean(json.loads(difference["by_seed"])), abs=1e-5)


def mixed(populations):
    """The populations with ten proxies more in each, whose order says the opposite."""
    found = []
    for parameters, evaluated in populations:
        models, beside = evaluated.fits[:-2], evaluated.fits[-2:]
        proxies = models[:10].assign(fit=models["fit"][:10] + " proxy", error_shape="gaussian")
        fits = pd.concat([models.assign(error_shape="none"), proxies, beside], ignore_index=True)
        values = {}
        for name, value in evaluated.values.items():
            turned = value[:10] * (-1 if name == "best_of_n" else 1)
            values[name] = np.concatenate([value[:-2], turned, value[-2:]])
        found.append((parameters, replace(evaluated, fits=fits, values=values)))
    return found


def test_a_correlation_may_be_among_some_fits_alone():
    heads, all_models = populations(), mixed(populations())
    terms = SEVERAL.terms | {"among": {"error_shape": "none"}}
    columns = ["value", "low", "high", "units", "by_seed"]
    expected = judge_several(heads)[columns].tolist()
    assert judge_several(all_models, terms=terms)[columns].tolist() == expected
    assert judge_several(all_models)["value"] < expected[0]
    with pytest.raises(DataError, match=r"among: 'error_shap' is not one of.*did you mean 'error_shape'"):
        judge_several(all_models, terms=terms | {"among": {"error_shap": "none"}})


def test_a_policy_of_several_settings_is_averaged_model_by_model():
    one, other = populations(1), populations(1)
    rng = np.random.default_rng(9)
    other[0][1].values["best_of_n"][:] += rng.normal(size=(32, 40, 1)).astype("f4")
    one[0][0]["policy_seed"], other[0][0]["policy_seed"] = 0, 1
    where, models = {"where": {"policy_seed": [0, 1]}}, "new reward models, new prompts"
    row = judge_several(one + other, estimand=models, **where)
    mean_q = (one[0][1].values["best_of_n"] + other[0][1].values["best_of_n"])[:30, 20:, 0] / 2
    accuracy_p = one[0][1].values["accuracy"][:30, :20]
    assert row["value"] == pytest.approx(kendalltau(accuracy_p.mean(1), mean_q.mean(1)).statistic, abs=1e-6)
    assert row["verdict"] == "shown"
    alone = judge_several(one + other, estimand=models)
    assert "differ in policy_seed; the rule must say `where`" in alone["no_interval"]


def test_populations_that_cannot_be_held_together_say_why():
    assert "no verdict from 4 seeds; it takes 5" in judge_several(populations(n_seeds=4))["no_interval"]
    assert "do not have accuracy on the same prompts" in judge_several(populations(shift=1))["no_interval"]
    models = judge_several(populations(), estimand="new reward models, new prompts")
    assert "5 populations; for new reward models" in models["no_interval"]
    assert judge_several(populations(1), estimand="new reward models, new prompts")["verdict"] == "shown"


def test_a_prompt_without_anything_to_order_does_not_end_the_table():
    found = jobs(0.1, n_seeds=2)
    for _, evaluations in found:
        evaluations.values["accuracy"][:, 3] = np.nan
    row = judge(found, replace(RULE, estimand="new prompts, these fits"))
    assert (row["verdict"], row["units"]) == ("shown", 49)


def test_the_effect_in_each_seed_stands_beside_the_mean_of_them():
    found = jobs(0.1)
    for _, evaluations in found[:1]:
        evaluations.values["accuracy"][0] += 1.0  # an outlier
        evaluations.values["accuracy"][:, 3] = np.nan  # a prompt that one seed did not evaluate counts in none
    row = judge(found)
    effects = json.loads(row["by_seed"])
    assert len(effects) == 5
    assert effects[0] > 1 > max(effects[1:])
    assert np.mean(effects) == pytest.approx(row["value"], abs=1e-5)
    assert judge([])["by_seed"] == ""
