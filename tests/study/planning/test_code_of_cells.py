"""A cell that names what is nowhere is told by `rmkit check`, not after all that its job waits for."""

import pytest

from rmkit.study.planning.named_code import check_cells
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import load_study
from tests.small_project import REPOSITORY

LONG = "x" * 300  # longer than any file's name


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "rmkit.adding import power_sum",
            "rmkit.adding import powersum",
            "cell 4 imports powersum from rmkit.adding, which has no such name; did you mean 'power_sum'?",
        ),
        ("from rmkit.adding", "from rmkit.adder", "cell 4 imports rmkit.adder, and there is no such module"),
        ("from rmkit.adding", f"from rmkit.{LONG}", f"cell 4 imports rmkit.{LONG}, and there is no such module"),
        ("import pandas as pd", "import panda as pd", "cell 9 imports panda, which is not installed"),
        ("import time\\n\\n", "", "cell 6 uses 'time', which no cell imports or defines"),
        ("print(bars(sums))", "print(bars(total))", "cell 10 uses 'total', which no cell imports or defines"),
    ],
)
def test_a_name_that_no_cell_binds_and_an_import_of_nothing_are_told(small, old, new, fault):
    """Written by `json`, cells are one line each in the file: `\\n` there is a line's end here."""
    path = small.root / "notebooks/01_sums.ipynb"
    text = path.read_text(encoding="utf-8")
    for escaped in (old, old.replace("\\n\\n", '\\n",\n    "\\n",\n    "')):
        text = text.replace(escaped, new)
    assert text != path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    ended = small.rmkit("check", "small")
    assert (ended.returncode, ended.stderr) == (2, f"notebooks/01_sums.ipynb: {fault}\n")


def test_a_module_that_only_a_look_cell_imports_is_told_when_it_is_not_python(small):
    small.edit("rmkit/figures/bars.py", "return", "retur n")
    ended = small.rmkit("check", "small")
    assert ended.returncode == 2
    assert ended.stderr.startswith("rmkit/figures/bars.py, line 5: not Python (")
    assert len(ended.stderr.splitlines()) == 1


def test_names_of_ipython_and_of_classes_are_no_fault(small):
    small.edit(
        "notebooks/01_sums.ipynb", "print(bars(sums))", "class Wide:\\n    n = 3\\n    m = n\\n\\ndisplay(bars(sums))"
    )
    assert small.rmkit("check", "small").returncode == 0


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in REPOSITORY.glob("params/*.yaml") if path.stem != "from-embeddings")
)
def test_the_shipped_notebooks_are_sound(name):
    project = Project(REPOSITORY)
    check_cells(make_plan(project, load_study(REPOSITORY / f"params/{name}.yaml", name)), project)
