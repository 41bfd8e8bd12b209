"""A dry run says what a run would do and cost, and does none of it."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from rmkit.commands import dry_run
from rmkit.commands.dry_run import aligned, explain
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.estimate import Cost
from rmkit.study.store.store import Store
from tests.study.gathering import TWO_SEEDS


def dry(project, *arguments):
    ended = project.rmkit("run", "small", "--dry-run", *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def table(said) -> dict[str, list[str]]:
    """The table's rows: jobs, there, to run, fits, time, disk, each by its stage."""
    rows = [re.split(r"  +", line) for line in said.splitlines()]
    return {row[0]: row[1:] for row in rows if len(row) == 7}


def test_of_an_empty_store_nothing_is_there_nothing_measured_and_nothing_made(small):
    said = dry(small)
    assert table(said)["01_sums"] == ["2", "0", "2", "4", "no estimate", "no estimate"]
    assert table(said)["all"] == ["3", "0", "3", "4", "no estimate", "no estimate"]
    assert "wall time on" in said
    assert ": no estimate" in said
    assert "no estimate of 00_numbers: no such job was ever measured" in said
    assert "no estimate of 01_sums: no such job was ever measured" in said
    assert "Fewer jobs may run: if a job makes the same result as before, the jobs that need it are there." in said
    assert not (small.root / "runs").exists()


def test_of_a_finished_study_nothing_is_left(finished):
    said = dry(finished)
    assert table(said)["all"] == ["3", "3", "0", "0", "-", "-"]
    assert "estimate" not in said


def test_another_seed_takes_as_long_as_those_before(finished):
    manifests = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (finished.root / "runs/jobs").glob("01_sums-*/manifest.json")
    ]
    low, high = sorted(manifest["seconds"] for manifest in manifests)
    before = sorted(path for path in (finished.root / "runs").rglob("*"))
    finished.edit("params/small.yaml", "[0, 1]", "[0, 1, 2, 3]")
    said = dry(finished, "--workers", "1")
    jobs, there, to_run, fits, seconds, size = table(said)["01_sums"]
    assert (jobs, there, to_run, fits) == ("4", "2", "2", "4")
    assert re.fullmatch(r"\d+ s", seconds)
    assert 2 * low - 1 <= float(seconds.split()[0]) <= 2 * high + 1
    assert size.endswith("kB")
    assert "of jobs finished here, else of shipped measurements (" in said
    assert "wall time on 1 thread: " in said
    assert sorted(path for path in (finished.root / "runs").rglob("*")) == before


def test_a_stage_that_was_never_measured_makes_the_sum_a_lower_bound(finished):
    finished.study("parts", stages={"00_numbers": {}, "01_sums": {"seed": 5}, "02_parts": {}})
    ended = finished.rmkit("run", "parts", "--dry-run")
    assert table(ended.stdout)["02_parts"][-2:] == ["no estimate", "no estimate"]
    assert re.fullmatch(r"over \d+ s", table(ended.stdout)["all"][-2])
    assert "no estimate of 02_parts: no such job was ever measured" in ended.stdout


def test_it_takes_the_selection_and_the_values_of_a_run(finished):
    assert table(dry(finished, "--set", "powers=[1,2,3,4]", "--select", "seed=1"))["01_sums"][:4] == [
        "1",
        "0",
        "1",
        "4",
    ]
    assert table(dry(finished, "--only", "00_numbers")).keys() == {"stage", "00_numbers", "all"}
    ended = finished.rmkit("run", "small", "--dry-run", "--select", "sed=1")
    assert ended.returncode == 2
    assert "the nearest are seed, " in ended.stderr


def test_data_files_are_checked(finished):
    (finished.root / "data/numbers.json").unlink()
    ended = finished.rmkit("run", "small", "--dry-run")
    assert ended.returncode == 2
    assert ended.stderr.startswith("data/numbers.json: No such file")


@pytest.mark.parametrize(("free", "warned"), [(10_000, False), (400, True)])
def test_a_disk_too_small_is_warned_of(tmp_path, monkeypatch, free, warned):
    costs = {"one": Cost(2.0, 300), "two": Cost(3.0, 200)}
    jobs = [PlannedJob("00_grammar_world", {}, {}, {}, name) for name in costs]
    monkeypatch.setattr(dry_run, "costs", lambda *_: costs)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    lines = list(dry_run.forecast("one", jobs, Store(tmp_path / "not/there/yet"), threads=1))
    assert any(line.startswith("warning: the jobs are expected to need") for line in lines) == warned


def test_what_was_never_measured_with_such_a_head_is_a_lower_bound(tmp_path, monkeypatch):
    costs = {"one": Cost(60.0, 300, ("full_batch", "mlp_bt")), "two": Cost(60.0, 200)}
    jobs = [PlannedJob("00_grammar_world", {}, {}, {}, name) for name in costs]
    monkeypatch.setattr(dry_run, "costs", lambda *_: costs)
    lines = list(dry_run.forecast("one", jobs, Store(tmp_path / "not/there/yet"), threads=1))
    assert table("\n".join(lines))["all"][-2].startswith("over ")
    assert any(line.startswith("wall time on 1 thread: at least about ") for line in lines)
    assert (
        "00_grammar_world with full_batch, mlp_bt: no such job was ever measured; by others, and it may take longer"
        in lines
    )


def test_a_table_is_aligned():
    lines = list(aligned([("stage", "n"), ("a long name", "1000"), ("b", "7")]))
    assert lines == ["stage           n", "a long name  1000", "b               7"]
    assert len({len(line) for line in lines}) == 1


def test_a_dry_run_of_a_real_study_promises_nothing_of_a_model_that_was_never_measured(tmp_path):
    from tests.checkout import checkout, environment

    def said(*arguments):
        command = [sys.executable, "-m", "rmkit.cli", "run", "smoke", "--dry-run", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=True
        ).stdout

    folder = checkout(tmp_path / "project")
    assert "no estimate" not in said()
    gemma = said("--set", "base_model=google/gemma-2b")
    assert "no estimate of 01_sft with google/gemma-2b: no such job was ever measured" in gemma
    assert table(gemma)["02_sampling"][-2:] == ["no estimate", "no estimate"]
    assert "threads: no estimate" in gemma.replace("thread:", "threads:")
    assert not (folder / "runs").exists()


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
