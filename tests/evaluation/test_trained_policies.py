"""Runs of known gold as a population's evaluations and rows: interpolation, drop ratios, alarms, runs without an end."""

import itertools

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError
from rmkit.evaluation.population import (
    BASE,
    GOLD,
    MEASURES,
    NO_MODELS,
    correlations,
    evaluate_population,
    policies,
    population_rows,
)
from rmkit.evaluation.trained_policies import (
    TOO_NEAR,
    at_kl,
    beside_exact,
    evaluate_trained,
    even_steps,
    tracked_curve,
    why_missing,
)
from rmkit.evaluation.trained_rows import alarm_rows, gain_rows, held_out_curve, overoptimisation_rows, tracked_rows
from rmkit.policies.outcomes import recovered_gain
from rmkit.policies.overoptimisation import Resampling
from rmkit.study.notebook_side.result_rows import wrong_with

N_PROMPTS, K, STEPS = 50, 6, [10, 20, 30, 40]
MEASURING_P = np.arange(N_PROMPTS) < 25
TRACKED = np.arange(25, N_PROMPTS)
KLS = [0.5, 3.0]
FEW = Resampling(n_resamples=200)


def measured(n_models=5):
    rng = np.random.default_rng(0)
    gold_pk = rng.normal(size=(N_PROMPTS, K))
    noise_f = np.linspace(0.3, 3, n_models)[:, None, None]
    score_fpk = gold_pk + noise_f * rng.normal(size=(n_models, N_PROMPTS, K))
    fits = pd.DataFrame({"fit": [f"m{f}" for f in range(n_models)], "reward_model": "noisy", "draw": 0})
    options = {"n_responses": 5, "ns": [2], "kls": [0.5]}
    return evaluate_population(fits, score_fpk, gold_pk, np.arange(N_PROMPTS), MEASURING_P, **options)


