from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError, ResultError
from rmkit.evaluation.population import (
    EQUAL_SCORES,
    MEASURES,
    correlations,
    correlations_over_seeds,
    evaluate_population,
    measured_by,
    measures_of,
    policies,
    policy_values,
    population_rows,
    tables_of,
    together,
    value_at_kl,
)
from rmkit.intervals.populations import correlation_over_populations
from rmkit.measures.registry import AGAINST_GOLD
from rmkit.policies import stored_responses

RNG = np.random.default_rng(0)
N_MODELS, N_PROMPTS, K = 32, 60, 8
GOLD_PK = RNG.normal(size=(N_PROMPTS, K))
NOISE_F = np.linspace(0.2, 4, N_MODELS)
SCORE_FPK = GOLD_PK + NOISE_F[:, None, None] * RNG.normal(size=(N_MODELS, N_PROMPTS, K))
FITS = pd.DataFrame({"fit": [f"m{f}" for f in range(N_MODELS)], "reward_model": "noisy"})
MEASURING_P = np.arange(N_PROMPTS) % 2 == 0
BEST_OF_8 = Metric("best_of_n", 8)
OPTIONS = {"n_responses": 5, "ns": [2, 8], "kls": [0.5]}


def population(score_fpk=SCORE_FPK, gold_pk=GOLD_PK, measuring_p=MEASURING_P, **changed):
    prompt_ids = np.arange(len(gold_pk))
    return evaluate_population(
        FITS[: len(score_fpk)], score_fpk, gold_pk, prompt_ids, measuring_p, **(OPTIONS | changed)
    )


EVALUATIONS = population()
ROWS = population_rows(EVALUATIONS)


def test_measures_look_at_the_first_responses_of_a_prompt_alone():
    found = measured_by(MEASURES, SCORE_FPK, GOLD_PK, 5)
    assert set(found) == set(MEASURES)
    for f, p in ((0, 3), (7, 11)):
        score_k, gold_k = SCORE_FPK[f, p, :5], GOLD_PK[p, :5]
        assert found["kendall"][f, p] == pytest.approx(scipy_stats.kendalltau(score_k, gold_k).statistic)
        assert found["spearman"][f, p] == pytest.approx(scipy_stats.spearmanr(score_k, gold_k).statistic)
        assert found["pearson"][f, p] == pytest.approx(scipy_stats.pearsonr(score_k, gold_k).statistic)
        assert found["accuracy"][f, p] == pytest.approx((found["kendall"][f, p] + 1) / 2)
        assert found["best_of_all"][f, p] == gold_k[score_k.argmax()]
        assert found["one_pair"][f, p] == float((score_k[0] > score_k[1]) == (gold_k[0] > gold_k[1]))


def test_only_a_kl_out_of_reach_is_no_value_and_every_other_fault_is_told():
    assert np.isnan(value_at_kl(np.zeros_like(GOLD_PK), GOLD_PK, 0.5)).all()
    assert np.isnan(value_at_kl(GOLD_PK, GOLD_PK, np.log(K) + 0.01)).all()
    broken_pk = GOLD_PK.copy()
    broken_pk[3, 2] = np.inf
    for score_pk, nats, said in (
        (broken_pk, 0.5, r"the score at \(3, 2\) is inf"),
        (GOLD_PK[:, :0], 0.5, "at least one response"),
        (GOLD_PK, 0.0, "a mean KL of 0.0 nats: it must be above 0"),
    ):
        with pytest.raises(DataError, match=said):
            value_at_kl(score_pk, GOLD_PK, nats)


def test_all_kl_optima_of_a_name_are_equally_far_from_the_base_whatever_the_scale():
    twice = policy_values(np.stack([SCORE_FPK[3], 7 * SCORE_FPK[3]]), GOLD_PK, ns=[], kls=[0.5])["kl"][..., 0]
    np.testing.assert_allclose(twice[0], twice[1], atol=1e-6)
    beta = stored_responses.beta_at_kl(SCORE_FPK[3], 0.5)
    np.testing.assert_allclose(
        twice[0], stored_responses.value(stored_responses.kl_optimum(SCORE_FPK[3], beta), GOLD_PK)
    )


def test_each_half_of_the_prompts_has_its_own_values():
    for metric in EVALUATIONS.metrics():
        value_fp = EVALUATIONS.value_fp(metric)
        own_p = MEASURING_P if metric.name in MEASURES else ~MEASURING_P
        assert np.isnan(value_fp[:, ~own_p]).all()
        assert np.isfinite(value_fp[:-1, own_p]).all()
    assert policies(EVALUATIONS) == [Metric("best_of_n", 2), Metric("best_of_n", 8), Metric("kl", 0.5)]


