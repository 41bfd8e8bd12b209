"""Notebook 13 through the real runner: killed while it trains, it goes on to the rows of a run in peace."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.checkout import environment, execute

STAGE = "13_policy_training"
SMALLER = "steps: 2\n    rollout_batch_size: 2\n"
LONGER = "steps: 12\n    checkpoint_every: 3\n    rollout_batch_size: 2\n"
COMMAND = [sys.executable, "-m", "rmkit.cli", "run", "params/smoke.yaml", "--no-report", "--only", STAGE]
SECONDS = 900


def longer(smoke, folder):
    """A copy of the finished checkout, in which training takes twelve steps; its old jobs of the stage are gone."""
    project = Path(shutil.copytree(smoke, folder, symlinks=True))
    study = project / "params/smoke.yaml"
    text = study.read_text(encoding="utf-8")
    assert SMALLER in text
    study.write_text(text.replace(SMALLER, LONGER), encoding="utf-8")
    return project


def results(project):
    """The rows of the one job with twelve steps, and the files of its evaluations."""
    for folder in (project / "runs/jobs").glob(f"{STAGE}-*"):
        rows = pd.read_parquet(folder / "rows.parquet")
        if (rows["param_steps"] == 12).all():
            return rows, {path.name: path.read_bytes() for path in (folder / "artifacts/evaluations").iterdir()}
    raise AssertionError(f"no job of {STAGE} with twelve steps")


def killed_in_its_second_run(project):
    """Kill the runner and all that it started, once the second run has a checkpoint; which states there were."""
    runner = subprocess.Popen(COMMAND, cwd=project, env=environment(project), start_new_session=True)
    end = time.monotonic() + SECONDS
    while runner.poll() is None and time.monotonic() < end:
        states = list((project / "runs/partial").glob("*/states/run-001/step-*"))
        if states:
            for process in [*psutil.Process(runner.pid).children(recursive=True), psutil.Process(runner.pid)]:
                os.kill(process.pid, signal.SIGKILL)
            runner.wait()
            return states
        time.sleep(0.02)
    raise AssertionError("the run ended before it could be killed")


@pytest.mark.slow
def test_a_job_that_is_killed_while_it_trains_goes_on_to_the_same_rows(smoke, tmp_path):
    calm, killed = longer(smoke, tmp_path / "calm"), longer(smoke, tmp_path / "killed")
    execute(COMMAND, calm, calm)
    states = killed_in_its_second_run(killed)
    (partial,) = (killed / "runs/partial").iterdir()
    assert (partial / "finished/run-000.parquet").exists()
    assert [state.parent.parent.parent for state in states] == [partial]
    execute(COMMAND, killed, killed)
    (rows, files), (expected_rows, expected_files) = results(killed), results(calm)
    pd.testing.assert_frame_equal(rows.drop(columns="job"), expected_rows.drop(columns="job"), check_exact=True)
    assert files == expected_files
    assert not partial.exists()


@pytest.mark.slow
def test_its_rows_have_a_reason_where_a_policy_did_not_get_so_far(smoke):
    tables = [pd.read_parquet(path) for path in (smoke / "runs/jobs").glob(f"{STAGE}-*/rows.parquet")]
    assert tables
    for rows in tables:
        assert set(rows["param_population"]) == {"heads"}
        far = rows[(rows["nats"] == 50.0) & (rows["metric"] == "gold_reward") & (rows["fit"] != "base")]
        assert far["value"].isna().all()
        assert len(far) == 3
        seen = rows[rows["metric"] == "kl_by_token"].pivot_table(index="fit", columns="steps", values="value")
        assert (seen[0] == 0).all()
        assert (seen[2] > 0).all()
        start = rows[(rows["metric"] == "gold_reward") & (rows["steps"] == 0)]["value"]
        assert start.nunique() == 1
