"""A reader opens a notebook in JupyterLab and presses Run All: on a finished study, and where nothing has run."""

import pytest

from tests.browser.lab import NEEDS_BROWSER
from tests.small_project import REPOSITORY

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

NOTEBOOKS = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
# 00_grammar_world needs nothing, so that a full store makes no difference to it; 02_sampling is long, and below it goes
# on from a store that has all that it needs by then; 00_embedding_files needs files; test_browse.py has 08_browse,
# test_labelling.py 11_labelling, and test_designer.py 15_test_set_designer.
ELSEWHERE = (
    "00_grammar_world",
    "00_embedding_files",
    "02_sampling",
    "08_browse",
    "11_labelling",
    "15_test_set_designer",
)
ON_A_FULL_STORE = [name for name in NOTEBOOKS if name not in ELSEWHERE]
ON_AN_EMPTY_STORE = {
    "00_grammar_world": "",
    "02_sampling": "00_grammar_world",
    "06_accuracy_vs_policy": "02_sampling, 03_annotation_noise",
}


@pytest.mark.parametrize("name", ON_A_FULL_STORE)
def test_run_all_reaches_the_last_cell(opened, keep_picture, name):
    notebook = opened(f"full/notebooks/{name}.ipynb")
    notebook.run_all()
    keep_picture(notebook, name)
    assert not notebook.unexecuted()
    assert "building what" not in notebook.text()


@pytest.mark.parametrize(("name", "built"), ON_AN_EMPTY_STORE.items())
def test_run_all_on_an_empty_store_builds_what_it_needs_and_shows_a_bar(lab, opened, keep_picture, name, built):
    """In order: each finds what those before it have built."""
    jobs = lab.root / "empty/runs/jobs"
    before = set(jobs.glob("*"))
    notebook = opened(f"empty/notebooks/{name}.ipynb")
    notebook.run_all()
    keep_picture(notebook, name if not built else f"{name}-empty-store")
    assert not notebook.unexecuted()
    made = sorted(path.name.rpartition("-")[0] for path in set(jobs.glob("*")) - before)
    assert ", ".join(made) == built
    bar = f"building what {name} needs: "
    assert (bar in notebook.text(notebook.cell_that_says("rmkit.open_job"))) == bool(built)