def test_a_row_says_which_policy_in_words_and_how_far_it_goes_from_the_base():
    told = {*ROWS[["policy", "n", "nats"]].fillna(-1).itertuples(index=False, name=None)}
    assert told == {("", -1, -1), ("best_of_2", 2, -1), ("best_of_8", 8, -1), ("kl_0.5", -1, 0.5)}
    table = correlations(EVALUATIONS, resamples=100)
    assert {*table[["policy", "n", "nats"]].fillna(-1).itertuples(index=False, name=None)} == told - {("", -1, -1)}


def test_a_measure_of_ones_own_stands_beside_the_others_and_leaves_them_as_they_are():
    def minus_accuracy(score_pk, gold_pk):
        return -MEASURES["accuracy"](score_pk, gold_pk)

    evaluations = population(measures=MEASURES | {"mine": minus_accuracy})
    assert policies(evaluations) == policies(EVALUATIONS)
    pd.testing.assert_frame_equal(population_rows(evaluations).query("metric != 'mine'").reset_index(drop=True), ROWS)
    table = correlations(evaluations, resamples=20).set_index(["measure", "policy"])["value"]
    assert list(table.index.unique("measure")) == [*MEASURES, "mine"]
    np.testing.assert_allclose(table["mine"], -table["accuracy"])
    accuracy, mine = together(evaluations, Metric("accuracy"), Metric("mine"))
    np.testing.assert_array_equal(mine, -accuracy)


