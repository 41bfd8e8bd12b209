"""The grammar world is frozen: its data, the figures that it was accepted on, and that they come out again.

A change to data/grammar, or to what learns from it, changes the world that studies have been run in. Then it is a new
world: run params/grammar.yaml, store its figures here and say so in docs/log/grammar-world.md.
"""

import sys
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from rmkit.files.digests import data_digest
from rmkit.report.grammar_world import gains
from rmkit.worlds.grammar.acceptance import BOUNDS
from tests.checkout import checkout, execute
from tests.small_project import REPOSITORY

FROZEN = "3cb655be510612082ef637d0cdaed5aa77b12eba9879f178631e10a8a7f85191"
ACCEPTED = pd.read_csv(Path(__file__).with_name("grammar_figures.csv"), keep_default_na=False)
TOLERANCE = {"surface": 0.06, "probe": 0.02, "spread": 0.03, "duplicates": 0.04, "fidelity": 0.03, "gold_mean": 0.1}
POLICY = ["task", "generator", "world_seed"]


def test_the_grammar_is_the_one_that_was_accepted():
    assert data_digest(REPOSITORY / "data/grammar") == FROZEN


def test_every_policy_of_three_seeds_was_measured():
    wanted = product(["helpful", "harmless"], ["base", "sft"], [0, 1, 2], TOLERANCE)
    assert sorted(ACCEPTED[[*POLICY, "metric"]].itertuples(index=False, name=None)) == sorted(wanted)


@pytest.mark.parametrize("name", BOUNDS)
def test_the_worst_figure_keeps_its_bound(name):
    assert ACCEPTED.loc[ACCEPTED["metric"] == name, "value"].map(BOUNDS[name].kept_by).all()


def test_fine_tuning_raised_the_gold_reward():
    rows = ACCEPTED[ACCEPTED["metric"] == "gold_mean"].assign(scorer="rule", part="test", category="all")
    found = gains(rows)
    assert set(found) == {"helpful", "harmless"}
    assert all(gain.low > 0 for gain in found.values())


@pytest.mark.slow
def test_the_figures_of_one_seed_come_out_again(tmp_path):
    """The world of seed 0 from nothing, at full size. Tolerances: what another machine's rounding may change."""
    project = checkout(tmp_path / "project")
    command = [sys.executable, "-m", "rmkit.cli", "run", "params/grammar.yaml", "--set", "world_seed=0", "--no-report"]
    execute(command, project, project)
    rows = pd.concat(pd.read_parquet(path) for path in project.glob("runs/jobs/02_sampling-*/rows.parquet"))
    rows = rows.rename(columns={f"param_{name}": name for name in POLICY})
    rows = rows.query("scorer == 'rule' and part == 'test' and category == 'all'")
    both = ACCEPTED.merge(rows, on=[*POLICY, "metric"], suffixes=("", "_again"))
    assert len(both) == 4 * len(TOLERANCE)
    both["moved"] = (both["value_again"] - both["value"]).abs() / both["metric"].map(TOLERANCE)
    assert (both["moved"] <= 1).all(), both[both["moved"] > 1].to_string()
