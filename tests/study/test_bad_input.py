"""A user's mistake costs one line and nothing that is stored: exit 2 for what `check` can see, 1 for what happens later."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from tests.small_project import REPOSITORY, write_notebook

SECOND = "notebooks/01_sums.ipynb"

SEEN_BY_CHECK = {
    "a study without stages": (("params/small.yaml", '"stages"', '"stage"'), "keys of a study: 'stage' is not one of .*did you mean 'stages'"),
    "a misspelt parameter": (("params/small.yaml", "null}", '{"power": [1]}}'), r"stages.01_sums.power: .*did you mean 'powers'"),
    "a misspelt axis": (("params/small.yaml", '"seed"', '"sed"'), r"axes.sed: no notebook of this study declares it; the nearest are seed, "),
    "text for a number": (
        ("params/small.yaml", "null}", '{"sleep": "1e999"}}'),
        r"stages.01_sums.sleep: inf is not a finite number",
    ),
    "a number for a list": (("params/small.yaml", "null}", '{"powers": 3}}'), r"powers: 3 is a whole number, not a list; write \[3\]"),
    "a wrong item of a list": (("params/small.yaml", "null}", '{"powers": [1, "x"]}}'), r"powers\[1\]: 'x' is text, not a number"),
    "an unknown stage": (("params/small.yaml", "01_sums", "01_sum"), r"'01_sum' is not one of .*did you mean '01_sums'"),
    "an absent source": (("params/small.yaml", '"00_numbers": null, ', ""), r"takes `numbers` from 00_numbers; add `00_numbers:`"),
    "a seed that is listed twice": (("params/small.yaml", "[0, 1]", "[0, 0]"), "axes.seed: 0 is listed twice"),
    "a key that is listed twice": (("params/small.yaml", '"axes"', '"axes": {}, "axes"'), "line 1: axes is listed twice"),
    "not YAML": (("params/small.yaml", "}", "["), "params/small.yaml: line 1: not YAML"),
    "a cycle": (
        ("rmkit/stages/graph.py", '"00_numbers": Stage(', '"00_numbers": Stage(inputs={"sums": (Source("01_sums"),)},'),
        "00_numbers, 01_sums wait for each other",
    ),
    "no parameters cell": ((SECOND, '"parameters"', '"parameter"'), "01_sums.ipynb: no cells are tagged `parameters`"),
    "code in the parameters cell": ((SECOND, "seed: int = 0", "seed: int = int('0')"), "line 2: the default of seed is not a literal"),
    "a statement in the parameters cell": ((SECOND, "seed: int = 0", "seed = 0"), "line 2: `seed = 0.*` is not `name: type = literal`"),
    "an unknown type": ((SECOND, "seed: int = 0", "seed: complex = 0"), "`complex` is not a parameter's type; use int"),
    "a magic": ((SECOND, "GRANDCHILD = None", "%time"), r"cell 5, line 1: `%time` is not plain Python"),
    "a result that hangs on a look": ((SECOND, "print(bars(sums))", "sleep = bars(sums)"), "cell 10 is tagged `look` but assigns 'sleep'"),
    "a look cell that imports another thing under a name": ((SECOND, "print(bars(sums))", "import numpy as rmkit"), "cell 10 is tagged `look` but assigns 'rmkit'"),
    "a look cell that imports and assigns": ((SECOND, "print(bars(sums))", "import rmkit\\nrmkit = 1"), "cell 10 is tagged `look` but assigns 'rmkit'"),
    "a look cell that changes a result": ((SECOND, "print(bars(sums))", "sums[0] = 1"), r"tagged `look` but changes `sums\[0\]`"),
    "a look cell that records": ((SECOND, "print(bars(sums))", "job.record(rows)"), "tagged `look` but calls `job.record`"),
    "a look cell that imports everything": ((SECOND, "import bars", "import *"), r"tagged `look` but imports \*"),
    "a parameter declared twice": ((SECOND, "sleep: float = 0.0", "seed: float = 0.0"), "seed is declared twice"),
    "a type of no literals": ((SECOND, "seed: int = 0", "seed: Literal[x] = 0"), "its choices must be literals"),
    "stages as a list of mappings": (("params/small.yaml", '{"00_numbers": null, "01_sums": null}', '[{"00_numbers": null}]'), "stages: .* is not a mapping; write each notebook's name and a colon"),
    "a key that is a list": (("params/small.yaml", '"axes"', '? [a, b]\n: 1\n, "axes"'), "a key must be a name"),
    "a tag": (("params/small.yaml", '"axes"', '"title": !!timestamp foo, "axes"'), "params/small.yaml: line 1: the tag !!timestamp; write the value without one"),
    "a range inside a list": (("params/small.yaml", "[0, 1]", '[0, "5..24"]'), r"axes.seed\[1\]: '5..24' is a range inside a list; write one range alone, as 5..24, or every value"),
    "too many jobs": (("params/small.yaml", "[0, 1]", '"0..999", "sleep": "1..999"'), "01_sums has 999,000 jobs; a study has up to 5,000; lists and ranges multiply"),
    "an axis without values": (("params/small.yaml", "[0, 1]", "[]"), r"axes.seed: \[\] is not a list of values; give at least one"),
    "axes that are a number": (("params/small.yaml", '{"seed": [0, 1]}', "0"), "axes: 0 is not a mapping"),
    "a number too large": (("params/small.yaml", "null}", '{"sleep": 1' + "0" * 400 + "}}"), "line 1: a number of 401 characters; 300 are the most"),
    "no fits": (("params/small.yaml", "null}", '{"powers": []}}'), "powers is empty; give at least one value"),
    "a fit asked for twice": (("params/small.yaml", "null}", '{"powers": [1, 1.0]}}'), "powers: 1.0 is listed twice"),
    "a wrong axis value behind a stage's own": (("params/small.yaml", '{"seed": [0, 1]}, "stages": {"00_numbers": null, "01_sums": null}', '{"seed": ["a"]}, "stages": {"00_numbers": null, "01_sums": {"seed": 1}}'), r"axes.seed\[0\]: 'a' is text"),
    "a data file that is not there": (("params/small.yaml", '"axes"', '"parameters": {"numbers_file": "data/no.json"}, "axes"'), "data/no.json: No such file"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("case", SEEN_BY_CHECK)
def test_a_wrong_request_is_one_line_and_exit_2(case, command, finished):
    edit, expected = SEEN_BY_CHECK[case]
    finished.edit(*edit)
    stored = sorted(path.name for path in (finished.root / "runs/jobs").iterdir())
    ended = finished.rmkit(command, "params/small.yaml")
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert re.search(expected, ended.stderr), ended.stderr
    assert sorted(path.name for path in (finished.root / "runs/jobs").iterdir()) == stored


def test_no_project_says_where_it_looked(small, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(small.root / "rmkit", elsewhere / "lib/rmkit")
    command = [sys.executable, "-m", "rmkit.cli", "check", "small"]
    environment = small.environment(PYTHONPATH=str(elsewhere / "lib"))
    ended = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert f"at {elsewhere} or above" in ended.stderr
    environment["RMKIT_HOME"] = str(small.root)
    ended = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    environment["RMKIT_HOME"] = str(tmp_path / "circle")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    ended = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert f"at {elsewhere} or above" in ended.stderr


OTHER_REQUESTS = {
    "select an unknown parameter": (["run", "small", "--select", "sed=1"], "--select sed=1: none of the stages declares sed; the nearest are seed, "),
    "select another type": (["run", "small", "--select", "seed=x"], "--select seed=x: 'x' is text, not a whole number"),
    "select nothing": (["run", "small", "--select", "seed=7"], "--select seed=7: no job that is asked for has it; seed is 0, 1 in this study"),
    "only an unknown stage": (["run", "small", "--only", "01_sun"], "--only.*'01_sun' is not one of"),
    "set without a value": (["run", "small", "--set", "powers="], "--set powers=: write KEY=VALUE"),
    "set what is no YAML": (["run", "small", "--set", "powers=[1"], "--set powers=.*not YAML"),
    "a folder as a study": (["check", "data.yaml"], "data.yaml: is not a regular file but a folder"),
    "an absent study": (["check", "smal"], "params/smal.yaml: no such study file; params/ holds small.yaml; did you mean 'small.yaml'"),
    "results of an unknown stage": (["results", "01_sun", "--study", "small"], "'01_sun' is not one of"),
    "results in an unknown form": (["results", "01_sums", "--study", "small", "--out", "x.txt"], "'.txt' is not one of .csv, .parquet"),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHER_REQUESTS)
def test_a_wrong_command_is_one_line_and_exit_2(case, finished):
    arguments, expected = OTHER_REQUESTS[case]
    (finished.root / "data.yaml").mkdir()
    ended = finished.rmkit(*arguments)
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert re.search(expected, ended.stderr), ended.stderr


def test_what_the_store_cannot_do_is_one_line_and_exit_1(finished):
    shutil.rmtree(finished.root / "runs")
    (finished.root / "runs").write_text("in the way", encoding="utf-8")
    ended = finished.rmkit("run", "small")
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


def test_select_compares_in_the_parameters_own_type(small):
    assert small.run().returncode == 0
    small.edit("rmkit/powers.py", "value**exponent", "value*exponent")
    assert small.executed(
        lambda project: project.rmkit("run", "small", "--no-report", "--select", "seed=1", "--select", "sleep=0")
    ) == ["01_sums"]


def test_select_leaves_out_stages_that_do_not_admit_the_value(small):
    small.edit(SECOND, "sleep: float = 0.0", 'kind: Literal[\\"full\\"] = \\"full\\"')
    small.study(axes={"kind": ["short", "full"]}, stages={"00_numbers": None, "01_sums": None, "02_parts": None})
    command = ["run", "small", "--no-report", "--select", "kind=short"]
    environment = {"RMKIT_TEST_COMPUTED": str(small.root / "computed")}
    assert small.executed(lambda project: project.rmkit(*command, **environment)) == ["02_parts"]


def test_a_precondition_sees_the_parameters_of_the_jobs_upstream(small):
    small.edit(
        "rmkit/stages/graph.py",
        'n_fits="rmkit.adding:n_sums"',
        'n_fits="rmkit.adding:n_sums", precondition="rmkit.numbers:refuse"',
    )
    refuse = """