def test_every_measure_against_gold_is_taken_on_request_and_the_six_stay_as_they_are():
    evaluations = population(measures=AGAINST_GOLD)
    assert measures_of(evaluations) == list(AGAINST_GOLD)
    rows = population_rows(evaluations)
    ours = rows[rows["metric"].isin([*MEASURES, "gold_reward", "regret", "ndr"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, ROWS)
    own = rows[(rows["policy"] == "") & (rows["fit"] == "m3")].set_index("metric")["value"]
    measured = (SCORE_FPK[3, MEASURING_P, :5], GOLD_PK[MEASURING_P, :5])
    for name, measure in AGAINST_GOLD.items():  # whitened by its own scores alone, though all are measured together
        assert own[name] == pytest.approx(measure(*measured).mean(), rel=1e-5), name


@pytest.mark.parametrize(
    ("measures", "says"),
    [
        ({"mine": lambda score_pk, gold_pk: score_pk.mean()}, r"measure mine: gives shape \(\); it must be a number a"),
        (
            {"best_of_eight": replace(AGAINST_GOLD["accuracy"], name="best_of_eight", fewest=8)},
            "best_of_eight takes 8 re",
        ),
        ({"best_of_n": MEASURES["accuracy"]}, "measure best_of_n: is a policy's name; give it another"),
    ],
)
def test_a_measure_that_does_not_fit_is_one_line(measures, says):
    with pytest.raises(DataError, match=says):
        population(measures=measures)


def test_gold_loses_nothing_the_base_everything_and_noise_costs():
    ndr = ROWS[ROWS["metric"] == "ndr"].pivot(index="fit", columns="policy", values="value")
    np.testing.assert_allclose(ndr.loc["gold"], 0.0, atol=1e-6)
    np.testing.assert_allclose(ndr.loc["base"], 1.0, atol=1e-6)
    assert (ndr.loc["m0"] < ndr.loc[f"m{N_MODELS - 1}"]).all()


def test_rows_agree_with_one_another():
    wide = ROWS[ROWS["policy"] == "best_of_8"].pivot(index="fit", columns="metric", values="value")
    np.testing.assert_allclose(wide["regret"], wide.loc["gold", "gold_reward"] - wide["gold_reward"], atol=1e-6)
    gain = wide.loc["gold", "gold_reward"] - wide.loc["base", "gold_reward"]
    np.testing.assert_allclose(wide["ndr"], wide["regret"] / gain, atol=1e-6)


def test_a_drop_ratio_without_a_gain_to_drop_from_has_a_reason():
    gold_pk = np.zeros_like(GOLD_PK) + 1e-6 * GOLD_PK[::-1]
    gold_pk[~MEASURING_P] = 0.0
    rows = population_rows(population(gold_pk=gold_pk, kls=[]))
    ndr = rows[rows["metric"] == "ndr"]
    assert ndr["value"].isna().all()
    assert ndr["reason"].str.contains("less than two standard errors").all()


def test_a_model_whose_scores_are_all_equal_reaches_no_distance_and_is_left_out():
    score_fpk = SCORE_FPK.copy()
    score_fpk[4] = 1.0
    evaluations = population(score_fpk)
    rows = population_rows(evaluations)
    own = rows[(rows["fit"] == "m4") & (rows["policy"] == "kl_0.5")]
    assert own["value"].isna().all()
    assert set(own["reason"]) == {EQUAL_SCORES}
    assert len(together(evaluations, Metric("accuracy"), Metric("kl", 0.5))[0]) == N_MODELS - 1
    table = correlations(evaluations, resamples=100).set_index(["measure", "policy"])
    assert table.loc[("accuracy", "kl_0.5"), "left_out"] == 1
    assert table.loc[("accuracy", "best_of_2"), "left_out"] == 0


def test_correlations_are_scipys_over_models_and_carry_their_interval():
    table = correlations(EVALUATIONS, resamples=200).set_index(["measure", "policy"])
    metric_mp, outcome_mq = together(EVALUATIONS, Metric("accuracy"), Metric("best_of_n", 8))
    expected = scipy_stats.kendalltau(metric_mp.mean(axis=1), outcome_mq.mean(axis=1)).statistic
    row = table.loc[("accuracy", "best_of_8")]
    assert row["value"] == pytest.approx(expected, abs=0.02)
    assert row["low"] < row["value"] < row["high"]
    assert row["value"] > 0.5


def test_bad_populations_are_named():
    with pytest.raises(DataError, match="60 of 60 prompts measure"):
        population(measuring_p=np.full(N_PROMPTS, True))
    with pytest.raises(DataError, match="measuring on 9 responses: it takes 2 to 8"):
        population(n_responses=9)
    broken = SCORE_FPK.copy()
    broken[2, 0, 1] = np.nan
    with pytest.raises(DataError, match="score at"):
        population(broken)


def test_two_measures_are_taken_on_the_prompts_that_both_have():
    gold_pk = GOLD_PK.copy()
    gold_pk[4, 1] = gold_pk[4, 0]  # a measuring prompt whose first two responses are equally good
    evaluations = population(gold_pk=gold_pk)
    outcome_mq, first_mp, second_mp = together(evaluations, BEST_OF_8, Metric("accuracy"), Metric("one_pair"))
    assert first_mp.shape == second_mp.shape == (N_MODELS, N_PROMPTS // 2 - 1)
    assert outcome_mq.shape == (N_MODELS, N_PROMPTS // 2)
    assert together(evaluations, Metric("accuracy"), BEST_OF_8)[0].shape == (N_MODELS, N_PROMPTS // 2)


def several(n_seeds=5, measuring_p=MEASURING_P):
    """Populations of a seed each, on the same prompts."""
    noise_sf = np.random.default_rng(5).normal(size=(n_seeds, *SCORE_FPK.shape))
    return [population(SCORE_FPK + noise_fpk, measuring_p=measuring_p) for noise_fpk in noise_sf]


def test_several_populations_are_correlated_each_and_carry_an_interval_for_new_seeds():
    populations = several()
    table = correlations_over_seeds(populations, resamples=50)
    row = table.set_index(["measure", "policy"]).loc[("accuracy", "best_of_8")]
    metric_smp, outcome_smq = tables_of(populations, Metric("accuracy"), BEST_OF_8)
    found = correlation_over_populations(
        metric_smp, outcome_smq, statistic="kendall", rng=np.random.default_rng(0), n_resamples=50
    )
    assert (row["value"], row["low"], row["high"]) == (found.estimate, found.low, found.high)
    assert (row["estimand"], row["units"]) == ("new seeds, new prompts", 5 * N_MODELS)
    assert [*table] == [*correlations(populations[0], resamples=20)]


def test_one_population_is_as_before_and_few_have_a_reason():
    one = correlations_over_seeds([EVALUATIONS])
    pd.testing.assert_frame_equal(one, correlations(EVALUATIONS))
    few = correlations_over_seeds(several(3), resamples=20)
    assert few["no_interval"].str.contains("3 populations are too few").all()


def test_populations_on_other_prompts_are_not_taken_together():
    with pytest.raises(ResultError, match="do not have one_pair on the same prompts"):
        correlations_over_seeds([EVALUATIONS, *several(1, ~MEASURING_P)])


def test_an_error_that_is_less_for_the_better_model_correlates_as_the_good_measure_that_it_is():
    measures = {name: AGAINST_GOLD[name] for name in ("accuracy", "brier")}
    evaluations = population(measures=measures)
    (brier_mp,), (earned_mq,) = tables_of([evaluations], Metric("brier"), BEST_OF_8)
    raw_fp = evaluations.value_fp(Metric("brier"))[:N_MODELS]
    np.testing.assert_array_equal(brier_mp, -raw_fp[:, np.isfinite(raw_fp[0])].astype(np.float64))
    table = correlations(evaluations, resamples=20).set_index(["measure", "policy"])["value"]
    assert table["brier", str(BEST_OF_8)] == pytest.approx(
        scipy_stats.kendalltau(brier_mp.mean(axis=1), earned_mq.mean(axis=1)).statistic
    )
    assert table["brier", str(BEST_OF_8)] > 0.5
