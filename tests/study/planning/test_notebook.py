"""What a notebook's cells may do: those that look, beside those that make results."""

from pathlib import Path

import pytest

from rmkit.errors import ParamsError
from rmkit.study.planning.notebook import Cell, Notebook, check_look_cells


def notebook(*cells):
    """A notebook of (source, tag) cells."""
    return Notebook(
        Path("n.ipynb"),
        "n.ipynb",
        tuple(Cell(i + 1, source, frozenset({tag})) for i, (source, tag) in enumerate(cells)),
    )


RESULT = ("from rmkit.active.candidates import Candidates\nimport numpy as np\nx = np.ones(3)", "")


@pytest.mark.parametrize(
    "look", ["from rmkit.active.candidates import Candidates\nprint(Candidates)", "import numpy as np\nprint(np)"]
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_look_cell_may_import_what_another_cell_imports_too(look, turned):
    cells = [RESULT, (look, "look")]
    check_look_cells(notebook(*(cells[::-1] if turned else cells)))


@pytest.mark.parametrize(
    ("look", "name"),
    [
        ("from rmkit.active.other import Candidates", "Candidates"),
        ("from rmkit.active.candidates import other as Candidates", "Candidates"),
        ("import pandas as np", "np"),
        ("import numpy as np\nnp = 1", "np"),
        ("import numpy as np\nfor np in range(3):\n    print(np)", "np"),
        ("import numpy as np\ndef np(): return 1", "np"),
        ("if True:\n    import numpy as np", "np"),
        ("x = 1", "x"),
    ],
)
def test_a_look_cell_may_bind_no_other_thing_under_a_name_of_other_cells(look, name):
    with pytest.raises(ParamsError, match=f"n.ipynb: cell 2 is tagged `look` but assigns '{name}'"):
        check_look_cells(notebook(RESULT, (look, "look")))


def test_what_only_a_look_cell_imports_no_other_may_read():
    cells = [("import numpy as np", "look"), ("x = np.ones(3)", "")]
    with pytest.raises(ParamsError, match="cell 2 reads 'np', which cell 1, tagged `look`, assigns"):
        check_look_cells(notebook(*cells))
