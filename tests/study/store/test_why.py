"""Why a job runs again: the ingredients that changed, by their names."""

import pytest

from rmkit.study.store.why import explain
from tests.study.gathering import TWO_SEEDS


def test_why_names_the_ingredient_that_changed(finished):
    finished.edit("rmkit/powers.py", "value**exponent", "value*exponent")
    finished.edit("params/small.yaml", '"01_sums": null', '"01_sums": {"powers": [1, 3]}')
    said = finished.rmkit("why", "01_sums", "--study", "small").stdout
    assert "module rmkit.powers: changed" in said
    assert "parameter powers: [1.0,2.0] → [1.0,3.0]" in said
    assert "rmkit.adding" not in said
    assert "seed" not in "".join(line for line in said.splitlines() if line.startswith("  "))


@pytest.mark.xdist_group("gathering")
def test_why_names_the_gathered_jobs_that_changed(stored):
    stored.finish(stored.findings())
    stored.finish(stored.plan()[3], value=9.0, again=True)
    assert explain(stored.store, stored.findings())[1:] == ["results of 02_gaps seed=0: changed"]
    (stored.store.folder(stored.store.key_of(stored.plan()[2])) / "manifest.json").unlink()
    assert explain(stored.store, stored.findings())[1:] == [
        "results of 01_sums seed=1: not built yet", "results of 02_gaps seed=0: changed",
    ]  # fmt: skip


@pytest.mark.xdist_group("gathering")
def test_why_names_a_gathered_job_by_all_that_tells_it_apart(stored):
    jobs = stored.plan(TWO_SEEDS.replace("[0, 1]", "[0, 1], power: [1, 2]"))
    for job in jobs:
        stored.finish(job)
    (changed,) = [job for job in jobs if job.parameters == {"seed": 1, "power": 2}]
    stored.finish(changed, value=9.0, again=True)
    assert explain(stored.store, jobs[-1])[1:] == ["results of 01_sums power=2 seed=1: changed"]
