"""Notebook 15 from end to end on its defaults, where no study has run: its page, its figures, by hand as by the library."""

import json
import re
import sys

import pytest

from tests.checkout import checkout, execute


@pytest.mark.slow
def test_the_notebook_runs_from_end_to_end_on_its_defaults(tmp_path):
    """Parameters: study, scores_file, budget, unit, n, flip, discordant, n_worlds, seed."""
    own, out = checkout(tmp_path / "own"), tmp_path / "out.ipynb"
    notebook = str(own / "notebooks/15_test_set_designer.ipynb")
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", notebook, str(out)]
    execute([*command, "-p", "n_worlds", "2"], tmp_path / "elsewhere", own)
    cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    text = "".join("".join(output.get("text", "")) for output in outputs)
    for by_hand, library in re.findall(r"by hand +([\d,]+), library +([\d,]+)", text):
        assert int(by_hand.replace(",", "")) == pytest.approx(int(library.replace(",", "")), rel=0.003)
    for counted, library in re.findall(r"per \w+ ([\d.]+) \(library ([\d.]+)\)", text):
        assert float(counted) == pytest.approx(float(library), rel=0.05)
    for counted, told in re.findall(r"counted ([\d.]+), .* = ([\d.]+)", text):
        assert float(counted) == pytest.approx(float(told), abs=0.015)
    assert text.count("by hand") == 4
    assert text.count("(library") == 8
    assert text.count("counted") == 4
    assert "both: 45" in text
    bundles = [output["data"] for output in outputs if "data" in output]
    assert sum("image/png" in bundle for bundle in bundles) == 4
    widgets = [bundle for bundle in bundles if "application/vnd.jupyter.widget-view+json" in bundle]
    (page,) = [
        "".join(bundle["text/html"]) for bundle in widgets if "rmkit-said" in "".join(bundle.get("text/html", ""))
    ]
    assert "data:image/png;base64," in page
    assert "24 reward models on 300 prompts" in page
