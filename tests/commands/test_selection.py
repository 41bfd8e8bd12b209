"""--retry-failed runs what failed last time, what that needs and what it held up, and nothing else."""

import pytest

from rmkit.commands.selection import left_out, selected, stage_named
from rmkit.errors import ParamsError
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project, find_project, study_path

SECOND = "notebooks/01_sums.ipynb"


@pytest.fixture
def failing(small):
    """A project of which one of two sums fails where RMKIT_TEST_BROKEN is set; the parts need both numbers and no sum."""
    small.edit(SECOND, "GRANDCHILD = None", "import os\\n\\nassert seed == 0 or 'RMKIT_TEST_BROKEN' not in os.environ")
    return small


def again(project, *arguments, **environment):
    return project.rmkit("run", "small", "--no-report", "--retry-failed", *arguments, **environment)


def test_where_nothing_failed_it_says_so_and_runs_nothing(small):
    ended = again(small)
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1] == "small: none of the jobs that are asked for failed last time"
    assert small.executions() == []


@pytest.mark.slow
def test_only_what_failed_runs_again(failing):
    assert failing.run(RMKIT_TEST_BROKEN="1").returncode == 1
    failing.edit("params/small.yaml", "[0, 1]", "[0, 1, 2]")  # a job that did not fail: it was never asked for
    assert "small: 2 jobs, 1 to run" in again(failing, "--dry-run").stdout
    assert again(failing, "--select", "seed=0").stdout.splitlines()[-1].endswith("failed last time")
    assert failing.executed(again) == ["01_sums"]
    assert failing.executed(again) == []
    assert failing.executed() == ["01_sums"]


@pytest.mark.slow
def test_what_fails_again_can_be_tried_again(failing):
    assert failing.run(RMKIT_TEST_BROKEN="1").returncode == 1
    ended = again(failing, RMKIT_TEST_BROKEN="1")
    assert ended.returncode == 1
    assert "seed=1" in ended.stderr
    assert failing.executed(again) == ["01_sums"]


def test_what_a_failure_held_up_comes_along(small):
    small.edit(
        "rmkit/numbers.py",
        "def save(self, folder):",
        "def save(self, folder):\n        import os; assert 'RMKIT_TEST_BROKEN' not in os.environ",
    )
    ended = small.run(RMKIT_TEST_BROKEN="1")
    assert ended.stdout.count("NOT RUN:") == 2
    ended = again(small, "--only", "01_sums", "--select", "seed=0", "--dry-run")
    assert "small: 2 jobs, 2 to run" in ended.stdout
    assert small.executed(again) == ["00_numbers", "01_sums", "01_sums"]


@pytest.mark.slow
def test_what_was_mended_since_it_failed_runs_again_and_no_other_job_of_its_stage(small):
    """Mended code is another plan id, so the note of the failure names no planned job any more."""
    small.edit(SECOND, "GRANDCHILD = None", "assert seed == 0, 'a bug'")
    assert small.run().returncode == 1
    small.edit(SECOND, "assert seed == 0, 'a bug'", "GRANDCHILD = None")
    small.edit("params/small.yaml", "[0, 1]", "[0, 1, 2]")
    assert "small: 2 jobs, 1 to run" in again(small, "--dry-run").stdout
    trial = again(small, "--set", "powers=[3]")
    assert trial.stdout.splitlines()[-1].endswith("failed last time")  # a trial is another study
    ended = again(small)
    assert ended.returncode == 0, ended.stderr
    assert "01_sums seed=1 done in" in ended.stdout
    small.edit(SECOND, "GRANDCHILD = None", "GRANDCHILD = 1")  # it did not fail the last time
    assert again(small).stdout.splitlines()[-1].endswith("failed last time")


def test_what_a_failure_held_up_comes_along_when_it_was_mended(small):
    small.edit("notebooks/00_numbers.ipynb", "import json", "import json; json.absent")
    assert small.run().stdout.count("NOT RUN:") == 2
    small.edit("notebooks/00_numbers.ipynb", "import json; json.absent", "import json")
    assert small.executed(again) == ["00_numbers", "01_sums", "01_sums"]


def test_an_unknown_job_is_named_whatever_else_is_asked_for():
    jobs = [PlannedJob("00_grammar_world", {"seed": seed}, {}, {}, f"00_grammar_world-0{seed}") for seed in range(3)]
    for asked in (["00_grammar_world-0x"], ["00_grammar_world-01", "00_grammar_world-0x"]):
        with pytest.raises(
            ParamsError,
            match=r"^--job 00_grammar_world-0x: no job of .* 3 jobs stand; did you mean '00_grammar_world-0",
        ):
            selected(find_project(), jobs, plan_ids=asked)
    assert selected(find_project(), jobs, plan_ids=["00_grammar_world-02", "00_grammar_world-00"]) == [jobs[0], jobs[2]]


STAGES = ["00_grammar_world", "00_human_preferences", "01_sft", "04_reward_models", "10_validation_split"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [("04", 3), ("4", 3), ("1", 2), ("10", 4), ("04_rew", 3), ("00_h", 1), ("04_reward_models", 3)],
)
def test_a_stage_is_named_by_its_number_or_a_beginning(given, meant):
    assert stage_named(given, STAGES, "--only") == STAGES[meant]


@pytest.mark.parametrize("given", ["00", "0", "00_"])
def test_a_beginning_of_several_stages_lists_them(given):
    said = rf"^--only {given}: several stages begin so: 00_grammar_world, 00_human_preferences; give more of the name$"
    with pytest.raises(ParamsError, match=said):
        stage_named(given, STAGES, "--only")


