"""What is seen of a run from its record and the store: states, failures, progress, and the time that is left."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmkit.study.engines.worker import keep_failure_note
from rmkit.study.monitoring import run_record
from rmkit.study.monitoring import snapshot as snapshots
from rmkit.study.monitoring.run_record import RunJob
from rmkit.study.monitoring.snapshot import STATES, FollowedStudy, snapshot, study_snapshot, wall_seconds
from rmkit.study.monitoring.terminal import picture
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store import locks
from rmkit.study.store.estimate import Cost
from tests.study.monitoring.recorded_runs import FIRST, SECOND, record

no_fits = pytest.mark.usefixtures("no_fits")


def finish(store, job):
    """Put a finished job into a store, as far as states are asked for."""
    key = store.key_of(job)
    store.folder(key).mkdir()
    (store.folder(key) / "manifest.json").write_text("{}", encoding="utf-8")
    store.note(job, key)


def executed(store, job):
    """A job is executed in this process while this is open."""
    return locks.held(store, locks.Owner("an execution", job.plan_id))


@no_fits
def test_what_is_left_is_told_only_where_every_job_s_time_is_known(store, monkeypatch):
    expected = {FIRST.plan_id: Cost(10.0, None), SECOND.plan_id: Cost(100.0, None)}
    monkeypatch.setattr(run_record, "costs", lambda *_: expected)
    with record(store) as written:
        assert snapshot(store, written.run).seconds_left == pytest.approx(110)  # one needs the other
        finish(store, FIRST)
        with executed(store, SECOND):
            assert snapshot(store, written.run).seconds_left == pytest.approx(100, abs=1)
        unknown = replace(written.run, jobs=tuple(replace(job, seconds=None) for job in written.run.jobs))
        assert snapshot(store, unknown).seconds_left is None
        late = replace(written.run, jobs=tuple(replace(job, seconds=0.0) for job in written.run.jobs))
        assert snapshot(store, late).seconds_left is None  # it takes longer than was expected: nobody knows
        keep_failure_note(store, SECOND.plan_id, "it broke")
        assert snapshot(store, written.run).seconds_left is None  # nothing is left that runs
    assert snapshot(store, written.run).seconds_left is None


@no_fits
def test_every_job_is_in_one_state_and_a_study_at_rest_shows_the_same_as_its_run(store):
    def counts(shot):
        assert shot.count() == 2
        return tuple(map(shot.count, STATES))

    def seen():
        shots = (
            snapshot(store, written.run),
            study_snapshot(store, Study(Path("params/mine.yaml"), "mine"), [FIRST, SECOND]),
        )
        assert counts(shots[0]) == counts(shots[1])
        return counts(shots[0])

    with record(store) as written:
        assert seen() == (0, 0, 0, 0, 2)
        with executed(store, FIRST):
            assert seen() == (0, 1, 0, 0, 1)
        keep_failure_note(store, FIRST.plan_id, "it broke")
        assert seen() == (0, 0, 1, 1, 0)
        finish(store, FIRST)
        assert seen() == (1, 0, 0, 0, 1)


@no_fits
def test_what_failed_before_a_run_began_is_no_failure_of_it(store):
    keep_failure_note(store, FIRST.plan_id, "it broke")
    time.sleep(0.01)
    with record(store) as written:
        assert snapshot(store, written.run).count("failed", "held up") == 0
        keep_failure_note(store, FIRST.plan_id, "it broke again")
        assert [failure.sentence for failure in snapshot(store, written.run).failed] == ["it broke again"]


@no_fits
def test_a_job_that_another_run_executes_says_so(store):
    with record(store) as written, executed(store, FIRST):
        written("watching", FIRST, "")
        assert snapshot(store, written.run).busy[0].by.startswith("process ")
        written("started", FIRST, "")
        assert snapshot(store, written.run).busy[0].by == ""


@no_fits
def test_a_failure_has_its_sentence_and_its_notebook(store):
    with record(store) as written:
        notebook = store.root / "failed/00_grammar_world-aa/notebook.ipynb"
        sentence = "00_grammar_world seed=0: cell 3: it broke"
        keep_failure_note(store, FIRST.plan_id, f"{sentence}; notebook kept: {notebook}")
        notebook.write_text("{}", encoding="utf-8")
        keep_failure_note(store, SECOND.plan_id, "its process was killed")
        one, two = snapshot(store, written.run).failed
    assert (one.sentence, one.notebook) == (sentence, notebook)
    assert (two.sentence, two.notebook) == ("its process was killed", None)


@no_fits
@pytest.mark.parametrize(
    "progress",
    ["", "[]", "3", '{"what": "x"}', '{"what": "x", "done": "many", "total": 3}', '{"what": "x", "done": 1'],
)
def test_odd_progress_is_none(store, progress):
    file = store.root / "locks" / FIRST.plan_id / "progress.json"
    with record(store) as written, executed(store, FIRST):
        file.write_text(progress, encoding="utf-8")
        (busy,) = snapshot(store, written.run).busy
        assert (busy.done, busy.total) == (0, 0)
        file.write_text(json.dumps({"what": "fitting", "done": 3, "total": 10}), encoding="utf-8")
        assert "running  00_grammar_world seed=0: fitting 3/10" in "\n".join(picture(snapshot(store, written.run)))


@some.composite
def graphs(draw):
    """A few jobs, each needing some of those before it, with whole seconds."""
    names = [f"job{number}" for number in range(draw(some.integers(0, 6)))]
    jobs, seconds = [], {}
    for position, name in enumerate(names):
        needs = draw(some.lists(some.sampled_from(names[:position]), unique=True)) if position else []
        jobs.append(RunJob(name, "stage", name, 1, 0, tuple(needs)))
        seconds[name] = float(draw(some.integers(0, 5)))
    return jobs, seconds


def second_by_second(jobs, seconds, threads):
    """The wall time of the jobs as a run starts them, walked in steps of one second."""
    left, at_work, clock = dict(seconds), set(), 0
    while True:
        for name in [name for name in at_work if left[name] <= 0]:
            at_work.remove(name)
            del left[name]
        for job in jobs:
            waits = job.plan_id in left and job.plan_id not in at_work and not set(job.needs) & left.keys()
            if waits and left[job.plan_id] == 0:
                del left[job.plan_id]
            elif waits and len(at_work) < threads:
                at_work.add(job.plan_id)
        if not left:
            return float(clock)
        clock += 1
        for name in at_work:
            left[name] -= 1


@given(graphs(), some.integers(1, 4))
def test_the_wall_time_is_a_lower_bound_no_run_takes_twice_as_long_and_on_one_thread_it_is_exact(graph, threads):
    """Graham 1966: whatever the order, a list schedule takes less than twice the best one."""
    jobs, seconds = graph
    bound, walked = wall_seconds(jobs, seconds, threads), second_by_second(jobs, seconds, threads)
    assert bound <= walked <= 2 * bound
    if threads == 1:
        assert walked == bound


def test_of_a_job_of_many_threads_no_more_count_than_there_are():
    jobs = [RunJob("one", "stage", "one", 4, 0, ()), RunJob("two", "stage", "two", 1, 0, ("not among them",))]
    assert wall_seconds(jobs, {"one": 3.0, "two": 1.0}, 2) == 3.5
    assert wall_seconds(jobs, {"one": 3.0}, 2) is None


@pytest.fixture
def followed(small, monkeypatch):
    """The small project's study, planned with a package and data of its own."""
    monkeypatch.chdir(small.root)
    monkeypatch.setattr(Project, "package", property(lambda project: project.root / "rmkit"))
    planned = []
    monkeypatch.setattr(snapshots, "load_study", lambda path, shown: "a study")
    monkeypatch.setattr(snapshots, "make_plan", lambda project, study: planned.append(study) or ["a job"])
    monkeypatch.setattr(snapshots, "data_files", lambda job: [("data/numbers.json", ""), ("data/model", "")])
    monkeypatch.setattr(snapshots, "study_snapshot", lambda *_: len(planned))
    (small.root / "data/model").mkdir()
    (small.root / "data/model/config.json").write_text("{}", encoding="utf-8")
    return FollowedStudy("small")


@pytest.mark.parametrize(
    "path", ["params/small.yaml", "notebooks/01_sums.ipynb", "rmkit/powers.py", "data/numbers.json", "data/model/config.json"]
)  # fmt: skip
def test_what_a_plan_hangs_on_is_noticed(followed, path):
    assert [followed.look()[0] for _ in range(3)] == [1, 1, 1]
    os.utime(followed.project.root / path, (1, 1))
    assert [followed.look()[0] for _ in range(3)] == [2, 2, 2]
    (followed.project.root / path).unlink()
    assert [followed.look()[0] for _ in range(3)] == [3, 3, 3]


def test_a_new_module_and_what_the_store_does_are_noticed(followed):
    assert followed.look()[0] == 1
    (followed.project.root / "rmkit/figures/new.py").write_text("", encoding="utf-8")
    assert followed.look()[0] == 2
    (followed.store.root / "jobs").mkdir(parents=True)
    assert [followed.look()[0] for _ in range(3)] == [3, 3, 3]