def refuse(parameters, counts, where):
    from rmkit.errors import ParamsError
    raise ParamsError(f"{where}: {parameters['numbers_file']} with seed {parameters['seed']} will not do")
"""
    small.edit("rmkit/numbers.py", "def check(", f"{refuse}\ndef check(")
    ended = small.rmkit("check", "small")
    assert ended.returncode == 2
    assert ended.stderr.strip() == "params/small.yaml: 01_sums: data/numbers.json with seed 0 will not do"


def test_a_stage_that_is_left_out_is_not_asked_whether_it_could_run(small):
    small.edit("rmkit/stages/graph.py", 'n_fits="rmkit.adding:n_sums"', 'n_fits="rmkit.adding:n_sums", precondition="rmkit.numbers:refuse"')  # fmt: skip
    refuse = (
        "def refuse(parameters, counts, where):\n    from rmkit.errors import ParamsError\n    raise ParamsError(where)"
    )
    small.edit("rmkit/numbers.py", "def check(", f"{refuse}\n\n\ndef check(")
    assert small.rmkit("run", "small").returncode == 2
    ended = small.rmkit("run", "small", "--only", "00_numbers", "--no-report")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("path", ["rmkit/powers.py", "notebooks/01_sums.ipynb"])
def test_code_that_changes_during_a_run_is_not_stored_under_the_old_key(path, small):
    """The first job waits while the second one's code is edited; going back finds nothing stored wrongly."""
    small.edit("notebooks/00_numbers.ipynb", "import json", "import json, time; time.sleep(2)")
    edit = ("value**exponent", "value*exponent") if path.endswith("py") else ("number + shift", "number - shift")
    runner = small.start("run", "small", "--no-report")
    while not small.executions():
        time.sleep(0.05)
    small.edit(path, *edit)
    _, err = runner.communicate(timeout=60)
    assert runner.returncode == 1
    assert "changed since the run was planned: " in err
    assert not list((small.root / "runs/jobs").glob("01_sums-*"))
    small.edit(path, *reversed(edit))
    assert small.executed() == ["01_sums", "01_sums"]


