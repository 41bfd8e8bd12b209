"""One notebook, three callers, identical rows: `rmkit run`, plain papermill from another directory, all cells in a kernel."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.checkout import checkout, environment, execute, newest_draft, papermill, run_all


def stored(project: Path, stage: str, seed: int) -> pd.DataFrame:
    tables = [pd.read_parquet(path) for path in (project / "runs/jobs").glob(f"{stage}-*/rows.parquet")]
    (rows,) = [table for table in tables if table["param_seed"].iloc[0] == seed]
    return rows


@pytest.mark.slow
def test_plain_papermill_from_another_directory_gives_the_rows_of_the_run(smoke, tmp_path):
    options = ["-p", "study", "smoke", "-p", "seed", "1", "-p", "n_folds", "2"]
    options += ["-y", "{annotations: [40, 150], kept: all}"]
    draft = papermill(smoke, "09_human_preferences", tmp_path / "elsewhere", *options)
    pd.testing.assert_frame_equal(pd.read_parquet(draft / "rows.parquet"), stored(smoke, "09_human_preferences", 1))


@pytest.mark.parametrize("stage", ["03_annotation_noise", pytest.param("04_reward_models", marks=pytest.mark.slow)])
def test_all_cells_in_a_kernel_give_the_rows_of_the_run(smoke, stage):
    """As Run All in JupyterLab, started with RMKIT_STUDY=smoke: the notebook's own values, no injected cell."""
    draft = run_all(smoke, stage, "smoke")
    pd.testing.assert_frame_equal(pd.read_parquet(draft / "rows.parquet"), stored(smoke, stage, 0))


def test_the_first_notebook_gives_the_same_bytes_as_the_run(smoke, tmp_path):
    stage = "00_human_preferences"
    draft = papermill(smoke, stage, tmp_path / "elsewhere", "-p", "study", "smoke")
    assert_same_artifacts(stored_jobs(smoke, stage)[0], draft)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["00_grammar_world", "01_sft", "02_sampling"])
def test_training_and_sampling_again_give_the_same_bytes(smoke, tmp_path, stage):
    """The grammar world's notebooks as drafts, beside what the run stored: models, policy, banks."""
    options = ["-p", "generator", "sft"] if stage == "02_sampling" else []
    draft = papermill(smoke, stage, tmp_path / "elsewhere", *options, RMKIT_STUDY="smoke")
    same = {"world": "grammar"} | ({"generator": "sft"} if options else {})
    assert_same_artifacts(stored_jobs(smoke, stage, **same)[0], draft)


def stored_jobs(project: Path, stage: str, **parameters) -> list[Path]:
    """The folders of a stage's finished jobs with these parameters."""
    manifests = sorted((project / "runs/jobs").glob(f"{stage}-*/manifest.json"))
    held = [(path.parent, json.loads(path.read_text(encoding="utf-8"))["parameters"]) for path in manifests]
    return [folder for folder, found in held if parameters.items() <= found.items()]


def assert_same_artifacts(job: Path, draft: Path) -> None:
    files = [path for path in (job / "artifacts").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert path.read_bytes() == (draft / path.relative_to(job)).read_bytes(), path.name


def test_a_misspelt_parameter_of_plain_papermill_is_one_sentence(smoke, tmp_path):
    command = [
        sys.executable,
        "-m",
        "papermill",
        "--no-progress-bar",
        str(smoke / "notebooks/00_human_preferences.ipynb"),
        "out.ipynb",
        "-p",
        "min_dff",
        "3",
    ]
    ended = subprocess.run(command, cwd=tmp_path, env=environment(smoke), capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "ParamsError: 00_human_preferences: min_dff is not a parameter" in ended.stderr
    assert "did you mean 'min_df'?" in ended.stderr


@pytest.mark.slow
def test_a_draft_on_an_empty_store_builds_what_it_needs_and_nothing_else(tmp_path):
    project = checkout(tmp_path / "project")
    notebook = project / "notebooks/09_human_preferences.ipynb"
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(notebook), "out.ipynb"]
    command += ["-y", "{reward_models: [linear_bt]}"]
    execute(command, tmp_path / "out", project, RMKIT_STUDY="smoke")
    assert [path.name.rpartition("-")[0] for path in (project / "runs/jobs").iterdir()] == ["00_human_preferences"]
    assert (newest_draft(project, "09_human_preferences") / "rows.parquet").exists()
    printed = (tmp_path / "out/out.ipynb").read_text(encoding="utf-8")
    assert "building what 09_human_preferences needs: 1 of 1 jobs done; " in printed
    assert "00_human_preferences  ████████████████████████  1 of 1" in printed
    assert "draft (nothing of it enters the store)" in printed


def test_a_second_run_executes_nothing(smoke):
    out = execute([sys.executable, "-m", "rmkit.cli", "run", "params/smoke.yaml", "--no-report"], smoke, smoke)
    assert "24 jobs: 24 already there" in out


def test_stored_notebooks_show_their_figures(smoke):
    """In a kernel that was forked with matplotlib loaded, a figure is still a picture."""
    for manifest in sorted((smoke / "runs/jobs").glob("*/manifest.json")):
        cells = json.loads((manifest.parent / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
        shown = [kind for cell in cells for output in cell.get("outputs", []) for kind in output.get("data", {})]
        assert "image/png" in shown, manifest.parent.name
