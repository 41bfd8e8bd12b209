"""The grammar world is frozen: every study's figures rest on it. To change it is to make another world."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rmkit.study.data import data_digest
from rmkit.worlds.grammar.acceptance import BOUNDS
from tests.checkout import checkout, environment
from tests.small_project import REPOSITORY

FROZEN = "bccbee6c315bca012601f8b8d66a9d3a77d114670b595e0fdd73dacf78ca8375"
FIGURES = Path(__file__).with_name("grammar_figures.csv")  # of three seeds, as they were when the world was frozen
TOLERANCE = {"surface": 0.06, "probe": 0.02, "spread": 0.03, "duplicates": 0.04, "fidelity": 0.03}


def test_the_grammar_is_the_frozen_one():
    assert data_digest(REPOSITORY / "data/grammar") == FROZEN


def test_the_stored_figures_keep_their_bounds():
    """For each task and policy, base and fine-tuned, and three seeds: the worst decides."""
    figures = pd.read_csv(FIGURES)
    assert len(figures.groupby(["task", "generator", "world_seed"])) == 12
    for name, bound in BOUNDS.items():
        values = figures.loc[figures["metric"] == name, "value"]
        assert len(values) == 12
        assert bound.kept_by(values.min() if bound.at_least else values.max()), name


@pytest.mark.slow
def test_the_figures_of_the_first_seed_come_out_again(tmp_path):
    """Tokenizer, models, demonstrations, sampling and scoring anew, at full size, held to the stored figures."""
    project = checkout(tmp_path / "project")
    command = [sys.executable, "-m", "rmkit.cli", "run", "params/grammar.yaml", "--set", "world_seed=0", "--no-report"]
    ended = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    tables = [pd.read_parquet(path) for path in (project / "runs/jobs").glob("02_sampling-*/rows.parquet")]
    rows = pd.concat(tables).rename(columns={"param_task": "task", "param_generator": "generator"})
    keys = ["task", "generator", "metric"]
    now = rows[rows["metric"].isin(BOUNDS)].set_index(keys)["value"].sort_index()
    stored = pd.read_csv(FIGURES).query("world_seed == 0").set_index(keys)["value"].sort_index()
    assert now.index.equals(stored.index)
    for name, tolerance in TOLERANCE.items():
        difference = (now - stored).xs(name, level="metric").abs().max()
        assert difference <= tolerance, f"{name} differs by {difference:.3f}"
        worst = now.xs(name, level="metric")
        assert BOUNDS[name].kept_by(worst.min() if BOUNDS[name].at_least else worst.max()), name