def test_a_job_without_a_manifest_heals(finished):
    (path,) = (finished.root / "runs/jobs").glob("00_numbers-*/manifest.json")
    path.unlink()
    ended = finished.run()
    assert ended.returncode == 0, ended.stderr
    assert "warning: damaged in the store" in ended.stdout
    assert path.exists()


def change_manifest(project, stage, change):
    (path,) = (project.root / "runs/jobs").glob(f"{stage}-*/manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")


@pytest.mark.parametrize("part", ["artifacts", "files", "ingredients"])
def test_a_manifest_of_odd_parts_is_passed_over_and_made_again(part, finished):
    change_manifest(finished, "00_numbers", {part: []})
    assert (ended := finished.rmkit("status", "small")).returncode == 0, ended.stderr
    for command in (["gc", "--dry-run"], ["why", "01_sums", "small"]):
        ended = finished.rmkit(*command)
        assert ended.returncode == 1, command
        assert ended.stderr.endswith(f"no readable manifest ({part} is no mapping); `rmkit run` makes it again\n")
        assert ended.stderr.count("\n") == 1
    ended = finished.run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "warning: damaged in the store" in ended.stdout
    assert f"{part} is no mapping" in ended.stdout


def test_a_manifest_that_has_no_artifact_is_damaged_and_made_again(finished):
    change_manifest(finished, "00_numbers", {"artifacts": {}})
    assert finished.rmkit("status", "small").returncode == 0
    ended = finished.run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "warning: damaged in the store" in ended.stdout
    assert "no digest of numbers" in ended.stdout


