"""An estimate is what the nearest measured job took; the wall time is that of the schedule that a run would follow."""

import json
import math
import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmkit.stages.graph import STAGES
from rmkit.study.planning.notebook import declared, read_notebook
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import find_project
from rmkit.study.planning.study_file import STUDY
from rmkit.study.store.estimate import (
    SHIPPED,
    Estimate,
    Measured,
    Nearest,
    distance,
    seconds_and_bytes,
    seconds_left,
    shipped_machine,
)
from rmkit.study.store.store import Store

POLICIES = {"reward_models": ["a", "b"], "betas": [1.0], "annotations": [100], "n_draws": 1}


def finished(store, stage, seconds, size=1000, **parameters):
    """Put the manifest of a finished job into a store: all that an estimate reads of it."""
    key = f"{stage}-{len(list(store.root.glob('jobs/*'))):016x}"
    (store.root / "jobs" / key).mkdir(parents=True)
    manifest = {
        "format": 1, "stage": stage, "parameters": parameters, "seconds": seconds, "artifacts": {}, "ingredients": {},
        "environment": {}, "files": {"one": {"bytes": size - 1}, "two": {"bytes": 1}},
    }  # fmt: skip
    (store.root / "jobs" / key / "manifest.json").write_text(json.dumps(manifest))


