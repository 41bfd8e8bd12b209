"""What notebook 03 says of its annotator reaches every stage that asks one, under the real runner."""

import shutil
import sys

import pandas as pd
import pytest

from rmkit.annotation.kinds import AnnotatorKind
from tests.checkout import execute

RUN = [sys.executable, "-m", "rmkit.cli", "run", "smoke", "--no-report", "--set", "seed=[0]"]
ASKING = {"05_active_labeling": "spearman", "06_accuracy_vs_policy": "accuracy"}


def made(project, stage, before=()):
    """The folders of a stage's finished jobs that were not there before."""
    return [folder for folder in (project / "runs/jobs").glob(f"{stage}-*") if folder not in before]


def is_plain(job, stage):
    """Whether a job is of the stage, of seed 0, and asked an annotator, not people."""
    if not job.name.startswith(stage):
        return False
    first = pd.read_parquet(job / "rows.parquet").iloc[0]
    return first["param_seed"] == 0 and first["param_world"] == "grammar"


def mean_of(job, metric):
    """Over all fits but gold itself, which learned nothing."""
    rows = pd.read_parquet(job / "rows.parquet")
    return rows[(rows["metric"] == metric) & (rows["fit"] != "gold")]["value"].mean()


@pytest.mark.slow
def test_a_habit_of_03_changes_05_and_06_and_is_handed_on(smoke, tmp_path):
    project = shutil.copytree(smoke, tmp_path / "project")
    before = [folder for stage in ("03_annotation_noise", *ASKING) for folder in made(project, stage)]
    execute([*RUN, "--set", "flip=1.0", "--until", "06_accuracy_vs_policy"], project, project)
    (folder,) = made(project, "03_annotation_noise", before)
    assert AnnotatorKind.load(folder / "artifacts/annotator").habits.flip == 1.0
    for stage, metric in ASKING.items():
        (turned,) = made(project, stage, before)
        (plain,) = (job for job in before if is_plain(job, stage))
        assert mean_of(turned, metric) < mean_of(plain, metric) - 0.1, stage  # every label is turned round