def test_a_report_of_jobs_that_only_another_version_reads_is_kept(finished):
    assert finished.rmkit("report", "small").returncode == 0
    change_manifest(finished, "00_numbers", {"format": 0})
    path = finished.root / "runs/reports/small.html"
    before = path.read_text(encoding="utf-8")
    finished.study(axes={"seed": [7]}, stages={"00_numbers": None, "01_sums": None})
    (finished.root / "data/numbers.json").write_text("[4]", encoding="utf-8")
    ended = finished.rmkit("report", "small")
    assert ended.returncode == 0, ended.stderr
    assert "1 finished jobs are in a format of another version of rmkit; the report so far is kept: " in ended.stdout
    assert path.with_name("small-earlier.html").read_text(encoding="utf-8") == before
    assert path.read_text(encoding="utf-8") != before


def odd_things(project):
    """Every kind of file in a finished store has another shape, and every room something that is not its own."""
    runs = project.root / "runs"
    (card,) = (runs / "runs").glob("*/card.json")
    shapes = ["0", "[]", '"x"', "null", "[" * 100_000, "\x00", '{"a": NaN}', ""]
    odd = [*(runs / "verified").iterdir(), *(runs / "plans").iterdir(), card, card.with_name("events.jsonl")]
    for path, shape in zip(odd, shapes * 9, strict=False):
        path.write_text(shape, encoding="utf-8")
    for name in ("owner", "other"):
        (runs / f"locks/00_numbers-{name}").mkdir()
    escape = {"execution": "../jobs", "plan_id": "00_numbers-owner", "pid": 1, "host": "here", "since": 0.0}
    (runs / "locks/00_numbers-owner/owner.json").write_text(json.dumps(escape), encoding="utf-8")
    os.mkfifo(runs / "locks/00_numbers-other/owner.json")
    for room in ("jobs", "plans", "locks", "tmp", "partial", "failed", "corrupt", "verified", "runs", "reports"):
        (runs / room).mkdir(exist_ok=True)
        (runs / room / "stray file").write_text("0", encoding="utf-8")
        (runs / room / "stray folder").mkdir()
        os.mkfifo(runs / room / "stray pipe")