@pytest.mark.parametrize("given", ["11", "", "reward", "٤", "04_reward_modles"])
def test_what_begins_no_stage_lists_all(given):
    with pytest.raises(ParamsError, match=r"^--only: '.*' is not one of 00_grammar_world, 00_human_preferences, "):
        stage_named(given, STAGES, "--only")


def test_a_number_is_enough_for_every_option_and_command(finished):
    assert "small: 3 jobs, 0 to run" in finished.rmkit("run", "small", "--dry-run", "--only", "1").stdout
    assert "small: 1 job, 0 to run" in finished.rmkit("run", "small", "--dry-run", "--until", "00").stdout
    assert finished.rmkit("why", "01", "small").stdout == "01_sums: every job is finished\n"
    assert "p1.0" in finished.rmkit("results", "01", "small", "--out", "sums.csv").stdout + (
        finished.root / "sums.csv"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--select", "seed=0..1"), "small: 3 jobs"),
        (("--select", "seed=[1]"), "small: 2 jobs"),
        (("--select", "powers=[1, 2]"), "small: 3 jobs"),
        (("--select", "seed=[1, 9]"), "small: 2 jobs"),
    ],
)
def test_several_values_are_a_range_or_a_list(finished, options, said):
    assert said in finished.rmkit("run", "small", "--dry-run", *options).stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--select", "seed=9"), "--select seed=9: no job that is asked for has it; seed is 0, 1 in this study"),
        (("--select", "seed=7..9"), "--select seed=7..9: no job that is asked for has it; seed is 0, 1 in this study"),
        (("--select", "seed=x"), "--select seed=x: 'x' is text, not a whole number"),
        (("--select", "seed=[]"), "--select seed=[]: holds no value; give at least one"),
        (("--only", ""), "--only: '' is not one of 00_numbers, 01_sums"),
        (("--until", ""), "--until: '' is not one of 00_numbers, 01_sums"),
        (("--time-limit", ""), "--time-limit: '' is not a number above 0 with a unit (s, m, min, h, d), as 30m"),
        (
            ("--memory-limit", "9" * 400 + "GB"),
            f"--memory-limit: '{'9' * 198}… is not a number above 0 with a unit (MB, GB, TB, MiB, GiB, TiB), as 4GB",
        ),
        (("--select", "seed=[0, x]"), "--select seed=[0, x]: 'x' is text, not a whole number"),
        (("--select", "seed"), "--select seed: write KEY=VALUE"),
        (
            ("--select", "sead=1"),
            "--select sead=1: none of the stages declares sead; the nearest are seed, sleep, powers",
        ),
        (
            ("--only", "00", "--select", "seed=1"),
            "--select seed=1: the stage that is asked for declares no seed; the nearest is numbers_file",
        ),
        (
            ("--only", "01", "--until", "00"),
            "--until 00_numbers: comes before --only 01_sums, so no job is left; give one of them",
        ),
        (
            ("--set", "sead=1"),
            "params/small.yaml: --set sead=1: no notebook of this study declares it; the nearest are seed, sleep, powers",
        ),
    ],
)
def test_what_leaves_no_job_is_named_with_what_there_is(finished, options, said):
    ended = finished.rmkit("run", "small", "--dry-run", *options)
    assert (ended.returncode, ended.stderr) == (2, said + "\n")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("small", "params/small.yaml"),
        ("small.yaml", "params/small.yaml"),
        ("params/small.yaml", "params/small.yaml"),
        ("beside.yaml", "beside.yaml"),
        ("none.yaml", "params/none.yaml"),
        ("no/none.yaml", "no/none.yaml"),
        ("params/small", "params/small.yaml"),
        ("sub/inner", "params/sub/inner.yaml"),
        ("sub/inner.yaml", "params/sub/inner.yaml"),
        ("params/none", "params/none.yaml"),
        ("", "params/.yaml"),
    ],
)
def test_a_study_is_named_with_its_ending_or_without(tmp_path, monkeypatch, given, meant):
    (tmp_path / "params/sub").mkdir(parents=True)
    for name in ("params/small.yaml", "params/sub/inner.yaml", "beside.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert tmp_path / study_path(Project(tmp_path), given) == tmp_path / meant


def test_an_empty_name_is_no_default(small):
    """As where a script's variable is not set."""
    ended = small.rmkit("check", "")
    assert ended.returncode == 2
    assert ended.stderr.startswith("params/.yaml: no such study file; params/ holds small.yaml")


def test_a_job_that_other_options_leave_out_is_named(finished):
    (plan_id,) = (path.name for path in (finished.root / "runs/plans").glob("00_*"))
    ended = finished.rmkit("run", "small", "--dry-run", "--select", "seed=1", "--job", plan_id)
    said = f"--job {plan_id}: is none of the 1 jobs that the other options ask for; give it alone\n"
    assert (ended.returncode, ended.stderr) == (2, said)


@pytest.mark.xdist_group("gathering")
def test_a_part_says_which_stage_it_leaves_out_because_it_gathers_all_jobs(stored):
    jobs = stored.plan()
    told = left_out(stored.store, jobs, selected_seed(jobs, 0), "params/small.yaml")
    assert told == (
        "03_findings: left out of a part of the study, since all its jobs are gathered there; "
        "`rmkit run params/small.yaml` makes it"
    )
    assert left_out(stored.store, jobs, jobs, "params/small.yaml") == ""
    for job in jobs:
        stored.finish(job)
    assert left_out(stored.store, jobs, selected_seed(jobs, 0), "params/small.yaml") == ""  # it is there already


def selected_seed(jobs, seed):
    """The jobs of one seed alone."""
    return [job for job in jobs if job.parameters.get("seed") == seed and not job.gathered]
