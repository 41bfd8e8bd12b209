"""Notebook 14 in the smoke study, through the real runner: its rows, and that it continues what 06 and 02 made."""

import json

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.design_settings import DESIGN_NAMES
from rmkit.evaluation.population import policies
from rmkit.reward_models.collection import RewardModels
from rmkit.stages.graph import STAGES
from tests.notebook_cells import KeepingJob, run_cells


@pytest.fixture(scope="module")
def job(smoke):
    (folder,) = (smoke / "runs/jobs").glob("14_test_sets-*")
    return folder


@pytest.fixture(scope="module")
def rows(job):
    return pd.read_parquet(job / "rows.parquet")


def of_06(smoke):
    (folder,) = (smoke / "runs/jobs").glob("06_accuracy_vs_policy-*")
    return Evaluations.load(folder / "artifacts/evaluations")


def test_every_design_has_correlations_with_every_policy_of_06_and_13(rows, smoke):
    correlations = rows[(rows["metric"] == "correlation") & (rows["policy_category"] == "")]
    assert set(correlations["design"]) == set(DESIGN_NAMES)
    (trained,) = (smoke / "runs/jobs").glob("13_policy_training-*")
    both = of_06(smoke), Evaluations.load(trained / "artifacts/evaluations")
    wanted = {str(policy) for one in both for policy in policies(one)}
    assert any(policy.startswith("ppo") for policy in wanted)
    assert all(set(here["policy"]) == wanted for _, here in correlations.groupby("design"))
    assert (correlations["units"] + correlations["left_out"] == len(of_06(smoke).fits) - 2).all()


def test_differences_slopes_contrasts_choices_and_rewordings_are_there(rows):
    metrics = {"correlation_difference", "slope", "contrast", "selection_regret", "decision_accuracy", "mrr_of_best"}
    assert set(rows["metric"]) >= metrics | {"score_change", "rank_flips"}
    assert (rows["no_interval"].fillna("") != "").all(), "four prompts measure: no interval is covered for"


def test_outcomes_are_compared_with_each_other_where_policies_were_trained(rows):
    agreement = rows[rows["metric"] == "agreement"]
    assert set(agreement["second_policy"]) >= {"best_of_2", "kl_0.5"}
    assert set(agreement["policy"].str.partition("_")[0]) == {"ppo"}
    measured = rows[rows["metric"] == "measured_correlation"]
    assert set(measured["measure"]) == {"accuracy", "best_of_all"}
    others = {"reliability", "agreement_corrected", "agreement_ceiling", "lead_over_another_seed"}
    assert set(rows["metric"]) >= others
    in_reach = agreement["policy"] != "ppo_at_kl_50"
    assert agreement["reason"][in_reach].str.startswith("2 of ").all(), "the small study trains for two reward models"
    assert agreement["reason"][~in_reach].str.startswith("0 of ").all(), "and none of them goes 50 nats from the start"


def test_the_prompts_that_measure_are_those_of_06(job, smoke):
    measuring = int(np.isfinite(of_06(smoke).value_fp("best_of_all")).any(axis=0).sum())
    tallies = json.loads((job / "tallies.json").read_text(encoding="utf-8"))
    assert [tally["in"] for tally in tallies if tally["what"] == "measuring prompts"] == [measuring]
    assert STAGES["14_test_sets"].streams == ("06_accuracy_vs_policy",)


def test_each_writers_bank_is_an_input_of_its_own(job, smoke):
    inputs = json.loads((job / "manifest.json").read_text(encoding="utf-8"))["ingredients"]["inputs"]
    assert inputs["sft_test_bank"] == inputs["test_bank"] != inputs["base_test_bank"]
    digests = {}
    for folder in (smoke / "runs/jobs").glob("02_sampling-*"):
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        digests[manifest["parameters"]["generator"]] = manifest["artifacts"]["test_bank"]["digest"]
        assert ResponseBank.load(folder / "artifacts/test_bank").n_prompts == 8
    assert {name: inputs[f"{name}_test_bank"] for name in digests} == digests


class AloneJob(KeepingJob):
    """A job of a study without trained policies."""

    gathered = ()

    def rng(self, purpose, of=""):
        return super().rng(purpose)


def test_where_responses_are_samples_a_policy_that_few_of_them_carry_has_no_value(smoke, tmp_path):
    (fitted,) = (smoke / "runs/jobs").glob("06_accuracy_vs_policy-*/artifacts/reward_models")
    bank = next((smoke / "runs/jobs").glob("02_sampling-*/artifacts/test_bank"))
    found = {}
    for responses_are in ("all", "samples"):
        inputs = {"test_bank": ResponseBank.load(bank), "reward_models": RewardModels.load(fitted)}
        given = {
            "writers": [],
            "n_wordings": 1,
            "n_measured": 3,
            "ns": [2],
            "kls": [0.25],
            "responses_are": responses_are,
        }
        names = run_cells("14_test_sets", AloneJob(tmp_path, inputs), "agreement", **given)
        assert names["agreement"].empty
        found[responses_are] = names["outcomes"]
    values = {name: {str(one.columns["policy"]): one for one in outcomes} for name, outcomes in found.items()}
    assert np.isfinite(values["all"]["kl_0.25"].value_fq).all()
    assert np.isnan(values["samples"]["kl_0.25"].value_fq).all(), "six responses are fewer than ten"
    assert "10" in values["samples"]["kl_0.25"].reason