def test_a_store_of_odd_shapes_is_read_and_finished_jobs_stay(finished):
    """Caches are made anew; a lock's card leads nowhere else; no command waits, or shows a traceback."""
    odd_things(finished)
    kept = sorted((finished.root / "runs/jobs").glob("*/manifest.json"))
    assert len(kept) == 3
    for command in (
        ["status", "small"],
        ["results", "01_sums", "small"],
        ["gc", "--dry-run"],
        ["why", "01_sums", "small"],
    ):
        ended = finished.rmkit(*command)
        assert (ended.returncode, ended.stderr) == (0, ""), command
    ended = finished.run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "3 already there" in ended.stdout
    assert sorted((finished.root / "runs/jobs").glob("*/manifest.json")) == kept


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.mkdir(), lambda path: path.symlink_to("/dev/zero")])
def test_a_file_of_a_job_that_became_something_else_is_made_again(make, finished):
    (manifest,) = (finished.root / "runs/jobs").glob("00_numbers-*/manifest.json")
    (rows, other) = (finished.root / "runs/jobs").glob("01_sums-*/rows.parquet")
    for path in (manifest, rows):
        path.unlink()
        make(path)
    ended = finished.rmkit("results", "01_sums", "small")  # of a folder, too: a table of nothing is none
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    other.write_bytes(b"PAR1 and no more")
    ended = finished.rmkit("results", "01_sums", "small")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    ended = finished.run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("warning: damaged in the store") == 3


