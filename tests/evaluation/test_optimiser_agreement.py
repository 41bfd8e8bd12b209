"""Whether optimisers agree: each row against scipy by hand, and what has no value or no interval says why."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError
from rmkit.evaluation.design_outcomes import Earned, Trained
from rmkit.evaluation.optimiser_agreement import agreement_rows
from rmkit.evaluation.population import policy_columns
from tests.evaluation.optimised_population import TRACKED, exact_outcome, population, trained_outcome

EXACT, TRAINED, MEASURED = population()


def rows_of(exact=EXACT, trained=TRAINED, measured=MEASURED, **options):
    return agreement_rows(exact, trained, measured, **({"statistic": "kendall"} | options))


@pytest.fixture(scope="module")
def rows():
    return rows_of()


def the_row(rows, fit, metric):
    (row,) = rows[(rows["fit"] == fit) & (rows["metric"] == metric)].to_dict("records")
    return row


def means(one):
    """(M, S) of the models that one trained outcome has."""
    value_fs = one.value_sfq.mean(axis=2).T
    return value_fs[np.isfinite(value_fs).all(axis=1)]


def test_two_trained_policies_are_compared_where_they_are_at_one_place(rows):
    pairs = rows[(rows["metric"] == "agreement") & (rows["second_seeds"] > 0)]
    assert pairs["fit"].tolist() == [
        "ppo_24 whitened and rloo_24 whitened",
        "ppo_at_kl_2 whitened and rloo_at_kl_2 whitened",
    ]
    assert (pairs["units"] == 12).all(), "the fewer of 20 and 12"


def test_one_place_is_the_same_steps_or_the_same_distance():
    apart = [trained_outcome("ppo", 12.0), trained_outcome("rloo", 24.0), trained_outcome("rloo_at_kl", 12.0)]
    assert not (rows_of((), apart, {})["metric"] == "agreement").any()


def test_one_policy_with_its_reward_scaled_in_two_ways_is_a_pair():
    one = trained_outcome("ppo", 24.0)
    other = Trained({**one.columns, "reward_scale": "raw"}, one.value_sfq, one.prompt_q)
    (row,) = rows_of((), [one, other], {}).query("metric == 'agreement'").to_dict("records")
    assert (row["policy"], row["reward_scale"]) == ("ppo_24", "whitened")
    assert (row["second_policy"], row["second_reward_scale"]) == ("ppo_24", "raw")
    assert row["value"] == 1


@pytest.mark.parametrize("statistic", ["kendall", "spearman", "pearson"])
def test_agreement_is_the_correlation_of_means_over_seeds(statistic):
    of = {"kendall": stats.kendalltau, "spearman": stats.spearmanr, "pearson": stats.pearsonr}[statistic]
    row = the_row(rows_of(statistic=statistic), "ppo_24 whitened and rloo_24 whitened", "agreement")
    ppo_m, rloo_m = (means(one).mean(axis=1)[:12] for one in (TRAINED[0], TRAINED[2]))
    assert row["value"] == pytest.approx(of(ppo_m, rloo_m)[0])
    assert row["statistic"] == statistic


def test_an_exact_policy_counts_on_the_prompts_that_were_tracked(rows):
    value_fq = EXACT[0].value_fq[:20, np.isin(EXACT[0].prompt_q, TRACKED)]
    row = the_row(rows, "ppo_24 whitened and best_of_8", "agreement")
    assert row["value"] == pytest.approx(stats.kendalltau(means(TRAINED[0]).mean(axis=1), value_fq.mean(axis=1))[0])
    assert (row["n_prompts"], row["units"], row["left_out"]) == (len(TRACKED), 20, 10)
    assert (row["seeds"], row["second_seeds"]) == (3, 0)
    assert row["low"] < row["value"] < row["high"]


def test_reliability_is_cronbachs_alpha_and_the_ceilings_are_its_roots(rows):
    value_ms = means(TRAINED[0])
    alpha = 1.5 * (1 - value_ms.var(axis=0, ddof=1).sum() / value_ms.sum(axis=1).var(ddof=1))
    assert the_row(rows, "ppo_24 whitened", "reliability")["value"] == pytest.approx(alpha)
    for fit, metric in (
        ("ppo_24 whitened and best_of_8", "agreement_ceiling"),
        ("accuracy and ppo_24 whitened", "measured_ceiling"),
    ):
        assert the_row(rows, fit, metric)["value"] == pytest.approx(np.sqrt(alpha))


def test_corrected_pearsons_is_divided_by_the_ceiling():
    found = rows_of(statistic="pearson")
    for fit, metric in (
        ("ppo_24 whitened and rloo_24 whitened", "agreement"),
        ("accuracy and ppo_24 whitened", "measured_correlation"),
    ):
        ceiling = the_row(found, fit, f"{metric.partition('_')[0]}_ceiling")["value"]
        plain, corrected = (the_row(found, fit, f"{metric}{end}")["value"] for end in ("", "_corrected"))
        assert corrected == pytest.approx(plain / ceiling)


def test_the_correction_brings_back_the_agreement_that_noise_of_seeds_hides():
    """Both optimisers go by one true order: over 20 draws the correction undoes most of what noise takes."""
    gaps = {"agreement": [], "agreement_corrected": []}
    for seed in range(20):
        pair = [trained_outcome(name, 24.0, n_models=30, noise=0.7, own=0, seed=(seed, i), of=seed)
                for i, name in enumerate(("ppo", "rloo"))]  # fmt: skip
        found = rows_of((), pair, {})
        for metric, gap in gaps.items():
            gap.append(1 - found.loc[found["metric"] == metric, "value"].item())
    plain, corrected = (np.array(gap) for gap in gaps.values())
    saved = plain - corrected
    assert saved.mean() - 4 * saved.std(ddof=1) / np.sqrt(20) > 0
    assert np.median(corrected) < 0.5 * np.median(plain)


def test_a_measure_has_its_correlation_and_its_lead_over_another_seed(rows):
    value_ms = means(TRAINED[0])
    accuracy_m = MEASURED["accuracy"][:20]
    row = the_row(rows, "accuracy and ppo_24 whitened", "measured_correlation")
    assert row["value"] == pytest.approx(stats.kendalltau(accuracy_m, value_ms.mean(axis=1))[0])
    assert row["measure"] == "accuracy"
    leads = []
    for s in range(3):
        others_m = np.delete(value_ms, s, axis=1).mean(axis=1)
        leads.append(stats.kendalltau(accuracy_m, others_m)[0] - stats.kendalltau(value_ms[:, s], others_m)[0])
    assert the_row(rows, "accuracy and ppo_24 whitened", "lead_over_another_seed")["value"] == pytest.approx(
        np.mean(leads)
    )


def test_every_row_has_a_value_or_a_reason_and_is_told_from_the_others(rows):
    assert not rows.duplicated(["fit", "metric"]).any()
    assert (rows["value"].notna() | rows["reason"].notna()).all()
    assert (rows["low"].notna() | (rows["no_interval"] != "")).all()
    few = rows[rows["units"] == 12]
    assert few["low"].isna().all()
    assert few["no_interval"].str.contains("12 reward models are too few").all()
    assert set(rows["estimand"]) == {"new reward models, new policy seeds, these prompts"}


def test_a_model_whose_run_has_no_end_in_one_seed_is_left_out():
    value_sfq = TRAINED[0].value_sfq.copy()
    value_sfq[1, 4] = np.nan
    hole = Trained(TRAINED[0].columns, value_sfq, TRAINED[0].prompt_q, "its run has no end")
    found = rows_of(EXACT[:1], [hole], MEASURED)
    assert set(found["units"]) == {19}
    assert set(found["left_out"]) == {11}
    kept_m = [m for m in range(20) if m != 4]
    wanted = stats.kendalltau(MEASURED["accuracy"][kept_m], value_sfq[:, kept_m].mean(axis=(0, 2)))[0]
    assert the_row(found, "accuracy and ppo_24 whitened", "measured_correlation")["value"] == pytest.approx(wanted)


def test_one_seed_leaves_the_plain_correlation_alone_and_says_why():
    one = Trained(TRAINED[0].columns, TRAINED[0].value_sfq[:1], TRAINED[0].prompt_q)
    found = rows_of(EXACT[:1], [one], MEASURED)
    has = found[found["value"].notna()]
    assert has["metric"].tolist() == ["agreement", "measured_correlation"]
    assert set(found.loc[found["value"].isna(), "reason"]) == {
        "one policy seed does not show how seeds vary, which takes two"
    }


NAN_FQ = np.full((30, len(TRACKED)), np.nan)
NEVER = Trained(TRAINED[0].columns, np.stack([NAN_FQ, NAN_FQ]), TRACKED, "its run never got this far")


@pytest.mark.parametrize(
    ("exact", "trained", "measured", "reason"),
    [
        (EXACT[:1], [NEVER], MEASURED, "0 of 30 reward models have a value; an order takes 3: its run never got"),
        (
            [Earned(EXACT[0].columns, EXACT[0].value_fq, EXACT[0].prompt_q + 1000)],
            TRAINED[:1],
            {},
            "0 of 30 reward models have a value; an order takes 3: the two policies were not looked at on the same",
        ),
        ((), TRAINED[:1], {"accuracy": np.full(30, np.nan)}, "a reward model has no value of this measure"),
        ([Earned(EXACT[0].columns, np.ones((30, 40)), EXACT[0].prompt_q)], TRAINED[:1], {}, "there is nothing to"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_without_a_value_there_is_a_reason(exact, trained, measured, reason):
    found = rows_of(exact, trained, measured)
    without = found[found["value"].isna()]
    assert len(without)
    assert without["reason"].str.contains(reason, regex=False).all()
    assert without[["low", "high"]].isna().all(axis=None)


def test_a_measure_that_is_not_one_number_a_model_is_refused():
    with pytest.raises(DataError, match=r"measured\['accuracy'\] \(3,\): it must be one number for each of 30 models"):
        rows_of(measured={"accuracy": np.zeros(3)})


def test_models_of_shared_draws_are_told_in_the_method():
    method = rows_of(n_draws=2)["method"]
    assert method.str.endswith("jackknife over models, whose 2 draws stay as they are").all()


def test_where_nothing_was_trained_there_are_no_rows():
    assert rows_of(trained=()).empty


def test_an_outcome_of_no_samples_is_no_obstacle():
    nothing = Earned({**policy_columns(Metric("kl", 2.0)), "reward_scale": ""}, np.full((30, 40), np.nan),
                     EXACT[0].prompt_q, "few samples carry it")  # fmt: skip
    found = rows_of([*EXACT, nothing])
    undefined = found[found["second_policy"] == "kl_2"]
    assert undefined["reason"].str.endswith("few samples carry it").all()
    others, columns = found[found["second_policy"] != "kl_2"].reset_index(drop=True), ["fit", "metric", "value", "low"]
    pd.testing.assert_frame_equal(others[columns], rows_of()[columns])


def test_the_exact_outcome_of_the_tests_answers_more_than_was_tracked():
    assert set(TRACKED) < set(exact_outcome("best_of_n", 8.0).prompt_q)
