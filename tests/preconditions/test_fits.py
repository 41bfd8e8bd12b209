"""The planned number of fits is the number that the notebooks make: compared with what the finished smoke study holds."""

import pandas as pd
import pytest

from rmkit.active.registry import STRATEGIES
from rmkit.preconditions import fits
from rmkit.stages.graph import STAGES
from rmkit.study.notebook_side.gathered import tallies
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import load_study
from rmkit.study.store.store import Store

FITTING = [stage for stage, spec in STAGES.items() if spec.n_fits]


def made(store: Store, job: PlannedJob, key: str) -> int:
    """How many fits a finished job made, by what it stored."""
    if job.stage == "10_validation_split":  # of two heads, each on the larger of two numbers of annotations
        asked = [
            tally["in"] for tally in tallies(store.folder(key)) if tally["what"].startswith("annotations of one head")
        ]
        return 2 * sum(asked) // max(job.parameters["annotations"])
    artifact = "reward_models" if job.stage == "09_human_preferences" else "evaluations"  # there folds are one fit
    table = pd.read_parquet(store.artifact(key, artifact) / "fits.parquet")
    return int(table["annotations"].notna().sum())  # not baselines


@pytest.mark.parametrize("stage", FITTING)
def test_a_stage_makes_as_many_fits_as_were_planned(smoke, stage):
    project = Project(smoke)
    store, jobs = Store(project.store), make_plan(project, load_study(smoke / "params/smoke.yaml"))
    found = [(job.fits, made(store, job, key)) for key, job in store.finished_jobs(jobs).items() if job.stage == stage]
    assert found
    assert all(planned == counted > 0 for planned, counted in found), found


def test_levels_of_noise_are_sharpnesses_and_agreements():
    """04 and 06 declare the sharpnesses alone: how often two annotators are to agree is said to 03."""
    known = {"reward_models": ["a", "b"], "annotations": [100, 200, 400], "betas": [0.5, None]}
    assert fits.of_reward_models(known) == 2 * 3 * 2
    comparisons = PlannedJob("03_annotation_noise", {"betas": [0.5, None], "agreements": [0.72]}, {}, {}, "upstream")
    assert PlannedJob("04_reward_models", known, {"comparisons": comparisons}, {}, "a job").fits == 2 * 3 * 3
    assert fits.of_population({**known, "n_draws": 2, "agreements": [0.72]}) == 2 * 3 * 3 * 2
    beside = {"flips": [0.0, 0.1, 0.2], "length_biases": [0.0, 1.0], "kept_dimensions": [1.0, 0.5]}
    assert fits.of_population({**known, "n_draws": 2, **beside}) == 2 * 3 * 2 * 2 * 3 * 2 * 2


def test_a_language_model_is_fitted_once_for_each_fold_and_the_head_that_is_kept_once_more():
    known = {"reward_models": ["a", "b"], "annotations": [100, 200], "n_folds": 5}
    assert fits.of_human_preferences(known) == 2 * 2 * 5
    assert fits.of_human_preferences({**known, "language_model": "org/model", "refit": True}) == 2 * 2 * 5 + 5 + 1


def test_a_language_model_is_fitted_once_at_each_flip_rate():
    assert fits.of_language_models({"flips": [0.0, 0.2, 0.4]}) == 3


def test_the_ablation_compares_every_other_number_of_annotations_from_the_most_down():
    known = {"world": "grammar", "splits": ["pair"], "betas": [1.0], "n_folds": 5}
    assert [fits.of_validation_split({**known, "annotations": [1] * n}) for n in (1, 2, 3, 4, 5)] == [2, 2, 4, 4, 6]
    assert fits.of_validation_split({**known, "annotations": [1, 2, 3], "world": "hh_rlhf"}) == 2 * 2 * 5


def test_costly_choices_are_of_strategies_that_there_are_and_count_once_a_round_and_pool():
    own = {
        "reward_model": "linear_bt",
        "world": "grammar",
        "n_rounds": 3,
        "strategies": ["random", "batch_bald", "info_max"],
    }
    own["pools"] = ["within_prompt", "cross_prompt"]  # info_max chooses within prompts alone
    assert set(fits.DEAR_CHOICES) <= set(STRATEGIES)
    expected = 20 + 3 * (2 * fits.DEAR_CHOICES["batch_bald"] + 1 / 3)
    assert fits.work_of_active_labeling(own, 20) == pytest.approx(expected)
    assert fits.work_of_active_labeling({**own, "world": "hh_rlhf", "strategies": ["batch_bald"]}, 4) == 4 + 3 * 20
    assert fits.work_of_active_labeling({**own, "reward_model": "mlp_bt"}, 20) == 20
    assert fits.work_of_active_labeling({}, 20) == 20