@pytest.mark.parametrize(
    "text", ["{}", "0", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [0]}', "[" * 5000]
)
def test_a_gallery_of_a_damaged_notebook_names_it(text, finished):
    (notebook,) = (finished.root / "runs/jobs").glob("00_numbers-*/notebook.ipynb")
    notebook.write_text(text, encoding="utf-8")
    ended = finished.rmkit("gallery", "small")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{notebook}: cannot be read (")
    assert ended.stderr.count("\n") == 1, ended.stderr


NOT_REGULAR = {
    "a pipe": (os.mkfifo, "is not a regular file but a pipe"),
    "an endless device": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file but a device"),
    "a broken link": (lambda path: path.symlink_to("gone"), "is not a regular file but a link that leads nowhere"),
}


@pytest.mark.parametrize("path", ["data/numbers.json", "params/small.yaml", SECOND])
@pytest.mark.parametrize("kind", NOT_REGULAR)
def test_what_is_no_regular_file_is_one_line_at_once(kind, path, small):
    make, said = NOT_REGULAR[kind]
    (small.root / path).unlink()
    make(small.root / path)
    ended = small.rmkit("check", "small")
    assert ended.returncode == 2
    assert re.match(rf"{path}: {said}", ended.stderr), ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_lock_that_nobody_holds_stands_in_nobody_s_way(small):
    for number, card in enumerate(["", '{"format": 2}', "no JSON"]):
        lock = small.root / f"runs/locks/01_sums-{number:016x}"
        lock.mkdir(parents=True)
        (lock / "owner.json").write_text(card, encoding="utf-8")
    assert small.run().returncode == 0
    assert not list((small.root / "runs/locks").iterdir())


def test_other_package_versions_are_told_and_the_result_is_kept(finished):
    for path in (finished.root / "runs/jobs").glob("*/manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["environment"]["packages"]["numpy"] = "1.0"
        del manifest["environment"]["packages"]["scipy"]  # not recorded or not installed: it made nothing
        path.write_text(json.dumps(manifest), encoding="utf-8")
    ended = finished.run()
    assert ended.returncode == 0
    assert ended.stdout.count("warning: was made, as others may have been, with numpy 1.0, now") == 1
    assert "scipy" not in ended.stdout
    assert "3 already there" in ended.stdout


def test_a_stale_job_file_in_the_environment_is_named(small):
    code = "import rmkit; rmkit.open_job('00_numbers', {})"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=small.root, env=small.environment(RMKIT_JOB_FILE="/gone/job.json"), capture_output=True, text=True, check=False
    )  # fmt: skip
    assert "RMKIT_JOB_FILE=/gone/job.json names no job file" in ended.stderr


def test_a_failing_notebook_is_kept_with_its_traceback_and_the_others_go_on(small):
    small.edit(SECOND, "GRANDCHILD = None", "import os; assert seed or 'GOOD' in os.environ, 'zero is not allowed'")
    ended = small.run()
    assert ended.returncode == 1
    assert ended.stderr.strip().startswith(
        "01_sums seed=0: cell 5: AssertionError: zero is not allowed; notebook kept:"
    )
    (kept,) = (small.root / "runs/failed").glob("01_sums-*/notebook.ipynb")
    assert str(kept) in ended.stderr
    assert "AssertionError" in kept.read_text(encoding="utf-8")
    status = small.rmkit("status", "small").stdout
    assert re.search(r"01_sums +\S+  1 of 2, 1 failed", status)
    assert "zero is not allowed" in status
    assert small.executed(lambda project: project.run(GOOD="1")) == ["01_sums"]
    assert not list((small.root / "runs/failed").iterdir())
    assert re.search(r"01_sums +\S+  2 of 2$", small.rmkit("status", "small").stdout, re.MULTILINE)


def test_what_needs_a_failed_job_is_not_run_and_says_so(small):
    small.edit("notebooks/00_numbers.ipynb", "import json", "import json; json.absent")
    ended = small.run()
    assert ended.returncode == 1
    assert ended.stdout.count("NOT RUN:") == 2
    assert ended.stderr.splitlines()[-1].startswith(
        "00_numbers: cell 4: AttributeError: module 'json' has no attribute 'absent'"
    )
    assert len(small.executions()) == 1


@pytest.mark.parametrize(
    "edit",
    [
        "job.record(rows)\\njob.record(rows)",
        "job.record(rows.drop(columns='units'))",
        "job.record(pd.concat([rows, rows]))",
        "job.record(rows.assign(param_seed=3))",
    ],
)
def test_rows_that_break_the_contract_fail_the_job(small, edit):
    small.edit(SECOND, "job.record(rows)", edit)
    ended = small.run()
    assert ended.returncode == 1
    assert re.search("recorded already|lack units|stand twice|column param_seed", ended.stderr)
    assert not list((small.root / "runs/jobs").glob("01_sums-*"))


def test_a_corrupted_artifact_is_moved_aside_and_rebuilt(finished):
    (artifact,) = (finished.root / "runs/jobs").glob("00_numbers-*/artifacts/numbers/numbers.json")
    artifact.write_text("[1, 2, 9]", encoding="utf-8")
    ended = finished.run()
    assert ended.returncode == 0
    assert "warning: damaged in the store: artifacts/numbers/numbers.json" in ended.stdout
    assert artifact.read_text(encoding="utf-8") == "[1, 2, 3]"
    (aside,) = (finished.root / "runs/corrupt").glob("00_numbers-*")
    assert (aside / "artifacts/numbers/numbers.json").read_text(encoding="utf-8") == "[1, 2, 9]"
    assert finished.executed() == []


def in_small_disk(project, script: str) -> subprocess.CompletedProcess:
    """Run a script with runs/ on a disk of its own, in a namespace where even root is bound by it."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount a disk of its own (unshare -rm)")
    (project.root / "runs").mkdir(exist_ok=True)
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=project.root, env=project.environment(PYTHON=sys.executable), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


RUN = "$PYTHON -m rmkit.cli run params/small.yaml --no-report"


def test_a_full_disk_is_one_line_and_exit_1(small):
    fill = "dd if=/dev/zero of=runs/filler bs=1k count=1000 2>/dev/null"
    ended = in_small_disk(
        small, f"mount -t tmpfs -o size=900k none runs; {fill}; {RUN}; echo code $?; rm runs/filler; {RUN}"
    )
    assert "code 1" in ended.stdout
    assert "No space left on device; free some space and run again" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
def test_a_disk_that_fills_up_while_running_keeps_what_is_done(small):
    fill = f"mount -t tmpfs -o size=4m none runs; {RUN} --until 00_numbers; dd if=/dev/zero of=runs/filler bs=1k count=9000"
    ended = in_small_disk(small, f"{fill}; {RUN}; echo code $?; rm runs/filler; {RUN}")
    assert "code 1" in ended.stdout
    assert "No space left on device" in ended.stderr
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "3 jobs: 2 executed, 1 already there" in ended.stdout


def test_a_read_only_disk_is_one_line_and_exit_1(finished):
    finished.edit("params/small.yaml", "[0, 1]", "[0, 1, 2]")
    ended = in_small_disk(finished, f"mount --bind runs runs; mount -o remount,bind,ro runs; {RUN}")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Read-only file system; make the folder writable" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stdout + ended.stderr
    assert finished.executed() == ["01_sums"]


def test_a_finished_study_needs_no_writable_disk(finished):
    ended = in_small_disk(finished, f"mount --bind runs runs; mount -o remount,bind,ro runs; {RUN}")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_set_changes_a_parameter_and_select_narrows(finished):
    assert finished.executed(
        lambda project: project.rmkit("run", "small", "--no-report", "--set", "powers=[3]", "--select", "seed=1")
    ) == ["01_sums"]
    ended = finished.rmkit("run", "small", "--set", "powers=1e-3")
    assert ended.returncode == 2
    assert "with --set powers=1e-3: parameters.powers" in ended.stderr


def test_a_notebook_without_outputs_of_its_stage_fails(small):
    write_notebook(small.root / "notebooks/00_numbers.ipynb", json_cells(small)[:-1])
    ended = small.run()
    assert ended.returncode == 1
    assert "ended without `job.save('numbers', ...)`" in ended.stderr


def json_cells(project):
    document = json.loads((project.root / "notebooks/00_numbers.ipynb").read_text(encoding="utf-8"))
    return [
        (cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", ())) for cell in document["cells"]
    ]


GOOD = {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello.", "rejected": "\n\nHuman: Hi\n\nAssistant: Go away."}
BAD_DATA = {
    "a row without rejected": ([GOOD, {"chosen": GOOD["chosen"]}], 0, "line 2: has no 'rejected'"),
    "no assistant turn": ([GOOD, {**GOOD, "rejected": "\n\nHuman: Hi"}], 0, "line 2: 'rejected' has no assistant turn"),
    "a truncated gzip": ([{**GOOD, "id": number} for number in range(500)], 40, "the gzip is cut short"),
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("case", BAD_DATA)
def test_a_bad_data_file_is_named_with_its_line(case, command, tmp_path):
    rows, cut, expected = BAD_DATA[case]
    content = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    bad = tmp_path / "bad.jsonl.gz"
    bad.write_bytes(content[: len(content) - cut])
    ended = subprocess.run(
        [sys.executable, "-m", "rmkit.cli", command, "params/smoke.yaml", "--set", f"pairs_file={bad}"],
        cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith(str(bad))
    assert expected in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "n_dimensions=16",
            "params/smoke.yaml with --set n_dimensions=16: 00_human_preferences: n_dimensions: 16 needs",
        ),
        ("preferences_folder=data/grammar", "data/grammar/about.json: cannot be read (No such file"),
        (
            "preferences_folder=data/hh-rlfh",
            "data/hh-rlfh: No such file or directory; 00_human_preferences takes it as",
        ),
    ],
)
def test_features_that_are_not_stored_are_a_line_before_anything_runs(given, expected):
    ended = subprocess.run(
        [sys.executable, "-m", "rmkit.cli", "check", "params/smoke.yaml", "--set", given],
        cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith(expected)
    assert len(ended.stderr.strip().splitlines()) == 1