def run(gain_t, kl_t, *, proxy_t=None, reason="", steps=(0, *STEPS), samples=2, seed=7):
    """Responses whose gold is a prompt's and sample's own number and the gain of the step."""
    own = np.random.default_rng(seed).normal(size=(len(TRACKED), samples))
    rows = []
    for (t, step), (p, prompt), k in itertools.product(enumerate(steps), enumerate(TRACKED), range(samples)):
        rows.append(
            {
                "step": step, "prompt_id": prompt, "sample": k, "answer": "a", "n_tokens": 3, "stopped": k == 0,
                "kl": kl_t[t], "kl_by_token": kl_t[t], "gold_reward": own[p, k] + gain_t[t] * (1 + 0.2 * own[p, 0]),
                "proxy_reward": own[p, k] + (proxy_t or gain_t)[t], "reason": reason,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


KL = [0.0, 0.25, 1.0, 2.25, 4.0]
RUNS = {
    GOLD: run([0, 1, 2, 3, 4], KL),
    "m0": run([0, 1, 2, 2, 3], KL),
    "m2": run([0, 1, 1, 0, -1], KL, proxy_t=[0, 1, 2, 3, 4]),
    "m3": run([0, 0.1, 0.2, 0.3, 0.4], [0, 0.01, 0.04, 0.09, 0.16]),
    "m4": run([0, 1], [0, 1], steps=(0, 10), reason="diverged at step 12: far"),
}
MEASURED = measured()
EVALUATIONS = evaluate_trained(MEASURED, RUNS, "ppo", steps=STEPS, kls=KLS)
EACH = population_rows(EVALUATIONS, why_missing=why_missing(RUNS))


def only(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1, (where, len(table))
    return table.iloc[0]


def test_exact_policies_of_the_same_models_stand_beside_the_trained_ones():
    both = beside_exact(EVALUATIONS, MEASURED)
    assert [str(policy) for policy in policies(both)][:2] == ["best_of_2", "kl_0.5"]
    named = MEASURED.fits.set_index("fit").index.get_indexer(both.fits["fit"])
    np.testing.assert_array_equal(both.values["best_of_n"], MEASURED.values["best_of_n"][named])
    np.testing.assert_array_equal(both.values["ppo"], EVALUATIONS.values["ppo"])
    assert both.fits["fit"].tolist() == EVALUATIONS.fits["fit"].tolist()


def test_models_are_chosen_by_even_steps_of_their_values_each_once():
    assert even_steps([0.9, 0.5, 0.7, 0.52, 0.69], 3).tolist() == [1, 2, 0]
    assert even_steps([0.5, 0.9, 0.9], 3).tolist() == [0, 1, 2]
    assert even_steps([0.3], 1).tolist() == [0]
    values = np.random.default_rng(0).uniform(size=40)
    chosen = even_steps(values, 12)
    assert len(set(chosen)) == 12
    assert {values.argmin(), values.argmax()} <= set(chosen)
    assert np.abs(values[chosen] - np.linspace(values.min(), values.max(), 12)).max() < 0.1
    for n in (0, 4):
        with pytest.raises(DataError, match=rf"^choosing {n} of 3 reward models"):
            even_steps([0.1, 0.2, 0.3], n)


def test_gold_at_a_distance_lies_linearly_between_two_looks_on_the_scale_of_root_kl():
    value_pt = RUNS["m0"].groupby(["prompt_id", "step"])["gold_reward"].mean().unstack().to_numpy()
    np.testing.assert_allclose(at_kl(RUNS["m0"], 1.0), value_pt[:, 2])
    np.testing.assert_allclose(at_kl(RUNS["m0"], 1.5625), (value_pt[:, 2] + value_pt[:, 3]) / 2)  # 1.25^2
    assert np.isnan(at_kl(RUNS["m0"], 4.1)).all()
    gain_t = np.arange(5.0)  # a run that comes nearer again counts where it first was so far
    there_and_back = run(gain_t, [0, 1.0, 0.25, 1.0, 4.0])
    np.testing.assert_allclose(at_kl(there_and_back, 1.0), at_kl(run(gain_t, KL), 0.25))


def test_evaluations_have_the_measures_of_the_population_and_gold_of_each_place():
    assert EVALUATIONS.fits["fit"].tolist() == ["m0", "m2", "m3", "m4", GOLD, BASE]
    assert {name: axis.name for name, axis in EVALUATIONS.axes.items()} == {"ppo": "steps", "ppo_at_kl": "nats"}
    assert policies(EVALUATIONS) == [*(Metric("ppo", s) for s in STEPS), *(Metric("ppo_at_kl", k) for k in KLS)]
    for name in MEASURES:
        theirs = MEASURED.values[name][MEASURED.fits["fit"].isin(["m0", "m2", "m3", "m4", GOLD, BASE])]
        np.testing.assert_array_equal(EVALUATIONS.values[name], theirs)
    last_fp = EVALUATIONS.value_fp(Metric("ppo", 40))
    assert np.isnan(last_fp[:, MEASURING_P]).all()
    assert np.isnan(last_fp[3]).all()
    np.testing.assert_allclose(
        last_fp[0, ~MEASURING_P] - last_fp[-1, ~MEASURING_P], tracked_curve(RUNS["m0"]).gain_pn[:, -1], rtol=1e-5
    )
    at_kl_fp = EVALUATIONS.value_fp(Metric("ppo_at_kl", 3.0))
    np.testing.assert_allclose(at_kl_fp[0, ~MEASURING_P], at_kl(RUNS["m0"], 3.0), rtol=1e-5)
    assert np.isnan(at_kl_fp[2]).all()


def test_what_cannot_be_evaluated_is_one_line():
    for runs, said in (
        ({"m0": RUNS["m0"]}, "runs: gold is no run, or no fit that was measured"),
        (RUNS | {"x": RUNS["m0"]}, "runs: x is no run, or no fit that was measured"),
        (RUNS | {"m0": run([0, 1], [0, 1], steps=(0, 40))}, r"runs: m0 was tracked at steps 0, 40; it must be 0, 10, 20"),
        (RUNS | {GOLD: RUNS[GOLD].assign(prompt_id=RUNS[GOLD]["prompt_id"] - 25)}, "was measured on a tracked prompt"),
        (RUNS | {GOLD: RUNS[GOLD].assign(prompt_id=RUNS[GOLD]["prompt_id"] + 99)}, "25 of 25 tracked prompts were not"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=said):
            evaluate_trained(MEASURED, runs, "ppo", steps=STEPS, kls=KLS)
    with pytest.raises(DataError, match="optimiser 'kl': policies are trained by ppo, rloo, grpo"):
        evaluate_trained(MEASURED, RUNS, "kl", steps=STEPS, kls=KLS)


def test_rows_say_which_policy_and_why_one_is_missing():
    places = EACH[["policy", "n", "nats", "steps"]].fillna(-1).drop_duplicates()
    assert {*places.itertuples(index=False, name=None)} == {
        ("", -1, -1, -1),
        *((f"ppo_{step}", -1, -1, step) for step in STEPS),
        *((f"ppo_at_kl_{nats:g}", -1, nats, -1) for nats in KLS),
    }
    assert only(EACH, fit="m0", policy="ppo_40", metric="ndr")["value"] == pytest.approx(0.25)
    assert only(EACH, fit="m2", policy="ppo_40", metric="ndr")["value"] == pytest.approx(1.25)
    assert only(EACH, fit=GOLD, policy="ppo_40", metric="ndr")["value"] == pytest.approx(0, abs=1e-6)
    assert only(EACH, fit="m3", policy="ppo_at_kl_3", metric="ndr")["reason"] == TOO_NEAR
    assert only(EACH, fit="m4", policy="ppo_10", metric="gold_reward")["reason"] == "diverged at step 12: far"
    assert EACH.loc[(EACH["fit"] == "m4") & (EACH["policy"] != ""), "value"].isna().all()


def test_all_rows_together_are_result_rows():
    scores = {name: np.stack([table["gold_reward"]] * 2) for name, table in RUNS.items() if name != GOLD}
    tables = [
        EACH,
        correlations(EVALUATIONS, resamples=50),
        tracked_rows(EVALUATIONS, RUNS, "ppo"),
        gain_rows(EVALUATIONS, RUNS, "ppo", FEW),
        overoptimisation_rows(EVALUATIONS, RUNS, "ppo", FEW),
        alarm_rows(EVALUATIONS, RUNS, scores, "ppo", FEW),
    ]
    rows = pd.concat(tables, ignore_index=True)
    assert wrong_with(rows.assign(oracle_selected=rows["oracle_selected"].eq(True))) is None
    lost = rows[(rows["fit"] == "m4") & (rows["policy"] != "")]
    assert lost["value"].isna().all()
    assert set(lost["reason"]) == {"diverged at step 12: far"}
    assert set(tables[2]["metric"]) == {"proxy_reward", "kl", "kl_by_token", "length", "stopped", "gold_reward"}


def test_a_gain_has_its_interval_and_the_share_of_golds_gain():
    gains = gain_rows(EVALUATIONS, RUNS, "ppo", FEW)
    own = only(gains, fit="m0", policy="ppo_40", metric="recovered_gain")
    value_fp = EVALUATIONS.value_fp(Metric("ppo", 40))[:, ~MEASURING_P].astype(float)
    assert own["value"] == pytest.approx(recovered_gain(value_fp[0], value_fp[4], value_fp[5]).value)
    assert own["low"] <= own["value"] <= own["high"]
    gold = only(gains, fit=GOLD, policy="ppo_40", metric="gain")
    assert gold["low"] > 0
    assert gold["value"] == pytest.approx(tracked_curve(RUNS[GOLD]).gain_pn[:, -1].mean(), rel=1e-5)
    assert (gains["oracle_selected"] == (gains["policy"] == "ppo_best")).all()
    assert only(gains, fit="m2", policy="ppo_best", metric="best_step")["value"] in (10, 20)
    assert only(gains, fit="m0", policy="ppo_best", metric="ndr")["value"] == pytest.approx(0.25)


def test_without_a_gain_of_gold_no_share_of_it_is_a_number():
    still = {name: run([0, 0, 0, 0, 0], KL, seed=7) for name in (GOLD, "m0")}
    evaluations = evaluate_trained(MEASURED, still, "rloo", steps=STEPS, kls=KLS)
    ndr = population_rows(evaluations, why_missing=why_missing(still)).query("metric == 'ndr'")
    shares = gain_rows(evaluations, still, "rloo", FEW).query("metric == 'recovered_gain' or metric == 'ndr'")
    for table in (ndr, shares):
        assert table["value"].isna().all()
        assert table["reason"].str.contains("less than two standard errors").all()


def test_a_run_of_gold_that_diverged_leaves_gains_and_no_shares():
    lost = {GOLD: run([0], [0], steps=(0,), reason="diverged at step 5: far"), "m0": RUNS["m0"]}
    evaluations = evaluate_trained(MEASURED, lost, "grpo", steps=STEPS, kls=KLS)
    each, gains = population_rows(evaluations, why_missing=why_missing(lost)), gain_rows(evaluations, lost, "grpo", FEW)
    assert each.loc[each["metric"] == "ndr", "value"].isna().all()
    assert only(gains, fit="m0", policy="grpo_40", metric="gain")["low"] > 0
    assert np.isnan(only(gains, fit="m0", policy="grpo_40", metric="recovered_gain")["value"])
    assert only(gains, fit=GOLD, policy="grpo_40", metric="gain")["reason"] == "diverged at step 5: far"
    turned = overoptimisation_rows(evaluations, lost, "grpo", FEW)
    assert only(turned, fit="m0", metric="gamma")["reason"] == "the run of gold itself did not come to its end"


def test_a_distance_that_no_run_reached_has_rows_without_a_number():
    evaluations = evaluate_trained(MEASURED, RUNS, "ppo", steps=STEPS, kls=[0.5, 60.0])
    far = population_rows(evaluations, why_missing=why_missing(RUNS)).query(
        "policy == 'ppo_at_kl_60' and fit != 'base'"
    )
    assert far["value"].isna().all()
    table = correlations(evaluations, resamples=50)
    assert set(table.loc[table["policy"] == "ppo_at_kl_60", "reason"]) == {NO_MODELS}
    assert len(table[["statistic", "estimand"]].drop_duplicates()) == 1


def test_gold_that_turns_back_has_a_peak_and_an_alarm_that_watches_it_rings():
    turned = overoptimisation_rows(EVALUATIONS, RUNS, "ppo", FEW)
    assert only(turned, fit="m2", metric="peak_step")["value"] in (10, 20)
    assert only(turned, fit="m2", metric="peak")["value"] in (0.25, 1.0)
    assert 0 < only(turned, fit="m2", metric="gao_peak")["value"] < 2.25
    assert only(turned, fit="m0", metric="gamma")["value"] < only(turned, fit="m2", metric="gamma")["value"]
    assert "no peak in range" in only(turned, fit=GOLD, metric="gao_peak")["reason"]
    assert "gamma" not in set(turned.loc[turned["fit"] == GOLD, "metric"])
    scores = {name: np.stack([5 * table["gold_reward"], 9 + table["gold_reward"]]) for name, table in RUNS.items()}
    alarms = alarm_rows(EVALUATIONS, RUNS, scores, "ppo", FEW)
    assert only(alarms, fit="m2", metric="alarm_step")["value"] in (30, 40)
    assert only(alarms, fit="m2", metric="alarm_lost")["value"] > 0
    assert "does not ring" in only(alarms, fit="m0", metric="alarm_step")["reason"]
    alone = alarm_rows(EVALUATIONS, RUNS, {name: np.empty((0, len(table))) for name, table in RUNS.items()}, "ppo", FEW)
    assert "no other reward model" in only(alone, fit="m0", metric="alarm")["reason"]


def test_what_others_say_does_not_depend_on_their_units_or_on_the_order_of_rows():
    table = RUNS["m2"]
    score_r = table["gold_reward"].to_numpy()
    curve = held_out_curve(table, score_r[None])
    np.testing.assert_allclose(held_out_curve(table, 7 * score_r[None] + 3).gain_pn, curve.gain_pn)
    mixed = np.random.default_rng(0).permutation(len(table))
    np.testing.assert_allclose(held_out_curve(table.iloc[mixed], score_r[None, mixed]).gain_pn, curve.gain_pn)
    gold = tracked_curve(table).gain_pn
    np.testing.assert_allclose(curve.gain_pn / curve.gain_pn[0, 1], gold / gold[0, 1])
