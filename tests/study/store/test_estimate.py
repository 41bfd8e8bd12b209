"""An estimate is the stage's median a fit times the fits, and there is none where nothing like the job was measured."""

import json
import time

import pytest

from rmkit.stages.graph import STAGES
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.estimate import SHIPPED, Cost, Measured, costs, shipped_machine, shipped_measurements
from rmkit.study.store.store import Store
from tests.study.manifests import WHOLE

NONE = Cost(None, None)


def finished(store, stage, seconds, size=1000, fits=0, **parameters):
    """Put the manifest of a finished job into a store: all that an estimate reads of it."""
    key = f"{stage}-{len(list(store.root.glob('jobs/*'))):016x}"
    (store.root / "jobs" / key).mkdir(parents=True)
    files = {"one": {"bytes": size - 1, "sha256": ""}, "two": {"bytes": 1, "sha256": ""}}
    said = {"stage": stage, "parameters": parameters, "seconds": seconds, "fits": fits, "files": files}
    manifest = {**WHOLE, **said}
    (store.root / "jobs" / key / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def estimate(store, tmp_path, monkeypatch):
    """The cost of one job of so many fits, beside a shipped file of these measurements."""

    def estimate(stage, fits=0, shipped=(), **parameters):
        monkeypatch.setattr(PlannedJob, "fits", property(lambda job: fits))
        path = tmp_path / "measured.json"
        path.write_text(json.dumps({"machine": "another", "jobs": list(shipped)}), encoding="utf-8")
        return costs(store, [PlannedJob(stage, parameters, {}, {}, "a plan id")], shipped=path)["a plan id"]

    return estimate


def test_a_stage_that_was_never_measured_has_no_estimate(store, estimate):
    finished(store, "00_grammar_world", 5.0)
    assert estimate("01_sft") == NONE


def test_a_job_takes_the_median_of_its_stage(store, estimate):
    for n_prompts, seconds in enumerate([10.0, 11.0, 90.0]):
        finished(store, "01_sft", seconds, n_prompts=n_prompts)
    assert estimate("01_sft", n_prompts=9) == Cost(11.0, 1000)


def test_the_median_is_of_a_fit_where_there_are_fits(store, estimate):
    finished(store, "04_reward_models", 20.0, 4000, fits=10, n=1)
    finished(store, "04_reward_models", 90.0, 9000, fits=30, n=2)
    finished(store, "04_reward_models", 40.0, 900, fits=10, n=3)
    assert estimate("04_reward_models", fits=20, n=4) == Cost(3.0 * 20, 300 * 20)


def test_jobs_of_the_same_parameters_come_first_whatever_their_seeds(store, estimate):
    finished(store, "01_sft", 20.0, 7000, world_seed=3, task="helpful")
    for number in range(5):
        finished(store, "01_sft", 600.0, n=number)
    assert estimate("01_sft", world_seed=8, task="helpful") == Cost(20.0, 7000)


def test_shipped_measurements_stand_in_until_this_store_has_its_own(store, estimate):
    shipped = [
        {"stage": "01_sft", "parameters": {"task": "helpful"}, "fits": 0, "seconds": 300.0, "bytes": 9},
        {"stage": "01_sft", "parameters": {"task": "harmless"}, "fits": 0, "seconds": 500.0, "bytes": 11},
    ]
    assert estimate("01_sft", shipped=shipped) == Cost(400.0, 10)
    finished(store, "01_sft", 20.0, task="both")
    assert estimate("01_sft", shipped=shipped) == Cost(20.0, 1000)
    assert estimate("01_sft", shipped=shipped, task="helpful") == Cost(300.0, 9)  # the same parameters come first


def test_a_model_from_outside_is_estimated_by_jobs_that_took_it_alone(store, estimate):
    for model, seconds in [("grammar-s", 20.0), ("google/gemma-2b", 4000.0)]:
        finished(store, "01_sft", seconds, base_model=model, task="helpful")
    assert estimate("01_sft", base_model="grammar-m", task="harmless").seconds == 20.0
    assert estimate("01_sft", base_model="google/gemma-2b", task="harmless").seconds == 4000.0
    assert estimate("01_sft", base_model="google/gemma-7b", task="helpful") == NONE
    assert estimate("01_sft", base_model="models/mine", task="helpful") == NONE


def test_a_job_is_estimated_by_jobs_that_fit_what_it_fits_the_fewest_others_first(store, estimate):
    stage = "04_reward_models"
    finished(store, stage, 10.0, fits=10, reward_models=["linear_bt"], procedure="sound", n=1)
    finished(store, stage, 90.0, fits=10, reward_models=["linear_bt", "mlp_bt"], procedure="sound", n=2)
    finished(store, stage, 500.0, fits=10, reward_models=["linear_bt", "mlp_bt", "mlp_clf"], procedure="sound", n=3)
    assert estimate(stage, 10, reward_models=["linear_bt"], procedure="sound").seconds == 10.0
    assert estimate(stage, 10, reward_models=["mlp_bt"], procedure="sound").seconds == 90.0
    shipped = [{"stage": stage, "parameters": {"reward_models": ["lightgbm_clf"], "procedure": "sound"}, "fits": 10,
                "seconds": 40.0, "bytes": 9}]  # fmt: skip
    assert estimate(stage, 10, shipped, reward_models=["lightgbm_clf"], procedure="sound") == Cost(40.0, 9)


def test_what_no_measured_job_fits_makes_the_estimate_a_lower_bound(store, estimate):
    finished(store, "05_active_labeling", 6.0, fits=10, reward_model="linear_bt", procedure="sound", n=1)
    finished(store, "05_active_labeling", 60.0, fits=10, reward_model="mlp_bt", procedure="sound", n=2)
    told = estimate("05_active_labeling", 10, reward_model="mlp_bt", procedure="full_batch")
    assert told.unlike == ("full_batch",)
    assert 6.0 < told.seconds < 60.0
    assert estimate("05_active_labeling", 10, reward_model="mlp_bt", procedure="sound") == Cost(60.0, 1000)
    finished(store, "06_accuracy_vs_policy", 6.0, fits=10, n=1)  # of before there was a choice: it says nothing of it
    assert estimate("06_accuracy_vs_policy", 10, procedure="full_batch") == Cost(6.0, 1000)


def test_a_job_of_costly_strategies_takes_longer_than_its_fits_say(store, estimate):
    said = {"reward_model": "linear_bt", "pools": ["within_prompt"], "n_rounds": 4, "world": "grammar"}
    finished(store, "05_active_labeling", 10.0, fits=10, strategies=["random", "entropy"], **said)
    cheap = estimate("05_active_labeling", 10, strategies=["random", "max_difference"], **said)
    dear = estimate("05_active_labeling", 10, strategies=["random", "e_optimal"], **said)
    assert cheap.seconds == pytest.approx(10.0, rel=0.1)
    assert dear.seconds > 2 * cheap.seconds
    assert dear.bytes == cheap.bytes == 1000


def test_a_manifest_that_says_too_little_or_is_damaged_measures_nothing(store, estimate):
    finished(store, "00_grammar_world", 10.0)
    finished(store, "00_grammar_world", None)
    (store.root / "jobs" / "00_grammar_world-0000000000000001" / "manifest.json").write_text(
        '{"format": 1', encoding="utf-8"
    )
    assert estimate("00_grammar_world").seconds == 10.0


def test_what_is_finished_costs_nothing_more(store, monkeypatch):
    monkeypatch.setattr(Store, "done", lambda store, job, known: job.plan_id == "one")
    jobs = [PlannedJob("07_figures", {}, {}, {}, name) for name in ("one", "two")]
    assert list(costs(store, jobs)) == ["two"]


def test_thousands_of_jobs_beside_thousands_of_stored_ones_take_seconds(store, monkeypatch):
    """Any step that looks at all stored jobs for each job would take minutes."""
    stored = [Measured("01_sft", {"n": n}, 0, 5.0 + n % 3, 1) for n in range(3000)]
    monkeypatch.setattr("rmkit.study.store.estimate.measured_in", lambda store: stored)
    jobs = [PlannedJob("01_sft", {"n": n + 0.25 * (n % 2)}, {}, {}, f"plan id {n}") for n in range(3000)]
    before = time.process_time()
    told = costs(store, jobs)
    assert time.process_time() - before < 10
    assert told["plan id 4"].seconds == 6.0
    assert told["plan id 5"].seconds == 6.0


def test_the_shipped_measurements_are_of_the_stages_that_there_are():
    assert shipped_machine()
    assert {job.stage for job in shipped_measurements(SHIPPED)} == set(STAGES) - {
        "00_embedding_files"
    }  # of no study here
    for job in shipped_measurements(SHIPPED):
        assert job.seconds > 0
        assert job.bytes > 0
