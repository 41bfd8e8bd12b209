import itertools

import numpy as np
import pandas as pd
import pytest

from rmkit.evaluation.choosing_by_measure import choice_rows
from rmkit.evaluation.population import MEASURES, evaluate_population, population_rows
from rmkit.findings.evaluated import CHOOSING
from rmkit.measures.over_models import OVER_MODELS

RNG = np.random.default_rng(0)
M, P, K = 8, 120, 8
GOLD_PK = RNG.normal(size=(P, K))
SCORE_MPK = GOLD_PK + np.linspace(0.3, 3, M)[:, None, None] * RNG.normal(size=(M, P, K))
FITS = pd.DataFrame({"fit": [f"m{m}" for m in range(M)], "reward_model": "noisy"})
MEASURING_P = np.arange(P) % 2 == 0
TWO = {name: MEASURES[name] for name in ("accuracy", "one_pair")}


def evaluated(score_mpk=SCORE_MPK, gold_pk=GOLD_PK, measuring_p=MEASURING_P, **changed):
    options = {"n_responses": 5, "ns": [1, 8], "kls": [0.5], "measures": TWO} | changed
    ids = np.arange(len(gold_pk))
    return evaluate_population(FITS[: len(score_mpk)], score_mpk, gold_pk, ids, measuring_p, **options)


EVALUATIONS = evaluated()
ROWS = choice_rows(EVALUATIONS).set_index(["metric", "measure", "policy"])


def by_model(metric, policy=""):
    rows = population_rows(EVALUATIONS)
    here = rows[(rows["metric"] == metric) & (rows["policy"] == policy) & rows["fit"].str.startswith("m")]
    return here.set_index("fit")["value"]


@pytest.mark.parametrize("measure", TWO)
@pytest.mark.parametrize("policy", ["best_of_8", "kl_0.5"])
def test_values_are_those_of_a_loop_over_the_models_drop_ratios(measure, policy):
    measured, drop = by_model(measure), by_model("ndr", policy)
    chosen = drop[measured[measured == measured.max()].index].mean()
    found = ROWS.xs((measure, policy), level=("measure", "policy"))["value"]
    assert found["selection_regret"] == pytest.approx(chosen - drop.min(), abs=1e-5)
    right = [
        0.5 if measured[a] == measured[b] else (measured[a] > measured[b]) == (drop[a] < drop[b])
        for a, b in itertools.combinations(FITS["fit"], 2)
    ]
    assert found["decision_accuracy"] == pytest.approx(np.mean(right))
    place = 1 + (measured > measured[drop.idxmin()]).sum()
    if (measured == measured[drop.idxmin()]).sum() == 1:
        assert found["mrr_of_best"] == pytest.approx(1 / place)


def test_limits_hold_the_value_and_stay_within_what_can_be():
    whole = ROWS[ROWS["low"].notna()]
    assert len(whole) > 0
    assert (whole["low"] <= whole["value"]).all()
    assert (whole["value"] <= whole["high"]).all()
    assert (whole["low"] >= 0).all()
    assert (whole.drop("selection_regret", level="metric")["high"] <= 1).all()


def test_more_prompts_make_the_interval_of_decisions_shorter():
    rng, widths = np.random.default_rng(1), []
    for n_prompts in (60, 960):
        gold_pk = rng.normal(size=(n_prompts, K))
        score_mpk = gold_pk + np.linspace(0.8, 1.6, M)[:, None, None] * rng.normal(size=(M, n_prompts, K))
        rows = choice_rows(evaluated(score_mpk, gold_pk, np.arange(n_prompts) % 2 == 0))
        here = rows[(rows["metric"] == "decision_accuracy") & (rows["measure"] == "accuracy") & (rows["n"] == 8)]
        widths.append(float((here["high"] - here["low"]).iloc[0]))
    assert widths[1] < widths[0]


def test_what_has_no_value_or_no_interval_has_a_reason():
    undefined = ROWS.xs("best_of_1", level="policy")
    assert undefined["value"].isna().all()
    assert undefined["reason"].str.contains("less than two standard errors").all()
    few = choice_rows(evaluated(SCORE_MPK[:, :30], GOLD_PK[:30], np.arange(30) % 2 == 0, ns=[8]))
    assert few["low"].isna().all()
    assert few["no_interval"].str.contains("15 prompts are too few").all()
    flat = choice_rows(evaluated(np.zeros((2, P, K)), ns=[8], kls=[0.5]))
    no_kl = flat[flat["nats"].notna()]
    assert set(no_kl["reason"]) == {"fewer than two reward models have this policy"}
    assert set(no_kl["left_out"]) == {2}
    assert set(ROWS.index.get_level_values("metric")) == set(OVER_MODELS)


def test_statements_may_rest_on_each_of_these_metrics():
    assert set(CHOOSING) == set(OVER_MODELS)
