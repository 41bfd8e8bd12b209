"""What the fork server imports for all jobs: what they need and what is slow, and nothing that only others need."""

import subprocess
import sys

import pytest

from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import load_study
from rmkit.study.processes.preload import imports_of
from tests.small_project import REPOSITORY

PROJECT = Project(REPOSITORY)


def imports(stage):
    study = load_study(REPOSITORY / "params/smoke.yaml", "params/smoke.yaml")
    return imports_of(PROJECT, [job for job in make_plan(PROJECT, study) if job.stage == stage])


def test_what_the_cells_and_the_modules_behind_them_import_is_found():
    found = imports("04_reward_models")
    assert {"numpy", "pandas", "torch", "lightgbm"} <= set(found)
    assert "F" not in found
    assert "torch._dynamo" in found, "torch imports it when an optimiser is made, in every job anew"
    assert "transformers" not in found


def test_a_job_that_computes_without_torch_does_not_wait_for_it():
    assert "torch" not in imports("03_annotation_noise")


GRAMMAR_LEFT_OUT = """
import sys
%s
assert "rfc3987_syntax" not in sys.modules
import rfc3987_syntax
assert rfc3987_syntax.is_valid_syntax("iri", "https://example.org/")
"""


@pytest.mark.parametrize(
    "imported",
    [
        "import rmkit.study.processes.papermill_import\nassert 'papermill' in sys.modules",
        "from pathlib import Path\nfrom rmkit.report.notebook_page import whole_notebook\n"
        "whole_notebook(Path('notebooks/00_human_preferences.ipynb'))",
    ],
    ids=["papermill", "a page"],
)
def test_the_grammar_of_addresses_is_left_out_and_others_still_have_it(imported):
    code = GRAMMAR_LEFT_OUT % imported
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY)
    assert ended.returncode == 0, ended.stderr
