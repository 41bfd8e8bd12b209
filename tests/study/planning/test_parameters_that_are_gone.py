"""Planning ends in one line, or goes well, whichever parameter its notebook no longer declares."""

import shutil

import nbformat
import pytest

from rmkit.errors import RmkitError
from rmkit.study.planning.checks import check_data
from rmkit.study.planning.plan import make_plan, schema_of
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import load_study
from tests.small_project import REPOSITORY

STUDIES = ("tiny", "from-embeddings")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The files that planning reads, rmkit but for its tests among them."""
    root = tmp_path_factory.mktemp("gone") / "project"
    for name in ("notebooks", "params", "data", "docs/findings"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("downloads"))
    (root / "rmkit").symlink_to(REPOSITORY / "rmkit")
    return root


def planned(root, study):
    project = Project(root)
    study = load_study(root / f"params/{study}.yaml", f"params/{study}.yaml")
    study = type(study)(**{**vars(study), "stages": {stage: ({},) for stage in study.stages}, "parameters": {}})
    jobs = make_plan(project, study)
    check_data(project, study, jobs)
    assert sum(job.fits for job in jobs)


ONLY_LOOKS = ("08_browse", "11_labelling", "15_test_set_designer")  # no stage
STAGES = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb") if path.stem not in ONLY_LOOKS)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_every_parameter_of_a_notebook_may_be_taken_away(root, stage):
    path = root / f"notebooks/{stage}.ipynb"
    before = path.read_text(encoding="utf-8")
    for name in schema_of(Project(root), stage):
        notebook = nbformat.reads(before, as_version=4)
        for cell in notebook.cells:
            cell.source = cell.source.replace(f"\n{name}: ", f"\nmine_{name}: ")
            cell.source = f"mine_{cell.source}" if cell.source.startswith(f"{name}: ") else cell.source
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
        try:
            assert name not in schema_of(Project(root), stage)
            for study in STUDIES:
                planned(root, study)
        except RmkitError:  # one line; anything else is a traceback
            pass
        finally:
            path.write_text(before, encoding="utf-8")