def estimate(store, stage, shipped=None, **parameters):
    job = PlannedJob(stage, parameters, {}, {}, "a plan id")
    return seconds_and_bytes(store, [job], shipped=shipped)["a plan id"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_a_stage_that_was_never_measured_stays_unknown(store):
    finished(store, "00_world", 5.0)
    assert estimate(store, "01_sft") == Estimate(None, None, "unknown")


def test_a_job_like_a_measured_one_takes_as_long_whatever_its_seed(store):
    finished(store, "01_sft", 20.0, 7000, world_seed=3, task="helpful")
    assert estimate(store, "01_sft", world_seed=8, task="helpful") == Estimate(20.0, 7000, "this store")


def test_jobs_equally_near_give_their_median(store):
    for seed, seconds in enumerate([10.0, 11.0, 90.0]):
        finished(store, "01_sft", seconds, world_seed=seed)
    assert estimate(store, "01_sft", world_seed=9).seconds == 11.0


def test_words_count_before_numbers_and_the_nearer_number_before_the_farther(store):
    finished(store, "00_world", 1.0, world="hh_rlhf", n_dialogues=12_000)
    finished(store, "00_world", 10.0, world="grammar", n_dialogues=320)
    finished(store, "00_world", 600.0, world="grammar", n_dialogues=24_000)
    assert estimate(store, "00_world", world="grammar", n_dialogues=12_000).seconds == 600.0
    assert estimate(store, "00_world", world="grammar", n_dialogues=500).seconds == 10.0
    assert estimate(store, "00_world", world="hh_rlhf", n_dialogues=320).seconds == 1.0


def test_a_small_study_on_a_fresh_machine_is_not_told_the_seconds_of_a_large_one(store):
    shipped = json.loads(SHIPPED.read_text())["jobs"]
    worlds = [job for job in shipped if job["stage"] == "00_world" and job["parameters"]["world"] == "grammar"]
    small, large = sorted((min(worlds, key=_dialogues), max(worlds, key=_dialogues)), key=_dialogues)
    near = {**small["parameters"], "n_dialogues": 2 * _dialogues(small)}
    told = estimate(store, "00_world", shipped=SHIPPED, **near)
    assert told.source == "shipped"
    assert told.seconds < large["seconds"] / 4


def _dialogues(job):
    return job["parameters"]["n_dialogues"]


def test_twice_the_fits_take_twice_the_work_but_one_start(store):
    finished(store, "07_figures", 4.0)  # the quickest job: what a start takes
    finished(store, "06_accuracy_vs_policy", 24.0, 500, **POLICIES)
    twice = {**POLICIES, "reward_models": ["a", "b", "c", "d"]}
    assert estimate(store, "06_accuracy_vs_policy", **twice) == Estimate(4.0 + 2 * 20.0, 1000, "this store")
    half = {**POLICIES, "reward_models": ["a"]}
    assert estimate(store, "06_accuracy_vs_policy", **half) == Estimate(4.0 + 20.0 / 2, 250, "this store")


def test_a_nearer_shipped_measurement_beats_a_far_one_of_this_store_and_loses_a_tie(store, tmp_path):
    shipped = tmp_path / "measured.json"
    job = {"stage": "00_world", "parameters": {"n_dialogues": 12_000}, "seconds": 300.0, "bytes": 9}
    shipped.write_text(json.dumps({"machine": "another", "jobs": [job]}))
    finished(store, "00_world", 10.0, n_dialogues=320)
    assert estimate(store, "00_world", shipped, n_dialogues=12_000) == Estimate(300.0, 9, "shipped")
    assert estimate(store, "00_world", shipped, n_dialogues=400).source == "this store"
    finished(store, "00_world", 200.0, n_dialogues=12_000)
    assert estimate(store, "00_world", shipped, n_dialogues=12_000) == Estimate(200.0, 1000, "this store")


def test_a_manifest_that_says_too_little_or_is_damaged_measures_nothing(store):
    finished(store, "00_world", 10.0)
    finished(store, "00_world", None)
    (store.root / "jobs" / "00_world-0000000000000001" / "manifest.json").write_text('{"format": 1')
    assert estimate(store, "00_world").seconds == 10.0


def test_a_job_of_parameters_that_its_stage_no_longer_has_still_counts(store):
    finished(store, "06_accuracy_vs_policy", 30.0, 10, n_budget=4)
    assert estimate(store, "06_accuracy_vs_policy", **POLICIES) == Estimate(30.0, 10, "this store")


values = some.one_of(some.integers(-3, 50), some.sampled_from(["a", "b", None, True]), some.lists(some.integers(1, 9)))
settings = some.dictionaries(some.sampled_from("pqr"), values)


@given(settings, settings)
def test_distance_is_symmetric_and_nothing_to_oneself(one, two):
    assert distance(one, two) == distance(two, one)
    assert distance(one, {**one, "seed": 5}) == (0, 0.0)


@given(some.lists(settings, min_size=1, max_size=8), settings)
def test_the_nearest_are_those_of_the_least_distance(measured, wanted):
    found = [Measured("00_world", {**parameters, "seed": n}, 1.0, 1) for n, parameters in enumerate(measured)]
    apart = [distance(one.parameters, wanted) for one in found]
    nearest = {one.parameters["seed"] for one in Nearest(found).to(wanted)}
    assert nearest == {n for n, far in enumerate(apart) if far == min(apart)}


@pytest.mark.parametrize("seeds", [1, 50], ids=["all differ", "most differ in their seeds alone"])
def test_thousands_of_jobs_beside_thousands_of_stored_ones_take_seconds(store, monkeypatch, seeds):
    """Any step that looks at all stored jobs for each pair of jobs would take hours."""
    stored = [
        Measured("01_sft", {"seed": seed, "n": 10 + n, "task": f"task {n % 7}"}, 5.0 + n % 3, 1)
        for n in range(3000 // seeds)
        for seed in range(seeds)
    ]
    monkeypatch.setattr("rmkit.study.store.estimate.measured_in", lambda store: stored)
    jobs = [
        PlannedJob("01_sft", {**one.parameters, "n": one.parameters["n"] + 0.25}, {}, {}, f"plan id {number}")
        for number, one in enumerate(stored)
    ]
    before = time.process_time()
    told = seconds_and_bytes(store, jobs, shipped=None)
    assert time.process_time() - before < 10
    assert [told[job.plan_id].seconds for job in jobs] == [one.seconds for one in stored]


def test_the_shipped_measurements_are_of_the_stages_that_there_are():
    project, shipped = find_project(), json.loads(SHIPPED.read_text())
    assert shipped_machine()
    assert {job["stage"] for job in shipped["jobs"]} == set(STAGES)
    for job in shipped["jobs"]:
        names = declared(read_notebook(project.notebook(job["stage"]))).keys() - {STUDY, "seed", "world_seed"}
        assert job["parameters"].keys() <= names, f"{job['stage']}: run benchmarks/measured_jobs.py again"
        assert job["seconds"] > 0
        assert job["bytes"] > 0


@dataclass(frozen=True)
class Job:
    plan_id: str
    threads: int
    needs: tuple[str, ...]


@some.composite
def graphs(draw):
    """A few jobs, each needing some of those before it, with whole seconds."""
    names = [f"job{number}" for number in range(draw(some.integers(0, 6)))]
    jobs, seconds = [], {}
    for position, name in enumerate(names):
        needs = draw(some.lists(some.sampled_from(names[:position]), unique=True)) if position else []
        jobs.append(Job(name, draw(some.integers(1, 3)), tuple(needs)))
        seconds[name] = float(draw(some.integers(1, 5)))
    return jobs, seconds


def second_by_second(jobs, seconds, threads, done=(), running=()):
    """The same schedule, walked in steps of one second."""
    left = {job.plan_id: seconds[job.plan_id] for job in jobs if job.plan_id not in done}
    at_work = {plan_id: job for job in jobs if (plan_id := job.plan_id) in running}
    left |= {plan_id: max(0.0, seconds[plan_id] - running[plan_id]) for plan_id in at_work}
    clock = 0
    while True:
        for plan_id in [plan_id for plan_id in at_work if left[plan_id] <= 0]:
            del left[plan_id], at_work[plan_id]
        for job in jobs:
            waits = job.plan_id in left and job.plan_id not in at_work and not set(job.needs) & left.keys()
            if waits and (not at_work or sum(other.threads for other in at_work.values()) + job.threads <= threads):
                at_work[job.plan_id] = job
        if not left:
            return float(clock)
        clock += 1
        for plan_id in at_work:
            left[plan_id] -= 1


@given(graphs(), some.integers(1, 4))
def test_the_wall_time_is_that_of_the_schedule_walked_by_the_clock(graph, threads):
    jobs, seconds = graph
    assert seconds_left(jobs, seconds, threads=threads) == second_by_second(jobs, seconds, threads)


@given(graphs(), some.integers(1, 4), some.data())
def test_what_has_ended_costs_nothing_and_what_runs_only_its_rest(graph, threads, data):
    jobs, seconds = graph
    done = {job.plan_id for job in jobs[: data.draw(some.integers(0, len(jobs)))]}
    ready = [job.plan_id for job in jobs if job.plan_id not in done and set(job.needs) <= done]
    running = {plan_id: data.draw(some.integers(0, 7)) for plan_id in ready[:2]}
    left = seconds_left(jobs, seconds, threads=threads, done=done, running=running)
    assert left == second_by_second(jobs, seconds, threads, done, running)


@given(graphs())
def test_with_threads_for_all_it_is_the_longest_path_and_on_one_the_sum(graph):
    jobs, seconds = graph
    ends: dict[str, float] = {}
    for job in jobs:
        ends[job.plan_id] = seconds[job.plan_id] + max((ends[need] for need in job.needs), default=0.0)
    assert seconds_left(jobs, seconds, threads=18) == max(ends.values(), default=0.0)
    assert math.isclose(seconds_left(jobs, seconds, threads=1), sum(seconds.values()))


def test_one_unknown_job_leaves_the_wall_time_unknown_until_it_has_ended():
    jobs = [Job("one", 1, ()), Job("two", 1, ("one",))]
    assert seconds_left(jobs, {"one": None, "two": 3.0}, threads=2) is None
    assert seconds_left(jobs, {"two": 3.0}, threads=2) is None
    assert seconds_left(jobs, {"one": None, "two": 3.0}, threads=2, done={"one"}) == 3.0


def test_what_is_needed_and_not_among_the_jobs_counts_as_done():
    assert seconds_left([Job("two", 1, ("one",))], {"two": 3.0}, threads=2) == 3.0


def test_the_schedule_of_thousands_of_jobs_is_no_burden():
    """A bar asks for it again and again; a walk over all jobs at each end would take a minute."""
    jobs = [Job(f"job{n}", 1, (f"job{n - 50}",) if n >= 50 else ()) for n in range(12_000)]
    before = time.process_time()
    assert seconds_left(jobs, {job.plan_id: 2.0 for job in jobs}, threads=4) == 2.0 * 12_000 / 4
    assert time.process_time() - before < 5


def test_a_job_that_ran_for_as_long_as_expected_holds_no_threads():
    jobs = [Job("old", 1, ()), Job("large", 2, ()), Job("small", 1, ()), Job("after", 1, ("large",))]
    seconds = {"old": 1.0, "large": 3.0, "small": 1.0, "after": 1.0}
    assert seconds_left(jobs, seconds, threads=2, running={"old": 5.0}) == 4.0  # large, then both others


def test_jobs_that_wait_for_each_other_are_named():
    with pytest.raises(ValueError, match="jobs wait for each other: one, two"):
        seconds_left([Job("one", 1, ("two",)), Job("two", 1, ("one",))], {"one": 1.0, "two": 1.0}, threads=2)
