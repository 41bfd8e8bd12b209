"""A checkout may lie at any path: nothing formats it, splits it, or takes it for an option or a pattern."""

import subprocess
import sys
from pathlib import Path

import pytest
from papermill.parameterize import parameterize_path

from rmkit.study.engines.worker import as_papermill_formats
from tests.small_project import SmallProject

ODD = [
    "b{x} y",
    "{0}{",
    "-dash",
    "a%s %d$HOME`id`;'q\"&#?",
    "ünï😀",
    "new\nline",
    "back\\slash",
    "[glob]*",
    "RTL\u202e",
]


@pytest.mark.parametrize("name", ODD)
def test_papermill_leaves_a_path_as_it_is(name):
    path = Path("/somewhere") / name / "notebook.ipynb"
    assert parameterize_path(as_papermill_formats(path), {"x": "another"}) == str(path)


@pytest.mark.slow
def test_a_study_runs_and_is_read_at_an_odd_path(tmp_path):
    """One path that has it all: jobs, report, gallery and a draft."""
    project = SmallProject.make(tmp_path / "-b{x} {0} %s" / "".join(ODD), seeds=(0,))
    for command in (["run", "small"], ["gallery", "small"], ["status", "small"], ["results", "01_sums", "small"]):
        ended = project.rmkit(*command)
        assert (ended.returncode, ended.stderr) == (0, ""), command
    assert (project.root / "runs/reports/small-notebooks/index.html").exists()
    code = "import rmkit; rmkit.open_job('01_sums', dict(study='small', seed=0, powers=[1.0, 2.0], sleep=0.0))"
    draft = [sys.executable, "-c", code]
    ended = subprocess.run(draft, cwd=project.root, env=project.environment(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert list((project.root / "runs/drafts").iterdir())
