"""What policies earn, as outcomes: exact ones as notebook 06 has them, samples with their limits, and trained ones."""

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis
from rmkit.errors import DataError
from rmkit.evaluation.design_outcomes import exact_outcomes, in_categories, trained_outcomes
from rmkit.evaluation.population import EQUAL_SCORES, POLICIES, policy_values

RNG = np.random.default_rng(0)
F, Q, K = 4, 12, 16
GOLD_QK = RNG.normal(size=(Q, K))
SCORE_FQK = GOLD_QK + RNG.normal(size=(F, Q, K))
IDS = np.arange(100, 100 + Q)


def outcomes(score_fqk=SCORE_FQK, **given):
    return exact_outcomes(score_fqk, GOLD_QK, IDS, **({"ns": [8, 2], "kls": [1.0, 0.25]} | given))


def test_outcomes_are_the_policies_of_a_population():
    found = outcomes()
    assert [one.columns["policy"] for one in found] == ["best_of_2", "best_of_8", "kl_0.25", "kl_1"]
    wanted = policy_values(SCORE_FQK, GOLD_QK, ns=[2, 8], kls=[0.25, 1.0])
    np.testing.assert_array_equal(found[1].value_fq, wanted["best_of_n"][..., 1])
    np.testing.assert_array_equal(found[3].value_fq, wanted["kl"][..., 1])
    assert all(one.kept_f.all() and not one.reason for one in found)


def test_a_model_with_one_score_for_all_has_no_optimum_and_is_left_out():
    tied_fqk = SCORE_FQK.copy()
    tied_fqk[2] = 0.0
    *_, last = outcomes(tied_fqk)
    np.testing.assert_array_equal(last.kept_f, [True, True, False, True])
    assert last.reason == EQUAL_SCORES


def test_of_samples_a_policy_that_few_carry_has_no_value_and_says_why():
    found = {one.columns["policy"]: one for one in outcomes(samples=True)}
    assert found["best_of_8"].kept_f.all()
    assert not found["kl_1"].kept_f.any()
    assert "of 16 responses to a prompt 3.7 count, and a mean takes 10" in found["kl_1"].reason
    assert np.isnan(found["kl_1"].value_fq).all()


def test_n_above_the_responses_is_refused():
    with pytest.raises(DataError, match="best of 17: a prompt has 16 responses; n is from 1 to that many"):
        outcomes(ns=[17])


def test_a_category_has_its_own_prompts():
    category_q = np.array(["a", "b", "b"] * 4)
    of_b = outcomes()[0].of_category("b", category_q)
    assert of_b.columns["policy_category"] == "b"
    np.testing.assert_array_equal(of_b.prompt_q, IDS[category_q == "b"])
    np.testing.assert_array_equal(of_b.value_fq, outcomes()[0].value_fq[:, category_q == "b"])


def test_every_outcome_is_split_by_the_categories_of_its_own_prompts():
    prompts = pd.DataFrame({"prompt_id": np.arange(90, 120), "category": ["a", "b", "c"] * 10})
    found = in_categories(outcomes()[:2], prompts)
    assert [(one.columns["policy"], one.columns["policy_category"]) for one in found] == [
        (policy, category) for policy in ("best_of_2", "best_of_8") for category in "abc"
    ]
    np.testing.assert_array_equal(found[1].prompt_q, [100, 103, 106, 109])
    np.testing.assert_array_equal(found[1].value_fq, outcomes()[0].value_fq[:, [0, 3, 6, 9]])
    assert in_categories(outcomes(), prompts[["prompt_id"]]) == []


def trained(value, fits=("a", "c")):
    """Evaluations of policies that one optimiser trained, tracked on two prompts."""
    table = pd.DataFrame({"fit": [*fits, "gold", "base"]})
    ids = np.array([1, 2, 3], np.int64)
    along = np.full((len(table), 3, 1), np.nan, np.float32)
    along[:, 1:, 0] = value
    return Evaluations(table, ids, np.ones(3, np.float32), {"ppo": along}, {"ppo": Axis("steps", (30.0,))})


@pytest.fixture
def ppo(monkeypatch):
    """A world in which ppo is a policy, whatever else is."""
    monkeypatch.setitem(POLICIES, "ppo", "steps")


FITS = pd.DataFrame({"fit": ["a", "b", "c"]})
JOB = {"optimiser": "ppo", "reward_scale": "raw", "policy_seed": 0, "steps": 30}


def test_trained_policies_are_the_mean_over_their_seeds_for_the_models_that_have_them(ppo):
    jobs = [(JOB, trained(1.0)), (JOB | {"policy_seed": 1}, trained(3.0))]
    (found,) = trained_outcomes(FITS, jobs)
    np.testing.assert_array_equal(found.value_sfq[:, :, 0], [[1.0, np.nan, 1.0], [3.0, np.nan, 3.0]])
    np.testing.assert_array_equal(found.over_seeds.value_fq, [[2.0, 2.0], [np.nan, np.nan], [2.0, 2.0]])
    np.testing.assert_array_equal(found.prompt_q, [2, 3])
    assert (found.columns["policy"], found.columns["reward_scale"]) == ("ppo_30", "raw")
    assert "no policy was trained for it" in found.over_seeds.reason


def test_a_scale_of_its_own_is_an_outcome_of_its_own(ppo):
    jobs = [(JOB, trained(1.0)), (JOB | {"reward_scale": "whitened"}, trained(3.0))]
    assert [one.columns["reward_scale"] for one in trained_outcomes(FITS, jobs)] == ["raw", "whitened"]


def test_jobs_that_differ_in_more_than_their_seed_are_refused(ppo):
    jobs = [(JOB, trained(1.0)), (JOB | {"policy_seed": 1, "steps": 60}, trained(3.0))]
    with pytest.raises(DataError, match="policies trained by ppo: jobs differ in steps; give it one value"):
        trained_outcomes(FITS, jobs)


def test_a_model_whose_run_has_no_end_in_one_seed_has_no_mean(ppo):
    value_fp1 = np.ones((4, 2), np.float32)
    value_fp1[1] = np.nan
    (found,) = trained_outcomes(FITS, [(JOB, trained(1.0)), (JOB | {"policy_seed": 1}, trained(value_fp1))])
    np.testing.assert_array_equal(found.over_seeds.kept_f, [True, False, False])


def test_seeds_that_were_tracked_on_other_prompts_are_refused(ppo):
    fewer = np.ones((4, 2), np.float32)
    fewer[:, 1] = np.nan
    with pytest.raises(DataError, match="ppo_30: the jobs of its seeds were not tracked on the same prompts"):
        trained_outcomes(FITS, [(JOB, trained(1.0)), (JOB | {"policy_seed": 1}, trained(fewer))])


def test_a_seed_that_is_there_twice_is_refused(ppo):
    with pytest.raises(DataError, match="policies trained by ppo: policy_seed 0 is there twice; give each seed once"):
        trained_outcomes(FITS, [(JOB, trained(1.0)), (JOB, trained(1.0))])
