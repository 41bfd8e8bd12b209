"""What is seen of a run from its record: states, failures, progress, and the time that is left."""

from dataclasses import replace

import pytest

from rmkit.study.monitoring.snapshot import snapshot
from rmkit.study.monitoring.terminal import picture
from tests.study.monitoring.recorded_runs import FIRST, SECOND, record

pytestmark = pytest.mark.usefixtures("no_fits")


def test_what_is_left_is_told_only_where_every_job_s_time_is_known(store, monkeypatch):
    from rmkit.study.store import estimate

    known = {"00_world-aa": 10.0, "04_reward_models-bb": 100.0}
    expected = {plan_id: estimate.Estimate(seconds, None, "shipped") for plan_id, seconds in known.items()}
    monkeypatch.setattr(estimate, "seconds_and_bytes", lambda *_: expected)
    with record(store) as written:
        assert snapshot(store, written.run).seconds_left == pytest.approx(110)  # one needs the other
        written("done", FIRST, "")
        written("started", SECOND, "")
        assert snapshot(store, written.run).seconds_left == pytest.approx(100, abs=1)
        unknown = replace(written.run, jobs=tuple(replace(job, seconds=None) for job in written.run.jobs))
        assert snapshot(store, unknown).seconds_left is None
        late = replace(written.run, jobs=tuple(replace(job, seconds=0.0) for job in written.run.jobs))
        assert snapshot(store, late).seconds_left is None  # it takes longer than was expected: nobody knows
    assert snapshot(store, written.run).seconds_left is None


def test_every_job_is_in_one_state(store):
    with record(store) as written:
        for event, job, counts in [
            (None, None, (0, 0, 0, 0, 2)),
            ("started", FIRST, (0, 1, 0, 0, 1)),
            ("watching", FIRST, (0, 1, 0, 0, 1)),  # another run executes it
            ("failed", FIRST, (0, 0, 1, 0, 1)),
            ("warning", SECOND, (0, 0, 1, 0, 1)),
            ("blocked", SECOND, (0, 0, 1, 1, 0)),
            ("found", FIRST, (1, 0, 0, 1, 0)),
            ("skipped", SECOND, (1, 0, 0, 0, 1)),
            ("an event of a later version", SECOND, (1, 0, 0, 0, 1)),
        ]:
            if event:
                written(event, job, "")
            shot = snapshot(store, written.run)
            assert tuple(map(shot.count, ("done", "running", "failed", "held up", "waiting"))) == counts
            assert sum(counts) == shot.count("jobs") == 2


def test_a_failure_has_its_sentence_and_its_notebook(store):
    notebook = store.root / "failed/00_world-aa/notebook.ipynb"
    notebook.parent.mkdir()
    notebook.write_text("{}")
    with record(store) as written:
        written("failed", FIRST, f"00_world seed=0: cell 3: it broke; notebook kept: {notebook}")
        written("failed", SECOND, "its process was killed")
        one, two = snapshot(store, written.run).failed
    assert (one.sentence, one.notebook) == ("00_world seed=0: cell 3: it broke", notebook)
    assert (two.sentence, two.notebook) == ("its process was killed", None)


@pytest.mark.parametrize(
    "progress",
    ["", "[]", '{"what": "x"}', '{"what": "x", "done": "many", "total": 3}', '{"what": "x", "done": 1'],
)
def test_odd_progress_is_none(store, progress):
    folder = store.root / "locks/00_world-aa"
    folder.mkdir()
    (folder / "progress.json").write_text(progress)
    with record(store) as written:
        written("started", FIRST, "")
        (busy,) = snapshot(store, written.run).busy
        assert (busy.done, busy.total) == (0, 0)
        (folder / "progress.json").write_text('{"what": "fitting", "done": 3, "total": 10}')
        assert "fitting 3/10" in "\n".join(picture(snapshot(store, written.run)))
