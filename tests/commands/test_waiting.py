"""`rmkit status` says why jobs wait, a line a stage, and where the report lies."""

import os
import shutil

import pytest

from tests.study.monitoring.recorded_runs import wait_for


def waiting(project, *arguments, **environment):
    ended = project.rmkit("status", "small", *arguments, **environment)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    return [line.removeprefix("  waiting  ") for line in lines if line.startswith("  waiting  ")]


def test_where_nothing_was_run_one_line_says_so(small):
    assert waiting(small) == ["all 3 jobs: never run"]


def test_what_is_finished_does_not_wait(finished):
    assert waiting(finished) == []


def test_changed_code_is_named(finished):
    finished.edit("rmkit/powers.py", "value**exponent", "value ** exponent + 0")
    assert waiting(finished) == ["01_sums: 2 jobs: module rmkit.powers changed since the nearest finished job"]


def test_a_changed_parameter_is_named_with_its_values(finished):
    assert waiting(finished, "--set", "sleep=0.5") == [
        "01_sums: 2 jobs: parameter sleep: 0.0 → 0.5 since the nearest finished job"
    ]


def test_a_new_seed_is_told_as_one(finished):
    assert waiting(finished, "--set", "seed=[1, 7]") == ["01_sums: 1 job: a seed that was never run"]
    assert waiting(finished, "--set", "seed=[1, 7]", "--set", "sleep=0.5") == [
        "01_sums: 2 jobs: parameter sleep changed since the nearest finished job, a seed that was never run"
    ]


def test_upstream_that_is_not_there_is_waited_for(finished):
    (finished.root / "data/numbers.json").write_text("[5]", encoding="utf-8")
    assert waiting(finished) == [
        "00_numbers: 1 job: data file data/numbers.json changed since the nearest finished job",
        "01_sums: 2 jobs: waits for 00_numbers",
    ]


def test_a_stage_that_was_never_run_says_so_beside_others_that_were(finished):
    finished.study(axes={"seed": [0, 1]}, stages={"00_numbers": None, "01_sums": None, "02_parts": None})
    assert waiting(finished) == ["02_parts: 1 job: never run"]


def test_what_failed_is_not_said_to_wait(small):
    small.edit("notebooks/01_sums.ipynb", "GRANDCHILD = None", "assert seed == 0, 'a bug'")
    assert small.run().returncode == 1
    assert waiting(small) == []


def test_the_report_is_named_with_whether_it_is_current(finished):
    def said():
        return finished.rmkit("status", "small").stdout.splitlines()[-1]

    assert said() == "report: none yet; `rmkit report params/small.yaml` makes it"
    assert finished.rmkit("report", "small").returncode == 0
    assert said() == "report: runs/reports/small.html, up to date"
    finished.study(title="Other", axes={"seed": [0, 1]}, stages={"00_numbers": None, "01_sums": None})
    assert said() == "report: runs/reports/small.html, out of date; `rmkit report params/small.yaml` makes it again"


def test_a_damaged_job_ends_neither_the_reasons_nor_the_report_line(finished):
    assert finished.rmkit("report", "small").returncode == 0
    (manifest,) = (finished.root / "runs/jobs").glob("00_numbers-*/manifest.json")
    manifest.write_text("0", encoding="utf-8")
    ended = finished.rmkit("status", "small")
    assert ended.returncode == 0, ended.stderr
    assert "report: runs/reports/small.html, out of date; " in ended.stdout
    assert "01_sums: 2 jobs: what it needs is damaged in the store" in ended.stdout


def test_the_run_of_a_trial_does_not_stand_for_the_study(finished):
    runner = finished.start("run", "small", "--set", "sleep=60", "--no-report")
    trial = f"params/small.yaml --set sleep=60: process {runner.pid} has been running it since"
    said = wait_for(
        lambda: trial in (said := finished.rmkit("status", "small").stdout) and said, "the run of the trial"
    )
    assert "params/small.yaml: all done; 3 of 3 jobs done" in said
    own = finished.rmkit("status", "small", "--set", "sleep=60").stdout
    assert trial in own
    assert "params/small.yaml: all done" not in own
    runner.terminate()
    runner.communicate(timeout=60)
    assert runner.returncode == 130


def test_jobs_of_another_version_are_not_called_never_run(finished):
    finished.edit("rmkit/study/planning/keys.py", "FORMAT = 1", "FORMAT = 2")
    said = "never run by this version; 3 finished jobs of another version are there, which it cannot read"
    assert waiting(finished) == [f"all 3 jobs: {said}"]


@pytest.mark.parametrize("real", [False, True], ids=["told", "forbidden"])
@pytest.mark.parametrize("of", ["00 manifest.json", "01 rows.parquet"])
def test_what_may_not_be_read_is_no_damage(of, real, finished):
    """A job whose files belong to somebody else is not made again: one line says what may not be read."""
    if real and os.geteuid() == 0:
        pytest.skip("root may read everything")
    jobs, (stage, file) = finished.root / "runs/jobs", of.split()
    path = next(path for path in sorted(jobs.iterdir()) if path.name.startswith(stage)) / file
    shutil.rmtree(finished.root / "runs/verified")
    if real:
        path.chmod(0)
    else:
        refusal = f"if str(path) == {str(path)!r}: raise PermissionError(13, 'Permission denied', str(path))"
        start = "    require_regular(path)  # a device may act when it is opened\n"
        finished.edit("rmkit/files/regular.py", start, f"    {refusal}\n{start}")
    before = sorted(place.name for place in jobs.iterdir())
    commands = [["run", "small", "--no-report"]]
    commands += [["results", "01", "small"]] * (real or stage == "00")  # pyarrow opens rows itself
    commands += [["status", "small"]] * (stage == "00")
    for command in commands:
        ended = finished.rmkit(*command)
        said = f"{path}: cannot be read (Permission denied); make it readable for this user and run again\n"
        assert (ended.returncode, ended.stderr) == (2, said), command
    assert sorted(place.name for place in jobs.iterdir()) == before
