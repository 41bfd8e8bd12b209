"""What `rmkit check` finds in a study before any job runs, beyond what the plan says."""

import shutil
from pathlib import Path

import pytest

from rmkit.errors import DataError
from rmkit.findings.rules import check_against_notebooks
from rmkit.study.planning.checks import said_in_notebooks
from rmkit.study.planning.project import Project

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("file", "said", "instead", "message"),
    [
        ("accuracy-predicts-best-of-32", "best_of_n: 32", "best_off_n: 32", "policy: 'best_off_n' is not one of"),
        ("d-optimal-beats-random", "strategy: d_optimal", "strategy: d_optimul", "first: strategy: 'd_optimul' is not"),
        ("d-optimal-beats-random", "05_active_labeling", "05_active_labelling", "stage: '05_active_labelling' is not"),
        ("more-annotations-help", "world: grammar", "wolrd: grammar", "where: 'wolrd' is not one of"),
        ("more-annotations-help", "world: grammar", "world: grammer", "where: world: 'grammer' is not one of"),
        (
            "clean-split-helps-bradley-terry",
            "mlp_bt published pair",
            "mlp_bt publisht pair",
            "first: arm: 'mlp_bt publisht pair' is not one of",
        ),
    ],
)
def test_a_misspelt_statement_of_the_shipped_ones_is_found_with_what_was_meant(tmp_path, file, said, instead, message):
    folder = shutil.copytree(ROOT / "docs/findings", tmp_path / "findings")
    declared, texts = said_in_notebooks(Project(ROOT))
    check_against_notebooks(folder, "findings", declared, texts)
    path = folder / f"{file}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(said, instead, 1), encoding="utf-8")
    with pytest.raises(DataError, match=f"^findings/{file}.yaml: {message}.*; did you mean"):
        check_against_notebooks(folder, "findings", declared, texts)
